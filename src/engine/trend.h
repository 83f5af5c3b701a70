// SPDX-License-Identifier: Apache-2.0
// Trend: a queue is what the recent rtt has over a short average of itself.
//
//   window          baseline                                            next
//   drops           same                                                limit - lg
//   queue < 3lg     averages recent; saturated: min(recent, baseline)   limit + lg, or - lg if that is more
//                                                                       than max_factor * in_flight
//   queue <= 6lg    likewise                                            limit
//   queue > 6lg     likewise                                            limit - lg
//
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
    if (queue > 6 * step) return limit - step;
    if (queue >= 3 * step) return limit;
    const bool far_above_use = limit + step > policy.max_factor * window.in_flight;
    return far_above_use ? limit - step : limit + step;
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
