// SPDX-License-Identifier: Apache-2.0
// Stream: one guarded stream over gRPC, in this thread, of each of the three kinds.
//
//   ::grpc::Status status = holdfast::grpc::Stream(
//       pipeline, {.call = {.idempotent = true}},
//       [&](::grpc::ClientContext& context) { return stub->Watch(&context, request); },
//       [&](auto& stream) {
//         Item item;
//         while (stream.Read(&item)) Take(item);
//       });
//
// Each attempt opens a stream with a context of its own and runs the body on it. A permit and the attempt's
// timeout last until the stream ends, so give streams that stay open neither a timeout nor a small bulkhead.
//
//   the attempt failed                                       and is made again
//   without headers, nothing sent by the body                as its outcome and your options say (client.h)
//   without headers, after the body had sent something       the same, if options.resend: the body makes the
//                                                            same messages when it runs again
//   after the server's headers, or any message               never, see context_factory.h
#ifndef HOLDFAST_GRPC_CLIENT_STREAM_H_
#define HOLDFAST_GRPC_CLIENT_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>
#include <holdfast/call.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/client_options.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/grpc/status.h>
#include <holdfast/grpc/stream_attempt.h>
#include <holdfast/pipeline.h>

#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

// What a body sees of a server-streaming call. Not thread-safe, as gRPC's own.
template <class Response>
class StreamReader {
 public:
  StreamReader(::grpc::ClientReaderInterface<Response>& stream, internal::StreamAttempt& attempt)
      : stream_(stream), attempt_(attempt) {}

  // False: there are no more, and the status is on its way.
  bool Read(Response* message) {
    at_end_ = !stream_.Read(message);
    if (!at_end_) attempt_.OnMessage();
    return !at_end_;
  }

  bool HasEnough() const { return !at_end_; }
  void Close() {}

 private:
  ::grpc::ClientReaderInterface<Response>& stream_;
  internal::StreamAttempt& attempt_;
  bool at_end_ = false;
};

// Of a client-streaming call.
template <class Request>
class StreamWriter {
 public:
  StreamWriter(::grpc::ClientWriterInterface<Request>& stream, internal::StreamAttempt& attempt)
      : stream_(stream), attempt_(attempt) {}

  // False: the stream is broken, or the server has answered already. Leave the body.
  bool Write(const Request& message, ::grpc::WriteOptions options = {}) {
    attempt_.OnSent();
    closed_ = closed_ || options.is_last_message();
    return stream_.Write(message, options);
  }
  // No more follow. Done for you at the end of the body.
  bool WritesDone() { return std::exchange(closed_, true) || stream_.WritesDone(); }

  bool HasEnough() const { return false; }
  void Close() { WritesDone(); }

 private:
  ::grpc::ClientWriterInterface<Request>& stream_;
  internal::StreamAttempt& attempt_;
  bool closed_ = false;
};

// Of a bidirectional one. One thread may read while another one writes.
template <class Request, class Response>
class StreamReaderWriter {
 public:
  StreamReaderWriter(::grpc::ClientReaderWriterInterface<Request, Response>& stream,
                     internal::StreamAttempt& attempt)
      : stream_(stream), attempt_(attempt) {}

  bool Read(Response* message) {
    has_read_ = true;
    at_end_ = !stream_.Read(message);
    if (!at_end_) attempt_.OnMessage();
    return !at_end_;
  }
  bool Write(const Request& message, ::grpc::WriteOptions options = {}) {
    attempt_.OnSent();
    closed_ = closed_ || options.is_last_message();
    return stream_.Write(message, options);
  }
  bool WritesDone() { return std::exchange(closed_, true) || stream_.WritesDone(); }

  bool HasEnough() const { return has_read_ && !at_end_; }
  // Who never read is not interested in the answers, but in what was sent.
  void Close() {
    WritesDone();
    for (Response unread; !at_end_;) at_end_ = !stream_.Read(&unread);
  }

 private:
  ::grpc::ClientReaderWriterInterface<Request, Response>& stream_;
  internal::StreamAttempt& attempt_;
  bool has_read_ = false;
  bool at_end_ = false;
  bool closed_ = false;
};

namespace internal {

template <class R>
StreamReader<R> Wrapped(::grpc::ClientReaderInterface<R>& stream, StreamAttempt& attempt) {
  return {stream, attempt};
}
template <class W>
StreamWriter<W> Wrapped(::grpc::ClientWriterInterface<W>& stream, StreamAttempt& attempt) {
  return {stream, attempt};
}
template <class W, class R>
StreamReaderWriter<W, R> Wrapped(::grpc::ClientReaderWriterInterface<W, R>& stream,
                                 StreamAttempt& attempt) {
  return {stream, attempt};
}

template <class Body, class Wrapper>
::grpc::Status RunBody(Body& body, Wrapper& stream) {
  if constexpr (std::is_void_v<std::invoke_result_t<Body&, Wrapper&>>) {
    body(stream);
    return ::grpc::Status::OK;
  } else {
    return body(stream);
  }
}

template <class Open, class Body>
::grpc::Status RunStream(::grpc::ClientContext& context, Attempt& attempt, StreamAttempt& state,
                         Open& open, Body& body) {
  const auto stream = open(context);
  auto wrapper = Wrapped(*stream, state);
  const ::grpc::Status own = RunBody(body, wrapper);
  const bool enough = own.ok() && wrapper.HasEnough();
  if (!own.ok() || enough) {
    context.TryCancel();
  } else {
    wrapper.Close();
  }
  const ::grpc::Status status = stream->Finish();
  if (!own.ok()) {
    hf_outcome outcome = OutcomeOf(own);
    outcome.verdict = HF_VERDICT_IGNORED;  // the caller's word, not the server's
    attempt.set_outcome(outcome);
    return own;
  }
  return enough && status.error_code() == ::grpc::StatusCode::CANCELLED ? ::grpc::Status::OK
                                                                        : status;
}

}  // namespace internal

// Runs open(ClientContext&), which returns what the stub's method does, and body(stream&) under the pipeline;
// see the top. Blocks. A body that leaves before the last message was read has enough: the stream is
// cancelled, and the status is OK, unless the server had failed before. A bidirectional one whose body read
// nothing at all is closed and waited for. A body may return a ::grpc::Status: one
// that is not OK cancels the stream and is the result, and no attempt follows. What it throws passes through.
// Errors: as Unary (client.h).
template <class Open, class Body>
::grpc::Status Stream(const Pipeline& pipeline, const ClientOptions& options, Open&& open,
                      Body&& body) {
  const ContextFactory factory(options);
  if (!factory.ready().ok()) return factory.ready();
  return Call(pipeline, factory.call(), [&](Attempt& attempt) -> ::grpc::Status {
    internal::StreamAttempt state;
    const auto run = [&](::grpc::ClientContext& context) {
      const ::grpc::Status status = internal::RunStream(context, attempt, state, open, body);
      if (!attempt.outcome()) {
        attempt.set_outcome(state.Judge(factory.Read(status, context), options.resend));
      }
      return status;
    };
    return internal::MakeAttempt(factory, attempt, run);
  });
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_STREAM_H_
