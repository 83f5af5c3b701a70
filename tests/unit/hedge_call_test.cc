// SPDX-License-Identifier: Apache-2.0
// The hedged call, transition by transition, over guards that answer what the test says.
#include "engine/hedge_call.h"

#include <gtest/gtest.h>

#include "unit/hedge_guards.h"

namespace holdfast::engine {
namespace {

constexpr hf_rejection kOpen{HF_UNAVAILABLE, HF_R_BREAKER_OPEN, 400};
constexpr hf_rejection kFull{HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0};

using Verdicts = std::map<uint64_t, hf_verdict>;

TEST_F(HedgedCall, AQuickSuccessIsOneAttempt) {
  ExpectAttempt(Start(), 1);
  ExpectWait(OnTime(1000), 1100);
  ExpectFinish(End(1, 1050, HF_OK), HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(guards.verdicts, (Verdicts{{1, HF_VERDICT_SUCCESS}}));
  EXPECT_EQ(guards.rewarded, 1);
  EXPECT_EQ(guards.hedges_charged, 0);
  EXPECT_EQ(policy.Read(1050).hedges, 0u);
}

TEST_F(HedgedCall, AnAttemptThatEndsWhereItIsStartedNeedsNoSecondQuestion) {
  Start();
  ExpectFinish(End(1, 1000, HF_OK), HF_OK, HF_R_NONE, 1);
}

TEST_F(HedgedCall, ASlowAttemptGetsARivalAfterEachDelay) {
  Start();
  ExpectWait(OnTime(1099), 1100);
  ExpectAttempt(OnTime(1100), 2);
  ExpectWait(OnTime(1100), 1200);
  ExpectAttempt(OnTime(1200), 3);
  ExpectWait(OnTime(1200), 0);
  EXPECT_EQ(guards.out.size(), 3u) << "each holds its own permits";
  EXPECT_EQ(guards.hedges_charged, 2);
  EXPECT_EQ(policy.Read(1200).hedges, 2u);
}

TEST_F(HedgedCall, TheFirstSuccessWinsAndLosersAreCancelledAndNeutral) {
  Start();
  OnTime(1100);
  OnTime(1200);
  const hf_hedge_action won = End(2, 1250, HF_OK);
  ExpectFinish(won, HF_OK, HF_R_NONE, 2);
  EXPECT_EQ(won.cancel, 0b101u);
  EXPECT_EQ(won.attempts, 3u);
  EXPECT_EQ(guards.verdicts,
            (Verdicts{{1, HF_VERDICT_IGNORED}, {2, HF_VERDICT_SUCCESS}, {3, HF_VERDICT_IGNORED}}));
  EXPECT_EQ(guards.rewarded, 1) << "one call, one reward";
  EXPECT_EQ(policy.Read(1250).won, 1u);
}

// Resilience4j's anyOf and tower's select return whatever completes first, a failure too.
TEST_F(HedgedCall, TheFirstFailureDoesNotWinOverASuccessInFlight) {
  Start();
  OnTime(1100);
  OnTime(1200);
  ExpectWait(End(3, 1210, HF_UNAVAILABLE), 0);
  ExpectWait(End(2, 1220, HF_UNAVAILABLE), 0);
  ExpectFinish(End(1, 1230, HF_OK), HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(policy.Read(1230).won, 0u) << "the first one won after all";
}

// gRPC A6, case 2: "immediately send next scheduled hedged request".
TEST_F(HedgedCall, AFailureSendsTheNextAtOnceAndTheDelayBeginsAgain) {
  Start();
  ExpectAttempt(End(1, 1030, HF_UNAVAILABLE), 2);
  ExpectWait(OnTime(1030), 1130);
  EXPECT_EQ(guards.charged, 1);
  EXPECT_EQ(guards.hedges_charged, 0) << "the failure has paid for it";
  ExpectAttempt(OnTime(1130), 3);
  EXPECT_EQ(guards.hedges_charged, 1);
}

TEST_F(HedgedCall, WhenAllHaveFailedTheLastErrorIsTheCalls) {
  Start();
  ExpectAttempt(End(1, 1010, HF_UNAVAILABLE), 2);
  ExpectAttempt(End(2, 1020, HF_INTERNAL), 3);
  ExpectFinish(End(3, 1030, HF_ABORTED, 0, 7), HF_ABORTED, HF_R_ATTEMPTS_EXHAUSTED, 3);
  EXPECT_EQ(guards.charged, 3);
}

// gRPC A6, case 3.
TEST_F(HedgedCall, AFinalOutcomeEndsTheCallAndCancelsTheOthers) {
  Start();
  OnTime(1100);
  const hf_hedge_action end = End(2, 1110, HF_PERMISSION_DENIED);
  ExpectFinish(end, HF_PERMISSION_DENIED, HF_R_NOT_RETRYABLE, 2);
  EXPECT_EQ(end.cancel, 0b1u);
  EXPECT_EQ(guards.verdicts[1], HF_VERDICT_IGNORED);
  EXPECT_EQ(guards.verdicts[2], HF_VERDICT_SUCCESS) << "it answered as it should";
  EXPECT_EQ(guards.charged, 0);
}

TEST_F(HedgedCall, AnIgnoredOutcomeEndsTheCallAndIsNeutral) {
  Start();
  ExpectFinish(End(1, 1010, HF_CANCELLED), HF_CANCELLED, HF_R_NOT_RETRYABLE, 1);
  EXPECT_EQ(guards.verdicts[1], HF_VERDICT_IGNORED);
  Start();
  ExpectFinish(End(1, 1010, hf_outcome{HF_OK, HF_VERDICT_IGNORED, 0, 0, 0}), HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(guards.rewarded, 0);
}

// gRPC A6, case 5.
TEST_F(HedgedCall, PushbackDelaysTheNextAndTheDelayBeginsAfterIt) {
  Start();
  ExpectWait(End(1, 1030, HF_UNAVAILABLE, 0, 500), 1530);
  EXPECT_TRUE(guards.out.empty()) << "no permit is held while nothing is in flight";
  ExpectWait(OnTime(1529), 1530);
  ExpectAttempt(OnTime(1530), 2);
  ExpectWait(OnTime(1530), 1630);
}

TEST_F(HedgedCall, ALaterFailureDoesNotUndoAPushback) {
  Start();
  OnTime(1100);
  ExpectWait(End(1, 1110, HF_UNAVAILABLE, 0, 500), 1610);
  ExpectWait(End(2, 1120, HF_UNAVAILABLE), 1610);
  ExpectAttempt(OnTime(1610), 3);
}

TEST_F(HedgedCall, PushbackPutsOffAHedgeThatWasDue) {
  Start();
  OnTime(1100);
  ExpectWait(End(2, 1150, HF_RESOURCE_EXHAUSTED, 0, 300), 1450);
  ExpectFinish(End(1, 1160, HF_OK), HF_OK, HF_R_NONE, 1);
}

// gRPC A6, case 4.
TEST_F(HedgedCall, DoNotRetryStopsHedgesButNotWhatIsInFlight) {
  Start();
  OnTime(1100);
  ExpectWait(End(2, 1110, HF_UNAVAILABLE, 0, HF_INFINITE), 0);
  EXPECT_EQ(policy.Read(1110).pushed_back, 1u);
  ExpectFinish(End(1, 1900, HF_OK), HF_OK, HF_R_NONE, 1);
  Start();
  const hf_hedge_action end = End(1, 1010, HF_UNAVAILABLE, 0, HF_INFINITE);
  ExpectFinish(end, HF_UNAVAILABLE, HF_R_PUSHED_BACK, 1);
  EXPECT_EQ(end.retry_after, HF_INFINITE);
}

TEST_F(HedgedCall, AHostilePushbackCannotParkACall) {
  Start();
  ExpectWait(End(1, 1010, HF_UNAVAILABLE, 0, 5 * HF_S), 1010 + 5 * HF_S);
  Start();
  const hf_hedge_action end = End(1, 1010, HF_UNAVAILABLE, 0, 5 * HF_S + 1);
  ExpectFinish(end, HF_UNAVAILABLE, HF_R_PUSHED_BACK, 1);
  EXPECT_EQ(end.retry_after, 5 * HF_S + 1) << "whoever comes back later is told when";
}

TEST_F(HedgedCall, APushbackBeyondTheDeadlineEndsTheCallAtOnce) {
  Start(2000);
  const hf_hedge_action end = End(1, 1010, HF_UNAVAILABLE, 0, 990);
  ExpectFinish(end, HF_UNAVAILABLE, HF_R_DEADLINE, 1);
  EXPECT_EQ(end.retry_after, 990);
  Start(2000);
  ExpectWait(End(1, 1010, HF_UNAVAILABLE, 0, 989), 1999);
}

// grpc-java #7222: a hedge that was throttled left the call hanging until its deadline.
TEST_F(HedgedCall, AThrottledHedgeDoesNotHangTheCallUntilTheDeadline) {
  guards.budget_allows = false;
  Start(900000);
  const hf_hedge_action refused = OnTime(1100);
  ExpectWait(refused, 900000);
  EXPECT_EQ(refused.events, HF_EVENT_BUDGET_REFUSED);
  EXPECT_EQ(guards.out.size(), 1u) << "the hedge's own permits are back";
  EXPECT_EQ(guards.verdicts[2], HF_VERDICT_IGNORED);
  ExpectFinish(End(1, 1200, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_BUDGET_EXHAUSTED, 1);
  EXPECT_EQ(policy.Read(1200).over_budget, 1u) << "stopped once";
}

TEST_F(HedgedCall, AFailureThatTheBudgetDoesNotForgiveIsTheLast) {
  guards.budget_allows = false;
  Start(900000);
  const hf_hedge_action end = End(1, 1010, HF_UNAVAILABLE);
  ExpectFinish(end, HF_UNAVAILABLE, HF_R_BUDGET_EXHAUSTED, 1);
  EXPECT_EQ(end.events, HF_EVENT_BUDGET_REFUSED);
  EXPECT_EQ(guards.asked, 1);
}

TEST_F(HedgedCall, WhatNeverLeftIsNotCharged) {
  guards.budget_allows = false;
  Start();
  ExpectAttempt(End(1, 1010, HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), 2);
  EXPECT_EQ(guards.charged, 0);
}

TEST_F(HedgedCall, ARefusedFirstAttemptEndsTheCallWithThatRefusal) {
  guards.refusals[1] = kOpen;
  const hf_hedge_action end = Start();
  ExpectFinish(end, HF_UNAVAILABLE, HF_R_BREAKER_OPEN, 0);
  EXPECT_EQ(end.retry_after, 400);
  EXPECT_EQ(end.attempts, 0u);
  EXPECT_EQ(policy.Read(1000).calls, 0u) << "what was not sent earns no hedges";
}

TEST_F(HedgedCall, ARefusedHedgeIsNotSentAndNoneFollows) {
  guards.refusals[2] = kFull;
  Start(5000);
  ExpectWait(OnTime(1100), 5000);
  ExpectWait(OnTime(1300), 5000);
  EXPECT_EQ(guards.asked, 2);
  EXPECT_EQ(guards.hedges_charged, 0);
  EXPECT_EQ(policy.Read(1300).refused, 1u);
  ExpectFinish(End(1, 1400, HF_OK), HF_OK, HF_R_NONE, 1);
}

TEST_F(HedgedCall, AfterARefusedHedgeTheFirstFailureEndsTheCallAndKeepsItsCode) {
  guards.refusals[2] = kOpen;
  Start(5000);
  const hf_hedge_action end = End(1, 1010, HF_INTERNAL);
  ExpectFinish(end, HF_INTERNAL, HF_R_BREAKER_OPEN, 1);
  EXPECT_EQ(end.retry_after, 400);
}

TEST_F(HedgedCall, NonIdempotentCallsAreNeverHedged) {
  ExpectAttempt(Start(0, 1000, 0), 1);
  ExpectWait(OnTime(1000), 0);
  ExpectWait(OnTime(9999), 0);
  ExpectFinish(End(1, 10000, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_NOT_IDEMPOTENT, 1);
  EXPECT_EQ(guards.charged, 0);
  Start(0, 1000, 0);
  ExpectFinish(End(1, 1010, HF_ABORTED), HF_ABORTED, HF_R_NOT_IDEMPOTENT, 1);
  EXPECT_EQ(guards.asked, 2);
}

TEST_F(HedgedCall, PastTheDeadlineNothingIsAttempted) {
  ExpectFinish(Start(1000), HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
  EXPECT_EQ(guards.asked, 0);
}

TEST_F(HedgedCall, TheEarlierOfDeadlineAndTimeoutHolds) {
  guards.call_rules.limits.timeout = 50;
  ExpectAttempt(Start(5000), 1, 1050);
  guards.call_rules.limits.timeout = HF_INFINITE;
  ExpectAttempt(Start(5000), 1, 5000);
}

TEST_F(HedgedCall, AtTheDeadlineTheOldestCountsAsAFailureAndTheOthersAreNeutral) {
  Start(1250);
  OnTime(1100);
  OnTime(1200);
  const hf_hedge_action end = OnTime(1250);
  ExpectFinish(end, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
  EXPECT_EQ(end.cancel, 0b111u);
  EXPECT_EQ(guards.verdicts,
            (Verdicts{{1, HF_VERDICT_FAILURE}, {2, HF_VERDICT_IGNORED}, {3, HF_VERDICT_IGNORED}}));
}

TEST_F(HedgedCall, AtTheDeadlineTheErrorOfAnAttemptIsKept) {
  Start(1250);
  End(1, 1010, HF_INTERNAL);
  const hf_hedge_action end = OnTime(1250);
  ExpectFinish(end, HF_INTERNAL, HF_R_DEADLINE, 1);
  EXPECT_EQ(end.cancel, 0b10u);
}

TEST_F(HedgedCall, AnAttemptThatOutlivesItsTimeoutIsCancelledAndReplaced) {
  guards.call_rules.limits.attempt_timeout = 70;
  ExpectAttempt(Start(), 1, 1070);
  ExpectWait(OnTime(1000), 1070);
  const hf_hedge_action next = OnTime(1070);
  ExpectAttempt(next, 2, 1140);
  EXPECT_EQ(next.cancel, 0b1u);
  EXPECT_EQ(guards.verdicts[1], HF_VERDICT_FAILURE);
  EXPECT_EQ(guards.charged, 1);
}

TEST_F(HedgedCall, WhenTheLastIsCutOffTheCallFinishesWithNobodysResult) {
  guards.call_rules.limits.attempt_timeout = 70;
  Start(0, 1000, 0);
  const hf_hedge_action end = OnTime(1070);
  ExpectFinish(end, HF_DEADLINE_EXCEEDED, HF_R_NOT_IDEMPOTENT, 0);
  EXPECT_EQ(end.cancel, 0b1u);
}

TEST_F(HedgedCall, WhatACancelledAttemptReportsChangesNothing) {
  guards.call_rules.limits.attempt_timeout = 70;
  Start();
  OnTime(1070);
  const hf_hedge_action next = End(1, 1075, HF_OK);
  ExpectWait(next, 1140);
  EXPECT_EQ(next.events, HF_EVENT_LATE_RESULT);
  EXPECT_EQ(guards.verdicts, (Verdicts{{1, HF_VERDICT_FAILURE}}));
  EXPECT_EQ(guards.rewarded, 0);
  EXPECT_FALSE(HedgeCallAwaits(state, 1)) << "once";
}

TEST_F(HedgedCall, ALateSuccessIsAFailureOfTheDependencyAndStillTheCallers) {
  guards.call_rules.limits.attempt_timeout = 70;
  Start();
  const hf_hedge_action end = End(1, 1080, HF_OK);
  ExpectFinish(end, HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(end.events, HF_EVENT_LATE_RESULT);
  EXPECT_EQ(guards.verdicts[1], HF_VERDICT_FAILURE);
}

TEST_F(HedgedCall, AHedgeIsNotSentWithLessThanTheExpectedLatencyLeft) {
  HedgeRules rules = FixedRules();
  rules.min_samples = 1;
  PlainHedge learnt(rules);
  learnt.BeginCall(1000);
  learnt.Learn(500, 1000);  // the median is 1023 ns, the end of its bucket
  ASSERT_EQ(learnt.Expected(), 1023);
  const auto hedge = [&](hf_time deadline) {
    state = HedgeCallState{};
    state.flags = HF_CALL_IDEMPOTENT;
    HedgeStep(state, learnt, guards, 1000).Start(deadline);
    return HedgeStep(state, learnt, guards, 1100).OnTime();
  };
  ExpectAttempt(hedge(2123), 2, 2123);
  Abort(1100);
  ExpectWait(hedge(2122), 2122);
  EXPECT_EQ(learnt.Read(1100).too_late, 1u);
}

TEST_F(HedgedCall, ADelayBeyondTheDeadlineIsCountedAsTooLateWhenTheDeadlineComes) {
  Start(1100);  // the delay ends with it
  ExpectFinish(End(1, 1050, HF_OK), HF_OK, HF_R_NONE, 1);
  EXPECT_EQ(policy.Read(1050).too_late, 0u) << "no hedge was needed";
  Start(1100);
  ExpectWait(OnTime(1000), 1100);
  ExpectFinish(OnTime(1100), HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
  EXPECT_EQ(policy.Read(1100).too_late, 1u);
  EXPECT_EQ(policy.Read(1100).hedges, 0u);
  EXPECT_EQ(policy.journal().Newest().kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(policy.journal().Newest().reason, HF_R_DEADLINE);
  EXPECT_EQ(policy.journal().Newest().after, 2);
}

TEST_F(HedgedCall, AtTheDeadlineNothingIsTooLateThatWasNotToFollow) {
  Start(1100, 1000, 0);  // not idempotent
  OnTime(1100);
  Start(1250);
  OnTime(1100);
  OnTime(1200);  // all three are made
  OnTime(1250);
  EXPECT_EQ(policy.Read(1250).too_late, 0u);
}

TEST_F(HedgedCall, ADelayBeyondTheDeadlineDoesNotKeepAFailureFromBeingRepeated) {
  Start(1100);
  ExpectAttempt(End(1, 1010, HF_UNAVAILABLE), 2, 1100);
  EXPECT_EQ(policy.Read(1010).too_late, 0u);
}

TEST_F(HedgedCall, TheCapStopsHedgesAndTheCallDoesNotHang) {
  HedgeRules rules = FixedRules();
  rules.burst = kOneHedge;
  rules.max_rate = 1;
  PlainHedge capped(rules);
  state = HedgeCallState{};
  state.flags = HF_CALL_IDEMPOTENT;
  HedgeStep(state, capped, guards, 1000).Start(0);
  ExpectAttempt(HedgeStep(state, capped, guards, 1100).OnTime(), 2);
  ExpectWait(HedgeStep(state, capped, guards, 1200).OnTime(), 0);
  EXPECT_EQ(capped.Read(1200).capped, 1u);
  End(1, 1210, HF_UNAVAILABLE);
  ExpectFinish(End(2, 1220, HF_UNAVAILABLE), HF_UNAVAILABLE, HF_R_RATE_LIMITED, 2);
}

TEST_F(HedgedCall, AHedgeThatIsNotSentCostsTheCapNothing) {
  HedgeRules rules = FixedRules();
  rules.burst = kOneHedge;
  rules.max_rate = 1;
  PlainHedge capped(rules);
  guards.refusals[2] = kFull;
  guards.budget_allows = false;
  for (const hf_time now : {1000, 2000, 3000}) {  // refused by a guard, then twice by the budget
    state = HedgeCallState{};
    state.flags = HF_CALL_IDEMPOTENT;
    HedgeStep(state, capped, guards, now).Start(0);
    HedgeStep(state, capped, guards, now + 100).OnTime();
    EXPECT_EQ(capped.cap().Tokens(), kOneHedge) << now;
    Abort(now + 100);
  }
  EXPECT_EQ(capped.Read(3000).capped, 0u);
}

TEST_F(HedgedCall, AbortGivesEverythingBackAsIgnored) {
  Start();
  OnTime(1100);
  Abort(1150);
  EXPECT_TRUE(guards.out.empty());
  EXPECT_EQ(guards.verdicts, (Verdicts{{1, HF_VERDICT_IGNORED}, {2, HF_VERDICT_IGNORED}}));
}

TEST_F(HedgedCall, TimeThatRunsBackwardsIsTimeThatStandsStill) {
  guards.call_rules.limits.attempt_timeout = 700;
  ExpectAttempt(Start(), 1, 1700);
  ExpectWait(OnTime(500), 1100);
  ExpectAttempt(OnTime(1100), 2, 1800);
  ExpectWait(OnTime(0), 1200);
  ExpectAttempt(End(1, 0, HF_UNAVAILABLE), 3, 1800);
}

TEST_F(HedgedCall, TheEndOfTimeIsADeadlineToo) {
  Start(0, HF_INFINITE - 50);
  ExpectWait(OnTime(HF_INFINITE - 50), 0);
  ExpectFinish(OnTime(HF_INFINITE), HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0);
}

}  // namespace
}  // namespace holdfast::engine
