// SPDX-License-Identifier: Apache-2.0
// Backoff against a reference that multiplies in a loop, over random policies; and the spread of the
// jitter over all of them together.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/backoff.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

using model::Dice;

BackoffPolicy RandomPolicy(Dice& dice) {
  BackoffPolicy policy;
  policy.jitter = static_cast<hf_jitter>(dice.Between(HF_JITTER_FULL, HF_JITTER_NONE));
  policy.base = dice.Between(1, 1000) * dice.OneOf({int64_t{1}, HF_US, HF_MS, HF_S});
  policy.cap = policy.base + dice.Between(0, 1000) * dice.OneOf({int64_t{1}, HF_US, HF_MS, HF_S});
  policy.multiplier = dice.OneOf({1.0, 1.1, 1.5, 2.0, 3.0, 10.0, 100.0});
  return policy;
}

double NaiveCeiling(const BackoffPolicy& policy, uint32_t attempt) {
  double grown = static_cast<double>(policy.base);
  for (uint32_t i = 1; i < attempt && grown < static_cast<double>(policy.cap); ++i) {
    grown *= policy.multiplier;
  }
  return std::min(grown, static_cast<double>(policy.cap));
}

struct Bounds {
  double lowest, highest;
};

Bounds NaiveBounds(const BackoffPolicy& policy, uint32_t attempt, hf_duration previous) {
  const double ceiling = NaiveCeiling(policy, attempt);
  if (policy.jitter == HF_JITTER_FULL) return {0, ceiling};
  if (policy.jitter == HF_JITTER_EQUAL) return {ceiling / 2, ceiling};
  if (policy.jitter == HF_JITTER_NONE) return {ceiling, ceiling};
  const double base = static_cast<double>(policy.base);
  const double before = previous == 0 ? base : static_cast<double>(previous);
  const double highest = std::min(static_cast<double>(policy.cap), 3 * before);
  return {base, std::max(base, highest)};
}

TEST(BackoffModel, EveryDelayIsWithinTheNaiveBoundsAndFillsThem) {
  double total = 0;
  uint64_t spreads = 0;
  const uint64_t schedules = model::Schedules(100000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const BackoffPolicy policy = RandomPolicy(dice);
    hf_duration previous = 0;
    for (uint32_t attempt = 1; attempt <= 12; ++attempt) {
      const Bounds bounds = NaiveBounds(policy, attempt, previous);
      const hf_duration delay = BackoffDelay(policy, attempt, previous, seed);
      // The order of multiplications differs: leave room for rounding.
      const double slack = 1 + bounds.highest * 1e-12;
      ASSERT_GE(delay, bounds.lowest - slack);
      ASSERT_LE(delay, bounds.highest + slack);
      ASSERT_LE(delay, policy.cap);
      const double width = bounds.highest - bounds.lowest;
      if (width > 1e6) {
        total += (static_cast<double>(delay) - bounds.lowest) / width;
        ++spreads;
      }
      previous = delay;
    }
  }
  // Six standard deviations of a mean of uniform numbers: 6 * 0.289 / sqrt(n).
  EXPECT_NEAR(total / static_cast<double>(spreads), 0.5,
              1.74 / std::sqrt(static_cast<double>(spreads)));
}

TEST(BackoffModel, LateAttemptsKeepToTheCap) {
  const uint64_t schedules = model::Schedules(100000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const BackoffPolicy policy = RandomPolicy(dice);
    const uint32_t attempt = static_cast<uint32_t>(
        dice.OneOf({int64_t{64}, int64_t{1025}, dice.Between(1, 5000), int64_t{UINT32_MAX}}));
    if (policy.multiplier == 1 && attempt > 5000) continue;  // the loop would take too long
    const double slack = 1 + static_cast<double>(policy.cap) * 1e-6;
    const hf_duration ceiling = BackoffCeiling(policy, attempt);
    ASSERT_NEAR(static_cast<double>(ceiling), NaiveCeiling(policy, attempt), slack);
    ASSERT_LE(BackoffDelay(policy, attempt, policy.cap, seed), policy.cap);
  }
}

}  // namespace
}  // namespace holdfast::engine
