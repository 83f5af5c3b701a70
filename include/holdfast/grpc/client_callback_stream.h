// SPDX-License-Identifier: Apache-2.0
// StreamAsync: guarded streams over gRPC's callback API.
//
//   CallHandle call = holdfast::grpc::StreamAsync(
//       pipeline, {.call = {.idempotent = true}}, watcher,
//       [this](::grpc::ClientContext& context, ::grpc::ClientReadReactor<Item>* wire) {
//         stub_->async()->Watch(&context, &request_, wire);
//       });
//
// `watcher` is a StreamReactor (stream_reactor.h). What may be made again says client_stream.h.
#ifndef HOLDFAST_GRPC_CLIENT_CALLBACK_STREAM_H_
#define HOLDFAST_GRPC_CLIENT_CALLBACK_STREAM_H_

#include <grpcpp/support/client_callback.h>
#include <holdfast/grpc/async_call.h>
#include <holdfast/grpc/stream_reactor.h>

#include <type_traits>
#include <utility>

namespace holdfast::inline v0_2::grpc {

namespace internal {

// gRPC's reactor for a kind of stream. It serves one attempt after the other: gRPC binds it to each.
template <class Request, class Response>
struct WireReactor {
  using Type = ::grpc::ClientBidiReactor<Request, Response>;
};
template <class Response>
struct WireReactor<void, Response> {
  using Type = ::grpc::ClientReadReactor<Response>;
};
template <class Request>
struct WireReactor<Request, void> {
  using Type = ::grpc::ClientWriteReactor<Request>;
};

template <class Request, class Response, class Open>
class CallbackStream final : public StreamCall<AsyncCall, Request, Response>,
                             private WireReactor<Request, Response>::Type {
  using Call = StreamCall<AsyncCall, Request, Response>;
  using Wire = typename WireReactor<Request, Response>::Type;

 public:
  template <class O>
  CallbackStream(StreamReactor<Request, Response>& reactor, const Pipeline& pipeline,
                 const ClientOptions& options, O&& open)
      : Call(reactor, pipeline, options), open_(std::forward<O>(open)) {}

 private:
  void StartAttempt(::grpc::ClientContext& context, Attempt&) override {
    this->BeginAttempt();
    open_(context, static_cast<Wire*>(this));
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

  // gRPC's reactions; those that a kind has not are never called.
  virtual void OnReadInitialMetadataDone(bool ok) { this->HeadersDone(ok); }
  virtual void OnReadDone(bool ok) { this->ReadDone(ok); }
  virtual void OnWriteDone(bool ok) { this->WriteDone(ok); }
  virtual void OnWritesDoneDone(bool ok) { this->WritesDoneDone(ok); }
  void OnDone(const ::grpc::Status& status) override { this->End(status); }

  Open open_;
};

}  // namespace internal

// Runs a stream under the pipeline: open(ClientContext&, gRPC's reactor*) hands both to the stub's method, once
// for each attempt, and must not throw; everything else is the reactor's. OnDone never comes within this
// function. Threads: gRPC's, the timers', this one. Errors: as Unary (client.h), by OnDone.
template <class Request, class Response, class Open>
CallHandle StreamAsync(const Pipeline& pipeline, const ClientOptions& options,
                       StreamReactor<Request, Response>& reactor, Open&& open) {
  using Running = internal::CallbackStream<Request, Response, std::decay_t<Open>>;
  auto* const running = new Running(reactor, pipeline, options, std::forward<Open>(open));
  return running->Run();
}

}  // namespace holdfast::inline v0_2::grpc

#endif  // HOLDFAST_GRPC_CLIENT_CALLBACK_STREAM_H_
