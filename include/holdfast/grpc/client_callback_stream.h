// SPDX-License-Identifier: Apache-2.0
// StreamAsync: guarded streams over gRPC's callback API.
//
//   CallHandle call = holdfast::grpc::StreamAsync(
//       pipeline, {.call = {.idempotent = true}}, watcher,
//       [this](::grpc::ClientContext& context, ::grpc::ClientReadReactor<Item>* wire) {
//         stub_->async()->Watch(&context, &request_, wire);
//       });
//
// `watcher` is a ClientStreamReactor (client_stream_reactor.h). What may be made again says client_stream.h.
#ifndef HOLDFAST_GRPC_CLIENT_CALLBACK_STREAM_H_
#define HOLDFAST_GRPC_CLIENT_CALLBACK_STREAM_H_

#include <grpcpp/support/client_callback.h>
#include <holdfast/grpc/async_call.h>
#include <holdfast/grpc/client_stream_reactor.h>

#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

// gRPC's reactor for a kind of stream, whose reactions are told to `Stream`. It serves one attempt after the
// other: gRPC binds it to each.
template <class Stream, class Request, class Response>
class WireReactor : public ::grpc::ClientBidiReactor<Request, Response> {
  Stream& stream() { return static_cast<Stream&>(*this); }
  void OnReadInitialMetadataDone(bool ok) final { stream().HeadersDone(ok); }
  void OnReadDone(bool ok) final { stream().ReadDone(ok); }
  void OnWriteDone(bool ok) final { stream().WriteDone(ok); }
  void OnWritesDoneDone(bool ok) final { stream().WritesDoneDone(ok); }
  void OnDone(const ::grpc::Status& status) final { stream().End(status); }
};

template <class Stream, class Response>
class WireReactor<Stream, void, Response> : public ::grpc::ClientReadReactor<Response> {
  Stream& stream() { return static_cast<Stream&>(*this); }
  void OnReadInitialMetadataDone(bool ok) final { stream().HeadersDone(ok); }
  void OnReadDone(bool ok) final { stream().ReadDone(ok); }
  void OnDone(const ::grpc::Status& status) final { stream().End(status); }
};

template <class Stream, class Request>
class WireReactor<Stream, Request, void> : public ::grpc::ClientWriteReactor<Request> {
  Stream& stream() { return static_cast<Stream&>(*this); }
  void OnReadInitialMetadataDone(bool ok) final { stream().HeadersDone(ok); }
  void OnWriteDone(bool ok) final { stream().WriteDone(ok); }
  void OnWritesDoneDone(bool ok) final { stream().WritesDoneDone(ok); }
  void OnDone(const ::grpc::Status& status) final { stream().End(status); }
};

template <class Request, class Response, class Open>
class CallbackStream final
    : public StreamCall<AsyncCall, Request, Response>,
      private WireReactor<CallbackStream<Request, Response, Open>, Request, Response> {
  using Call = StreamCall<AsyncCall, Request, Response>;
  using Wire = WireReactor<CallbackStream, Request, Response>;
  friend Wire;

 public:
  template <class O>
  CallbackStream(ClientStreamReactor<Request, Response>& reactor, const Pipeline& pipeline,
                 const ClientOptions& options, O&& open)
      : Call(reactor, pipeline, options), open_(std::forward<O>(open)) {}

 private:
  // gRPC's type, which the stub's method takes.
  template <class W, class R>
  static auto* Plain(::grpc::ClientBidiReactor<W, R>* wire) {
    return wire;
  }
  template <class R>
  static auto* Plain(::grpc::ClientReadReactor<R>* wire) {
    return wire;
  }
  template <class W>
  static auto* Plain(::grpc::ClientWriteReactor<W>* wire) {
    return wire;
  }

  void StartAttempt(::grpc::ClientContext& context, Attempt&) override {
    this->BeginAttempt();
    open_(context, Plain(static_cast<Wire*>(this)));
    this->Attempted();
    Wire::StartCall();
  }

  void Read(Response* message) override {
    if constexpr (!std::is_void_v<Response>) Wire::StartRead(message);
  }
  void Write(const Request* message, ::grpc::WriteOptions options) override {
    this->Sent();
    if constexpr (!std::is_void_v<Request>) Wire::StartWrite(message, options);
  }
  void WritesDone() override {
    if constexpr (!std::is_void_v<Request>) Wire::StartWritesDone();
  }

  Open open_;
};

}  // namespace internal

// Runs a stream under the pipeline: open(ClientContext&, gRPC's reactor*) hands both to the stub's method, once
// for each attempt, and must not throw; everything else is the reactor's. OnDone never comes within this
// function. Threads: gRPC's, the timers', this one. Errors: as Unary (client.h), by OnDone.
template <class Request, class Response, class Open>
CallHandle StreamAsync(const Pipeline& pipeline, const ClientOptions& options,
                       ClientStreamReactor<Request, Response>& reactor, Open&& open) {
  using Running = internal::CallbackStream<Request, Response, std::decay_t<Open>>;
  auto* const running = new Running(reactor, pipeline, options, std::forward<Open>(open));
  return running->Run();
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_CALLBACK_STREAM_H_
