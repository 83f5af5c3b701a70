// SPDX-License-Identifier: Apache-2.0
// UnaryAsync: one guarded call over gRPC's callback API.
//
//   CallHandle call = holdfast::grpc::UnaryAsync(
//       pipeline, {.call = {.timeout = 800ms}, .idempotency_key = order.id()},
//       [this](::grpc::ClientContext& context, Attempt&, auto done) {
//         stub_->async()->Charge(&context, &request_, &reply_, std::move(done));
//       },
//       [this](::grpc::Status status) { ... });
//
// Everything that Unary (client.h) says of attempts, statuses and errors holds. No thread waits: `start` begins
// an attempt and returns, gRPC's threads bring its end, and pauses are slept in `options.timers`.
#ifndef HOLDFAST_GRPC_CLIENT_CALLBACK_H_
#define HOLDFAST_GRPC_CLIENT_CALLBACK_H_

#include <holdfast/grpc/async_call.h>

#include <functional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

template <class Start, class Done>
class AsyncUnaryCall final : public AsyncCall {
 public:
  template <class S, class D>
  AsyncUnaryCall(const Pipeline& pipeline, const ClientOptions& options, S&& start, D&& done)
      : AsyncCall(pipeline, options),
        start_(std::forward<S>(start)),
        done_(std::forward<D>(done)) {}

  CallHandle Run() {
    CallHandle handle(this);
    Begin();
    return handle;
  }

 private:
  void StartAttempt(::grpc::ClientContext& context, Attempt& attempt) override {
    // One pointer: std::function keeps it in place.
    start_(context, attempt, std::function<void(::grpc::Status)>([this](::grpc::Status status) {
             End(std::move(status));
           }));
  }
  void Deliver(::grpc::Status status) override { done_(std::move(status)); }
  bool GivesCannedResults() const override { return true; }

  Start start_;
  Done done_;
};

}  // namespace internal

// Runs start(ClientContext&, Attempt&, std::function<void(::grpc::Status)>) until the pipeline is content or
// gives up, then done(::grpc::Status): once, never within this function. `start` may run several times; it
// begins an RPC with the context and passes the function on, which is to be called once, at the end of the
// attempt. It may be called at once, and must be for a canned result (Attempt::fault). Both run in this
// thread, gRPC's or the timers', under the call's context, must not block and must not throw.
// Request and reply must live until `done`; a reply holds nothing of value unless the status is OK. Errors: as
// Unary; CANCELLED HF_R_ABORTED: cancelled before any attempt. One allocation (metadata's own apart).
template <class Start, class Done>
CallHandle UnaryAsync(const Pipeline& pipeline, const ClientOptions& options, Start&& start,
                      Done&& done) {
  using Running = internal::AsyncUnaryCall<std::decay_t<Start>, std::decay_t<Done>>;
  auto* const running =
      new Running(pipeline, options, std::forward<Start>(start), std::forward<Done>(done));
  return running->Run();
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_CALLBACK_H_
