// SPDX-License-Identifier: Apache-2.0
// What the guard does to each algorithm once it holds that more load brings no more throughput.
#include <gtest/gtest.h>

#include <algorithm>
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

// Twelve windows of ever more in flight and never more done; the last at least must be seen through.
void Saturate(Windows& windows) {
  for (uint32_t i = 0; i < 12; ++i) windows.Paced(1000, 100 * HF_MS, 150 + 4 * i);
}

TEST(AdaptiveGuard, TakesAFullLimitDownByATwentieth) {
  for (const auto algorithm : kAll) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    ASSERT_EQ(windows.limit.pace(), Pace::kSaturated) << algorithm;
    const double before = windows.limit.ExactLimit();
    const uint64_t acted = windows.limit.guarded();
    windows.Paced(1000, 100 * HF_MS, 200);
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
    windows.Paced(1000, 100 * HF_MS, windows.limit.Limit() - 1);
    EXPECT_EQ(windows.limit.guarded(), acted) << algorithm;
    EXPECT_GE(windows.limit.ExactLimit(), before) << algorithm;
  }
}

TEST(AdaptiveGuard, NoBaselineRisesWhileLoadBringsNothing) {
  for (const auto algorithm : kAll) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    const double before = windows.limit.Baseline();
    for (int i = 0; i < 500; ++i) {
      // As an overloaded dependency goes on: as much done, at a rtt that is far too long.
      windows.Paced(1000, 400 * HF_MS, std::max(windows.limit.Limit(), 150u + 4 * (i % 12)));
    }
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
    for (int i = 0; i < 500; ++i) windows.Paced(1000, 400 * HF_MS, 150u + 4 * (i % 12));
    EXPECT_GT(windows.limit.Baseline(), 2 * before) << algorithm;
  }
}

TEST(AdaptiveGuard, GoesNoLowerThanTheMinimum) {
  for (const auto algorithm : kAll) {
    AdaptivePolicy policy = Guarded(algorithm);
    policy.min_limit = 90;
    Windows windows(policy);
    Saturate(windows);
    for (uint32_t i = 0; i < 200; ++i) windows.Paced(1000, 100 * HF_MS, 200 + 4 * (i % 12));
    EXPECT_EQ(windows.limit.Limit(), 90u) << algorithm;
  }
}

TEST(AdaptiveGuard, AShorterRttStillLowersTheBaseline) {
  for (const auto algorithm : {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2, HF_ADAPTIVE_VEGAS}) {
    Windows windows(Guarded(algorithm));
    Saturate(windows);
    const double before = windows.limit.Baseline();
    for (uint32_t i = 0; i < 20; ++i) windows.Paced(1000, 10 * HF_MS, 150 + 4 * (i % 12));
    EXPECT_LT(windows.limit.Baseline(), before) << algorithm;
  }
}

}  // namespace
}  // namespace holdfast::engine
