// SPDX-License-Identifier: Apache-2.0
#include "engine/wait_estimate.h"

#include <gtest/gtest.h>

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
