// SPDX-License-Identifier: Apache-2.0
// The guard's test: whether more load still brings more throughput.
#include "engine/correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace holdfast::engine {
namespace {

constexpr uint32_t kMemory = 20;

// In-flight from 20 to 39, a throughput that goes with its power, and the rtt that follows from the two.
Correlation PowerLaw(double slope, int count = kMemory) {
  Correlation points;
  for (int i = 0; i < count; ++i)
    points.Add(20 + i, std::pow(20 + i, slope), std::pow(20 + i, 1 - slope));
  return points;
}

TEST(Correlation, SaysNothingOfFewerThanTenPoints) {
  EXPECT_EQ(Correlation().Judge(kMemory), Saturation::kUnknown);
  EXPECT_EQ(PowerLaw(0, 9).Judge(kMemory), Saturation::kUnknown);
  EXPECT_EQ(PowerLaw(0, 10).Judge(kMemory), Saturation::kSaturated);
}

TEST(Correlation, HalfAsMuchMoreThroughputAsLoadIsTheEdge) {
  EXPECT_EQ(PowerLaw(1).Judge(kMemory), Saturation::kGrowing);
  EXPECT_EQ(PowerLaw(0.51).Judge(kMemory), Saturation::kGrowing);
  EXPECT_EQ(PowerLaw(0.49).Judge(kMemory), Saturation::kSaturated);
  EXPECT_EQ(PowerLaw(0).Judge(kMemory), Saturation::kSaturated);
  EXPECT_EQ(PowerLaw(-1).Judge(kMemory), Saturation::kSaturated);
}

// The peaks of bursts that a limit cuts off: throughput hardly rises, and nothing waits.
TEST(Correlation, ARttThatStandsIsNoSaturation) {
  for (const double rtt_slope : {0.0, 0.24, 0.26, 1.0}) {
    Correlation points;
    for (int i = 0; i < 20; ++i) points.Add(20 + i, 40, std::pow(20 + i, rtt_slope));
    EXPECT_EQ(points.Judge(kMemory),
              rtt_slope > 0.25 ? Saturation::kSaturated : Saturation::kGrowing)
        << rtt_slope;
  }
}

TEST(Correlation, OneInFlightTeachesNothing) {
  Correlation points;
  for (uint32_t i = 1; i < kMemory; ++i) points.Add(50, i, 50.0 / i);
  EXPECT_EQ(points.Judge(kMemory), Saturation::kUnknown);
  points.Add(50, 7, 7);
  EXPECT_EQ(points.Judge(kMemory), Saturation::kBlind);
  points.Add(45, 7, 6);
  EXPECT_NE(points.Judge(kMemory), Saturation::kBlind);
}

TEST(Correlation, RemembersNoFurtherThanItIsAskedTo) {
  Correlation points = PowerLaw(1, 20);
  for (int i = 0; i < 20; ++i) points.Add(40 + i, 40, 40 + i);
  EXPECT_EQ(points.Judge(20), Saturation::kSaturated);
  EXPECT_EQ(points.Judge(40), Saturation::kGrowing);
}

TEST(Correlation, TheRingHoldsTheNewestSixtyFour) {
  Correlation points = PowerLaw(1, 64);
  for (int i = 0; i < 64; ++i) points.Add(20 + i, 1, 20 + i);
  EXPECT_EQ(points.Judge(64), Saturation::kSaturated);
}

// A dependency with room is taken for a saturated one by noise alone less often than once in a hundred.
TEST(Correlation, NoiseAloneRarelySpeaks) {
  std::mt19937_64 engine(1);
  const auto noise = [&] {  // sum of uniforms: the standard's normal differs by library
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(engine() >> 11) * 0x1.0p-53;
    return sum;
  };
  int wrong = 0, missed = 0;
  for (int round = 0; round < 1000; ++round) {
    Correlation room, nearly, full;
    for (uint32_t i = 0; i < kMemory; ++i) {
      const double load = 40 * std::exp(0.1 * noise());
      const double much = load * std::exp(0.05 * noise());
      const double little = 40 * std::exp(0.05 * noise());
      const double less = std::pow(load, 0.6) * std::exp(0.05 * noise());
      room.Add(load, much, load / much);
      nearly.Add(load, less, load / less);
      full.Add(load, little, load / little);
    }
    wrong += room.Judge(kMemory) == Saturation::kSaturated ? 1 : 0;
    wrong += nearly.Judge(kMemory) == Saturation::kSaturated ? 1 : 0;
    missed += full.Judge(kMemory) == Saturation::kSaturated ? 0 : 1;
  }
  EXPECT_LT(wrong, 10);
  EXPECT_LT(missed, 100);
}

}  // namespace
}  // namespace holdfast::engine
