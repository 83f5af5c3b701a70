// SPDX-License-Identifier: Apache-2.0
// The way back: how long it opens, how it probes, and how load returns.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/open_time.h"
#include "engine/ramp.h"
#include "unit/breaker_machine.h"

namespace holdfast::engine {
namespace {

// --- open time --------------------------------------------------------------------------------------------

BreakerPolicy Growing(double multiplier) {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  policy.open_multiplier = multiplier;
  policy.open_cap = 60 * HF_S;
  policy.healthy_for = 100 * HF_S;
  return policy;
}

// resilience4j CircuitBreakerStateMachineTest: 5 s times 1.5.
TEST(OpenTime, FollowsTheResilience4jExponentialVector) {
  Machine machine(Growing(1.5));
  machine.Call(kError);
  machine.Pass(3 * HF_S);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_OPEN);
  machine.Pass(3 * HF_S);
  machine.Record(machine.Permit(), kError);
  machine.Pass(6 * HF_S);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_OPEN);
  machine.Pass(5 * HF_S);
  EXPECT_EQ(machine.Permit().kind, HF_PERMIT_PROBE);
}

TEST(OpenTime, GrowsToTheCapAndNoFurther) {
  const BreakerPolicy policy = Growing(2);
  hf_duration expected = 5 * HF_S;
  for (uint32_t trips = 1; trips <= 10; ++trips) {
    EXPECT_EQ(OpenTime(policy, trips, trips), std::min(expected, 60 * HF_S)) << trips;
    expected *= 2;
  }
  for (const uint32_t trips : {100u, 1000u, 1024u, 1025u, UINT32_MAX}) {
    EXPECT_EQ(OpenTime(policy, trips, 1), 60 * HF_S) << trips;
  }
}

// One multiplication a trip would take seconds for these, and be wrong by a tenth of the growth.
TEST(OpenTime, FourBillionTripsAtASmallMultiplierAreNoLongerLoop) {
  const BreakerPolicy policy = Growing(1 + 0x1p-52);
  const double expected = 5e9 * std::exp(0x1p-20);
  EXPECT_NEAR(static_cast<double>(OpenTime(policy, UINT32_MAX, 1)), expected, 10);
}

TEST(OpenTime, ACapBelowOpenForLeavesOpenFor) {
  BreakerPolicy policy = Growing(2);
  policy.open_cap = HF_S;
  EXPECT_EQ(OpenTime(policy, 1, 1), 5 * HF_S);
}

// resilience4j, Polly, Finagle: jitter first and the cap after it, and at the cap all come back in step.
TEST(OpenTime, JitterSurvivesTheCap) {
  BreakerPolicy policy = Growing(2);
  policy.open_jitter = 0.5;
  std::set<hf_duration> drawn;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    policy.seed = seed;
    const hf_duration length = OpenTime(policy, 50, 50);
    EXPECT_GE(length, 30 * HF_S);
    EXPECT_LE(length, 60 * HF_S);
    drawn.insert(length);
  }
  EXPECT_EQ(drawn.size(), 100u);
  EXPECT_LT(*drawn.begin(), 32 * HF_S);
  EXPECT_GT(*drawn.rbegin(), 58 * HF_S);
}

TEST(OpenTime, IsTheSameForTheSameSeedAndOpening) {
  BreakerPolicy policy = Growing(1);
  policy.open_jitter = 1;
  policy.seed = 7;
  EXPECT_EQ(OpenTime(policy, 1, 3), OpenTime(policy, 1, 3));
  EXPECT_NE(OpenTime(policy, 1, 3), OpenTime(policy, 1, 4));
  EXPECT_GE(OpenTime(policy, 1, 3), 1);
}

TEST(OpenTime, AHealthyTimeMakesTheNextTripAFirstOne) {
  Machine machine(Growing(2));
  machine.Call(kError);
  machine.Pass(5 * HF_S);
  machine.Record(machine.Permit(), kOk);
  EXPECT_EQ(machine.Read().trips, 1u);
  machine.Pass(100 * HF_S - 1);
  machine.Call(kError);
  EXPECT_EQ(machine.Read().trips, 2u);
  EXPECT_EQ(machine.Read().open_until, machine.now() + 10 * HF_S);
  machine.Pass(10 * HF_S);
  machine.Record(machine.Permit(), kOk);
  machine.Pass(100 * HF_S);
  machine.Call(kError);
  EXPECT_EQ(machine.Read().trips, 1u);
  EXPECT_EQ(machine.Read().open_until, machine.now() + 5 * HF_S);
}

// --- probes -----------------------------------------------------------------------------------------------

TEST(Probes, CloseAtTheirOwnRate) {
  BreakerPolicy policy = Touchy();
  policy.probes = 4;
  policy.failure_rate = 0.9;
  policy.probe_success_rate = 0.75;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kError);
  machine.Calls("SS");
  EXPECT_EQ(machine.Call(kOk), HF_EVENT_BREAKER_CLOSED);  // 3 of 4
  machine.Record(machine.TripAndProbe(), kError);
  machine.Calls("SS");
  EXPECT_EQ(machine.Call(kError), HF_EVENT_BREAKER_OPENED);  // 2 of 4
}

