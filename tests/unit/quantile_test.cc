// SPDX-License-Identifier: Apache-2.0
// The latency histogram: its scale, its ranks, its two windows.
#include "engine/quantile.h"

#include <gtest/gtest.h>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

constexpr hf_duration kWindow = HF_S;
constexpr Quantile kP95 = 950'000;

class Windows : public ::testing::Test {
 protected:
  Windows() { windows.Rotate(0, kWindow); }
  LatencyEstimate At(hf_time now, Quantile quantile = kP95) {
    return windows.Estimate(quantile, now, kWindow);
  }
  LatencyWindows<PlainCells> windows;
};

TEST(LatencyScale, EveryBucketEndsInItself) {
  for (uint32_t bucket = 0; bucket < kLatencyBuckets; ++bucket) {
    const hf_duration end = LatencyBucketEnd(bucket);
    EXPECT_EQ(LatencyBucket(end), bucket) << end;
    if (bucket + 1 < kLatencyBuckets) {
      EXPECT_EQ(LatencyBucket(end + 1), bucket + 1) << end;
    }
  }
}

TEST(LatencyScale, ABucketEndsASixteenthAboveItsBeginAtMost) {
  for (uint32_t bucket = 1; bucket < kLatencyBuckets; ++bucket) {
    const hf_duration begin = LatencyBucketEnd(bucket - 1) + 1;
    EXPECT_LE((LatencyBucketEnd(bucket) - begin) * 16, begin) << bucket;
  }
}

TEST(LatencyScale, BothEndsOfTheScaleHold) {
  EXPECT_EQ(LatencyBucket(0), 0u);
  EXPECT_EQ(LatencyBucket(1023), 0u);
  EXPECT_EQ(LatencyBucket(1024), 1u);
  EXPECT_EQ(LatencyBucket(HF_INFINITE), kLatencyBuckets - 1);
  EXPECT_GT(LatencyBucketEnd(kLatencyBuckets - 1), 3600 * HF_S) << "every delay has a bucket";
}

TEST_F(Windows, WithoutSamplesNothingIsKnown) {
  EXPECT_EQ(At(0).samples, 0u);
  EXPECT_EQ(At(0).quantile, 0);
}

TEST_F(Windows, AQuantileIsTheLatencyOfItsRankRoundedUp) {
  for (int i = 1; i <= 100; ++i) windows.Record(i * HF_MS);
  EXPECT_EQ(At(0).samples, 100u);
  EXPECT_EQ(At(0).quantile, LatencyBucketEnd(LatencyBucket(95 * HF_MS)));
  EXPECT_EQ(At(0).median, LatencyBucketEnd(LatencyBucket(50 * HF_MS)));
  EXPECT_EQ(At(0, 999'000).quantile, LatencyBucketEnd(LatencyBucket(100 * HF_MS)));
}

TEST_F(Windows, ARankBetweenTwoSamplesIsTheLaterOne) {
  windows.Record(HF_MS);
  windows.Record(10 * HF_MS);
  EXPECT_EQ(At(0, 500'000).quantile, LatencyBucketEnd(LatencyBucket(HF_MS)));
  EXPECT_EQ(At(0, 500'001).quantile, LatencyBucketEnd(LatencyBucket(10 * HF_MS)));
}

TEST_F(Windows, ASampleCountsForOneToTwoWindows) {
  windows.Record(HF_MS);
  windows.Rotate(kWindow, kWindow);
  windows.Record(2 * HF_MS);
  EXPECT_EQ(At(kWindow).samples, 2u);
  EXPECT_EQ(At(2 * kWindow - 1).samples, 2u);
  windows.Rotate(2 * kWindow, kWindow);
  EXPECT_EQ(At(2 * kWindow).samples, 1u);
  windows.Rotate(3 * kWindow, kWindow);
  EXPECT_EQ(At(3 * kWindow).samples, 0u);
}

TEST_F(Windows, AfterAPauseNothingIsKnown) {
  windows.Record(HF_MS);
  windows.Rotate(kWindow, kWindow);
  windows.Record(HF_MS);
  windows.Rotate(3 * kWindow, kWindow);
  EXPECT_EQ(At(3 * kWindow).samples, 0u);
}

TEST_F(Windows, AnEstimateForLaterLeavesOutWhatWillHaveLeft) {
  windows.Record(HF_MS);
  windows.Rotate(kWindow, kWindow);
  windows.Record(HF_MS);
  EXPECT_EQ(At(2 * kWindow - 1).samples, 2u);
  EXPECT_EQ(At(2 * kWindow).samples, 1u);
  EXPECT_EQ(At(3 * kWindow - 1).samples, 1u);
  EXPECT_EQ(At(3 * kWindow).samples, 0u);
}

TEST_F(Windows, OnlyTheFirstOfTwoThatRotateDoes) {
  windows.Record(HF_MS);
  windows.Rotate(kWindow, kWindow);
  windows.Rotate(kWindow, kWindow);
  EXPECT_EQ(At(kWindow).samples, 1u);
  EXPECT_FALSE(windows.IsOver(2 * kWindow - 1));
  EXPECT_TRUE(windows.IsOver(2 * kWindow));
}

TEST_F(Windows, AShorterWindowEndsSoonerAndALongerOneLater) {
  windows.EndBy(kWindow / 2);
  EXPECT_TRUE(windows.IsOver(kWindow / 2));
  windows.EndBy(9 * kWindow);
  EXPECT_TRUE(windows.IsOver(kWindow / 2));
}

TEST_F(Windows, TheEndOfTimeIsNoOverflow) {
  windows.Record(HF_MS);
  windows.Rotate(HF_INFINITE, kWindow);
  EXPECT_EQ(At(HF_INFINITE).samples, 0u);
}

TEST(LatencyMemory, IsFixed) { EXPECT_LE(sizeof(LatencyWindows<PlainCells>), 4300u); }

}  // namespace
}  // namespace holdfast::engine
