// SPDX-License-Identifier: Apache-2.0
// The send rate against the published vectors of the AWS SDKs, and in its place inside a limiter.
#include "engine/send_rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "unit/limiter_machine.h"

namespace holdfast::engine {
namespace {

constexpr hf_time At(double seconds) { return static_cast<hf_time>(seconds * 1000 + 0.5) * HF_MS; }

// smithy-rs client_rate_limiter.rs: the last maximum is 10, throttled at 5.
TEST(SendRate, RecoversOnTheCubicCurve) {
  const double rates[] = {7.0,
                          9.64893600966,
                          10.000030849917364,
                          10.453284520772092,
                          13.408697022224185,
                          21.26626835427364,
                          36.425998516920465};
  for (int i = 0; i < 7; ++i) EXPECT_NEAR(SendRate::Cubic(10, i), rates[i], 5e-12) << 5 + i;
}

// The same file: throttled at 7 and 8, each time at the rate that came of it.
TEST(SendRate, FallsByBetaAndRecoversAgain) {
  const double rates[] = {7.0,
                          9.64893600966,
                          6.754255206761999,
                          4.727978644733399,
                          4.670125557970046,
                          4.770870456867401,
                          6.011819748005445,
                          10.792973431384178};
  double last_max = 10, throttled_at = 5, rate = 0;
  for (int i = 0; i < 8; ++i) {
    const double t = 5 + i;
    if (t == 7 || t == 8) {
      rate *= SendRate::kBeta;
      last_max = rate;
      throttled_at = t;
    } else {
      rate = SendRate::Cubic(last_max, t - throttled_at);
    }
    EXPECT_NEAR(rate, rates[i], 5e-12) << t;
  }
}

// The end-to-end table of the same file and of the SDKs' common specification.
TEST(SendRate, FollowsTheSeventeenRows) {
  struct Row {
    double t;
    bool throttled;
    double measured;
    double rate;
  };
  const Row rows[] = {
      {0.2, false, 0, 0.5},
      {0.4, false, 0, 0.5},
      {0.6, false, 4.8, 0.5},
      {0.8, false, 4.8, 0.5},
      {1.0, false, 4.16, 0.5},
      {1.2, false, 4.16, 0.6912},
      {1.4, false, 4.16, 1.0976},
      {1.6, false, 5.632, 1.6384},
      {1.8, false, 5.632, 2.3328},
      {2.0, true, 4.3264, 3.02848},
      {2.2, false, 4.3264, 3.48663917347026},
      {2.4, false, 4.3264, 3.821874416040255},
      {2.6, false, 5.66528, 4.053385727709987},
      {2.8, false, 5.66528, 4.200373108479454},
      {3.0, false, 4.333056, 4.282036558348658},
      {3.2, true, 4.333056, 2.99742559084406},
      {3.4, false, 4.333056, 3.4522263943863463},
  };
  SendRate rate;
  for (const Row& row : rows) {
    rate.OnOutcome(row.throttled, At(row.t));
    EXPECT_NEAR(rate.measured(), row.measured, 1e-13) << row.t;
    EXPECT_NEAR(rate.rate(), row.rate, 1e-14 * (1 + row.rate) * 10) << row.t;
    EXPECT_EQ(rate.limited(), row.t >= 2.0) << row.t;
  }
}

TEST(SendRate, TheSameAtAnyUptime) {
  SendRate early, late;
  constexpr hf_time kYear = 365 * 24 * 3600 * HF_S;
  for (int i = 1; i < 200; ++i) {
    early.OnOutcome(i % 17 == 0, At(0.2 * i));
    late.OnOutcome(i % 17 == 0, kYear + At(0.2 * i));
    ASSERT_EQ(early.rate(), late.rate()) << i;
  }
}

// aws-sdk-cpp takes std::abs of a difference of wall-clock times: a step back is a step forward there.
TEST(SendRate, AStepBackOfTheClockMovesNothing) {
  SendRate rate;
  for (int i = 1; i <= 10; ++i) rate.OnOutcome(i == 10, At(10 + 0.2 * i));
  const double before = rate.rate();
  rate.OnOutcome(false, At(1));
  EXPECT_LE(rate.rate(), before);
  EXPECT_EQ(rate.measured(), 4.3264);
}

// The SDKs know no rate before the end of the first half second, so that a throttling within it takes them
// to the least there is, and they need seconds to climb out. Here what was sent by then is the first measure.
TEST(SendRate, AThrottlingInTheFirstHalfSecondCountsWhatWasSentByThen) {
  SendRate rate;
  for (int i = 1; i <= 40; ++i) rate.OnOutcome(i == 40, At(10 + 0.01 * i));
  EXPECT_EQ(rate.measured(), 80) << "40 in half a second";
  EXPECT_EQ(rate.rate(), 80 * SendRate::kBeta);
  rate.OnOutcome(false, At(10.45));
  EXPECT_GT(rate.rate(), 50) << "and it stays the measure until the next";
  rate.OnOutcome(false, At(10.5));
  EXPECT_NEAR(rate.measured(), 42 / 0.5 * SendRate::kSmoothing + 80 * (1 - SendRate::kSmoothing),
              1e-9);
}

TEST(SendRate, ManyThrottlingsInTheFirstHalfSecondAreOne) {
  SendRate rate;
  for (int i = 1; i <= 40; ++i) rate.OnOutcome(i > 20, At(10 + 0.01 * i));
  EXPECT_EQ(rate.rate(), 80 * SendRate::kBeta);
  rate.OnOutcome(true, At(10.5));
  EXPECT_LT(rate.rate(), 80 * SendRate::kBeta) << "and from then on each counts";
}

TEST(SendRate, NeverRisesAboveTwiceWhatIsSent) {
  SendRate rate;
  for (int i = 1; i <= 10; ++i) rate.OnOutcome(i == 10, At(0.2 * i));
  rate.OnOutcome(false, At(100));
  EXPECT_EQ(rate.rate(), 2 * rate.measured());
}

TEST(SendRate, NeverFallsBelowHalfATokenASecond) {
  SendRate rate;
  for (int i = 1; i < 100; ++i) {
    rate.OnOutcome(true, At(i));
    EXPECT_GE(rate.rate(), 0.5);
  }
}

// --- Inside a limiter ----------------------------------------------------------------------------------

constexpr hf_time kStart = 1000 * HF_S;

Pace Adaptive() {
  Pace pace;
  pace.adaptive = true;
  return pace;
}

LimiterMachine& Throttle(LimiterMachine& machine) {
  for (int i = 1; i <= 10; ++i) {
    machine.limiter.OnOutcome(i == 10, kStart + At(0.2 * i));
  }
  return machine;  // at 1002 s: 3.02848 tokens a second
}

TEST(SendRate, LimitsNobodyBeforeTheServerThrottles) {
  LimiterMachine machine({HF_S, HF_S, 100, 100}, Adaptive());
  for (int i = 1; i <= 9; ++i) machine.limiter.OnOutcome(false, kStart + At(0.2 * i));
  EXPECT_EQ(machine.Drain(kStart + 2 * HF_S), 100);
  EXPECT_EQ(machine.limiter.Read(kStart + 2 * HF_S).rate, 100);
}

TEST(SendRate, TakesTheLimiterDownToWhatTheServerBears) {
  LimiterMachine machine({HF_S, HF_S, 100, 100}, Adaptive());
  Throttle(machine);
  const hf_time now = kStart + 2 * HF_S;
  EXPECT_NEAR(machine.limiter.Read(now).rate, 3.02848, 1e-4);
  EXPECT_EQ(machine.Drain(now), 3) << "what was saved up is cut to one second";
  EXPECT_NEAR(static_cast<double>(machine.RefusedFor(1, now)), (1 - 0.02848) / 3.02848 * HF_S, 2e4);
  const hf_event& event = machine.limiter.Events().Newest(2);
  EXPECT_EQ(event.kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(event.reason, HF_R_THROTTLED);
  EXPECT_EQ(event.after, 3028);
}

TEST(SendRate, NeverRaisesTheLimiterAboveItsOwnRate) {
  LimiterMachine machine({HF_S, HF_S, 2, 2}, Adaptive());
  Throttle(machine);
  EXPECT_EQ(machine.limiter.Read(kStart + 2 * HF_S).rate, 2);
  EXPECT_EQ(machine.Drain(kStart + 2 * HF_S), 2);
}

TEST(SendRate, ACostAboveASecondMakesTheBucketThatLarge) {
  LimiterMachine machine({HF_S, 60 * HF_S, 100, 100}, Adaptive());
  Throttle(machine);
  const hf_time now = kStart + 2 * HF_S;
  const hf_duration wait = machine.RefusedFor(50, now);
  EXPECT_NEAR(static_cast<double>(wait), (50 - 3.02848) / 3.02848 * HF_S, 1e6);
  EXPECT_FALSE(machine.Try(50, now + wait - 1));
  EXPECT_TRUE(machine.Try(50, now + wait));
  const Ticket large = machine.ticket;
  EXPECT_TRUE(machine.limiter.Cancel(large, now + wait));
  EXPECT_EQ(machine.Drain(now + 1000 * HF_S), 50);
}

TEST(SendRate, AThrottlingForgetsTheDearestCost) {
  LimiterMachine machine({HF_S, 60 * HF_S, 100, 100}, Adaptive());
  Throttle(machine);
  EXPECT_GT(machine.RefusedFor(50, kStart + 2 * HF_S), 0);
  machine.limiter.OnOutcome(true, kStart + 1000 * HF_S);
  EXPECT_EQ(machine.Drain(kStart + 1000 * HF_S), 1);
}

// aws-sdk-cpp sleeps inside Acquire with its mutex held: callers go one after the other.
TEST(SendRate, AWaitHoldsNobodyUp) {
  LimiterMachine machine({HF_S, 60 * HF_S, 100, 100}, Adaptive());
  Throttle(machine);
  const hf_time now = kStart + 2 * HF_S;
  EXPECT_EQ(machine.Drain(now), 3);
  const hf_duration first = machine.Reserve(1, now);
  const hf_duration second = machine.Reserve(1, now);
  EXPECT_NEAR(static_cast<double>(second - first), HF_S / 3.02848, 2e4)
      << "both answered at once, each with its own time";
}

TEST(SendRate, ALearntRateIsNotIdle) {
  LimiterMachine machine({HF_S, HF_S, 100, 100}, Adaptive());
  EXPECT_TRUE(machine.limiter.IsIdle(kStart));
  Throttle(machine);
  EXPECT_FALSE(machine.limiter.IsIdle(kStart + 3600 * HF_S));
}

TEST(SendRate, DoesNothingToALimiterThatIsNotAdaptive) {
  LimiterMachine plain({HF_S, HF_S, 100, 100});
  LimiterMachine ramped({HF_S, HF_S, 100, 100}, Pace{});
  EXPECT_EQ(Throttle(plain).limiter.Read(kStart + 2 * HF_S).rate, 100);
  EXPECT_EQ(Throttle(ramped).limiter.Read(kStart + 2 * HF_S).rate, 100);
}

}  // namespace
}  // namespace holdfast::engine
