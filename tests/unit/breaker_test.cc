// SPDX-License-Identifier: Apache-2.0
// The breaker's engine: a test per transition, and the defects that other breakers are known for.
#include "engine/breaker.h"

#include <gtest/gtest.h>

#include "unit/breaker_machine.h"

namespace holdfast::engine {
namespace {

// --- a test per transition ----------------------------------------------------------------------------

TEST(Breaker, StartsClosedInGenerationOne) {
  Machine machine(Touchy());
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Read().generation, 1u);
  const hf_permit permit = machine.Permit();
  EXPECT_EQ(permit.generation, 1u);
  EXPECT_EQ(permit.kind, HF_PERMIT_NORMAL);
}

TEST(Breaker, OpensAtTheThreshold) {
  Machine machine(ByRate(10, 4, 0.5));
  machine.Calls("SSE");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Call(kError), HF_EVENT_BREAKER_OPENED);
  const hf_breaker_snapshot snapshot = machine.Read();
  EXPECT_EQ(snapshot.state, HF_BREAKER_OPEN);
  EXPECT_EQ(snapshot.generation, 2u);
  EXPECT_EQ(snapshot.opened, 1u);
  EXPECT_EQ(snapshot.open_until, machine.now() + 5 * HF_S);
}

TEST(Breaker, OpenRefusesAndSaysWhenToComeBack) {
  Machine machine(Touchy());
  machine.Call(kError);
  machine.Pass(2 * HF_S);
  const Admission admission = machine.Acquire();
  EXPECT_EQ(admission.permit.kind, HF_PERMIT_NONE);
  EXPECT_EQ(admission.why.code, HF_UNAVAILABLE);
  EXPECT_EQ(admission.why.reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(admission.why.retry_after, 3 * HF_S);
  EXPECT_EQ(machine.Read().refused, 1u);
}

TEST(Breaker, ProbesAtExactlyOpenUntilAndNotBefore) {
  Machine machine(Touchy());
  machine.Call(kError);
  machine.Pass(5 * HF_S - 1);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_OPEN);
  machine.Pass(1);
  const Admission admission = machine.Acquire();
  EXPECT_EQ(admission.permit.kind, HF_PERMIT_PROBE);
  EXPECT_EQ(admission.permit.generation, 3u);
  EXPECT_EQ(admission.events, HF_EVENT_BREAKER_HALF_OPENED);
  EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN);
  EXPECT_EQ(machine.Read().open_until, 0);
}

TEST(Breaker, HalfOpenAdmitsOnlyItsProbes) {
  Machine machine(Touchy());
  machine.TripAndProbe();
  machine.Permit();
  EXPECT_EQ(machine.Read().probes_out, 2u);
  const Admission third = machine.Acquire();
  EXPECT_EQ(third.why.reason, HF_R_BREAKER_PROBING);
  EXPECT_GT(third.why.retry_after, 0);
  EXPECT_LE(third.why.retry_after, 5 * HF_S);
}

TEST(Breaker, AReturnedProbeMakesNoRoomForAnother) {
  Machine machine(Touchy());
  machine.Record(machine.TripAndProbe(), kOk);
  machine.Permit();
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_PROBING);
  EXPECT_EQ(machine.Read().probes_out, 1u);
}

TEST(Breaker, ClosesWhenEnoughProbesSucceed) {
  Machine machine(Touchy());
  EXPECT_EQ(machine.Record(machine.TripAndProbe(), kOk), 0u);
  EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN);
  EXPECT_EQ(machine.Call(kOk), HF_EVENT_BREAKER_CLOSED);
  const hf_breaker_snapshot snapshot = machine.Read();
  EXPECT_EQ(snapshot.state, HF_BREAKER_CLOSED);
  EXPECT_EQ(snapshot.generation, 4u);
  EXPECT_EQ(snapshot.calls, 0u);
  EXPECT_EQ(snapshot.consecutive, 0u);
}

TEST(Breaker, ReopensWhenProbesReachTheFailureRate) {
  Machine machine(Touchy());
  machine.Record(machine.TripAndProbe(), kOk);
  EXPECT_EQ(machine.Call(kError), HF_EVENT_BREAKER_OPENED);  // 1 of 2 is 50 %
  const hf_breaker_snapshot snapshot = machine.Read();
  EXPECT_EQ(snapshot.state, HF_BREAKER_OPEN);
  EXPECT_EQ(snapshot.opened, 2u);
  EXPECT_EQ(snapshot.open_until, machine.now() + 5 * HF_S);
}

TEST(Breaker, OneFailedProbeDoesNotReopenBelowTheRate) {
  BreakerPolicy policy = Touchy();
  policy.probes = 3;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kError);
  machine.Calls("SS");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

