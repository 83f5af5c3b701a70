// SPDX-License-Identifier: Apache-2.0
// Attempt: what a guarded function may know of the attempt it is, and say about it.
//
//   Call(pipeline, {}, [&](Attempt& attempt) { return client.Charge(order, attempt.remaining()); });
//
// The attempt timeout is cooperative: no thread watches it. Pass remaining() or deadline() to whatever
// blocks, and ask stop_requested() in loops. A result that comes too late is still the caller's, but
// counts as a failure of the dependency.
#ifndef HOLDFAST_ATTEMPT_H_
#define HOLDFAST_ATTEMPT_H_

#include <holdfast/c/call.h>
#include <holdfast/clock.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

namespace holdfast::inline v0_5 {

// Tells work to stop: its time is up, or the caller asked for it. Unlike std::stop_token it reads the
// clock when it is asked, so it cannot call back. A cheap value; the clock must outlive it.
class AttemptStop {
 public:
  AttemptStop(Clock& clock, hf_time deadline, std::stop_token caller)
      : clock_(&clock), deadline_(deadline), caller_(std::move(caller)) {}

  bool stop_requested() const {
    return caller_.stop_requested() || (deadline_ != HF_INFINITE && clock_->Now() >= deadline_);
  }

  // The caller's own token, for what takes a std::stop_token. Knows nothing of the attempt's timeout.
  const std::stop_token& caller() const { return caller_; }

 private:
  Clock* clock_;
  hf_time deadline_;
  std::stop_token caller_;
};

// Lives as long as the attempt. Not thread-safe, apart from copies of stop_token().
class Attempt {
 public:
  // For drivers: the action that asks for it.
  Attempt(const hf_action& action, Clock& clock, const std::stop_token& caller)
      : number_(action.attempt),
        retries_left_(action.retries),
        fault_(action.fault),
        deadline_(action.until == 0 ? HF_INFINITE : action.until),
        clock_(clock),
        caller_(caller) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // From 1.
  uint32_t number() const { return number_; }

  // What the layers below may retry, together: carried to them, so that layers add and do not multiply.
  uint32_t retries_left() const { return retries_left_; }

  // Not 0: a fault was injected. Do not call the dependency; give the canned result of that number.
  uint64_t fault() const { return fault_; }

  // When the attempt is to be over, on the driver's clock: the earlier of its own timeout and the call's
  // deadline. HF_INFINITE: no limit.
  hf_time deadline() const { return deadline_; }

  // Until the deadline; never negative. Duration::max(): no limit.
  Duration remaining() const {
    if (deadline_ == HF_INFINITE) return Duration::max();
    return Duration{std::max<hf_duration>(0, deadline_ - clock_.Now())};
  }

  AttemptStop stop_token() const { return AttemptStop(clock_, deadline_, caller_); }
  bool stop_requested() const { return stop_token().stop_requested(); }

  // Says what the attempt did, where the result alone does not: that it never left (effect
  // HF_EFFECT_NOT_STARTED), that it is to be left out of the breaker's count, when to come back.
  // Replaces what OutcomeTraits would say.
  void set_outcome(const hf_outcome& outcome) { outcome_ = outcome; }
  const std::optional<hf_outcome>& outcome() const { return outcome_; }

 private:
  const uint32_t number_;
  const uint32_t retries_left_;
  const uint64_t fault_;
  const hf_time deadline_;
  Clock& clock_;
  const std::stop_token& caller_;
  std::optional<hf_outcome> outcome_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ATTEMPT_H_
