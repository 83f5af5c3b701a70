// SPDX-License-Identifier: Apache-2.0
// What a closed breaker knows of its dependency, and when that is enough to trip.
//
//   trips   consecutive_failures in a row, or
//           failed / results >= failure_rate, or
//           (slow results + overdue calls) / (results + overdue calls) >= slow_rate,
//           the rates once there are minimum_calls of what they divide by
//
// Rates are taken only where they can have come up: by a failure or a slow result, by the first result after
//   the time window has moved, by the first step in a tick after which a call may be overdue, and by any
//   result while minimum_calls is still ahead and something is wrong (`attention`). A success in a healthy
//   window is thus one write.
// Invariant: a result of another era changes nothing.
// Locking: Record and Trips are lock-free. Reset, Reshape and Advance run under the breaker's lock.
#ifndef HOLDFAST_ENGINE_HEALTH_H_
#define HOLDFAST_ENGINE_HEALTH_H_

#include <cstdint>

#include "engine/breaker_policy.h"
#include "engine/breaker_word.h"
#include "engine/failure_run.h"
#include "engine/in_flight.h"
#include "engine/window.h"
#include "engine/window_count.h"
#include "engine/window_time.h"

namespace holdfast::engine {

// What came of a result. One number: a struct of flags would be put together in memory, and waited for.
enum class Diagnosis : uint32_t {
  kFine,
  kStale,  // another era's result
  kTrips,
  kTripsForSure,  // whatever came in meanwhile: it was this result that made the run long enough
};

template <typename Storage>
class Health {
 public:
  using Word = typename Storage::template Cell<uint64_t>;

  Health(LivePolicy<Storage>& policy, Word* cells, const Capacity& room)
      : policy_(policy),
        lanes_(cells + room.LanesAt(), room),
        counted_(cells, room),
        timed_(lanes_, room),
        in_flight_(lanes_, room) {}

  // Empty, in the policy's shape.
  void Reset(BreakerWord word, const BreakerPolicy& policy, hf_time now) {
    in_flight_.Reset(word.tag(), policy.slow_after);
    if (word.by_count()) {
      counted_.Reset(word.tag(), policy.window_calls);
    } else {
      timed_.Reset(word.tag(), policy.window_time, policy.window_buckets, now);
    }
    run_.Reset(word.tag(), 0);
    Raise();
  }

  bool HasShapeOf(BreakerWord word, const BreakerPolicy& policy) const {
    const bool by_count = policy.window == HF_WINDOW_COUNT;
    if (word.by_count() != by_count || word.judges_slow() != (policy.slow_rate > 0)) return false;
    if (word.ages() != (policy.slow_after > 0) || !in_flight_.Measures(policy.slow_after))
      return false;
    return by_count ? counted_.Has(policy.window_calls)
                    : timed_.Has(policy.window_time, policy.window_buckets);
  }

  // In the policy's shape, with what can be kept.
  void Reshape(BreakerWord before, BreakerWord word, const BreakerPolicy& policy, hf_time now) {
    in_flight_.Reset(word.tag(), policy.slow_after);
    if (before.by_count() != word.by_count()) {
      if (word.by_count()) counted_.Reset(word.tag(), policy.window_calls);
      if (!word.by_count())
        timed_.Reset(word.tag(), policy.window_time, policy.window_buckets, now);
    } else if (word.by_count()) {
      counted_.Resize(word.tag(), policy.window_calls);
    } else {
      timed_.Reshape(word.tag(), policy.window_time, policy.window_buckets);
    }
    run_.Reset(word.tag(), run_.Length());
    Raise();
  }

  bool NeedsAdvance(BreakerWord word, hf_time now) const {
    return !word.by_count() && timed_.NeedsAdvance(now);
  }
  void Advance(BreakerWord word, hf_time now) {
    if (timed_.Advance(word.tag(), now)) Raise();
  }

  Diagnosis Record(BreakerWord word, Result result, hf_time now) {
    bool look = result.failed || result.slow;
    if (word.by_count()) {
      const auto [stale, calls] = counted_.Record(word.tag(), result);
      if (stale) return Diagnosis::kStale;
      look = look || IsNearTheGate(word, calls);
    } else {
      if (!timed_.Record(word.tag(), result)) return Diagnosis::kStale;
      look = look || (attention_.Load() & 1) != 0;
    }
    const uint32_t run = run_.Record(word.tag(), result.failed);
    if (result.failed && policy_.ConsecutiveFailures() - 1 < run)
      return Diagnosis::kTripsForSure;  // 0, which is off, less one is more than any
    if (word.ages() && in_flight_.IsNewTick(now)) look = true;
    return look && Trips(word, now) ? Diagnosis::kTrips : Diagnosis::kFine;
  }

