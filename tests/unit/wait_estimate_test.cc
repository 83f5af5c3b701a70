// SPDX-License-Identifier: Apache-2.0
#include "engine/wait_estimate.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

using Estimate = WaitEstimate<PlainCells>;

TEST(WaitEstimate, KnowsNothingBeforeTheEighthSample) {
  Estimate estimate;
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(estimate.Latency(), 0);
    estimate.Record(100);
  }
  EXPECT_EQ(estimate.Latency(), 0);
  estimate.Record(100);
  EXPECT_EQ(estimate.Latency(), 100);
}

TEST(WaitEstimate, TheFirstEightCountAlike) {
  Estimate estimate;
  for (const hf_duration sample : {8000, 0, 0, 0, 0, 0, 0, 0}) estimate.Record(sample);
  EXPECT_NEAR(static_cast<double>(estimate.Latency()), 1000, 8) << "rounding, one per sample";
}

TEST(WaitEstimate, ALaterOneCountsAnEighth) {
  Estimate estimate;
  for (int i = 0; i < 8; ++i) estimate.Record(800);
  estimate.Record(1600);
  EXPECT_EQ(estimate.Latency(), 900);
  estimate.Record(100);
  EXPECT_EQ(estimate.Latency(), 800);
}

TEST(WaitEstimate, TheTailOfCallsThatAreAllAlikeIsTheirLatency) {
  Estimate estimate;
  for (int i = 0; i < 20; ++i) estimate.Record(100);
  EXPECT_EQ(estimate.Tail(), 100);
}

TEST(WaitEstimate, TheTailIsTheMeanAndTwiceTheDeviation) {
  Estimate estimate;
  for (int i = 0; i < 8; ++i) estimate.Record(800);
  estimate.Record(1600);  // 800 from the mean before it, of which an eighth
  EXPECT_EQ(estimate.Latency(), 900);
  EXPECT_EQ(estimate.Tail(), 900 + 2 * 100);
  estimate.Record(100);  // as far on the other side
  EXPECT_EQ(estimate.Tail(), 800 + 2 * (100 + (800 - 100) / 8));
}

TEST(WaitEstimate, ElevenInTwelveExponentialCallsAreWithinTheTail) {
  Estimate estimate;
  std::mt19937_64 random(11);
  std::exponential_distribution<double> draw(1.0 / 1e7);
  int within = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto took = static_cast<hf_duration>(draw(random));
    within += took <= estimate.Tail();
    estimate.Record(took);
  }
  EXPECT_NEAR(within, 100000 * 11 / 12, 1500);
}

TEST(WaitEstimate, CallsThatTakeNoTimeAreKnownToo) {
  Estimate estimate;
  for (int i = 0; i < 8; ++i) estimate.Record(0);
  EXPECT_EQ(estimate.Latency(), 1);
}

TEST(WaitEstimate, AbsurdSamplesAreCut) {
  Estimate estimate;
  for (int i = 0; i < 8; ++i) estimate.Record(HF_INFINITE);
  EXPECT_EQ(estimate.Latency(), 3 * 24 * 3600 * HF_S);
  for (int i = 0; i < 200; ++i) estimate.Record(-5);
  EXPECT_LT(estimate.Latency(), 10 * HF_MS);
}

TEST(WaitEstimate, TheNthInLineWaitsForNthPartsOfACall) {
  EXPECT_EQ(Estimate::Wait(100, 1, 10), 10);
  EXPECT_EQ(Estimate::Wait(100, 10, 10), 100);
  EXPECT_EQ(Estimate::Wait(100, 25, 10), 250);
  EXPECT_EQ(Estimate::Wait(7, 2, 3), 4) << "the remainder counts: 14 / 3";
  EXPECT_EQ(Estimate::Wait(0, 25, 10), 0);
  EXPECT_EQ(Estimate::Wait(HF_INFINITE / 2, 1'000'000, 1), HF_INFINITE);
}

}  // namespace
}  // namespace holdfast::engine
