// SPDX-License-Identifier: Apache-2.0
// What an adaptive limit is configured with, as its engine wants it: complete and within range.
#ifndef HOLDFAST_ENGINE_ADAPTIVE_POLICY_H_
#define HOLDFAST_ENGINE_ADAPTIVE_POLICY_H_

#include <holdfast/c/adaptive.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace holdfast::engine {

// hf_adaptive_options with defaults filled in and ranges checked: min <= initial <= max.
struct AdaptivePolicy {
  hf_adaptive_algorithm algorithm = HF_ADAPTIVE_TREND;
  bool guarded = true;
  uint32_t min_limit = 1;
  uint32_t max_limit = 200;
  uint32_t initial_limit = 20;
  uint32_t min_samples = 10;
  hf_duration window = HF_S;
  hf_duration min_rtt = 100 * HF_US;
  double smoothing = 1;
  double drop_rate = 0.01;
  double backoff = 0.9;            // AIMD
  hf_duration timeout = 5 * HF_S;  // AIMD
  double tolerance = 1.5;          // GRADIENT2
  double max_factor = 5;           // TREND
  uint32_t queue_size = 4;         // GRADIENT2
  uint32_t long_window = 600;      // GRADIENT2
  uint32_t baseline_windows = 10;  // TREND
  uint32_t probe_multiplier = 30;  // VEGAS
  uint32_t guard_windows = 20;
};

// The step that the algorithms share: it grows with the limit, but slowly.
inline double LogStep(double limit) { return std::max(1.0, std::floor(std::log10(limit))); }

// How many calls seem to wait rather than run: by Little's law, limit less what runs at the baseline.
inline double QueueOf(double limit, double baseline, double rtt) {
  return std::ceil(limit * (1 - baseline / rtt));
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_ADAPTIVE_POLICY_H_
