// SPDX-License-Identifier: Apache-2.0
// The call machine's gates besides breaker and bulkhead, and the allowance of retries that layers share.
#include <gtest/gtest.h>

#include "unit/call_fixture.h"

namespace holdfast::engine {
namespace {

using CallGates = CallOverScriptedGuards;
using Kind = Injection::Kind;

TEST_F(CallGates, AKillSwitchRefusesBeforeAnythingElse) {
  guards.killed = {true};
  const hf_action finish = Start(1000);  // even the deadline
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_KILLED, 0);
  EXPECT_EQ(finish.retry_after, 600);
}

TEST_F(CallGates, AKillSwitchThrownDuringTheCallStopsItsRetries) {
  guards.killed = {false, true};
  Start();
  ExpectSleep(End(1010, HF_INTERNAL), 1110);
  ExpectFinish(Resume(1110), HF_INTERNAL, HF_R_KILLED, 1);
}

TEST_F(CallGates, AKillSwitchThrownWhileTheRateLimitIsWaitedForStopsTheCall) {
  for (const CallLevel level : {CallLevel::kCall, CallLevel::kAttempt}) {
    guards.limited_level = level;
    guards.limiter_takes = HF_UNAVAILABLE;
    guards.limiter_until = 1300;
    guards.killed = {false, true};
    EXPECT_EQ(Start().kind, HF_DO_SLEEP);
    ExpectFinish(Resume(1300), HF_UNAVAILABLE, HF_R_KILLED, 0);
  }
}

TEST_F(CallGates, AKillSwitchThrownWhileTheCallIsInAQueueStopsIt) {
  for (const bool before_the_call : {true, false}) {
    guards.call_bulkhead = before_the_call;
    guards.bulkhead_enters = HF_UNAVAILABLE;
    guards.bulkhead_until = 1500;
    guards.killed = {false, true};
    EXPECT_EQ(Start().kind, HF_DO_WAIT);
    guards.bulkhead_enters = HF_OK;
    ExpectFinish(Resume(1100), HF_UNAVAILABLE, HF_R_KILLED, 0);
  }
}

TEST_F(CallGates, AThrottledCallEndsAndRefundsTheBreaker) {
  guards.throttled = true;
  ExpectFinish(Start(), HF_UNAVAILABLE, HF_R_THROTTLED, 0);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_IGNORED});
}

TEST_F(CallGates, TheThrottleHearsWhatEachAttemptShowed) {
  Start();
  End(1010, HF_UNAVAILABLE);
  Resume(1110);
  End(1120, HF_OK);
  EXPECT_EQ(guards.throttle_heard,
            (std::vector<hf_verdict>{HF_VERDICT_FAILURE, HF_VERDICT_SUCCESS}));
  EXPECT_EQ(guards.limiter_heard, (std::vector<hf_code>{HF_UNAVAILABLE, HF_OK}));
}

TEST_F(CallGates, ARateLimitIsWaitedForWithoutABreakerPermit) {
  guards.limiter_takes = HF_UNAVAILABLE;
  guards.limiter_until = 1300;
  const hf_action sleep = Start();
  EXPECT_EQ(sleep.kind, HF_DO_SLEEP);
  EXPECT_EQ(sleep.until, 1300);
  EXPECT_EQ(guards.breaker_out, 0);
  EXPECT_EQ(guards.reserved, 1);
  ExpectAttempt(Resume(1300), 1, 0);
  EXPECT_EQ(guards.breaker_out, 1);
  EXPECT_EQ(state.reservation.cost, 0u) << "spent, not refundable any more";
  EXPECT_EQ(guards.reserved, 1);
}

TEST_F(CallGates, AReservationIsRefundedIfTheCallEndsBeforeItsMoment) {
  guards.limiter_takes = HF_UNAVAILABLE;
  guards.limiter_until = 1300;
  Start();
  CallStep(state, guards, 1100).Abort();
  EXPECT_TRUE(guards.HoldNothing());
  Start();
  guards.breaker_refusals = {kForced};
  ExpectFinish(Resume(1300), HF_UNAVAILABLE, HF_R_BREAKER_FORCED_OPEN, 0);
}

