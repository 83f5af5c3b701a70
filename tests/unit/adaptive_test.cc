// SPDX-License-Identifier: Apache-2.0
// The adaptive limit's engine: the published vectors of concurrency-limits and failsafe-go, and each row of
// the algorithms' tables.
#include "engine/adaptive.h"

#include <gtest/gtest.h>

#include <utility>

#include "unit/rtt_samples.h"

namespace holdfast::engine {
namespace {

constexpr hf_duration kMs = HF_MS;

// --- Vegas: concurrency-limits VegasLimitTest -----------------------------------------------------------

TEST(Vegas, FollowsTheVectorOfASmallLimit) {
  Windows up(PolicyOf(HF_ADAPTIVE_VEGAS, 10, 20));
  EXPECT_EQ(up.Answered(10 * kMs, 10), 10u);
  EXPECT_EQ(up.Answered(10 * kMs, 11), 16u);
  Windows down(PolicyOf(HF_ADAPTIVE_VEGAS, 10, 20));
  EXPECT_EQ(down.Answered(10 * kMs, 10), 10u);
  EXPECT_EQ(down.Answered(50 * kMs, 11), 9u);
  Windows within(PolicyOf(HF_ADAPTIVE_VEGAS, 10, 20));
  EXPECT_EQ(within.Answered(10 * kMs, 10), 10u);
  EXPECT_EQ(within.Answered(14 * kMs, 14), 10u);
}

TEST(Vegas, FollowsTheVectorOfALargeLimit) {
  Windows windows(PolicyOf(HF_ADAPTIVE_VEGAS, 10000, 20000));
  EXPECT_EQ(windows.Answered(10 * kMs, 5000), 10000u);
  EXPECT_EQ(windows.Answered(10 * kMs, 6000), 10024u);
}

TEST(Vegas, ChangesByItsTable) {
  struct Row {
    hf_duration rtt;
    uint32_t in_flight, expected;
  };
  // Limit 100, lg 2; the baseline is 10 ms, so the queue is 100 * (1 - 10 / rtt).
  const Row rows[] = {
      {10 * kMs, 100, 112},                            // queue 0
      {10202 * HF_US, 100, 112},                       // 1.98 -> 2: still lg
      {10310 * HF_US, 100, 102},                       // 3.007 -> 4
      {10526 * HF_US, 100, 102},                       // 4.997 -> 5, below 3lg
      {10638 * HF_US, 100, 100},                       // 5.997 -> 6: 3lg
      {11363 * HF_US, 100, 100},                       // 11.995 -> 12: 6lg
      {11494 * HF_US, 100, 98},                        // 12.997 -> 13
      {10 * kMs, 50, 112},                             // half of the limit is enough
      {10 * kMs, 49, 100},                             // the limit does not hold the load back
      {50 * kMs, 49, 100},       {9 * kMs, 100, 100},  // a new baseline
  };
  for (const Row& row : rows) {
    Windows windows(PolicyOf(HF_ADAPTIVE_VEGAS, 100, 1000));
    windows.Answered(10 * kMs, 100);
    EXPECT_EQ(windows.Answered(row.rtt, row.in_flight), row.expected)
        << row.rtt << " ns, " << row.in_flight;
  }
}

TEST(Vegas, AProbeTakesTheRttOfTheMomentAsBaseline) {
  AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_VEGAS, 10, 10);
  policy.probe_multiplier = 2;  // due after 10..20 windows
  Windows windows(policy);
  windows.Answered(10 * kMs, 4);
  int probed_after = 1;
  while (windows.limit.Baseline() == 10.0 * kMs && probed_after < 100) {
    windows.Answered(20 * kMs, 4);
    ++probed_after;
  }
  EXPECT_EQ(windows.limit.Baseline(), 20.0 * kMs);
  EXPECT_GE(probed_after, 10);
  EXPECT_LE(probed_after, 20);
}

TEST(Vegas, ProcessesThatBeganApartProbeApart) {
  const auto probes_after = [](hf_time begin) {
    AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_VEGAS, 10, 10);
    Windows windows(policy);
    windows.now = begin;
    windows.Answered(10 * kMs, 4);
    int count = 1;
    while (windows.limit.Baseline() == 10.0 * kMs) {
      windows.Answered(20 * kMs, 4);
      ++count;
    }
    return count;
  };
  EXPECT_EQ(probes_after(12345), probes_after(12345));
  EXPECT_NE(probes_after(12345), probes_after(12346));
}

