// SPDX-License-Identifier: Apache-2.0
#include "engine/backoff.h"

#include <algorithm>
#include <cmath>
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

// `value` in nanoseconds, at most `highest`. Compared before the conversion, which is undefined for what
// an integer cannot hold.
hf_duration AtMost(double value, hf_duration highest) {
  return value >= static_cast<double>(highest) ? highest : static_cast<hf_duration>(value);
}

// e^-y for y >= 0: the series of e^z for z = y / 2^k below 1, squared k times, inverted.
double ExpOfMinus(double y) {
  if (y > 700) return 0;
  int halvings = 0;
  for (; y > 1; y /= 2) ++halvings;
  double sum = 1, term = 1;
  for (int i = 1; i <= 18; ++i) {
    term *= y / i;
    sum += term;
  }
  for (; halvings > 0; --halvings) sum *= sum;
  return 1 / sum;
}

// 2^t * tanh(sqrt(4 t)) for t >= 0, infinity for what a double cannot hold; 0 below.
double SmoothCurve(double t) {
  if (t < 0) return 0;
  if (t > 1000) return HUGE_VAL;
  const double whole = std::floor(t);
  constexpr double kLn2 = 0.693147180559945309;
  const double power = Power(2, static_cast<uint32_t>(whole)) / ExpOfMinus((t - whole) * kLn2);
  const double twice = ExpOfMinus(2 * std::sqrt(4 * t));  // tanh(y) = (1 - e^-2y) / (1 + e^-2y)
  return power * (1 - twice) / (1 + twice);
}

// Attempt n and the one before share a random number, so that the delays follow one smooth curve; it is
// drawn again from the seed rather than remembered.
hf_duration DecorrelatedSmoothly(const BackoffPolicy& policy, uint32_t attempt, uint64_t seed,
                                 Rng& rng) {
  const double r = rng.NextDouble();
  const double before = Rng(seed, attempt - 1).NextDouble();
  const double rise = SmoothCurve(attempt - 1.0 + r) - SmoothCurve(attempt - 2.0 + before);
  const double delay = rise / 1.4 * static_cast<double>(policy.base);
  // Not a number only where both ends of the rise are infinite.
  if (delay < static_cast<double>(policy.cap)) return AtMost(std::max(0.0, delay), policy.cap);
  return UniformIn(policy.cap / 2, policy.cap, rng);
}

// Where the first random number is 1 and the one before 0. A nanosecond more, for what rounding may add.
hf_duration HighestSmoothly(const BackoffPolicy& policy, uint32_t attempt) {
  const double rise = SmoothCurve(attempt) - SmoothCurve(attempt - 2.0);
  const double highest = rise / 1.4 * static_cast<double>(policy.base) + 1;
  return highest < static_cast<double>(policy.cap) ? AtMost(highest, policy.cap) : policy.cap;
}

// The end of what jitter AROUND draws from: side -1 the lower, 1 the upper one.
hf_duration Around(const BackoffPolicy& policy, hf_duration middle, int side) {
  return AtMost(static_cast<double>(middle) * (1 + side * policy.spread), policy.cap);
}

}  // namespace

hf_duration BackoffCeiling(const BackoffPolicy& policy, uint32_t attempt) {
  if (policy.growth == HF_GROWTH_LINEAR) {
    return std::min(policy.cap, MultiplySaturating(policy.base, attempt));
  }
  const double grown = static_cast<double>(policy.base) * Power(policy.multiplier, attempt - 1);
  return AtMost(grown, policy.cap);
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
    case HF_JITTER_DECORRELATED2:
      return DecorrelatedSmoothly(policy, attempt, seed, rng);
    case HF_JITTER_AROUND:
      return UniformIn(Around(policy, ceiling, -1), Around(policy, ceiling, 1), rng);
    case HF_JITTER_NONE:
      return ceiling;
    default:
      return UniformIn(0, ceiling, rng);
  }
}

DelayRange BackoffRange(const BackoffPolicy& policy, uint32_t attempt,
                        hf_duration previous_highest) {
  const hf_duration ceiling = BackoffCeiling(policy, attempt);
  switch (policy.jitter) {
    case HF_JITTER_EQUAL:
      return {ceiling / 2, ceiling};
    case HF_JITTER_DECORRELATED: {
      const hf_duration before = std::max(previous_highest, policy.base);
      return {policy.base, std::min(policy.cap, MultiplySaturating(before, 3))};
    }
    case HF_JITTER_DECORRELATED2:
      return {0, HighestSmoothly(policy, attempt)};
    case HF_JITTER_AROUND:
      return {Around(policy, ceiling, -1), Around(policy, ceiling, 1)};
    case HF_JITTER_NONE:
      return {ceiling, ceiling};
    default:
      return {0, ceiling};
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
