// SPDX-License-Identifier: Apache-2.0
// The averages behind the adaptive limits, by the published vectors.
#include "engine/averages.h"

#include <gtest/gtest.h>

#include <limits>

namespace holdfast::engine {
namespace {

// concurrency-limits ExpAvgMeasurementTest: window 100, warm-up 10.
TEST(ExpAverage, FollowsTheVector) {
  ExpAverage average;
  for (int i = 0; i < 10; ++i) EXPECT_NEAR(average.Add(10 + i, 100), 10 + 0.5 * i, 1e-12) << i;
  EXPECT_NEAR(average.Add(100, 100), 16.2, 0.01);
}

TEST(ExpAverage, OfAWindowOfOneIsTheNewestValue) {
  ExpAverage average;
  for (int i = 0; i < 10; ++i) average.Add(7, 1);
  EXPECT_EQ(average.Add(100, 1), 100);
}

TEST(ExpAverage, TellsWhetherItHasSeenAnything) {
  ExpAverage average;
  EXPECT_TRUE(average.empty());
  average.Add(1, 10);
  EXPECT_FALSE(average.empty());
}

TEST(ExpAverage, ScalesWithoutAValue) {
  ExpAverage average;
  average.Add(8, 10);
  average.Scale(0.5);
  EXPECT_EQ(average.value(), 4);
}

// failsafe-go adaptivelimiter: 100, 300, 200, 200, 250 have the median 200.
TEST(Median5, FollowsTheVector) {
  Median5 median;
  EXPECT_EQ(median.Add(100), 100);
  EXPECT_EQ(median.Add(300), 300);
  EXPECT_EQ(median.Add(200), 200);
  median.Add(200);
  EXPECT_EQ(median.Add(250), 200);
}

TEST(Median5, ForgetsTheSixth) {
  Median5 median;
  for (const int value : {1, 1, 1, 9, 9}) median.Add(value);
  EXPECT_EQ(median.Add(9), 9);
}

TEST(Median5, OneOutlierDoesNotShow) {
  Median5 median;
  for (int i = 0; i < 5; ++i) median.Add(10);
  EXPECT_EQ(median.Add(std::numeric_limits<double>::max()), 10);
}

}  // namespace
}  // namespace holdfast::engine