TEST_F(CallGates, AReservationIsRefundedIfTheBulkheadRefuses) {
  guards.limiter_takes = HF_UNAVAILABLE;
  guards.limiter_until = 1300;
  Start();
  guards.bulkhead_enters = HF_RESOURCE_EXHAUSTED;
  ExpectFinish(Resume(1300), HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0);
}

TEST_F(CallGates, AReservationSurvivesTheQueueOfTheBulkhead) {
  guards.limiter_takes = HF_UNAVAILABLE;
  guards.limiter_until = 1300;
  Start();
  guards.bulkhead_enters = HF_UNAVAILABLE;
  guards.bulkhead_until = 1600;
  EXPECT_EQ(Resume(1300).kind, HF_DO_WAIT);
  EXPECT_EQ(guards.reserved, 1);
  ExpectAttempt(Resume(1400), 1, 0);
}

TEST_F(CallGates, ARateLimitRefusalEndsTheCallAndSaysWhenToComeBack) {
  guards.limiter_takes = HF_RESOURCE_EXHAUSTED;
  const hf_action finish = Start();
  ExpectFinish(finish, HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, 0);
  EXPECT_EQ(finish.retry_after, 70);
}

TEST_F(CallGates, OversleepingTheRateLimitsMomentPastTheDeadlineRefunds) {
  guards.limiter_takes = HF_UNAVAILABLE;
  guards.limiter_until = 1300;
  Start(1400);
  ExpectFinish(Resume(1400), HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
}

TEST_F(CallGates, TheCallsOwnRateLimitIsPaidOnceForAllItsAttempts) {
  guards.limited_level = CallLevel::kCall;
  guards.limiter_takes = HF_UNAVAILABLE;
  guards.limiter_until = 1300;
  EXPECT_EQ(Start().until, 1300);
  ExpectAttempt(Resume(1300), 1, 0);
  guards.reserved = 0;
  End(1310, HF_UNAVAILABLE);
  ExpectAttempt(Resume(1410), 2, 0);
  EXPECT_EQ(guards.reserved, 0);
}

TEST_F(CallGates, TheCallsOwnBulkheadHoldsThroughItsSleepsAndIsGivenBackInTheEnd) {
  guards.call_bulkhead = true;
  Start();
  EXPECT_EQ(guards.call_out, 1);
  End(1010, HF_UNAVAILABLE);
  EXPECT_EQ(guards.call_out, 1);
  EXPECT_TRUE(guards.HoldNothingOfAnAttempt());
  Resume(1110);
  ExpectFinish(End(1120, HF_OK), HF_OK, HF_R_NONE, 2);
  EXPECT_EQ(guards.settled, (std::pair<hf_time, hf_verdict>{1000, HF_VERDICT_SUCCESS}));
}

TEST_F(CallGates, TheCallsOwnQueueIsLeftAndItsPermitGivenBackByAnAbort) {
  guards.call_bulkhead = true;
  guards.bulkhead_enters = HF_UNAVAILABLE;
  guards.bulkhead_until = 1500;
  EXPECT_EQ(Start().kind, HF_DO_WAIT);
  guards.bulkhead_enters = HF_OK;
  EXPECT_EQ(Resume(1100).kind, HF_DO_ATTEMPT);
  EXPECT_EQ(guards.call_out, 1);
  CallStep(state, guards, 1110).Abort();
  EXPECT_TRUE(guards.HoldNothing());
}

TEST_F(CallGates, TheBulkheadLearnsHowLongTheAttemptTook) {
  Start();
  End(1010, HF_UNAVAILABLE);
  EXPECT_EQ(guards.settled, (std::pair<hf_time, hf_verdict>{1000, HF_VERDICT_FAILURE}));
  Resume(1110);
  End(1150, HF_OK);
  EXPECT_EQ(guards.settled, (std::pair<hf_time, hf_verdict>{1110, HF_VERDICT_SUCCESS}));
}

// --- faults -------------------------------------------------------------------------------------------

TEST_F(CallGates, AnInjectedErrorIsAnAttemptThatIsNotMade) {
  guards.fault = {Kind::kOutcome, 0, {HF_UNAVAILABLE, 0, HF_EFFECT_RETRYABLE, 0, 0}, 0};
  const hf_action sleep = Start();
  ExpectSleep(sleep, 1100);
  EXPECT_EQ(sleep.events, HF_EVENT_FAULT);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_FAILURE});
  guards.fault.reset();
  ExpectAttempt(Resume(1100), 2, 0);
}

