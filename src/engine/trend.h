// SPDX-License-Identifier: Apache-2.0
// Trend: a queue is what the recent rtt has over a short average of itself.
//
//   window          baseline                                            next
//   drops           same                                                limit - lg
//   limit > cap     averages recent; saturated: min(recent, baseline)   limit - lg
//   queue < 3lg     likewise                                            min(limit + lg, cap)
//   queue <= 6lg    likewise                                            limit
//   queue > 6lg     likewise                                            limit - lg
//
// cap = max_factor * in_flight: a limit far above its use would let a burst through unseen.
// recent = exponential average over 5 of the median of 5, so that one bad window moves nothing. The baseline
// follows within `baseline_windows`: it tells a change, not a lasting queue; that is left to the guard.
// Source: failsafe-go, adaptivelimiter (there over a quantile of each window, here over its mean).
#ifndef HOLDFAST_ENGINE_TREND_H_
#define HOLDFAST_ENGINE_TREND_H_

#include <algorithm>

#include "engine/adaptive_policy.h"
#include "engine/averages.h"
#include "engine/rtt_window.h"

namespace holdfast::engine {

class Trend {
 public:
  Trend() = default;
  // With a baseline known from before.
  explicit Trend(const ExpAverage& baseline) : baseline_(baseline) {}

  static double OnDrops(double limit) { return limit - LogStep(limit); }

  double Next(const AdaptivePolicy& policy, double limit, const RttWindow& window, bool saturated) {
    const double recent = recent_.Add(median_.Add(window.MeanRtt()), kRecentWindows);
    const bool unlearned = baseline_.empty() || !saturated;
    const double baseline = baseline_.Add(unlearned ? recent : std::min(recent, baseline_.value()),
                                          policy.baseline_windows);
    const double step = LogStep(limit);
    const double queue = QueueOf(limit, baseline, recent);
    const double cap = policy.max_factor * window.in_flight;
    if (queue > 6 * step || limit > cap) return limit - step;
    return queue < 3 * step ? std::min(limit + step, cap) : limit;
  }

  double baseline() const { return baseline_.value(); }

 private:
  static constexpr uint32_t kRecentWindows = 5;

  Median5 median_;
  ExpAverage recent_;
  ExpAverage baseline_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_TREND_H_
