// SPDX-License-Identifier: Apache-2.0
// The call machine, transition by transition, over guards that answer what the test says.
#include "engine/call.h"

#include <gtest/gtest.h>

#include "unit/call_fixture.h"

namespace holdfast::engine {
namespace {

using Call = CallOverScriptedGuards;

TEST_F(Call, SuccessFinishesAndRewardsTheBudget) {
  ExpectAttempt(Start(), 1, 0);
  ExpectFinish(End(1010, HF_OK), HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(guards.rewarded, 1);
  EXPECT_EQ(guards.charged, 0);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_SUCCESS});
}

TEST_F(Call, PastTheDeadlineNothingIsAttempted) {
  ExpectFinish(Start(1000), HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
}

TEST_F(Call, TheEarlierOfDeadlineAndTimeoutHolds) {
  guards.call_rules.limits.timeout = 50;
  ExpectAttempt(Start(5000), 1, 1050);
  EXPECT_EQ(guards.entered_with_deadline, 1050);
  ExpectAttempt(Start(1020), 1, 1020);
}

TEST_F(Call, AnAttemptIsOverByItsTimeoutAndByTheDeadline) {
  guards.call_rules.limits.attempt_timeout = 30;
  ExpectAttempt(Start(), 1, 1030);
  ExpectAttempt(Start(1020), 1, 1020);
}

TEST_F(Call, TheEndOfTimeIsNoDeadline) {
  guards.call_rules.limits.timeout = HF_INFINITE - 5;
  ExpectAttempt(Start(HF_INFINITE), 1, 0);
}

TEST_F(Call, ARetryableFailureSleepsAndTriesAgain) {
  Start();
  ExpectSleep(End(1010, HF_UNAVAILABLE), 1110);
  EXPECT_EQ(guards.charged, 1);
  ExpectAttempt(Resume(1110), 2, 0);
  ExpectSleep(End(1120, HF_UNAVAILABLE), 1320);
  ExpectAttempt(Resume(1320), 3, 0);
  ExpectFinish(End(1330, HF_INTERNAL), HF_INTERNAL, HF_R_ATTEMPTS_EXHAUSTED, 3);
  EXPECT_EQ(guards.charged, 3);
}

TEST_F(Call, AnEarlyResumeGetsTheSameActionAgain) {
  Start();
  const hf_action sleep = End(1010, HF_UNAVAILABLE);
  const hf_action again = Resume(1109);
  EXPECT_EQ(again.kind, HF_DO_SLEEP);
  EXPECT_EQ(again.until, sleep.until);
  EXPECT_EQ(again.attempt, sleep.attempt);
  ExpectAttempt(Resume(1110), 2, 0);
}

TEST_F(Call, WithoutARetryPolicyThereIsOneAttempt) {
  guards.call_rules.backoff = CallRules{}.backoff;
  Start();
  ExpectFinish(End(1010, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_ATTEMPTS_EXHAUSTED, 1);
}

TEST_F(Call, AFinalFailureIsNotRetriedNorCharged) {
  Start();
  ExpectFinish(End(1010, HF_NOT_FOUND), HF_NOT_FOUND, HF_R_NOT_RETRYABLE, 1);
  EXPECT_EQ(guards.charged, 0);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_SUCCESS}) << "it did answer";
}

TEST_F(Call, AnAmbiguousFailureIsRetriedOnlyIfIdempotent) {
  Start(0, 0);
  ExpectFinish(End(1010, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_NOT_IDEMPOTENT, 1);
  EXPECT_EQ(guards.charged, 0);
  Start(0, 0);
  ExpectSleep(End(1010, HF_UNAVAILABLE, HF_EFFECT_RETRYABLE), 1110);
}

TEST_F(Call, WhatNeverStartedIsRetriedUnchargedButCountsAsAnAttempt) {
  guards.budget_allows = false;
  Start(0, 0);
  ExpectSleep(End(1010, HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), 1110);
  Resume(1110);
  ExpectSleep(End(1110, HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), 1310);
  Resume(1310);
  ExpectFinish(End(1310, HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), HF_UNAVAILABLE,
               HF_R_ATTEMPTS_EXHAUSTED, 3);
  EXPECT_EQ(guards.charged, 0);
}

TEST_F(Call, TheBudgetIsChargedBeforeTheSleepAndItsRefusalKeepsTheError) {
  guards.budget_allows = false;
  Start();
  const hf_action finish = End(1010, HF_INTERNAL);
  ExpectFinish(finish, HF_INTERNAL, HF_R_BUDGET_EXHAUSTED, 1);
  EXPECT_EQ(finish.events, HF_EVENT_BUDGET_REFUSED);
  EXPECT_EQ(guards.charged, 1);
}

TEST_F(Call, TheRetryAfterOfThePeerLengthensTheDelayWithinTheClamp) {
  Start();
  ExpectSleep(End(1010, hf_outcome{HF_RESOURCE_EXHAUSTED, 0, 0, 0, 700}), 1710);
  Resume(1710);
  ExpectSleep(End(1720, hf_outcome{HF_RESOURCE_EXHAUSTED, 0, 0, 0, HF_INFINITE - 1}),
              1720 + 200 + 5 * HF_S);
}

TEST_F(Call, AShortRetryAfterDoesNotShortenTheDelay) {
  Start();
  ExpectSleep(End(1010, hf_outcome{HF_RESOURCE_EXHAUSTED, 0, 0, 0, 7}), 1110);
}

TEST_F(Call, NoSleepThatEndsAtTheDeadline) {
  Start(1110);
  ExpectFinish(End(1010, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_DEADLINE, 1);
  Start(1111);
  ExpectSleep(End(1010, HF_UNAVAILABLE), 1110);
}

TEST_F(Call, NoSleepThatLeavesLessThanAnAttemptNeeds) {
  guards.call_rules.backoff.min_attempt_time = 40;
  Start(1149);
  ExpectFinish(End(1010, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_DEADLINE, 1);
  Start(1150);
  ExpectSleep(End(1010, HF_UNAVAILABLE), 1110);
}

TEST_F(Call, OversleepingTheDeadlineKeepsTheLastError) {
  Start(1200);
  End(1010, hf_outcome{HF_INTERNAL, 0, 0, 0, 9});
  const hf_action finish = Resume(1200);
  ExpectFinish(finish, HF_INTERNAL, HF_R_DEADLINE, 1);
  EXPECT_EQ(finish.retry_after, 9);
}

TEST_F(Call, FinishTellsWhenThePeerWantsUsBack) {
  Start(1050);
  EXPECT_EQ(End(1010, hf_outcome{HF_RESOURCE_EXHAUSTED, 0, 0, 0, 77}).retry_after, 77);
}

TEST_F(Call, AnIgnoredVerdictSettlesNeutrallyAndEndsTheCall) {
  Start();
  ExpectFinish(End(1010, HF_CANCELLED), HF_CANCELLED, HF_R_NOT_RETRYABLE, 1);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_IGNORED});
  EXPECT_EQ(guards.charged, 0);
}

TEST_F(Call, AnIgnoredSuccessIsASuccessThatRewardsNothing) {
  Start();
  ExpectFinish(End(1010, HF_OK, 0, HF_VERDICT_IGNORED), HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(guards.rewarded, 0);
}

TEST_F(Call, ALateSuccessIsAFailureToTheBreakerOnly) {
  guards.call_rules.limits.attempt_timeout = 30;
  Start();
  const hf_action finish = End(1031, HF_OK);
  ExpectFinish(finish, HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(finish.events, HF_EVENT_LATE_RESULT);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_FAILURE});
}

TEST_F(Call, AResultAtTheLastMomentIsInTime) {
  guards.call_rules.limits.attempt_timeout = 30;
  Start();
  EXPECT_EQ(End(1030, HF_OK).events, 0u);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_SUCCESS});
}

