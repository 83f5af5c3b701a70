// SPDX-License-Identifier: Apache-2.0
// The blocking driver's half that does not depend on the function: the session, and what it waits with.
// For Call (call.h) only.
#ifndef HOLDFAST_CALL_SESSION_H_
#define HOLDFAST_CALL_SESSION_H_

#include <holdfast/attempt.h>
#include <holdfast/c/call.h>
#include <holdfast/call_options.h>
#include <holdfast/clock.h>
#include <holdfast/entropy.h>
#include <holdfast/pipeline.h>
#include <holdfast/status.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stop_token>

namespace holdfast::inline v0_2::internal {

// One call. Decides nothing: it does what hf_call_* says.
class BlockingCall {
 public:
  BlockingCall(const Pipeline& pipeline, const CallOptions& options, bool idempotent)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
        seed_(options.seed != 0 ? options.seed : CallSeed()) {
    const hf_time now = clock_.Now();
    hf_call_options raw = HF_INIT(hf_call_options);
    raw.seed = seed_;
    raw.deadline = Deadline(now);
    raw.waker = hf_waker{&BlockingCall::OnWake, this};
    raw.flags = HF_CALL_BORROWED | HF_CALL_CURRENT_CONTEXT |
                (options.idempotent || idempotent ? HF_CALL_IDEMPOTENT : 0);
    raw.context = options.context;
    raw.request = options.request;
    raw.cost = options.cost;
    if (options.facts != nullptr) {
      facts_ = ToFacts(*options.facts);
      raw.facts = &facts_;
    }
    Note(hf_call_start(&call_, pipeline.raw(), &raw, now, &action_));
  }
  ~BlockingCall() {
    // However the function ends: a finished session is left alone.
    if (action_.kind != HF_DO_FINISH) hf_call_abort(&call_, clock_.Now());
  }
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;

  // The next attempt is due (true), or the call is over. Sleeps and waits in between.
  bool AwaitAttempt() {
    while (action_.kind == HF_DO_SLEEP || action_.kind == HF_DO_WAIT) Pause();
    if (action_.kind == HF_DO_ATTEMPT && options_.stop.stop_requested()) GiveUp();
    return action_.kind == HF_DO_ATTEMPT;
  }

  void Settle(const hf_outcome& outcome) {
    made_ = action_.attempt;
    last_code_ = outcome.code;
    Note(hf_call_resume(&call_, &outcome, clock_.Now(), &action_));
  }

  Attempt MakeAttempt() const { return Attempt(action_, clock_, options_.stop); }

  Rejection Finish() const {
    const Rejection why{.code = static_cast<absl::StatusCode>(action_.code),
                        .reason = action_.reason,
                        .retry_after = Duration{action_.retry_after}};
    if (options_.report != nullptr) {
      *options_.report = CallReport{.code = why.code,
                                    .reason = why.reason,
                                    .retry_after = why.retry_after,
                                    .attempts = action_.attempt,
                                    .retries = action_.retries,
                                    .events = events_,
                                    .seed = seed_};
    }
    return why;
  }

 private:
  hf_time Deadline(hf_time now) const {
    if (options_.timeout.count() == 0) return options_.deadline;
    const hf_time end = std::max<hf_time>(1, AddTime(now, options_.timeout));
    return options_.deadline == 0 ? end : std::min(end, options_.deadline);
  }

  // An exception of the clock ends the call while there still is something to wake.
  struct Pausing {
    BlockingCall& call;
    bool broken_off = true;
    ~Pausing() {
      if (broken_off) hf_call_abort(&call.call_, call.clock_.Now());
    }
  };

  // Most calls never wait, so what they would wait with is made only here. It must outlive the step
  // that ends the wait: until then a wake-up may be under way, which that step waits for.
  void Pause() {
    Wakeup wakeup;
    Pausing pausing{*this};
    void* nobody = nullptr;
    if (sleeper_.compare_exchange_strong(nobody, &wakeup)) {
      const std::stop_callback on_stop(options_.stop, [&wakeup] { wakeup.Wake(); });
      clock_.WaitUntil(action_.until == 0 ? HF_INFINITE : action_.until, wakeup);
    }
    sleeper_.store(nullptr);
    pausing.broken_off = false;
    if (options_.stop.stop_requested()) return GiveUp();
    Note(hf_call_resume(&call_, nullptr, clock_.Now(), &action_));
  }

  // In any thread. Before the wait has begun it leaves a mark instead.
  static void OnWake(void* data) {
    auto* const self = static_cast<BlockingCall*>(data);
    void* const sleeper = self->sleeper_.exchange(self);
    if (sleeper != nullptr && sleeper != self) static_cast<Wakeup*>(sleeper)->Wake();
  }

  // The caller wants no more: every permit back, the error of the last attempt kept.
  void GiveUp() { End(made_ > 0 ? last_code_ : HF_CANCELLED, HF_R_ABORTED); }

  void End(hf_code code, hf_reason reason) {
    hf_call_abort(&call_, clock_.Now());
    action_ = hf_action{};
    action_.kind = HF_DO_FINISH;
    action_.code = code;
    action_.reason = reason;
    action_.attempt = made_;
    Note(HF_OK);
  }

  void Note(hf_code code) {
    events_ |= action_.events;
    // A session that refuses a step still has it pending; an outcome outside its set is a defect of
    // whoever classified it, and must not become an endless loop.
    if (code != HF_OK && action_.kind != HF_DO_FINISH) return End(code, action_.reason);
    if (options_.observer != nullptr) options_.observer->OnAction(action_);
  }

  const CallOptions& options_;
  Clock& clock_;
  const uint64_t seed_;
  hf_call call_;
  hf_facts facts_;    // set only if there are any
  hf_action action_;  // written by every step
  hf_events events_ = 0;
  uint32_t made_ = 0;
  hf_code last_code_ = HF_OK;
  std::atomic<void*> sleeper_{nullptr};  // a Wakeup, or null, or `this`: woken before the wait
};

}  // namespace holdfast::inline v0_2::internal

#endif  // HOLDFAST_CALL_SESSION_H_
