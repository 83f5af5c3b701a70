// SPDX-License-Identifier: Apache-2.0
// HedgedUnary: one guarded call that sends a second request where the first takes unusually long, and takes the
// first success. The losers are cancelled.
//
//   CallHandle call = holdfast::grpc::HedgedUnary<Reply>(
//       policy, pipeline, {.call = {.timeout = 200ms, .idempotent = true}},
//       [this](::grpc::ClientContext& context, Attempt&, Reply* reply, auto done) {
//         stub_->async()->Get(&context, &request_, reply, std::move(done));
//       },
//       [](::grpc::Status status, Reply reply) { ... });
//
// When a hedge is sent, and who pays, says hedge.h; what is sent with each attempt, context_factory.h. A call that
// is not declared idempotent, by word or by key, makes one attempt.
#ifndef HOLDFAST_GRPC_CLIENT_HEDGE_H_
#define HOLDFAST_GRPC_CLIENT_HEDGE_H_

#include <holdfast/clock.h>
#include <holdfast/grpc/hedged_call.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

template <class Reply, class Start, class Done>
class HedgedUnaryCall final : public HedgedCall {
 public:
  template <class S, class D>
  HedgedUnaryCall(const HedgePolicy& policy, const Pipeline& pipeline, const ClientOptions& options,
                  S&& start, D&& done)
      : HedgedCall(policy, pipeline, options),
        start_(std::forward<S>(start)),
        done_(std::forward<D>(done)) {}

  CallHandle Run() {
    CallHandle handle(this);
    Begin();
    return handle;
  }

 private:
  struct ReplyLane final : Lane {
    Reply reply;
    HedgedUnaryCall* call = nullptr;
  };

  std::unique_ptr<Lane> MakeLane() override {
    auto lane = std::make_unique<ReplyLane>();
    lane->call = this;
    return lane;
  }
  void StartLane(Lane& lane) override {
    auto* const own = static_cast<ReplyLane*>(&lane);
    // One pointer: std::function keeps it in place.
    start_(*lane.context, *lane.attempt, &own->reply,
           std::function<void(::grpc::Status)>(
               [own](::grpc::Status status) { own->call->End(*own, std::move(status)); }));
  }
  void Deliver(::grpc::Status status, Lane* winner) override {
    if (winner == nullptr) return done_(std::move(status), Reply());
    done_(std::move(status), std::move(static_cast<ReplyLane*>(winner)->reply));
  }

  Start start_;
  Done done_;
};

}  // namespace internal

// Runs start(ClientContext&, Attempt&, Reply*, std::function<void(::grpc::Status)>) for each attempt, then
// done(::grpc::Status, Reply) with the winner's: once, never within this function. See UnaryAsync for what both
// may do; `start` may run in two threads at once. Losers may still be in flight then, but ask nothing of the caller
// any more: the request must live until `done`. An empty policy: the pipeline's. Errors: the attempts' own, the
// guards' refusals and HF_R_BAD_OPTIONS as c/hedge.h has them, those of UnaryAsync for metadata and cancellation.
template <class Reply, class Start, class Done>
CallHandle HedgedUnary(const HedgePolicy& policy, const Pipeline& pipeline,
                       const ClientOptions& options, Start&& start, Done&& done) {
  using Running = internal::HedgedUnaryCall<Reply, std::decay_t<Start>, std::decay_t<Done>>;
  auto* const running =
      new Running(policy, pipeline, options, std::forward<Start>(start), std::forward<Done>(done));
  return running->Run();
}

// The same, blocking: the winner's reply goes to *reply, if the status is OK. Not in a thread of gRPC's or of
// the timers, which the attempts need.
template <class Reply, class Start>
::grpc::Status AwaitHedgedUnary(const HedgePolicy& policy, const Pipeline& pipeline,
                                const ClientOptions& options, Reply* reply, Start&& start) {
  Wakeup ended;
  ::grpc::Status result;
  HedgedUnary<Reply>(policy, pipeline, options, std::forward<Start>(start),
                     [&](::grpc::Status status, Reply winners) {
                       if (status.ok()) *reply = std::move(winners);
                       result = std::move(status);
                       ended.Wake();
                     });
  Clock::Steady().WaitUntil(HF_INFINITE, ended);
  return result;
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_HEDGE_H_