TEST_F(Call, ACancellationThatTheTimeoutExplainsIsAFailureAndRetried) {
  guards.call_rules.limits.attempt_timeout = 30;
  Start();
  ExpectSleep(End(1030, HF_CANCELLED), 1130);
  Resume(1130);
  ExpectSleep(End(1161, HF_CANCELLED), 1361);
  EXPECT_EQ(guards.verdicts, (std::vector<hf_verdict>{HF_VERDICT_FAILURE, HF_VERDICT_FAILURE}));
}

TEST_F(Call, AnExplicitIgnoredStaysNeutralHoweverLate) {
  guards.call_rules.limits.attempt_timeout = 30;
  Start();
  ExpectFinish(End(1500, HF_UNAVAILABLE, 0, HF_VERDICT_IGNORED), HF_UNAVAILABLE, HF_R_NOT_RETRYABLE,
               1);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_IGNORED});
}

TEST_F(Call, ARefusingBreakerIsSleptOverWithoutAnAttemptOrACharge) {
  guards.breaker_refusals = {kOpen};
  ExpectSleep(Start(), 1400);
  EXPECT_EQ(guards.charged, 0);
  ExpectAttempt(Resume(1400), 1, 0);
}

TEST_F(Call, ARefusingBreakerIsAskedAgainNoSoonerThanTheBackoff) {
  guards.breaker_refusals = {hf_rejection{HF_UNAVAILABLE, HF_R_BREAKER_PROBING, 0}};
  ExpectSleep(Start(), 1100);
}