TEST_F(CallGates, AnInjectedDelayHoldsThePermitsAsASlowDependencyWould) {
  guards.call_rules.limits.attempt_timeout = 500;
  guards.fault = {Kind::kDelay, 1200, {}, 0};
  const hf_action sleep = Start();
  EXPECT_EQ(sleep.kind, HF_DO_SLEEP);
  EXPECT_EQ(sleep.until, 1200);
  EXPECT_EQ(guards.breaker_out, 1);
  EXPECT_EQ(guards.bulkhead_out, 1);
  ExpectAttempt(Resume(1200), 1, 1500);
  EXPECT_EQ(guards.faults_out, 0);
  End(1250, HF_OK);
  EXPECT_EQ(guards.settled.first, 1000) << "the delay is part of the attempt";
}

TEST_F(CallGates, ADelayBeyondTheAttemptTimeoutIsATimeout) {
  guards.call_rules.limits.attempt_timeout = 100;
  guards.fault = {Kind::kDelay, 5000, {}, 0};
  EXPECT_EQ(Start().until, 1100);
  ExpectSleep(Resume(1100), 1200);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_FAILURE});
}

TEST_F(CallGates, AnInjectedResultIsTheDriversToGive) {
  guards.fault = {Kind::kResult, 0, {HF_UNAVAILABLE, 0, 0, 0, 0}, 42};
  const hf_action attempt = Start();
  ExpectAttempt(attempt, 1, 0);
  EXPECT_EQ(attempt.fault, 42u);
  guards.fault.reset();
  ExpectSleep(End(1010, HF_OK), 1110);  // it counts as its rule says
  ExpectAttempt(Resume(1110), 2, 0);
  ExpectFinish(End(1120, HF_OK), HF_OK, HF_R_NONE, 2);
}

TEST_F(CallGates, AnErrorMayComeAfterADelay) {
  guards.fault = {Kind::kOutcome, 1300, {HF_UNAVAILABLE, 0, 0, 0, 0}, 0};
  EXPECT_EQ(Start().until, 1300);
  EXPECT_EQ(guards.breaker_out, 1);
  ExpectSleep(Resume(1300), 1400);
}

TEST_F(CallGates, AnAbortEndsTheFault) {
  guards.fault = {Kind::kDelay, 5000, {}, 0};
  Start();
  CallStep(state, guards, 1100).Abort();
  EXPECT_TRUE(guards.HoldNothing());
}

// --- pushback, rules, elapsed time ----------------------------------------------------------------------

TEST_F(CallGates, APeerThatAsksNotToBeTriedAgainIsHeard) {
  Start();
  const hf_action finish = End(1010, hf_outcome{HF_UNAVAILABLE, 0, 0, 0, HF_INFINITE});
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_PUSHED_BACK, 1);
  EXPECT_EQ(guards.charged, 1) << "it is a failure like any other";
}

TEST_F(CallGates, ARuleGivesACodeItsOwnDelaysAndAttempts) {
  RetryRule& throttled = guards.call_rules.rules.At(HF_RESOURCE_EXHAUSTED);
  throttled.base = 1000;
  throttled.max_attempts = 2;
  Start();
  ExpectSleep(End(1010, HF_RESOURCE_EXHAUSTED), 2010);
  Resume(2010);
  ExpectFinish(End(2020, HF_RESOURCE_EXHAUSTED), HF_RESOURCE_EXHAUSTED, HF_R_ATTEMPTS_EXHAUSTED, 2);
  Start();
  ExpectSleep(End(1010, HF_UNAVAILABLE), 1110);
}