TEST(Probes, LostOnesMayCountAsFailed) {
  BreakerPolicy policy = Touchy();
  policy.lost_probe = HF_LOST_PROBE_FAILURE;
  Machine machine(policy);
  const hf_permit lost = machine.TripAndProbe();
  machine.Record(machine.Permit(), kOk);
  machine.Pass(30 * HF_S);
  const Admission refused = machine.Acquire();  // 1 of 2
  EXPECT_EQ(refused.events, HF_EVENT_PROBE_LOST | HF_EVENT_BREAKER_OPENED);
  EXPECT_EQ(refused.why.reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(refused.why.retry_after, 5 * HF_S);
  EXPECT_EQ(machine.Record(lost, kOk), HF_EVENT_STRAGGLER);
}

TEST(Probes, OneLostOfManyMayStillClose) {
  BreakerPolicy policy = Touchy();
  policy.probes = 3;
  policy.lost_probe = HF_LOST_PROBE_FAILURE;
  Machine machine(policy);
  machine.TripAndProbe();
  machine.Calls("SS");
  machine.Pass(30 * HF_S);
  const Admission admitted = machine.Acquire();
  EXPECT_EQ(admitted.events, HF_EVENT_PROBE_LOST | HF_EVENT_BREAKER_CLOSED);
  EXPECT_EQ(admitted.permit.kind, HF_PERMIT_NORMAL);
  EXPECT_EQ(admitted.permit.generation, machine.Read().generation);
}

// resilience4j #1432, safe-global PR#3442: many callers at the edge, and all of them probe.
TEST(Probes, AThousandCallersAtTheEdgeGetAsManyProbesAsAreAllowed) {
  Machine machine(Touchy());
  machine.Call(kError);
  machine.Pass(5 * HF_S);
  int probes = 0;
  for (int i = 0; i < 1000; ++i) probes += machine.Acquire().why.code == HF_OK;
  EXPECT_EQ(probes, 2);
}

// --- ramp -------------------------------------------------------------------------------------------------

BreakerPolicy Ramping() {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  policy.consecutive_failures = 3;
  policy.ramp_for = 10 * HF_S;
  policy.ramp_from = 0.1;
  return policy;
}

class RampMachine : public Machine {
 public:
  RampMachine() : Machine(Ramping()) {
    Calls("EEE");
    Pass(5 * HF_S);
    Record(Permit(), kOk);
  }
  // How many of so many are admitted now.
  int Admitted(int asked) {
    int admitted = 0;
    for (int i = 0; i < asked; ++i) admitted += Acquire().why.code == HF_OK;
    return admitted;
  }
};

// aws-powertools RFC #8257, cockatiel: all who waited run at once when it closes.
TEST(Ramp, NoHerdOnClose) {
  RampMachine machine;
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  EXPECT_NEAR(machine.Admitted(1000), 100, 1);
  machine.Pass(5 * HF_S);
  EXPECT_NEAR(machine.Admitted(1000), 550, 1);
  machine.Pass(4 * HF_S);
  EXPECT_NEAR(machine.Admitted(1000), 910, 1);
  machine.Pass(HF_S);
  EXPECT_EQ(machine.Admitted(1000), 1000);
}

TEST(Ramp, TheFirstIsAdmittedAndTheSharesAreEven) {
  RampMachine machine;
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(machine.Admitted(10), 1) << round;
  }
}

TEST(Ramp, ARefusalSaysWhyAndWhen) {
  RampMachine machine;
  machine.Admitted(1);
  const Admission refused = machine.Acquire();
  EXPECT_EQ(refused.why.code, HF_UNAVAILABLE);
  EXPECT_EQ(refused.why.reason, HF_R_BREAKER_RAMPING);
  EXPECT_EQ(refused.why.retry_after, HF_S);
  machine.Pass(10 * HF_S - 1);
  EXPECT_EQ(machine.Read().admitted, RampedShare(0.1, 10 * HF_S - 1, 10 * HF_S));
  machine.Pass(1);
  EXPECT_EQ(machine.Read().admitted, 1);
}

TEST(Ramp, ItsEndIsNoChangeOfState) {
  RampMachine machine;
  const hf_permit early = machine.Permit();
  machine.Pass(10 * HF_S);
  machine.Permit();
  EXPECT_EQ(machine.Record(early, kOk), 0u) << "no straggler";
  EXPECT_EQ(machine.Read().calls, 1u);
}

TEST(Ramp, FailuresMeanwhileOpenItAgain) {
  RampMachine machine;
  for (int i = 0; i < 2; ++i) {
    machine.Call(kError);
    machine.Admitted(9);
  }
  EXPECT_EQ(machine.Call(kError), HF_EVENT_BREAKER_OPENED);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_OPEN);
  EXPECT_EQ(machine.Read().trips, 2u);
}

TEST(Ramp, ForcedClosedDoesNotRamp) {
  RampMachine machine;
  machine.Force(HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Admitted(100), 100);
}

TEST(Ramp, AClockThatStepsBackAdmitsNoLessThanAtFirst) {
  RampMachine machine;
  machine.SetNow(machine.now() - 100 * HF_S);
  EXPECT_NEAR(machine.Admitted(100), 10, 1);
}

TEST(Ramp, ANegativeNowIsReadAsZero) {
  BreakerPolicy policy = Growing(1);
  policy.ramp_for = 10 * HF_S;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kOk);
  int admitted = 0;
  for (int i = 0; i < 100; ++i) {
    machine.SetNow(i % 2 == 0 ? INT64_MIN : -1);
    if (machine.Acquire().why.code == HF_OK) ++admitted;
  }
  EXPECT_EQ(admitted, 10) << "as at the ramp's beginning";
}

TEST(Ramp, ShareIsBoundedByOne) {
  EXPECT_EQ(ShareOf(1), UINT32_MAX);
  EXPECT_EQ(ShareOf(0.5), 1u << 31);
  EXPECT_EQ(RampedShare(0.1, 5, 4), 1);
}

}  // namespace
}  // namespace holdfast::engine
