// SPDX-License-Identifier: Apache-2.0
// Additive increase, multiplicative decrease: the limit of those who only know drops and timeouts.
//
//   window                          next
//   drops, or rtt > timeout         limit * backoff
//   2 * in_flight >= limit          limit + 1
//   else                            limit: it is not the limit that holds the load back
//
// Source: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms", 1989; the numbers are those of
// Netflix concurrency-limits. No state.
#ifndef HOLDFAST_ENGINE_AIMD_H_
#define HOLDFAST_ENGINE_AIMD_H_

#include "engine/adaptive_policy.h"
#include "engine/rtt_window.h"

namespace holdfast::engine {

class Aimd {
 public:
  static double OnDrops(const AdaptivePolicy& policy, double limit) {
    return limit * policy.backoff;
  }

  static double Next(const AdaptivePolicy& policy, double limit, const RttWindow& window) {
    if (window.MeanRtt() > static_cast<double>(policy.timeout)) return limit * policy.backoff;
    return 2.0 * window.in_flight >= limit ? limit + 1 : limit;
  }
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_AIMD_H_