TEST(Vegas, DropsTakeAStepDownWhateverIsInFlight) {
  Windows windows(PolicyOf(HF_ADAPTIVE_VEGAS, 100, 1000));
  EXPECT_EQ(windows.Dropped(1), 98u);
}

// --- AIMD: concurrency-limits AIMDLimitTest ---------------------------------------------------------------

TEST(Aimd, FollowsTheVector) {
  Windows up(PolicyOf(HF_ADAPTIVE_AIMD, 20, 200));
  EXPECT_EQ(up.Answered(10 * kMs, 10), 21u);
  Windows down(PolicyOf(HF_ADAPTIVE_AIMD, 30, 200));
  EXPECT_EQ(down.Dropped(10), 27u);
  Windows capped(PolicyOf(HF_ADAPTIVE_AIMD, 20, 21));
  EXPECT_EQ(capped.Answered(10 * kMs, 20), 21u);
  EXPECT_EQ(capped.Answered(10 * kMs, 21), 21u);
}

TEST(Aimd, OnlyALimitThatIsHalfUsedRises) {
  Windows windows(PolicyOf(HF_ADAPTIVE_AIMD, 21, 200));
  EXPECT_EQ(windows.Answered(10 * kMs, 10), 21u);
  EXPECT_EQ(windows.Answered(10 * kMs, 11), 22u);
}

TEST(Aimd, ATimeoutIsADrop) {
  Windows windows(PolicyOf(HF_ADAPTIVE_AIMD, 100, 200));
  EXPECT_EQ(windows.Answered(5 * HF_S, 50), 101u);
  Windows late(PolicyOf(HF_ADAPTIVE_AIMD, 100, 200));
  EXPECT_EQ(late.Answered(5 * HF_S + 1, 50), 90u);
}

// concurrency-limits VegasLimitTest.decreaseWithSmoothing: 100, halved by each drop.
TEST(AdaptiveLimit, SmoothingTakesAShareOfEachChange) {
  AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_AIMD, 100, 200);
  policy.backoff = 0.5;
  Windows at_once(policy);
  EXPECT_EQ(at_once.Dropped(10), 50u);
  EXPECT_EQ(at_once.Dropped(10), 25u);
  policy.smoothing = 0.5;
  Windows smoothed(policy);
  EXPECT_EQ(smoothed.Dropped(10), 75u);
  EXPECT_EQ(smoothed.Dropped(10), 56u);
}

// --- Gradient2 --------------------------------------------------------------------------------------------

TEST(Gradient2, GrowsByItsQueueWhileTheRttStands) {
  Windows windows(PolicyOf(HF_ADAPTIVE_GRADIENT2, 20, 200));
  windows.Answered(10 * kMs, 20);
  EXPECT_DOUBLE_EQ(windows.limit.ExactLimit(), 20.8);
  windows.Answered(10 * kMs, 20);
  EXPECT_DOUBLE_EQ(windows.limit.ExactLimit(), 21.6);
}

TEST(Gradient2, ToleratesHalfAsMuchAgainAndHalvesAtMost) {
  AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_GRADIENT2, 100, 200);
  policy.long_window = 1000000;  // the baseline stands, as good as
  const auto after = [&](double factor) {
    Windows windows(policy);
    for (int i = 0; i < 10; ++i) windows.Answered(10 * kMs, 1);  // warm, not growing
    windows.Answered(static_cast<hf_duration>(factor * 10 * kMs), 100);
    return windows.limit.ExactLimit();
  };
  EXPECT_NEAR(after(1.4), 100.8, 0.001);
  EXPECT_NEAR(after(2), 0.8 * 100 + 0.2 * (75 + 4), 0.001);
  EXPECT_NEAR(after(3), 0.8 * 100 + 0.2 * (50 + 4), 0.001);
  EXPECT_NEAR(after(30), 0.8 * 100 + 0.2 * (50 + 4), 0.001);
}

