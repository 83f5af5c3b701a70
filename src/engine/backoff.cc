// SPDX-License-Identifier: Apache-2.0
#include "engine/backoff.h"

#include <algorithm>
#include <cstdint>

#include "engine/duration.h"
#include "engine/rng.h"

namespace holdfast::engine {
namespace {

// value^exponent for value >= 1; infinity for what a double cannot hold.
double Power(double value, uint32_t exponent) {
  double result = 1;
  for (double square = value; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= square;
    square *= square;
  }
  return result;
}

hf_duration UniformIn(hf_duration lowest, hf_duration highest, Rng& rng) {
  return lowest + static_cast<hf_duration>(rng.UpTo(static_cast<uint64_t>(highest - lowest)));
}

}  // namespace

hf_duration BackoffCeiling(const BackoffPolicy& policy, uint32_t attempt) {
  const double grown = static_cast<double>(policy.base) * Power(policy.multiplier, attempt - 1);
  // Compared before the conversion, which is undefined for what an integer cannot hold.
  if (grown >= static_cast<double>(policy.cap)) return policy.cap;
  return static_cast<hf_duration>(grown);
}

hf_duration BackoffDelay(const BackoffPolicy& policy, uint32_t attempt, hf_duration previous,
                         uint64_t seed) {
  Rng rng(seed, attempt);
  const hf_duration ceiling = BackoffCeiling(policy, attempt);
  switch (policy.jitter) {
    case HF_JITTER_EQUAL:
      return UniformIn(ceiling / 2, ceiling, rng);
    case HF_JITTER_DECORRELATED: {
      const hf_duration before = std::max(previous, policy.base);
      return UniformIn(policy.base, std::min(policy.cap, MultiplySaturating(before, 3)), rng);
    }
    case HF_JITTER_NONE:
      return ceiling;
    default:
      return UniformIn(0, ceiling, rng);
  }
}

hf_duration HonourRetryAfter(hf_duration delay, hf_duration retry_after) {
  return std::max(delay, std::min(retry_after, AddSaturating(kRetryAfterAllowance, delay)));
}

bool FitsDeadline(hf_time now, hf_duration delay, hf_duration min_attempt_time, hf_time deadline) {
  if (deadline == 0) return true;
  return AddSaturating(AddSaturating(now, delay), min_attempt_time) <= deadline;
}

}  // namespace holdfast::engine
