// SPDX-License-Identifier: Apache-2.0
// What a throttle is configured with, complete and within range, and how likely it then refuses a call.
//
//   p = 0                                                                      requests < min_rate * window
//   p = min(max_rejection, ((n - s / success_rate) / (n + 1)) ^ (1 / aggression))   else; 0 if negative
//
// Invariants: 0 <= p <= max_rejection; p never falls as n grows, and never grows with s.
#ifndef HOLDFAST_ENGINE_THROTTLE_POLICY_H_
#define HOLDFAST_ENGINE_THROTTLE_POLICY_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace holdfast::engine {

inline constexpr uint32_t kMaxThrottleBuckets = 64;

struct ThrottlePolicy {
  hf_duration window = 30 * HF_S;
  int64_t buckets = 10;
  double success_rate = 0.5;
  double aggression = 1;
  double max_rejection = 0.9;
  double min_rate = 5;  // per second

  hf_duration Step() const { return window / buckets; }
};

struct ThrottleCounts {
  uint64_t requests = 0;
  uint64_t accepts = 0;
};

inline double RejectionProbability(const ThrottlePolicy& policy, const ThrottleCounts& counts) {
  const double requests = static_cast<double>(counts.requests);
  const double seconds = static_cast<double>(policy.window) / static_cast<double>(HF_S);
  if (requests < policy.min_rate * seconds) return 0;
  const double excess = requests - static_cast<double>(counts.accepts) / policy.success_rate;
  if (excess <= 0) return 0;
  const double linear = excess / (requests + 1);
  return std::min(policy.max_rejection, std::pow(linear, 1 / policy.aggression));
}

// How many of the 2^64 draws are refused at p < 1.
inline uint64_t DrawsBelow(double probability) {
  return static_cast<uint64_t>(std::ldexp(probability, 64));
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_THROTTLE_POLICY_H_
