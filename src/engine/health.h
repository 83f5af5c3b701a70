// SPDX-License-Identifier: Apache-2.0
// What a closed breaker knows of its dependency, and when that is enough to trip.
//
//   trips   consecutive_failures in a row, or
//           failure rate of the window >= failure_rate, with at least minimum_calls results in it
//
// Invariant: a result with another tag than the last Reset's changes nothing.
// Locking: Record is lock-free. Reset and Advance run under the breaker's lock.
// Memory: both windows, of which the policy uses one.
#ifndef HOLDFAST_ENGINE_HEALTH_H_
#define HOLDFAST_ENGINE_HEALTH_H_

#include <cstdint>

#include "engine/breaker_policy.h"
#include "engine/window.h"

namespace holdfast::engine {

struct Diagnosis {
  bool stale;  // another generation's result
  bool trips;
};

template <typename Storage>
class Health {
 public:
  explicit Health(const BreakerPolicy& policy)
      : policy_(policy),
        counted_(policy.window_calls),
        timed_(policy.window_time, policy.window_buckets) {}

  void Reset(uint32_t tag, hf_time now) {
    counted_.Reset(tag);
    timed_.Reset(tag, now);
    run_.Reset(tag);
  }

  // Whether `now` needs Advance before Record.
  bool NeedsAdvance(hf_time now) const { return !ByCount() && timed_.NeedsAdvance(now); }
  void Advance(uint32_t tag, hf_time now) { timed_.Advance(tag, now); }

  Diagnosis Record(uint32_t tag, bool failed) {
    const Recorded recorded = ByCount() ? counted_.Record(tag, failed) : timed_.Record(tag, failed);
    if (recorded.stale) return {true, false};
    const uint32_t run = run_.Record(tag, failed);
    const uint32_t longest = policy_.consecutive_failures;
    const bool run_trips = longest != 0 && run >= longest;
    return {false, run_trips || RateTrips(failed, recorded.calls)};
  }

  WindowTotals Totals(hf_time now) const {
    return ByCount() ? counted_.Totals() : timed_.Totals(now);
  }
  uint32_t Run() const { return run_.Length(); }

 private:
  bool ByCount() const { return policy_.window == HF_WINDOW_COUNT; }

  // In a count window a success can raise no rate, but it can be the result that makes the rate count.
  // In a time window old successes leave, so any result can find the rate too high, unless nothing has
  // failed. A failure counts the window anew: of two that come at once, the one that is written last must
  // see both.
  bool RateTrips(bool failed, uint32_t calls) const {
    if (!ByCount()) return (failed || timed_.MayHoldFailures()) && RateTrips(timed_.Totals());
    if (!failed && calls != policy_.minimum_calls) return false;
    return RateTrips(counted_.Totals());
  }

  bool RateTrips(const WindowTotals& totals) const {
    return totals.calls >= policy_.minimum_calls &&
           RateReached(policy_, totals.failures, totals.calls);
  }

  const BreakerPolicy& policy_;
  CountWindow<Storage> counted_;
  TimeWindow<Storage> timed_;
  FailureRun<Storage> run_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEALTH_H_