TEST_F(CallGates, ARuleSaysWhatACodeMeansUnlessTheDriverKnowsBetter) {
  guards.call_rules.rules.At(HF_NOT_FOUND).effect = HF_EFFECT_RETRYABLE;
  Start();
  ExpectSleep(End(1010, HF_NOT_FOUND), 1110);
  Start();
  ExpectFinish(End(1010, HF_NOT_FOUND, HF_EFFECT_FINAL), HF_NOT_FOUND, HF_R_NOT_RETRYABLE, 1);
}

TEST_F(CallGates, NoRetryBeginsAfterMaxElapsed) {
  guards.call_rules.backoff.max_elapsed = 250;
  Start();
  ExpectSleep(End(1010, HF_UNAVAILABLE), 1110);
  Resume(1110);
  ExpectFinish(End(1120, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_ELAPSED, 2);
  guards.call_rules.backoff.max_elapsed = 320;
  Start();
  End(1010, HF_UNAVAILABLE);
  Resume(1110);
  ExpectSleep(End(1120, HF_UNAVAILABLE), 1320);
}

// --- layers add, they do not multiply ---------------------------------------------------------------------

TEST_F(CallGates, ALayerWithNoRetriesLeftPassesTheFailureUp) {
  guards.retries_told = 0;
  Start();
  ExpectFinish(End(1010, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_RETRIED_ELSEWHERE, 1);
}

TEST_F(CallGates, EachRetryTakesOneFromTheAllowanceAndCarriesOnTheRest) {
  guards.retries_told = 2;
  EXPECT_EQ(Start().retries, 2u);
  End(1010, HF_UNAVAILABLE);
  EXPECT_EQ(Resume(1110).retries, 1u);
  const hf_action finish = End(1120, HF_OK);
  EXPECT_EQ(finish.retries, 1u) << "made, for the layer above";
}

TEST_F(CallGates, WhatTheLayerBelowRetriedCountsHere) {
  guards.retries_told = 3;
  Start();
  ExpectSleep(End(1010, hf_outcome{HF_UNAVAILABLE, 0, 0, 2, 0}), 1110);
  EXPECT_EQ(Resume(1110).retries, 0u);
  const hf_action finish = End(1120, hf_outcome{HF_UNAVAILABLE, 0, 0, 0, 0});
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_RETRIED_ELSEWHERE, 2);
  EXPECT_EQ(finish.retries, 3u);
}

TEST_F(CallGates, WhatTheLayerBelowRetriedForASuccessCountsToo) {
  guards.retries_told = 3;
  Start();
  const hf_action finish = End(1010, hf_outcome{HF_OK, 0, 0, 2, 0});
  ExpectFinish(finish, HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(finish.retries, 2u);
  EXPECT_EQ(guards.retries_told, 1) << "for the calls that share the allowance";
}

TEST_F(CallGates, WhatNeverLeftTakesNothingFromTheAllowance) {
  guards.retries_told = 0;
  Start();
  ExpectSleep(End(1010, HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), 1110);
  EXPECT_EQ(Resume(1110).kind, HF_DO_ATTEMPT);
}

TEST_F(CallGates, ARetryThatWouldNotFitTakesNothingFromTheAllowance) {
  guards.retries_told = 1;
  Start(1100);
  ExpectFinish(End(1010, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_DEADLINE, 1);
  EXPECT_EQ(guards.retries_told, 1);
}

TEST_F(CallGates, AHostileCountFromBelowEndsTheRetriesAndNothingElse) {
  Start();
  const hf_action finish = End(1010, hf_outcome{HF_UNAVAILABLE, 0, 0, UINT32_MAX, 0});
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_RETRIED_ELSEWHERE, 1);
  EXPECT_EQ(finish.retries, UINT32_MAX);
}

}  // namespace
}  // namespace holdfast::engine
