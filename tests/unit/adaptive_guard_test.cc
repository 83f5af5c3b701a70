// SPDX-License-Identifier: Apache-2.0
// What the guard does to each algorithm once it holds that more load brings no more throughput.
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/adaptive.h"
#include "unit/rtt_samples.h"

namespace holdfast::engine {
namespace {

constexpr hf_adaptive_algorithm kAll[] = {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2,
                                          HF_ADAPTIVE_VEGAS, HF_ADAPTIVE_AIMD};

AdaptivePolicy Guarded(hf_adaptive_algorithm algorithm) {
  AdaptivePolicy policy = PolicyOf(algorithm, 100, 200, /*guarded=*/true);
  policy.long_window = policy.baseline_windows = 1;  // as quick to learn as can be
  policy.probe_multiplier = 1;
  return policy;
}

// One of a dozen windows that differ in what is in flight and in how long that takes, not in what is done.
void Overload(Windows& windows, uint32_t number, hf_duration rtt_of_100, uint32_t base) {
  const uint32_t in_flight = base + 4 * (number % 12);
  windows.Paced(1000, rtt_of_100 * in_flight / 100, in_flight);
}

void Saturate(Windows& windows) {
  for (uint32_t i = 0; i < 13; ++i) Overload(windows, i, 100 * HF_MS, 150);
}

TEST(AdaptiveGuard, TakesAFullLimitDownByATwentieth) {
  for (const auto algorithm : kAll) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    ASSERT_EQ(windows.limit.pace(), Saturation::kSaturated) << algorithm;
    const double before = windows.limit.ExactLimit();
    const uint64_t acted = windows.limit.guarded();
    windows.Paced(1000, 200 * HF_MS, 200);
    EXPECT_LE(windows.limit.ExactLimit(), before * 0.95 + 1e-9) << algorithm;
    EXPECT_EQ(windows.limit.guarded(), acted + 1) << algorithm;
  }
}

TEST(AdaptiveGuard, ActsOnlyWhenTheLimitIsReached) {
  for (const auto algorithm : kAll) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    const double before = windows.limit.ExactLimit();
    const uint64_t acted = windows.limit.guarded();
    windows.Paced(1000, 10 * HF_MS, windows.limit.Limit() - 1);
    EXPECT_EQ(windows.limit.guarded(), acted) << algorithm;
    EXPECT_GE(windows.limit.ExactLimit(), before) << algorithm;
  }
}

TEST(AdaptiveGuard, NoBaselineRisesWhileLoadBringsNothing) {
  for (const auto algorithm : kAll) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    const double before = windows.limit.Baseline();
    // Overloaded four times as much, and for long.
    for (uint32_t i = 0; i < 500; ++i) Overload(windows, i, 400 * HF_MS, 200);
    EXPECT_LE(windows.limit.Baseline(), before) << algorithm;
  }
}

TEST(AdaptiveGuard, WithoutItTheyDo) {
  for (const auto algorithm : {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2, HF_ADAPTIVE_VEGAS}) {
    AdaptivePolicy policy = Guarded(algorithm);
    policy.guarded = false;
    Windows windows(policy);
    Saturate(windows);
    const double before = windows.limit.Baseline();
    for (uint32_t i = 0; i < 500; ++i) Overload(windows, i, 400 * HF_MS, 200);
    EXPECT_GT(windows.limit.Baseline(), 2 * before) << algorithm;
  }
}

TEST(AdaptiveGuard, GoesNoLowerThanTheMinimum) {
  for (const auto algorithm : kAll) {
    AdaptivePolicy policy = Guarded(algorithm);
    policy.min_limit = 90;
    Windows windows(policy);
    Saturate(windows);
    for (uint32_t i = 0; i < 200; ++i) Overload(windows, i, 100 * HF_MS, 200);
    EXPECT_EQ(windows.limit.Limit(), 90u) << algorithm;
  }
}

TEST(AdaptiveGuard, AShorterRttStillLowersTheBaseline) {
  for (const auto algorithm : {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2, HF_ADAPTIVE_VEGAS}) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    const double before = windows.limit.Baseline();
    for (uint32_t i = 0; i < 20; ++i) Overload(windows, i, 10 * HF_MS, 200);
    EXPECT_LT(windows.limit.Baseline(), before) << algorithm;
  }
}

}  // namespace
}  // namespace holdfast::engine