TEST(Breaker, ForcedOpenRefusesForEver) {
  Machine machine(Touchy());
  machine.Force(HF_BREAKER_FORCED_OPEN);
  machine.Pass(1000 * HF_S);
  const Admission admission = machine.Acquire();
  EXPECT_EQ(admission.why.reason, HF_R_BREAKER_FORCED_OPEN);
  EXPECT_EQ(admission.why.retry_after, HF_INFINITE);
  EXPECT_EQ(machine.Read().generation, 2u);
  EXPECT_EQ(machine.Read().opened, 0u);
}

TEST(Breaker, DisabledAdmitsAllAndCountsNothing) {
  Machine machine(Touchy());
  machine.Force(HF_BREAKER_DISABLED);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(machine.Call(kError), 0u);
  EXPECT_EQ(machine.state(), HF_BREAKER_DISABLED);
  EXPECT_EQ(machine.Read().calls, 0u);
  EXPECT_EQ(machine.Read().consecutive, 0u);
}

TEST(Breaker, ForcedClosedStartsWithEmptyWindows) {
  Machine machine(ByRate(10, 10, 0.5));
  machine.Calls("EEEE");
  machine.Force(HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Read().calls, 0u);
  EXPECT_EQ(machine.Read().failures, 0u);
  EXPECT_EQ(machine.Read().consecutive, 0u);
  machine.Calls("SSSSSSSSS");
  EXPECT_EQ(machine.Read().failures, 0u);
}

TEST(Breaker, ForcingMakesEarlierPermitsStragglers) {
  Machine machine(Touchy());
  const hf_permit permit = machine.Permit();
  machine.Force(HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Record(permit, kError), HF_EVENT_STRAGGLER);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

// --- defects of other breakers ----------------------------------------------------------------------------

// Failsafe-go, resilience4j, Polly: a call admitted while closed counts as a probe.
TEST(Breaker, StaleSuccessDoesNotCloseHalfOpen) {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  Machine machine(policy);
  const hf_permit straggler = machine.Permit();
  const hf_permit probe = machine.TripAndProbe();
  EXPECT_EQ(machine.Record(straggler, kOk), HF_EVENT_STRAGGLER);
  EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN);
  EXPECT_EQ(machine.Read().probes_out, 1u);
  EXPECT_EQ(machine.Record(probe, kOk), HF_EVENT_BREAKER_CLOSED);
}

TEST(Breaker, StaleFailureDoesNotReopenHalfOpen) {
  Machine machine(Touchy());
  const hf_permit straggler = machine.Permit();
  machine.TripAndProbe();
  machine.Record(straggler, kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN);
}

TEST(Breaker, StaleFailureDoesNotCountAfterClosing) {
  Machine machine(Touchy());
  const hf_permit straggler = machine.Permit();
  machine.Record(machine.TripAndProbe(), kOk);
  machine.Call(kOk);
  EXPECT_EQ(machine.Record(straggler, kError), HF_EVENT_STRAGGLER);
  EXPECT_EQ(machine.Read().calls, 0u);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

// Polly: a cancelled probe closes the circuit.
TEST(Breaker, CancelledProbeDoesNotCloseAndIsRefunded) {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  Machine machine(policy);
  EXPECT_EQ(machine.Record(machine.TripAndProbe(), kIgnored), 0u);
  EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN);
  EXPECT_EQ(machine.Read().probes_out, 0u);
  EXPECT_EQ(machine.Permit().kind, HF_PERMIT_PROBE);
}

// resilience4j CircuitBreakerStateMachineTest, half-open of four: S S S ignored E gives 25 %.
TEST(Breaker, IgnoredProbesDoNotVote) {
  BreakerPolicy policy = Touchy();
  policy.probes = 4;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kOk);
  machine.Calls("SSIE");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  machine.Record(machine.TripAndProbe(), kIgnored);
  machine.Calls("IIISSSS");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

TEST(Breaker, IgnoredResultsLeaveAClosedBreakerAlone) {
  BreakerPolicy policy = ByRate(10, 2, 0.5);
  policy.consecutive_failures = 3;
  Machine machine(policy);
  machine.Call(kError);
  machine.Calls("IIII");
  EXPECT_EQ(machine.Read().calls, 1u);
  EXPECT_EQ(machine.Read().consecutive, 1u);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

// gobreaker, Failsafe-go, Semian: a probe that never reports back wedges the breaker for good.
TEST(Breaker, LostProbeDoesNotWedge) {
  Machine machine(Touchy());
  const hf_permit lost = machine.TripAndProbe();
  machine.Permit();
  machine.Pass(30 * HF_S - 1);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_PROBING);
  machine.Pass(1);
  const Admission admission = machine.Acquire();
  EXPECT_EQ(admission.events, HF_EVENT_PROBE_LOST);
  EXPECT_EQ(admission.permit.kind, HF_PERMIT_PROBE);
  EXPECT_EQ(machine.Read().generation, 4u);
  EXPECT_EQ(machine.Read().probes_out, 1u);
  EXPECT_EQ(machine.Record(lost, kOk), HF_EVENT_STRAGGLER);
  EXPECT_EQ(machine.Read().probes_out, 1u);
}

