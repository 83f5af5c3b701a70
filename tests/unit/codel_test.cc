// SPDX-License-Identifier: Apache-2.0
#include "engine/codel.h"

#include <gtest/gtest.h>

namespace holdfast::engine {
namespace {

constexpr CodelPolicy kPolicy{.target = 5, .interval = 100};

TEST(Codel, TheDefaultsAreFiveAndAHundredMilliseconds) {
  EXPECT_EQ(CodelPolicy{}.target, 5 * HF_MS);
  EXPECT_EQ(CodelPolicy{}.interval, 100 * HF_MS);
}

TEST(Codel, AQueueWhoseSmallestAgeStaysAboveTheTargetStands) {
  Codel codel;
  EXPECT_FALSE(codel.Observe(kPolicy, 50, 1000));
  EXPECT_FALSE(codel.Observe(kPolicy, 40, 1050)) << "not known before the interval is over";
  EXPECT_FALSE(codel.overloaded());
  EXPECT_FALSE(codel.Observe(kPolicy, 60, 1101)) << "the first of an interval is never dropped";
  EXPECT_TRUE(codel.overloaded());
  EXPECT_TRUE(codel.Observe(kPolicy, 11, 1102));
}

TEST(Codel, OneSmallAgeInTheIntervalIsEnoughNotToStand) {
  Codel codel;
  codel.Observe(kPolicy, 50, 1000);
  codel.Observe(kPolicy, 5, 1050);
  codel.Observe(kPolicy, 50, 1090);
  codel.Observe(kPolicy, 50, 1101);
  EXPECT_FALSE(codel.overloaded()) << "at the target is not above it";
}

TEST(Codel, OnlyAgesBeyondTwiceTheTargetAreDropped) {
  Codel codel;
  codel.Observe(kPolicy, 50, 1000);
  codel.Observe(kPolicy, 50, 1101);
  EXPECT_FALSE(codel.Observe(kPolicy, 10, 1102));
  EXPECT_TRUE(codel.Observe(kPolicy, 11, 1103));
}

TEST(Codel, TheFirstSampleMayComeAtTheEndOfTime) {
  Codel codel;
  EXPECT_FALSE(codel.Observe(kPolicy, 50, INT64_MAX));
  EXPECT_FALSE(codel.overloaded());
}

TEST(Codel, TheIntervalEndsAfterItsLastMoment) {
  Codel codel;
  codel.Observe(kPolicy, 50, 1000);
  codel.Observe(kPolicy, 50, 1100);
  EXPECT_FALSE(codel.overloaded());
  codel.Observe(kPolicy, 50, 1101);
  EXPECT_TRUE(codel.overloaded());
}

TEST(Codel, AQueueThatDrainedStopsStandingAfterAnInterval) {
  Codel codel;
  codel.Observe(kPolicy, 50, 1000);
  codel.Observe(kPolicy, 50, 1101);
  ASSERT_TRUE(codel.overloaded());
  codel.Observe(kPolicy, 1, 1150);
  EXPECT_TRUE(codel.Observe(kPolicy, 50, 1160)) << "until the interval is over it stands";
  codel.Observe(kPolicy, 50, 1202);
  EXPECT_FALSE(codel.overloaded());
}

TEST(Codel, AnIntervalWithoutASampleIsForgotten) {
  Codel codel;
  codel.Observe(kPolicy, 50, 1000);
  codel.Observe(kPolicy, 50, 1090);
  codel.Observe(kPolicy, 50, 1200);
  EXPECT_TRUE(codel.overloaded()) << "the interval that ended at 1100 is still the last one";
  codel.Observe(kPolicy, 50, 1401);
  EXPECT_FALSE(codel.overloaded()) << "that which ended at 1300 is not";
}

TEST(Codel, AClockThatStepsBackEndsNoInterval) {
  Codel codel;
  codel.Observe(kPolicy, 50, 1000);
  codel.Observe(kPolicy, 50, 10);
  EXPECT_FALSE(codel.overloaded());
  codel.Observe(kPolicy, 50, 1101);
  EXPECT_TRUE(codel.overloaded());
}

TEST(Codel, TheEndOfTimeDoesNotOverflow) {
  Codel codel;
  codel.Observe(kPolicy, 50, HF_INFINITE - 1);
  EXPECT_FALSE(codel.Observe(kPolicy, 50, HF_INFINITE));
}

}  // namespace
}  // namespace holdfast::engine
