// SPDX-License-Identifier: Apache-2.0
// Steps of a hedged call, and what they order. Invariants: hedged_call.h.
#include <holdfast/clock.h>
#include <holdfast/grpc/hedged_call.h>
#include <holdfast/grpc/status.h>
#include <holdfast/grpc/timers.h>

#include <algorithm>
#include <utility>

namespace holdfast::inline v0_5::grpc::internal {

HedgedCall::HedgedCall(const HedgePolicy& policy, const Pipeline& pipeline,
                       const ClientOptions& options)
    : policy_(policy),
      pipeline_(pipeline),
      options_(options),
      factory_(options_.get()),
      timers_(options.timers != nullptr ? *options.timers : ProcessTimers()),
      clock_(options.call.clock != nullptr ? *options.call.clock : Clock::Steady()) {}

hf_time HedgedCall::Deadline(hf_time now) const {
  const CallOptions& call = factory_.call();
  if (call.timeout.count() == 0) return call.deadline;
  const hf_time end = std::max<hf_time>(1, AddTime(now, call.timeout));
  return call.deadline == 0 ? end : std::min(end, call.deadline);
}

void HedgedCall::Begin() {
  const std::stop_token& stop = factory_.call().stop;
  if (stop.stop_possible()) on_stop_.emplace(stop, Canceller{this});
  Orders orders;
  {
    const std::lock_guard lock(mutex_);
    const hf_time now = clock_.Now();
    if (factory_.ready().ok()) {
      session_.emplace(policy_, pipeline_,
                       HedgeCallOptions{.deadline = Deadline(now),
                                        .idempotent = factory_.call().idempotent,
                                        .facts = factory_.call().facts},
                       now);
      orders = Follow(now);
    } else {
      orders.deliver = true;
    }
  }
  CarryOut(orders);
  if (stop.stop_requested()) Cancel();  // perhaps before there was anything to cancel
  const std::lock_guard lock(mutex_);
  begun_ = true;
}

// With the mutex held, after a step.
HedgedCall::Orders HedgedCall::Follow(hf_time now) {
  Orders orders;
  while (true) {
    const hf_hedge_action& next = session_->next();
    events_ |= next.events;
    for (std::size_t i = 0; i < kMostLanes; ++i) {
      if ((next.cancel >> i & 1) == 0 || lanes_[i] == nullptr) continue;
      lanes_[i]->cancelled = true;
      if (lanes_[i]->in_flight) orders.cancel.push_back(lanes_[i].get());
    }
    if (next.kind != HF_DO_ATTEMPT) break;
    std::unique_ptr<Lane>& lane = lanes_[next.attempt - 1];
    lane = MakeLane();
    lane->number = next.attempt;
    Order(*lane, next.until);
    orders.start.push_back(lane.get());
    (void)session_->OnTime(now);
  }
  if (session_->IsOver()) {
    orders.deliver = true;
  } else {
    Arm(session_->next().until == 0 ? HF_INFINITE : session_->next().until);
  }
  return orders;
}

void HedgedCall::Order(Lane& lane, hf_time until) {
  hf_action action{};
  action.kind = HF_DO_ATTEMPT;
  action.attempt = lane.number;
  action.until = until;
  action.retries = kRetriesNotTold;
  lane.attempt.emplace(action, clock_, factory_.call().stop);
  Ref();
}

// With the mutex held. An alarm that is set has a reference; one that is taken back hands it on, one that is
// ringing by now keeps it.
void HedgedCall::Arm(hf_time at) {
  if (!timers_.Cancel(*this)) Ref();
  timers_.Set(*this, at);
}

void HedgedCall::CarryOut(const Orders& orders) {
  for (Lane* const lane : orders.cancel) lane->context->TryCancel();
  for (Lane* const lane : orders.start) Launch(*lane);
  if (orders.deliver) Tell();
}

void HedgedCall::Launch(Lane& lane) {
  lane.context.emplace();
  const absl::Status ready = factory_.Prepare(*lane.attempt, *lane.context);
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled = lane.cancelled;
    lane.in_flight = !cancelled;
    if (!cancelled && ready.ok()) ++starting_;
  }
  if (cancelled) return Unref();
  if (!ready.ok()) {
    lane.attempt->set_outcome(NeverSent(ready));
    return End(lane, FromAbsl(ready));
  }
  Ref();  // its end may come within, and be the last
  {
    const ScopedContext attached(factory_.context());
    StartLane(lane);
  }
  {
    const std::lock_guard lock(mutex_);
    // Not here: this may be the caller's own stack.
    if (--starting_ == 0 && std::exchange(owes_, false)) Arm(0);
  }
  Unref();
}

void HedgedCall::End(Lane& lane, ::grpc::Status status) {
  Orders orders;
  {
    const std::lock_guard lock(mutex_);
    lane.in_flight = false;
    if (!session_->IsOver()) {
      lane.status = std::move(status);
      const hf_outcome outcome = lane.attempt->outcome()
                                     ? *lane.attempt->outcome()
                                     : factory_.Read(lane.status, *lane.context);
      const hf_time now = clock_.Now();
      // One that was cancelled reports to nobody, and one that reports twice is a defect of its starter.
      if (session_->OnOutcome(lane.number, outcome, now).ok()) orders = Follow(now);
    }
  }
  CarryOut(orders);
  Unref();
}

void HedgedCall::OnTime() {
  Orders orders;
  {
    const std::lock_guard lock(mutex_);
    if (session_ && !session_->IsOver()) {
      const hf_time now = clock_.Now();
      if (session_->OnTime(now).ok()) orders = Follow(now);
    } else {
      orders.deliver = true;
      begun_ = true;  // this is another stack
    }
  }
  CarryOut(orders);
  Unref();
}

void HedgedCall::Cancel() {
  Orders orders;
  {
    const std::lock_guard lock(mutex_);
    if (!session_ || session_->IsOver()) return;
    session_->Abort(clock_.Now());
    for (const auto& lane : lanes_) {
      if (lane == nullptr) continue;
      lane->cancelled = true;
      if (lane->in_flight) orders.cancel.push_back(lane.get());
    }
    // Not here: the canceller may hold locks that its own answer takes.
    Arm(0);
  }
  CarryOut(orders);
}

void HedgedCall::Tell() {
  {
    const std::lock_guard lock(mutex_);
    if (told_) return;
    if (!begun_) return Arm(0);
    owes_ = starting_ > 0;
    if (owes_) return;
    told_ = true;
    if (timers_.Cancel(*this)) Unref();  // never the last one: whoever is here holds another
  }
  on_stop_.reset();
  ::grpc::Status status = factory_.ready();
  Lane* winner = nullptr;
  if (status.ok()) {
    const hf_hedge_action& last = session_->next();
    winner = last.attempt == 0 ? nullptr : lanes_[last.attempt - 1].get();
    status = winner != nullptr ? std::move(winner->status) : FromAbsl(session_->Status());
    Report();
  }
  const ScopedContext attached(factory_.context());
  Deliver(std::move(status), winner);
  Unref();  // the call's own
}

void HedgedCall::Report() const {
  const CallOptions& call = factory_.call();
  if (call.report == nullptr) return;
  const hf_hedge_action& last = session_->next();
  *call.report = CallReport{.code = static_cast<absl::StatusCode>(last.code),
                            .reason = last.reason,
                            .retry_after = Duration{last.retry_after},
                            .attempts = last.attempts,
                            .events = events_};
}

}  // namespace holdfast::inline v0_5::grpc::internal
