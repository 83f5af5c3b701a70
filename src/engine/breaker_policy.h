// SPDX-License-Identifier: Apache-2.0
// What a breaker is configured with, as its engine wants it: complete and within range.
#ifndef HOLDFAST_ENGINE_BREAKER_POLICY_H_
#define HOLDFAST_ENGINE_BREAKER_POLICY_H_

#include <holdfast/c/breaker.h>

#include <cstdint>

namespace holdfast::engine {

// hf_breaker_options with defaults filled in and ranges checked; minimum_calls <= the count window.
struct BreakerPolicy {
  hf_window window = HF_WINDOW_COUNT;
  uint32_t window_calls = 100;
  hf_duration window_time = 10 * HF_S;
  uint32_t window_buckets = 10;
  uint32_t minimum_calls = 20;
  double failure_rate = 0.5;
  uint32_t consecutive_failures = 0;  // 0: off
  uint32_t probes = 3;
  hf_duration open_for = 5 * HF_S;
  hf_duration probe_lease = 30 * HF_S;
};

// Divided, not multiplied: 7 / 100 and the literal 0.07 round to the same double, 0.07 * 100 is not 7.
inline bool RateReached(const BreakerPolicy& policy, uint32_t failures, uint32_t calls) {
  return static_cast<double>(failures) / calls >= policy.failure_rate;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BREAKER_POLICY_H_
