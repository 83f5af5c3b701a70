// SPDX-License-Identifier: Apache-2.0
// HedgedCall: a call with several attempts in flight, over the callback API. For client_hedge.h only.
//
//   event                          what a step of the session may order
//   begun, an end, time            start attempt n; cancel attempts; wait until; deliver the result of n
//   Cancel                         cancel all; deliver CANCELLED
//
// Invariants: steps of the session happen under the mutex, orders are carried out without it. An attempt that is
// cancelled before it was started is not started. After the result is ordered no end of an attempt is read any
// more: options of the caller may be gone. The result is told when no attempt is being started any more. The object lives while an attempt is in flight, an alarm is set, or a
// handle is there; each holds one reference.
#ifndef HOLDFAST_GRPC_HEDGED_CALL_H_
#define HOLDFAST_GRPC_HEDGED_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <holdfast/attempt.h>
#include <holdfast/grpc/async_call.h>
#include <holdfast/grpc/client_options.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/hedge.h>
#include <holdfast/pipeline.h>
#include <holdfast/timers.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

namespace holdfast::inline v0_5::grpc::internal {

class HedgedCall : public Cancellable, private Alarm {
 public:
  void Cancel() final;

 protected:
  // One attempt. Stays until the call is gone, so that it may be cancelled at any time.
  struct Lane {
    virtual ~Lane() = default;
    std::uint32_t number = 0;
    bool cancelled = false;  // guarded by the mutex
    bool in_flight = false;  // likewise
    std::optional<::grpc::ClientContext> context;
    std::optional<Attempt> attempt;
    ::grpc::Status status;
  };

  HedgedCall(const HedgePolicy& policy, const Pipeline& pipeline, const ClientOptions& options);

  void Begin();
  // The attempt has ended: once for each StartLane, from any thread, also within it.
  void End(Lane& lane, ::grpc::Status status);

 private:
  static constexpr std::size_t kMostLanes = 8;

  // What one step of the session wants done.
  struct Orders {
    std::vector<Lane*> start;
    std::vector<Lane*> cancel;
    bool deliver = false;
  };
  struct Canceller {
    HedgedCall* call;
    void operator()() const { call->Cancel(); }
  };

  virtual std::unique_ptr<Lane> MakeLane() = 0;
  virtual void StartLane(Lane& lane) = 0;
  // `winner` is null where no attempt's own result is the call's.
  virtual void Deliver(::grpc::Status status, Lane* winner) = 0;

  void OnTime() final;
  hf_time Deadline(hf_time now) const;
  Orders Follow(hf_time now);
  void Order(Lane& lane, hf_time until);
  void Arm(hf_time at);
  void CarryOut(const Orders& orders);
  void Launch(Lane& lane);
  void Tell();
  void Report() const;

  const HedgePolicy policy_;
  const Pipeline pipeline_;
  const KeptOptions options_;
  const ContextFactory factory_;
  Timers& timers_;
  Clock& clock_;
  std::optional<std::stop_callback<Canceller>> on_stop_;

  std::mutex mutex_;
  std::optional<HedgeCall> session_;
  std::array<std::unique_ptr<Lane>, kMostLanes> lanes_;
  hf_events events_ = 0;
  bool begun_ = false;  // Begin has returned
  bool told_ = false;
  bool owes_ = false;           // the result, to be told when nothing is being started any more
  std::uint32_t starting_ = 0;  // attempts that are inside StartLane: the caller's code runs there
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_HEDGED_CALL_H_
