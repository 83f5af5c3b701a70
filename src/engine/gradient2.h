// SPDX-License-Identifier: Apache-2.0
// Gradient2: holds the rtt of now against a slow average of itself.
//
//   window                    baseline                                     next
//   drops                     same                                         limit * 0.5
//   any other                 averages rtt; saturated: min(rtt, baseline)
//     baseline > 2 * rtt      * 0.95 besides
//     2 * in_flight < limit                                                limit
//     else                                                                 limit * g + queue_size
//
// g = tolerance * baseline / rtt within 0.5..1. The average learns a lasting queue as if it were the rtt, and
// at a g near 1 queue_size lifts the limit for ever (Netflix concurrency-limits PR #134): so it learns
// nothing slower while the guard says that load brings no throughput.
// Source: Netflix concurrency-limits, Gradient2Limit; drops as in PR #134.
#ifndef HOLDFAST_ENGINE_GRADIENT2_H_
#define HOLDFAST_ENGINE_GRADIENT2_H_

#include <algorithm>

#include "engine/adaptive_policy.h"
#include "engine/averages.h"
#include "engine/rtt_window.h"

namespace holdfast::engine {

class Gradient2 {
 public:
  static double OnDrops(double limit) { return limit * kLeastGradient; }

  double Next(const AdaptivePolicy& policy, double limit, const RttWindow& window, bool saturated) {
    const double rtt = window.MeanRtt();
    const bool unlearned = baseline_.empty() || !saturated;
    const double baseline =
        baseline_.Add(unlearned ? rtt : std::min(rtt, baseline_.value()), policy.long_window);
    if (baseline > 2 * rtt) baseline_.Scale(0.95);
    if (2.0 * window.in_flight < limit) return limit;
    const double gradient = std::clamp(policy.tolerance * baseline / rtt, kLeastGradient, 1.0);
    return limit * gradient + policy.queue_size;
  }

  double baseline() const { return baseline_.value(); }

 private:
  static constexpr double kLeastGradient = 0.5;

  ExpAverage baseline_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_GRADIENT2_H_
