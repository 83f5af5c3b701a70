// SPDX-License-Identifier: Apache-2.0
// An adaptive limit that is told windows in one line each.
#ifndef HOLDFAST_TESTS_UNIT_RTT_SAMPLES_H_
#define HOLDFAST_TESTS_UNIT_RTT_SAMPLES_H_

#include <cstdint>

#include "engine/adaptive.h"

namespace holdfast::engine {

// The numbers that the published vectors assume.
inline AdaptivePolicy PolicyOf(hf_adaptive_algorithm algorithm, uint32_t initial, uint32_t max,
                               bool guarded = false) {
  AdaptivePolicy policy;
  policy.algorithm = algorithm;
  policy.guarded = guarded;
  policy.initial_limit = initial;
  policy.max_limit = max;
  policy.smoothing = algorithm == HF_ADAPTIVE_GRADIENT2 ? 0.2 : 1;
  return policy;
}

class Windows {
 public:
  explicit Windows(const AdaptivePolicy& policy) : limit(policy) {}

  // One window of a second, of a hundred samples that took `rtt` each.
  uint32_t Answered(hf_duration rtt, uint32_t in_flight) { return Paced(100, rtt, in_flight); }

  // As many samples in its second.
  uint32_t Paced(uint64_t samples, hf_duration rtt, uint32_t in_flight, uint64_t drops = 0) {
    RttWindow window;
    window.samples = samples;
    window.drops = drops;
    window.rtt_sum = samples * static_cast<uint64_t>(rtt);
    window.rtt_min = samples > 0 ? rtt : HF_INFINITE;
    window.in_flight = in_flight;
    window.end = now += HF_S;
    window.length = HF_S;
    window.tells_pace = true;
    return limit.OnWindow(window);
  }

  uint32_t Dropped(uint32_t in_flight) { return Paced(0, 0, in_flight, 1); }

  AdaptiveLimit limit;
  hf_time now = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_RTT_SAMPLES_H_