TEST_F(Call, RefusalsUseUpRoundsAndTheLastOneEndsTheCall) {
  guards.breaker_refusals = {kOpen, kOpen, kOpen};
  Start();
  ExpectSleep(Resume(1400), 1800);
  const hf_action finish = Resume(1800);
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_BREAKER_OPEN, 0);
  EXPECT_EQ(finish.retry_after, 400);
}

TEST_F(Call, ARefusalThatDoesNotFitBeforeTheDeadlineEndsTheCallAtOnce) {
  guards.breaker_refusals = {kOpen};
  ExpectFinish(Start(1400), HF_UNAVAILABLE, HF_R_BREAKER_OPEN, 0);
}

TEST_F(Call, AForcedOpenBreakerIsNotWaitedForEvenWithoutADeadline) {
  guards.breaker_refusals = {kForced};
  const hf_action finish = Start();
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_BREAKER_FORCED_OPEN, 0);
  EXPECT_EQ(finish.retry_after, HF_INFINITE);
}

TEST_F(Call, ARefusalAfterAnAttemptKeepsTheErrorOfTheAttempt) {
  guards.breaker_refusals = {kAdmit, kForced};
  Start();
  End(1010, HF_DATA_LOSS);
  ExpectFinish(Resume(1110), HF_DATA_LOSS, HF_R_BREAKER_FORCED_OPEN, 1);
}

TEST_F(Call, AFullBulkheadEndsTheCallAndRefundsTheBreaker) {
  guards.bulkhead_enters = HF_RESOURCE_EXHAUSTED;
  ExpectFinish(Start(), HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0);
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_IGNORED});
}

class QueuedCall : public Call {
 protected:
  void SetUp() override {
    guards.bulkhead_enters = HF_UNAVAILABLE;
    guards.bulkhead_polls = HF_UNAVAILABLE;
    guards.bulkhead_until = 1500;
    const hf_action wait = Start(2000);
    EXPECT_EQ(wait.kind, HF_DO_WAIT);
    EXPECT_EQ(wait.until, 1500);
    EXPECT_EQ(wait.events, HF_EVENT_QUEUED);
    EXPECT_EQ(guards.breaker_out, 0) << "no permit is held while waiting";
  }
};

TEST_F(QueuedCall, StillQueuedMeansTheSameActionAgain) {
  const hf_action again = Resume(1100);
  EXPECT_EQ(again.kind, HF_DO_WAIT);
  EXPECT_EQ(again.until, 1500);
  EXPECT_EQ(again.events, 0u);
}

