// SPDX-License-Identifier: Apache-2.0
// The ramp of a cold limiter, and what a refund or an update does on it.
#include <gtest/gtest.h>

#include <cstdint>

#include "unit/limiter_machine.h"

namespace holdfast::engine {
namespace {

constexpr hf_time kStart = 1000 * HF_S;
constexpr hf_duration kWarmUp = 64 * HF_S;

Pace Ramp(hf_duration warm_up = kWarmUp, uint32_t cold_factor = 4) {
  Pace pace;
  pace.warm_up = warm_up;
  pace.cold_factor = cold_factor;
  return pace;
}

constexpr LimiterPolicy kHundred = {HF_S, HF_S, 100, 100};

// Asked all the time until `until`, and drained then.
void KeepBusy(LimiterMachine& machine, hf_time until) {
  for (hf_time now = kStart; now <= until; now += HF_S) machine.Drain(now);
}

TEST(LimiterRamp, BeginsWithTheFirstAskAtAColdRateAndLevel) {
  LimiterMachine machine(kHundred, Ramp());
  EXPECT_EQ(machine.Tokens(kStart), 25);
  EXPECT_EQ(machine.Tokens(kStart + 3600 * HF_S), 25) << "looking at it does not warm it";
  EXPECT_EQ(machine.Drain(kStart), 25);
  EXPECT_EQ(machine.RefusedFor(1, kStart), 40 * HF_MS);
  EXPECT_EQ(machine.limiter.Read(kStart).rate, 25);
}

TEST(LimiterRamp, GrowsByAStepEachSixtyFourth) {
  LimiterMachine machine(kHundred, Ramp());
  ASSERT_EQ(machine.Drain(kStart), 25);
  for (int step = 0; step < 64; ++step) {
    const hf_time now = kStart + step * HF_S;
    EXPECT_DOUBLE_EQ(machine.limiter.Read(now).rate, 100 * (64 + 3 * step) / 256.0) << step;
    EXPECT_DOUBLE_EQ(machine.limiter.Read(now + HF_S - 1).rate, 100 * (64 + 3 * step) / 256.0);
  }
  EXPECT_EQ(machine.limiter.Read(kStart + kWarmUp).rate, 100);
}

TEST(LimiterRamp, GivesInAllWhatTheFormulaSays) {
  LimiterMachine machine(kHundred, Ramp());
  ASSERT_EQ(machine.Drain(kStart), 25);
  int granted = 0;
  for (hf_time now = kStart; now <= kStart + kWarmUp; now += HF_MS) granted += machine.Drain(now);
  EXPECT_NEAR(granted, 100 * 64 * (0.25 + 0.75 * 63 / 128), 1);
}

TEST(LimiterRamp, RetryAfterLooksThroughTheStepsAhead) {
  LimiterMachine machine(kHundred, Ramp());
  ASSERT_EQ(machine.Drain(kStart), 25);
  const hf_duration wait = machine.RefusedFor(100, kStart);
  EXPECT_FALSE(machine.Try(100, kStart + wait - 1));
  EXPECT_TRUE(machine.Try(100, kStart + wait));
  EXPECT_EQ(wait, 3'753'424'658)
      << "25 + 26.17 + 27.34 in three seconds, the rest at 28.52 a second";
}

TEST(LimiterRamp, AnyLongIdleTimeIsTheStartAgain) {
  for (const hf_duration idle : {kWarmUp, 1000 * kWarmUp}) {
    LimiterMachine machine(kHundred, Ramp());
    KeepBusy(machine, kStart + 2 * kWarmUp);
    const hf_time full = kStart + 2 * kWarmUp + HF_S;
    EXPECT_FALSE(machine.limiter.IsIdle(full + kWarmUp - 1));
    EXPECT_TRUE(machine.limiter.IsIdle(full + kWarmUp));
    EXPECT_EQ(machine.Drain(full + idle), 25);
    EXPECT_EQ(machine.limiter.Read(full + idle).rate, 25);
  }
}

TEST(LimiterRamp, AShortIdleTimeLeavesItWarm) {
  LimiterMachine machine(kHundred, Ramp());
  KeepBusy(machine, kStart + 2 * kWarmUp);
  EXPECT_EQ(machine.Drain(kStart + 2 * kWarmUp + HF_S + kWarmUp - 1), 100);
}

TEST(LimiterRamp, ASmallBurstHoldsAtLeastOneTokenWhenCold) {
  LimiterMachine machine({HF_S, HF_S, 2, 2}, Ramp(kWarmUp, 100));
  EXPECT_EQ(machine.Drain(kStart), 1);
}

TEST(LimiterRamp, ABrandNewOneIsIdleAndAnAskedOneIsNot) {
  LimiterMachine machine(kHundred, Ramp());
  EXPECT_TRUE(machine.limiter.IsIdle(kStart));
  ASSERT_TRUE(machine.Try(1, kStart));
  EXPECT_FALSE(machine.limiter.IsIdle(kStart));
}

TEST(LimiterRamp, AStepBackBeforeTheStartKeepsTheRamp) {
  LimiterMachine machine(kHundred, Ramp());
  ASSERT_EQ(machine.Drain(kStart), 25);
  EXPECT_EQ(machine.Drain(kStart - HF_S), 0);
  EXPECT_EQ(machine.limiter.Read(kStart - HF_S).rate, 25);
}

TEST(LimiterRamp, AnUpdateDoesNotWarmWhatIsCold) {
  LimiterMachine machine(kHundred, Ramp());
  machine.limiter.Update({HF_S, HF_S, 200, 200}, kWarmUp, 2, 1, kStart);
  EXPECT_EQ(machine.Drain(kStart + 3600 * HF_S), 100);
}

TEST(LimiterRamp, AnUpdateCanEndTheRamp) {
  LimiterMachine machine(kHundred, Ramp());
  ASSERT_EQ(machine.Drain(kStart), 25);
  machine.limiter.Update(kHundred, 0, 3, 1, kStart + HF_S);
  EXPECT_EQ(machine.limiter.Read(kStart + HF_S).rate, 100);
  EXPECT_EQ(machine.Tokens(kStart + 2 * HF_S), 100);
}

TEST(LimiterRamp, AnUpdateMayDropTheRampOfAColdOne) {
  LimiterMachine machine(kHundred, Ramp());
  machine.limiter.Update(kHundred, 0, 3, 1, kStart);
  EXPECT_EQ(machine.Drain(kStart), 100);
  EXPECT_EQ(machine.RefusedFor(1, kStart), 10 * HF_MS);
}

}  // namespace
}  // namespace holdfast::engine