TEST(Breaker, AReturningProbeRenewsTheLease) {
  Machine machine(Touchy());
  const hf_permit first = machine.TripAndProbe();
  machine.Permit();
  machine.Pass(29 * HF_S);
  machine.Record(first, kOk);
  machine.Pass(29 * HF_S);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_PROBING);
}

TEST(Breaker, ALeaseOnlyEndsARoundWhoseProbesAreAllOut) {
  Machine machine(Touchy());
  machine.TripAndProbe();
  machine.Pass(100 * HF_S);
  EXPECT_EQ(machine.Permit().generation, 3u);  // the second probe, no new round
  EXPECT_EQ(machine.Read().probes_out, 2u);
}

TEST(Breaker, AfterALostRoundItStartsFromNoVotes) {
  BreakerPolicy policy = Touchy();
  policy.probes = 3;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kError);
  machine.Permit();
  machine.Permit();
  machine.Pass(30 * HF_S);
  machine.Record(machine.Permit(), kOk);
  machine.Call(kError);
  EXPECT_EQ(machine.Call(kOk), HF_EVENT_BREAKER_CLOSED);  // 1 of 3, not 2 of 3
}

TEST(Breaker, AClockThatStepsBackNeitherOpensLongerNorProbesEarlier) {
  Machine machine(Touchy());
  machine.Call(kError);
  const hf_time opened = machine.now();
  machine.SetNow(opened - 100 * HF_S);
  const Admission refused = machine.Acquire();
  EXPECT_EQ(refused.why.reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(refused.why.retry_after, 5 * HF_S);
  machine.SetNow(opened + 5 * HF_S);
  EXPECT_EQ(machine.Permit().kind, HF_PERMIT_PROBE);
}

TEST(Breaker, AProbeWithAnOldClockReopensForTheWholeTime) {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  Machine machine(policy);
  const hf_permit probe = machine.TripAndProbe();
  const hf_time probed = machine.now();
  machine.SetNow(probed - 50 * HF_S);
  machine.Record(probe, kError);
  EXPECT_EQ(machine.Read().open_until, probed + 5 * HF_S);
}

TEST(Breaker, ANegativeClockIsReadAsZero) {
  TimedMachine machine(5 * HF_S, 5);
  machine.SetNow(-5 * HF_S);
  machine.Call(kError);
  EXPECT_EQ(machine.Totals(), (Pair{1, 1}));
}

TEST(Breaker, OpenForCannotOverflow) {
  Machine machine(Touchy());
  machine.SetNow(HF_INFINITE - 1);
  machine.Call(kError);
  EXPECT_EQ(machine.Read().open_until, HF_INFINITE);
}

// --- permits this breaker did not give -------------------------------------------------------------------

TEST(Breaker, RefusesAPermitOfTheWrongKind) {
  Machine machine(Touchy());
  EXPECT_FALSE(machine.Accepts(hf_permit{1, HF_PERMIT_PROBE, 0}));
  EXPECT_FALSE(machine.Accepts(hf_permit{1, 77, 0}));
  machine.Call(kError);
  EXPECT_FALSE(machine.Accepts(hf_permit{2, HF_PERMIT_NORMAL, 0}));  // OPEN gives none
  machine.Pass(5 * HF_S);
  machine.Permit();
  EXPECT_FALSE(machine.Accepts(hf_permit{3, HF_PERMIT_NORMAL, 0}));
}

TEST(Breaker, RefusesAPermitOfAGenerationThatNeverWas) {
  Machine machine(Touchy());
  EXPECT_FALSE(machine.Accepts(hf_permit{0, HF_PERMIT_NORMAL, 0}));
  EXPECT_FALSE(machine.Accepts(hf_permit{2, HF_PERMIT_NORMAL, 0}));
  EXPECT_FALSE(machine.Accepts(hf_permit{UINT64_MAX, HF_PERMIT_PROBE, 0}));
  machine.Call(kError);
  EXPECT_FALSE(machine.Accepts(hf_permit{1, 77, 0})) << "no generation gave such a kind";
  EXPECT_TRUE(machine.Accepts(hf_permit{1, HF_PERMIT_NORMAL, 0})) << "a straggler";
}

TEST(Breaker, RefusesAProbeThatComesBackTwice) {
  Machine machine(Touchy());
  const hf_permit probe = machine.TripAndProbe();
  EXPECT_TRUE(machine.Accepts(probe));
  EXPECT_FALSE(machine.Accepts(probe));
  EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN);
}

}  // namespace
}  // namespace holdfast::engine