TEST_F(QueuedCall, AGrantAsksTheBreakerAfreshAndAttempts) {
  guards.bulkhead_polls = HF_OK;
  ExpectAttempt(Resume(1100), 1, 2000);
  EXPECT_EQ(guards.breaker_out, 1);
  EXPECT_EQ(guards.bulkhead_out, 1);
  ExpectFinish(End(1200, HF_OK), HF_OK, HF_R_NONE, 1);
}

TEST_F(QueuedCall, AGrantIsGivenBackIfTheBreakerNowRefuses) {
  guards.bulkhead_polls = HF_OK;
  guards.breaker_refusals = {kOpen};
  ExpectSleep(Resume(1100), 1500);
  guards.breaker_refusals = {kForced};
  guards.bulkhead_enters = HF_OK;
  ExpectFinish(Resume(1500), HF_UNAVAILABLE, HF_R_BREAKER_FORCED_OPEN, 0);
}

TEST_F(QueuedCall, AGrantPastTheDeadlineIsGivenBack) {
  guards.bulkhead_polls = HF_OK;
  ExpectFinish(Resume(2000), HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
}

TEST_F(QueuedCall, WaitingInVainEndsTheCall) {
  guards.bulkhead_polls = HF_DEADLINE_EXCEEDED;
  guards.bulkhead_refusal = {HF_DEADLINE_EXCEEDED, HF_R_BULKHEAD_TIMEOUT, 0};
  ExpectFinish(Resume(1500), HF_DEADLINE_EXCEEDED, HF_R_BULKHEAD_TIMEOUT, 0);
}

TEST_F(QueuedCall, AbortLeavesTheQueue) {
  CallStep(state, guards, 1100).Abort();
  EXPECT_TRUE(guards.HoldNothing());
}

TEST_F(Call, AbortOfAnAttemptGivesBothPermitsBackUnjudged) {
  Start();
  CallStep(state, guards, 1010).Abort();
  EXPECT_TRUE(guards.HoldNothing());
  EXPECT_EQ(guards.verdicts, std::vector<hf_verdict>{HF_VERDICT_IGNORED});
}

TEST_F(Call, AbortOfASleepHoldsNothing) {
  Start();
  End(1010, HF_UNAVAILABLE);
  CallStep(state, guards, 1020).Abort();
  EXPECT_TRUE(guards.HoldNothing());
  EXPECT_EQ(state.phase, CallPhase::kFinished);
}

TEST_F(Call, WhatTheGuardsChangeIsInTheActionOfThatStep) {
  guards.events_on_record = HF_EVENT_BREAKER_OPENED;
  Start();
  EXPECT_EQ(End(1010, HF_UNAVAILABLE).events, HF_EVENT_BREAKER_OPENED);
  guards.events_on_record = 0;
  EXPECT_EQ(Resume(1110).events, 0u);
}

TEST_F(Call, AClockThatStepsBackIsAClockThatStandsStill) {
  Start(1300);
  ExpectSleep(End(1100, HF_UNAVAILABLE), 1200);
  ExpectSleep(Resume(5), 1200);
  ExpectAttempt(Resume(1200), 2, 1300);
  ExpectFinish(End(7, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_DEADLINE, 2);
}

TEST_F(Call, OutcomesAreAcceptedAfterAnAttemptOnly) {
  const hf_outcome fine{HF_OK, 0, 0, 0, 0};
  const hf_outcome unknown{99, 0, 0, 0, 0};
  Start();
  EXPECT_FALSE(CallAccepts(state, nullptr));
  EXPECT_FALSE(CallAccepts(state, &unknown));
  EXPECT_TRUE(CallAccepts(state, &fine));
  End(1010, HF_UNAVAILABLE);
  EXPECT_TRUE(CallAccepts(state, nullptr));
  EXPECT_FALSE(CallAccepts(state, &fine));
}

}  // namespace
}  // namespace holdfast::engine