  // Puts results into an empty window that it has seen elsewhere.
  void Pour(BreakerWord word, const BreakerPolicy& policy, WindowTotals totals, uint32_t run) {
    run_.Reset(word.tag(), run);
    if (!word.judges_slow()) totals.slow = 0;
    if (!word.by_count()) return timed_.Pour(word.tag(), totals);
    const double share =
        std::min(1.0, double{1} * policy.window_calls / std::max(totals.calls, 1u));
    const auto calls = static_cast<uint32_t>(totals.calls * share);
    const auto failures = static_cast<uint32_t>(totals.failures * share);
    const auto slow = static_cast<uint32_t>(totals.slow * share);
    // Evenly spread, so that they leave the window in the proportion that they came in.
    for (uint64_t i = 0; i < calls; ++i) {
      counted_.Record(word.tag(), {(i + 1) * failures / calls != i * failures / calls,
                                   (i + 1) * slow / calls != i * slow / calls});
    }
  }

  // Whether what is there now reaches a threshold.
  [[gnu::noinline]] bool Trips(BreakerWord word, hf_time now) {
    const bool trips = FindsTooMuch(word, now);
    // Only now, and only if it was in vain: who comes in between looks for himself, rather than trust in a look
    // that is still going on.
    if (!trips && word.ages() && in_flight_.IsNewTick(now)) in_flight_.Looked(now);
    return trips;
  }

  // Results first and the overdue after them (see Totals, Overdue): a call that comes back in between is missed
  // by both, and its own thread looks again; none is counted twice.
  static bool Judges(BreakerWord word, const Thresholds& limits, const WindowTotals& totals,
                     uint32_t overdue) {
    const uint32_t minimum = limits.minimum_calls;
    if (totals.calls >= minimum && Reaches(totals.failures, totals.calls, limits.failure_rate)) {
      return true;
    }
    const uint32_t all = totals.calls + overdue;
    return word.judges_slow() && limits.slow_rate > 0 && all >= minimum &&
           Reaches(totals.slow + overdue, all, limits.slow_rate);
  }

  WindowTotals Totals(BreakerWord word, hf_time now) const {
    return word.by_count() ? counted_.Totals() : timed_.Totals(now);
  }
  uint32_t Overdue(BreakerWord word, hf_time now) const {
    return word.ages() ? in_flight_.Overdue(now) : 0;
  }
  uint32_t Run() const { return run_.Length(); }
  LivePolicy<Storage>& policy() const { return policy_; }
  InFlight<Storage>& in_flight() { return in_flight_; }
  const InFlight<Storage>& in_flight() const { return in_flight_; }
  LaneSet<Storage>& lanes() { return lanes_; }

 private:
  // More threads than this do not draw a void number in the same instant.
  static constexpr uint64_t kMostVoid = 64;

  bool FindsTooMuch(BreakerWord word, hf_time now) {
    const Thresholds limits = policy_.LoadThresholds();
    const uint32_t seen = attention_.Load();
    if (limits.consecutive_failures != 0 && run_.Length() >= limits.consecutive_failures) {
      return true;
    }
    WindowTotals totals = Totals(word);
    uint32_t overdue = Overdue(word, now);
    if (Judges(word, limits, totals, overdue)) return true;
    if (word.by_count()) return false;
    const bool unsuspicious = totals.failures + totals.slow + overdue == 0;
    if (totals.calls >= limits.minimum_calls || unsuspicious) {
      Lower(seen);
      return false;
    }
    // From here on every result looks; those that came before that are in what is counted now.
    Raise();
    totals = Totals(word);
    overdue = Overdue(word, now);
    return Judges(word, limits, totals, overdue);
  }

  WindowTotals Totals(BreakerWord word) const {
    return word.by_count() ? counted_.Totals() : timed_.Totals();
  }

  // In a count window a success can raise no rate, but it can be the result that makes the rate count.
  bool IsNearTheGate(BreakerWord word, uint64_t calls) const {
    const uint64_t minimum = policy_.MinimumCalls();
    return calls < minimum + kMostVoid && (calls >= minimum || word.ages());
  }

  // Odd: every result is to look. It counts up, so that who has looked too early cannot lower it.
  void Raise() {
    uint32_t before = attention_.Load();
    while (!attention_.CompareExchange(before, ((before >> 1) + 1) << 1 | 1)) {
    }
  }
  void Lower(uint32_t seen) {
    if ((seen & 1) != 0) attention_.CompareExchange(seen, seen & ~1u);
  }

  LivePolicy<Storage>& policy_;
  LaneSet<Storage> lanes_;
  CountWindow<Storage> counted_;
  TimeWindow<Storage> timed_;
  InFlight<Storage> in_flight_;
  FailureRun<Storage> run_;
  typename Storage::template Cell<uint32_t> attention_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEALTH_H_
