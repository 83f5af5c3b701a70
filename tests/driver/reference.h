// SPDX-License-Identifier: Apache-2.0
// What a driver must do, without a driver: hf_call_* by hand in virtual time.
//
//   ATTEMPT       the attempt is made, unless the caller has given up
//   SLEEP, WAIT   time passes until `until`; a wake-up ends a WAIT; the caller's giving up ends both
//   giving up     hf_call_abort, and FINISH with HF_R_ABORTED: the code of the last attempt, or CANCELLED;
//                 `attempt` is the last one that was made
//   a refused step (an outcome outside its set) ends the call with that code and reason
#ifndef HOLDFAST_TESTS_DRIVER_REFERENCE_H_
#define HOLDFAST_TESTS_DRIVER_REFERENCE_H_

#include <holdfast/c/call.h>

#include <vector>

#include "driver/raw_options.h"
#include "driver/recording.h"

namespace holdfast::driver_test {

// Where a call is while it is not over, as its guards show it.
enum class Where {
  kAttempt,
  kBackoff,
  kBehindBreaker,  // asleep until it may open
  kCallLimiter,
  kLimiter,
  kCallBulkhead,
  kBulkhead,
  kDelay,  // an injected one
};

// A stay in one place.
struct Stay {
  Where where;
  hf_time from, to;
};

class Reference {
 public:
  explicit Reference(Recording& recording) : recording_(recording), stage_(recording.stage) {}

  void Play() {
    RawOptions options(recording_.Options(), Now());
    (*options).waker = {[](void* data) { static_cast<Wakeup*>(data)->Wake(); }, &wakeup_};
    Seen before = Look();
    Step(hf_call_start(&call_, stage_.pipeline.raw(), &*options, Now(), &action_));
    while (action_.kind != HF_DO_FINISH) {
      const hf_time from = Now();
      const Where where = Place(before);
      before = Look();
      if (action_.kind == HF_DO_ATTEMPT) {
        Attempt();
      } else {
        Pause();
      }
      stays_.push_back({where, from, over_});
    }
    Report();
  }

  const std::vector<Stay>& stays() const { return stays_; }
  // As settled, in order.
  const std::vector<hf_outcome>& outcomes() const { return outcomes_; }
  const std::vector<hf_action>& actions() const { return actions_; }

 private:
  hf_time Now() { return stage_.clock.Now(); }
  bool given_up() const { return recording_.stop.stop_requested(); }

  void Attempt() {
    if (given_up()) return GiveUp();
    outcomes_.push_back(recording_.Play(Recording::Told::Of(action_), recording_.stop.get_token()));
    made_ = action_.attempt;
    over_ = Now();
    Step(hf_call_resume(&call_, &outcomes_.back(), over_, &action_));
  }

  void Pause() {
    {
      const std::stop_callback on_stop(recording_.stop.get_token(), [this] { wakeup_.Wake(); });
      stage_.clock.WaitUntil(action_.until == 0 ? HF_INFINITE : action_.until, wakeup_);
    }
    over_ = Now();
    if (given_up()) return GiveUp();
    Step(hf_call_resume(&call_, nullptr, over_, &action_));
  }

  void GiveUp() {
    over_ = Now();
    Finish(made_ > 0 ? outcomes_.back().code : HF_CANCELLED, HF_R_ABORTED);
  }

  void Finish(hf_code code, hf_reason reason) {
    hf_call_abort(&call_, Now());
    action_ = {};
    action_.kind = HF_DO_FINISH;
    action_.code = code;
    action_.reason = reason;
    action_.attempt = made_;
    Step(HF_OK);
  }

  void Step(hf_code code) {
    if (code != HF_OK && action_.kind != HF_DO_FINISH) return Finish(code, action_.reason);
    actions_.push_back(action_);
    recording_.OnAction(action_);
  }

  void Report() {
    recording_.ReportBy(action_);
    // The caller's own result is the last attempt's, with the reason for which there is no other.
    Rejection returned{recording_.report.code, action_.reason, Duration{action_.retry_after}};
    if (!outcomes_.empty()) {
      returned.code = static_cast<absl::StatusCode>(outcomes_.back().code);
    }
    if (returned.code == absl::StatusCode::kOk || returned.reason == HF_R_NONE) {
      returned = {returned.code, HF_R_NONE, Duration{0}};
    }
    recording_.returned = returned;
  }

  // --- where it is ----------------------------------------------------------------------------------
  struct Seen {
    uint64_t refused_by_breaker = 0, paced = 0, paced_call = 0;
  };

  Seen Look() {
    Seen seen;
    if (stage_.breaker) seen.refused_by_breaker = stage_.breaker.Snapshot(Now()).refused;
    if (stage_.limiter) seen.paced = stage_.limiter.Snapshot(stage_.clock).reserved;
    if (stage_.call_limiter) seen.paced_call = stage_.call_limiter.Snapshot(stage_.clock).reserved;
    return seen;
  }

  // What the step before has changed tells why it waits now.
  Where Place(const Seen& before) {
    const Seen now = Look();
    if (action_.kind == HF_DO_ATTEMPT) return Where::kAttempt;
    if (action_.kind == HF_DO_WAIT) {
      const bool has_entered = stage_.call_bulkhead && stage_.call_bulkhead.Snapshot().waiting == 0;
      return stage_.call_bulkhead && !has_entered ? Where::kCallBulkhead : Where::kBulkhead;
    }
    if (stage_.fault && stage_.fault.Snapshot(Now()).active > 0) return Where::kDelay;
    if (now.paced_call > before.paced_call) return Where::kCallLimiter;
    if (now.paced > before.paced) return Where::kLimiter;
    if (now.refused_by_breaker > before.refused_by_breaker) return Where::kBehindBreaker;
    return Where::kBackoff;
  }

  Recording& recording_;
  Stage& stage_;
  Wakeup wakeup_;
  hf_call call_;
  hf_action action_{};
  hf_time over_ = 0;
  uint32_t made_ = 0;
  std::vector<hf_action> actions_;
  std::vector<hf_outcome> outcomes_;
  std::vector<Stay> stays_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_REFERENCE_H_