TEST(Gradient2, HoldsWhileLessThanHalfIsInUse) {
  Windows windows(PolicyOf(HF_ADAPTIVE_GRADIENT2, 20, 200));
  EXPECT_EQ(windows.Answered(10 * kMs, 9), 20u);
  windows.Answered(10 * kMs, 10);
  EXPECT_GT(windows.limit.ExactLimit(), 20);
}

TEST(Gradient2, ABaselineFarAboveTheRttComesDownFaster) {
  Windows windows(PolicyOf(HF_ADAPTIVE_GRADIENT2, 20, 200));
  for (int i = 0; i < 10; ++i) windows.Answered(100 * kMs, 1);
  const double before = windows.limit.Baseline();
  windows.Answered(10 * kMs, 1);
  const double averaged = before + (10.0 * kMs - before) * 2 / 601;
  EXPECT_DOUBLE_EQ(windows.limit.Baseline(), averaged * 0.95);
}

// Upstream ignores drops here; PR #134 there asks for this.
TEST(Gradient2, DropsAreTheSteepestGradientWithoutAQueue) {
  Windows windows(PolicyOf(HF_ADAPTIVE_GRADIENT2, 100, 200));
  windows.Dropped(100);
  EXPECT_DOUBLE_EQ(windows.limit.ExactLimit(), 90);
}

// --- Trend: failsafe-go adaptivelimiter -------------------------------------------------------------------

// failsafe-go warms the baseline alone: ten seconds-long values, and nothing in the recent average.
TEST(Trend, FollowsTheVector) {
  const auto limits = [](hf_duration first, hf_duration second, uint32_t in_flight) {
    ExpAverage baseline;
    for (int i = 0; i < 10; ++i) baseline.Add(HF_S, 10);
    Trend trend(baseline);
    const AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_TREND, 20, 200);
    RttWindow window;
    window.samples = 1;
    window.in_flight = in_flight;
    window.rtt_sum = static_cast<uint64_t>(first);
    const double after_one = trend.Next(policy, 20, window, false);
    window.rtt_sum = static_cast<uint64_t>(second);
    return std::pair(after_one, trend.Next(policy, after_one, window, false));
  };
  EXPECT_EQ(limits(HF_S, HF_S / 2, 5), std::pair(21.0, 22.0));
  EXPECT_EQ(limits(2 * HF_S, 2 * HF_S, 10), std::pair(19.0, 18.0));
  EXPECT_EQ(limits(1300 * kMs, 1300 * kMs, 10), std::pair(20.0, 20.0));
}

TEST(Trend, ALastingRiseTakesItDownAndASmallOneHolds) {
  AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_TREND, 20, 20);
  const auto after = [&](hf_duration rtt) {
    Windows windows(policy);
    for (int i = 0; i < 30; ++i) windows.Answered(HF_S, 20);
    uint32_t limit = 20;
    for (int i = 0; i < 5; ++i) limit = windows.Answered(rtt, 20);
    return limit;
  };
  EXPECT_EQ(after(1300 * kMs), 20u);
  EXPECT_LT(after(4 * HF_S), 20u);
}

TEST(Trend, OneBadWindowMovesNothing) {
  Windows windows(PolicyOf(HF_ADAPTIVE_TREND, 20, 20));
  for (int i = 0; i < 30; ++i) windows.Answered(HF_S, 20);
  EXPECT_EQ(windows.Answered(60 * HF_S, 20), 20u);
  EXPECT_EQ(windows.Answered(HF_S, 20), 20u);
}

TEST(Trend, StaysWithinAFactorOfWhatIsInUse) {
  Windows windows(PolicyOf(HF_ADAPTIVE_TREND, 20, 200));
  for (int i = 0; i < 50; ++i) windows.Answered(HF_S, 5);
  EXPECT_LE(windows.limit.Limit(), 25u);
  EXPECT_GE(windows.limit.Limit(), 24u);
}

TEST(Trend, DropsTakeAStepDown) {
  Windows windows(PolicyOf(HF_ADAPTIVE_TREND, 20, 200));
  EXPECT_EQ(windows.Dropped(20), 19u);
}

// --- All of them --------------------------------------------------------------------------------------------

constexpr hf_adaptive_algorithm kAll[] = {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2,
                                          HF_ADAPTIVE_VEGAS, HF_ADAPTIVE_AIMD};

