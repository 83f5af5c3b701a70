// SPDX-License-Identifier: Apache-2.0
// Slow calls: as results, while they hang, as probes; and what a permit remembers for it.
#include <gtest/gtest.h>

#include <vector>

#include "unit/breaker_machine.h"

namespace holdfast::engine {
namespace {

constexpr hf_verdict kSlow = HF_VERDICT_SLOW;

// Opens at half of at least four calls slow, which is from a second on.
BreakerPolicy Patient() {
  BreakerPolicy policy = ByRate(20, 4, 1);
  policy.slow_after = HF_S;
  policy.slow_rate = 0.5;
  policy.open_for = 5 * HF_S;
  return policy;
}

class SlowMachine : public Machine {
 public:
  using Machine::Machine;
  hf_events CallFor(hf_duration time, hf_verdict verdict) {
    const hf_permit permit = Permit();
    Pass(time);
    return Record(permit, verdict);
  }
};

// resilience4j CircuitBreakerStateMachineTest: slow from 4 s on, half of at least five.
TEST(BreakerSlow, FollowsTheResilience4jSlowCallVector) {
  BreakerPolicy policy = ByRate(20, 5, 1);
  policy.window = HF_WINDOW_TIME;
  policy.window_time = 20 * HF_S;
  policy.window_buckets = 20;
  policy.slow_after = 4 * HF_S;
  policy.slow_rate = 0.5;
  SlowMachine machine(policy);
  machine.CallFor(5 * HF_S, kError);
  machine.CallFor(5 * HF_S, kOk);
  machine.CallFor(100 * HF_MS, kError);
  EXPECT_EQ(machine.CallFor(100 * HF_MS, kOk), 0u);
  EXPECT_EQ(machine.CallFor(5 * HF_S, kOk), HF_EVENT_BREAKER_OPENED);
  EXPECT_EQ(machine.Read().slow, 3u);  // 60 %
  EXPECT_EQ(machine.Read().calls, 5u);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_OPEN);
}

// resilience4j SlidingTimeWindowMetricsTest: 2 slow of 5 are 40 %, whether they failed or not.
TEST(BreakerSlow, ASlowFailureIsBoth) {
  BreakerPolicy policy = Patient();
  policy.minimum_calls = 5;
  SlowMachine machine(policy);
  machine.CallFor(10 * HF_S, kError);
  machine.CallFor(10 * HF_S, kOk);
  for (int i = 0; i < 3; ++i) machine.CallFor(100 * HF_MS, kOk);
  EXPECT_EQ(machine.Read().slow, 2u);
  EXPECT_EQ(machine.Read().failures, 1u);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

TEST(BreakerSlow, ExactlySlowAfterIsSlowAndATenthLessIsNot) {
  SlowMachine machine(Patient());
  machine.CallFor(HF_S, kOk);
  EXPECT_EQ(machine.Read().slow, 1u);
  machine.CallFor(9 * HF_S / 10, kOk);
  EXPECT_EQ(machine.Read().slow, 1u);
}

TEST(BreakerSlow, AVerdictIsEnough) {
  BreakerPolicy policy = ByRate(20, 2, 1);
  policy.slow_rate = 1;
  Machine machine(policy);
  machine.Call(kSlow);
  EXPECT_EQ(machine.Read().in_flight, 0u) << "nothing is timed";
  EXPECT_EQ(machine.Call(kSlow), HF_EVENT_BREAKER_OPENED);
}

TEST(BreakerSlow, WithoutASlowRateASlowAnswerIsAGoodOne) {
  Machine machine(ByRate(20, 1, 0.01));
  for (int i = 0; i < 30; ++i) machine.Call(kSlow);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Read().slow, 0u);
}

// resilience4j #1597: with hangs of a minute it opens a minute late.
TEST(BreakerSlow, AHangTripsWhileItHangs) {
  for (const hf_window window : {HF_WINDOW_COUNT, HF_WINDOW_TIME}) {
    BreakerPolicy policy = Patient();
    policy.window = window;
    SlowMachine machine(policy);
    for (int i = 0; i < 4; ++i) machine.Permit();
    machine.Pass(HF_S / 2);
    EXPECT_EQ(machine.Read().overdue, 0u);
    EXPECT_EQ(machine.Acquire().why.code, HF_OK);
    machine.Pass(6 * HF_S / 10);
    EXPECT_EQ(machine.Read().overdue, 4u);
    EXPECT_EQ(machine.Read().in_flight, 5u);
    const Admission refused = machine.Acquire();
    EXPECT_EQ(refused.why.reason, HF_R_BREAKER_OPEN);
    EXPECT_EQ(refused.events, HF_EVENT_BREAKER_OPENED);
    EXPECT_EQ(machine.Read().calls, 0u) << "not one has come back";
  }
}

TEST(BreakerSlow, AnotherCallsResultSeesAHangToo) {
  BreakerPolicy policy = Patient();
  policy.minimum_calls = 3;
  SlowMachine machine(policy);
  machine.Permit();
  machine.Permit();
  machine.Pass(HF_S);
  const hf_permit quick = machine.Permit();
  machine.Pass(HF_S / 5);
  EXPECT_EQ(machine.Record(quick, kOk), HF_EVENT_BREAKER_OPENED);  // 2 of 3
}

TEST(BreakerSlow, AHangCountsOnce) {
  BreakerPolicy policy = Patient();
  policy.minimum_calls = 100;
  policy.window_calls = 100;
  SlowMachine machine(policy);
  const hf_permit hang = machine.Permit();
  machine.Pass(2 * HF_S);
  EXPECT_EQ(machine.Read().overdue + machine.Read().slow, 1u);
  machine.Record(hang, kError);
  EXPECT_EQ(machine.Read().overdue, 0u);
  EXPECT_EQ(machine.Read().slow, 1u);
  EXPECT_EQ(machine.Read().failures, 1u) << "that it failed is not lost";
  EXPECT_EQ(machine.Read().calls, 1u);
}

TEST(BreakerSlow, AnIgnoredHangLeavesNothing) {
  SlowMachine machine(Patient());
  const hf_permit hang = machine.Permit();
  machine.Pass(2 * HF_S);
  machine.Record(hang, kIgnored);
  EXPECT_EQ(machine.Read().overdue + machine.Read().in_flight + machine.Read().calls, 0u);
}

TEST(BreakerSlow, CallsOfManyRoundsOfTicksAreAllFoundAgain) {
  BreakerPolicy policy = Patient();
  policy.minimum_calls = 4096;
  policy.window_calls = 4096;
  SlowMachine machine(policy);
  std::vector<hf_permit> permits;
  for (int i = 0; i < 200; ++i) {
    permits.push_back(machine.Permit());
    machine.Pass(37 * HF_MS);
  }
  EXPECT_EQ(machine.Read().in_flight, 200u);
  EXPECT_NEAR(machine.Read().overdue, 173, 4) << "1 s is 27 of them";
  for (const hf_permit& permit : permits) machine.Record(permit, kOk);
  EXPECT_EQ(machine.Read().in_flight, 0u);
  EXPECT_EQ(machine.Read().overdue, 0u);
  EXPECT_EQ(machine.Read().calls, 200u);
}

TEST(BreakerSlow, HangsOfAnOlderGenerationJudgeNoNewOne) {
  SlowMachine machine(Patient());
  std::vector<hf_permit> hangs;
  for (int i = 0; i < 4; ++i) hangs.push_back(machine.Permit());
  machine.Force(HF_BREAKER_CLOSED);
  machine.Pass(10 * HF_S);
  EXPECT_EQ(machine.Read().in_flight, 0u);
  EXPECT_EQ(machine.Acquire().why.code, HF_OK);
  for (const hf_permit& hang : hangs) {
    EXPECT_EQ(machine.Record(hang, kOk), HF_EVENT_STRAGGLER);
  }
  EXPECT_EQ(machine.Read().in_flight, 1u) << "the straggler takes no one else's place";
}

TEST(BreakerSlow, AClockThatStepsBackMakesNothingOverdue) {
  SlowMachine machine(Patient());
  const hf_time start = machine.now();
  const hf_permit first = machine.Permit();
  machine.SetNow(start - 20 * HF_S);
  const hf_permit second = machine.Permit();
  EXPECT_EQ(machine.Read().overdue, 0u);
  EXPECT_EQ(machine.Read().in_flight, 2u);
  machine.Record(first, kOk);
  machine.Record(second, kOk);
  EXPECT_EQ(machine.Read().in_flight, 0u);
  EXPECT_EQ(machine.Read().slow, 0u);
}

TEST(BreakerSlow, TwoOfOneSlotKeepTheirPlacesWhenTheClockStepsBackByARound) {
  SlowMachine machine(Patient());
  const hf_duration round = hf_duration{1} << 30;  // 16 ticks of 256 units of 1 << 18 ns
  const hf_time start = machine.now();
  machine.Pass(round);
  const hf_permit later = machine.Permit();
  machine.SetNow(start);
  const hf_permit earlier = machine.Permit();
  EXPECT_EQ(machine.Read().in_flight, 2u);
  machine.Record(earlier, kOk);
  EXPECT_EQ(machine.Read().in_flight, 1u);
  machine.Record(later, kOk);
  EXPECT_EQ(machine.Read().in_flight, 0u);
}

TEST(BreakerSlow, SlowProbesReopen) {
  BreakerPolicy policy = Touchy();
  policy.slow_after = HF_S;
  policy.slow_rate = 0.5;
  policy.failure_rate = 1;
  Machine machine(policy);
  const hf_permit first = machine.TripAndProbe();
  const hf_permit second = machine.Permit();
  machine.Pass(2 * HF_S);
  machine.Record(first, kOk);
  EXPECT_EQ(machine.Record(second, kOk), HF_EVENT_BREAKER_OPENED);
}

TEST(BreakerSlow, AProbeCountsAmongNoCallsUnderWay) {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  policy.slow_after = HF_S;
  policy.slow_rate = 1;
  Machine machine(policy);
  EXPECT_EQ(machine.Record(machine.TripAndProbe(), kOk), HF_EVENT_BREAKER_CLOSED);
  EXPECT_EQ(machine.Read().in_flight, 0u);
}

TEST(BreakerSlow, DisabledTimesNothing) {
  SlowMachine machine(Patient());
  machine.Force(HF_BREAKER_DISABLED);
  for (int i = 0; i < 10; ++i) machine.Permit();
  machine.Pass(10 * HF_S);
  EXPECT_EQ(machine.Acquire().why.code, HF_OK);
  EXPECT_EQ(machine.Read().in_flight, 0u);
}

}  // namespace
}  // namespace holdfast::engine