TEST(AdaptiveLimit, ARareDropIsNoOverload) {
  for (const auto algorithm : kAll) {
    Windows windows(PolicyOf(algorithm, 50, 200));
    windows.Paced(99, 10 * kMs, 50, 1);
    EXPECT_GE(windows.limit.ExactLimit(), 50) << algorithm;
    windows.Paced(98, 10 * kMs, 50, 2);
    EXPECT_LT(windows.limit.ExactLimit(), 52) << algorithm;
    Windows dropping(PolicyOf(algorithm, 50, 200));
    dropping.Paced(98, 10 * kMs, 50, 2);
    EXPECT_LT(dropping.limit.ExactLimit(), 50) << algorithm;
  }
}

// In concurrency-limits a window of drops alone is never ready, so an outage leaves the limit as it is.
TEST(AdaptiveLimit, AnOutageOfDropsAloneGoesDownToTheMinimum) {
  for (const auto algorithm : kAll) {
    AdaptivePolicy policy = PolicyOf(algorithm, 50, 200);
    policy.min_limit = 7;
    Windows windows(policy);
    for (int i = 0; i < 200; ++i) windows.Dropped(50);
    EXPECT_EQ(windows.limit.Limit(), 7u) << algorithm;
  }
}

TEST(AdaptiveLimit, AnEmptyWindowChangesNothing) {
  for (const auto algorithm : kAll) {
    Windows windows(PolicyOf(algorithm, 50, 200, /*guarded=*/true));
    EXPECT_EQ(windows.Paced(0, 0, 0), 50u) << algorithm;
    EXPECT_EQ(windows.limit.Baseline(), 0) << algorithm;
  }
}

TEST(AdaptiveLimit, AWindowWhoseTimesWentWithTheOneBeforeChangesNothing) {
  for (const auto algorithm : kAll) {
    Windows windows(PolicyOf(algorithm, 50, 200, /*guarded=*/true));
    windows.Answered(10 * kMs, 50);
    const double limit = windows.limit.ExactLimit();
    const double baseline = windows.limit.Baseline();
    windows.Paced(1, 0, 50);
    EXPECT_EQ(windows.limit.ExactLimit(), limit) << algorithm;
    EXPECT_EQ(windows.limit.Baseline(), baseline) << algorithm;
  }
}

TEST(AdaptiveLimit, AnUpdateKeepsTheLimitWithinTheNewBounds) {
  AdaptivePolicy policy = PolicyOf(HF_ADAPTIVE_VEGAS, 50, 200);
  Windows windows(policy);
  windows.Answered(10 * kMs, 50);
  policy.initial_limit = 60;
  windows.limit.Update(policy);
  EXPECT_EQ(windows.limit.Limit(), 50u);
  EXPECT_EQ(windows.limit.Baseline(), 10.0 * kMs);
  policy.max_limit = 40;
  windows.limit.Update(policy);
  EXPECT_EQ(windows.limit.Limit(), 40u);
  policy.max_limit = 100;
  policy.min_limit = 70;
  windows.limit.Update(policy);
  EXPECT_EQ(windows.limit.Limit(), 70u);
}

TEST(AdaptiveLimit, AnotherAlgorithmStartsFromTheLimitWithoutABaseline) {
  for (const auto algorithm : kAll) {
    Windows windows(PolicyOf(HF_ADAPTIVE_VEGAS, 50, 200));
    windows.Answered(10 * kMs, 50);
    windows.Answered(10 * kMs, 50);
    const uint32_t before = windows.limit.Limit();
    windows.limit.Update(PolicyOf(algorithm, 20, 200));
    EXPECT_EQ(windows.limit.Limit(), before);
    EXPECT_EQ(windows.limit.Baseline(), algorithm == HF_ADAPTIVE_VEGAS ? 10.0 * kMs : 0);
    windows.limit.Update(PolicyOf(HF_ADAPTIVE_VEGAS, 20, 200));
    EXPECT_EQ(windows.limit.Baseline(), algorithm == HF_ADAPTIVE_VEGAS ? 10.0 * kMs : 0);
  }
}

}  // namespace
}  // namespace holdfast::engine
