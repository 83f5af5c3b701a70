// SPDX-License-Identifier: Apache-2.0
// The hedge policy: the delay, the cold start, the cap, what is learnt, updates.
#include "engine/hedge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/hedge_call.h"
#include "unit/hedge_guards.h"

namespace holdfast::engine {
namespace {

HedgeRules QuantileRules() {
  HedgeRules rules;
  rules.min_samples = 10;
  rules.burst = 1000 * kOneHedge;
  return rules;
}

void LearnMany(PlainHedge& policy, int count, hf_duration latency, hf_time now = 0) {
  for (int i = 0; i < count; ++i) policy.Learn(latency, now);
}

constexpr hf_duration RoundedUp(hf_duration latency) {
  return LatencyBucketEnd(LatencyBucket(latency));
}

// Resilience4j's average over an empty window is 0, so that it hedges every call of a cold start at once.
TEST(Hedge, AnEmptyWindowDoesNotHedgeAtOnce) {
  PlainHedge policy(QuantileRules());
  EXPECT_EQ(policy.BeginCall(0).delay, HF_INFINITE);
  HedgeRules rules = QuantileRules();
  rules.delay = 80 * HF_MS;
  PlainHedge with_fallback(rules);
  EXPECT_EQ(with_fallback.BeginCall(0).delay, 80 * HF_MS);
}

TEST(Hedge, TheQuantileCountsFromMinSamplesOn) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 9, 20 * HF_MS);
  EXPECT_EQ(policy.BeginCall(0).delay, HF_INFINITE);
  EXPECT_EQ(policy.Expected(), 0);
  policy.Learn(20 * HF_MS, 0);
  EXPECT_EQ(policy.BeginCall(0).delay, RoundedUp(20 * HF_MS));
  EXPECT_EQ(policy.Expected(), RoundedUp(20 * HF_MS));
}

TEST(Hedge, AWindowThatEndsDoesNotMakeTooFewEnough) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 9, 20 * HF_MS);
  EXPECT_EQ(policy.BeginCall(30 * HF_S).delay, HF_INFINITE);
  EXPECT_EQ(policy.Read(30 * HF_S).expected, 0);
  policy.Learn(20 * HF_MS, 30 * HF_S);
  EXPECT_EQ(policy.BeginCall(30 * HF_S).delay, RoundedUp(20 * HF_MS));
}

TEST(Hedge, AfterAPauseItIsColdAgain) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 10, 20 * HF_MS);
  EXPECT_EQ(policy.BeginCall(59 * HF_S).delay, RoundedUp(20 * HF_MS));
  EXPECT_EQ(policy.Read(60 * HF_S).delay, 0);
  EXPECT_EQ(policy.BeginCall(120 * HF_S).delay, HF_INFINITE);
}

TEST(Hedge, TheDelayIsKeptWithinItsBounds) {
  HedgeRules rules = QuantileRules();
  rules.min_delay = 5 * HF_MS;
  rules.max_delay = 50 * HF_MS;
  PlainHedge fast(rules);
  fast.BeginCall(0);
  LearnMany(fast, 10, HF_US);
  EXPECT_EQ(fast.BeginCall(0).delay, 5 * HF_MS);
  PlainHedge slow(rules);
  slow.BeginCall(0);
  LearnMany(slow, 10, HF_S);
  EXPECT_EQ(slow.BeginCall(0).delay, 50 * HF_MS);
}

TEST(Hedge, AFixedDelayDoesNotMoveButTheMedianIsKnown) {
  PlainHedge policy(FixedRules());
  policy.BeginCall(0);
  LearnMany(policy, 100, 20 * HF_MS);
  EXPECT_EQ(policy.BeginCall(0).delay, 100);
  EXPECT_EQ(policy.Expected(), RoundedUp(20 * HF_MS));
}

TEST(Hedge, TheEstimateFollowsEvery128Samples) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 10, 20 * HF_MS);
  LearnMany(policy, 117, 40 * HF_MS);
  EXPECT_EQ(policy.BeginCall(0).delay, RoundedUp(20 * HF_MS));
  policy.Learn(40 * HF_MS, 0);
  EXPECT_EQ(policy.BeginCall(0).delay, RoundedUp(40 * HF_MS));
}

TEST(HedgeCapTest, StartsFullAndIsRefilledByCalls) {
  HedgeCap<PlainCells> cap(50, 2 * kOneHedge);
  EXPECT_TRUE(cap.Take());
  EXPECT_TRUE(cap.Take());
  EXPECT_FALSE(cap.Take());
  for (int call = 0; call < 19; ++call) cap.OnCall();
  EXPECT_FALSE(cap.Take());
  cap.OnCall();
  EXPECT_TRUE(cap.Take());
  EXPECT_EQ(cap.Tokens(), 0u);
}

TEST(HedgeCapTest, NeverHoldsMoreThanBurst) {
  HedgeCap<PlainCells> cap(700, kOneHedge);
  EXPECT_TRUE(cap.Take());
  cap.OnCall();
  cap.OnCall();
  EXPECT_EQ(cap.Tokens(), kOneHedge);
  cap.Return();
  EXPECT_EQ(cap.Tokens(), kOneHedge);
}

TEST(HedgeCapTest, AnUpdateKeepsTheShareOfBurst) {
  HedgeCap<PlainCells> cap(50, 4 * kOneHedge);
  cap.Take();
  cap.Update(50, 8 * kOneHedge);
  EXPECT_EQ(cap.Tokens(), 6 * kOneHedge);
  cap.Update(50, 2 * kOneHedge);
  EXPECT_EQ(cap.Tokens(), 1500u);
}

TEST(Hedge, AnUpdateKeepsLatenciesAndCounts) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 20, 20 * HF_MS);
  policy.NoteSent(2, 0);
  HedgeRules rules = QuantileRules();
  rules.max_attempts = 4;
  rules.min_delay = 30 * HF_MS;
  policy.Update(rules, HF_S);
  const HedgeTerms terms = policy.BeginCall(HF_S);
  EXPECT_EQ(terms.delay, 30 * HF_MS);
  EXPECT_EQ(terms.max_attempts, 4u);
  const hf_hedge_snapshot now = policy.Read(HF_S);
  EXPECT_EQ(now.samples, 20u);
  EXPECT_EQ(now.hedges, 1u);
  EXPECT_EQ(now.calls, 2u);
  EXPECT_EQ(now.updates, 1u);
}

TEST(Hedge, AnUpdateOfMinSamplesCountsAtOnceBothWays) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 20, 20 * HF_MS);
  HedgeRules rules = QuantileRules();
  rules.min_samples = 21;
  policy.Update(rules, 0);
  EXPECT_EQ(policy.BeginCall(0).delay, HF_INFINITE);
  policy.Learn(20 * HF_MS, 0);
  EXPECT_EQ(policy.BeginCall(0).delay, RoundedUp(20 * HF_MS));
}

TEST(Hedge, AShorterWindowForgetsSooner) {
  PlainHedge policy(QuantileRules());
  policy.BeginCall(0);
  LearnMany(policy, 20, 20 * HF_MS);
  HedgeRules rules = QuantileRules();
  rules.window = HF_S;
  policy.Update(rules, HF_S);
  EXPECT_EQ(policy.BeginCall(3 * HF_S - 1).delay, RoundedUp(20 * HF_MS));
  EXPECT_EQ(policy.BeginCall(4 * HF_S).delay, HF_INFINITE);
}

TEST(Hedge, TellsTheJournalWhatItSentRefusedAndWasTold) {
  PlainHedge policy(QuantileRules());
  policy.NoteSent(2, 5);
  EXPECT_EQ(policy.journal().Newest().kind, HF_EVENT_KIND_HEDGED);
  EXPECT_EQ(policy.journal().Newest().after, 2);
  EXPECT_EQ(policy.journal().Newest().time, 5);
  policy.NoteRefused(HedgeRefusal::kCap, HF_R_RATE_LIMITED, 3, 6);
  EXPECT_EQ(policy.journal().Newest().kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(policy.journal().Newest().reason, HF_R_RATE_LIMITED);
  EXPECT_EQ(policy.journal().Newest().after, 3);
  policy.Update(QuantileRules(), 7);
  EXPECT_EQ(policy.journal().Newest().kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(policy.journal().Newest().after, 1);
}

// --- What is learnt ----------------------------------------------------------------------------------

using Learning = HedgedCall;

TEST_F(Learning, OnlyTheFirstAttemptsLatencyIsLearnt) {
  Start();
  OnTime(1100);
  End(2, 1110, HF_OK);
  EXPECT_EQ(policy.Read(1110).samples, 1u) << "the age of the first, nothing of the second";
  Start(0, 2000);
  OnTime(2100);
  End(1, 2150, HF_OK);
  EXPECT_EQ(policy.Read(2150).samples, 2u);
}

TEST_F(Learning, AFailureTeachesNothing) {
  Start();
  End(1, 1001, HF_UNAVAILABLE);
  EXPECT_EQ(policy.Read(1001).samples, 0u);
}

TEST_F(Learning, AnAnswerThatIsNoSuccessIsAnAnswer) {
  Start();
  End(1, 1001, HF_NOT_FOUND);
  EXPECT_EQ(policy.Read(1001).samples, 1u);
}

TEST_F(Learning, AnAttemptCutOffAtTheDeadlineTeachesItsAge) {
  Start(1099);  // before the delay
  OnTime(1099);
  EXPECT_EQ(policy.Read(1099).samples, 1u);
  Start(1200, 1100);
  OnTime(1200);
  EXPECT_EQ(policy.Read(1200).samples, 2u);
}

TEST_F(Learning, AnAttemptCutOffByItsOwnTimeoutTeachesItsAge) {
  guards.call_rules.limits.attempt_timeout = 70;  // before the delay
  Start();
  OnTime(1070);
  EXPECT_EQ(policy.Read(1070).samples, 1u);
}

// A driver that gives the attempt its own deadline may report the timeout before it tells the time.
TEST_F(Learning, ATimeoutThatTheDriverReportsTeachesItsAgeToo) {
  guards.call_rules.limits.attempt_timeout = 70;
  Start();
  End(1, 1069, HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(policy.Read(1069).samples, 0u) << "the peer's own deadline";
  Start();
  End(1, 1070, HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(policy.Read(1070).samples, 1u);
  Start();
  End(1, 1080, hf_outcome{HF_CANCELLED, HF_VERDICT_IGNORED, 0, 0, 0});
  EXPECT_EQ(policy.Read(1080).samples, 1u) << "the caller's own wish says nothing";
}

TEST_F(Learning, AColdPolicyLearnsFromTimeouts) {
  PlainHedge cold(QuantileRules());
  for (int i = 0; i < 10; ++i) {
    state = HedgeCallState{};
    state.flags = HF_CALL_IDEMPOTENT;
    HedgeStep(state, cold, guards, 0).Start(50 * HF_MS);
    HedgeStep(state, cold, guards, 50 * HF_MS).OnTime();
  }
  EXPECT_EQ(cold.Read(50 * HF_MS).delay, RoundedUp(50 * HF_MS));
}

TEST_F(Learning, AnAbortTeachesNothing) {
  Start();
  OnTime(1100);
  Abort(1500);
  EXPECT_EQ(policy.Read(1500).samples, 0u);
}

// Of all attempts 85 % take 1..50 ms and the rest 500..1500 ms, so that nine in ten are faster than 833 ms.
// The policy sees what its own hedges leave of them.
struct Learnt {
  hf_duration delay;
  double hedged;  // per call, in the second half
};
Learnt LearnBimodal(int calls, hf_duration first_delay) {
  HedgeRules rules;
  rules.quantile = 900'000;
  rules.delay = first_delay;
  rules.max_rate = kOneHedge;
  rules.burst = 1000 * kOneHedge;
  PlainHedge policy(rules);
  ScriptedHedgeGuards guards;
  std::mt19937_64 random(7);
  const auto draw = [&] {
    const bool fast = random() % 100 < 85;
    return static_cast<hf_duration>(fast ? 1 + random() % 50 : 500 + random() % 1000) * HF_MS;
  };
  hf_time now = HF_S;
  uint64_t hedges_by_half = 0;
  for (int i = 0; i < calls; ++i, now += 20 * HF_MS) {
    if (i == calls / 2) hedges_by_half = policy.Read(now).hedges;
    HedgeCallState state;
    state.flags = HF_CALL_IDEMPOTENT;
    HedgeStep(state, policy, guards, now).Start(0);
    const hf_time first_end = now + draw();
    const hf_time hedge_at = state.hedge_at;
    if (hedge_at >= first_end) {
      HedgeStep(state, policy, guards, first_end).OnOutcome(1, {});
      continue;
    }
    HedgeStep(state, policy, guards, hedge_at).OnTime();
    const hf_time second_end = hedge_at + draw();
    const uint32_t winner = first_end <= second_end ? 1 : 2;
    HedgeStep(state, policy, guards, std::min(first_end, second_end)).OnOutcome(winner, {});
  }
  const hf_hedge_snapshot end = policy.Read(now);
  return {end.delay, 2.0 * static_cast<double>(end.hedges - hedges_by_half) / calls};
}

TEST(HedgeLearning, TheEstimateIsNotBiasedLowByTheLosersThatItCancels) {
  const Learnt learnt = LearnBimodal(100000, 800 * HF_MS);
  EXPECT_GE(learnt.delay, 730 * HF_MS);
  EXPECT_LE(learnt.delay, 950 * HF_MS);
  EXPECT_NEAR(learnt.hedged, 0.1, 0.01) << "a tenth is slower than the ninth decile";
}

TEST(HedgeLearning, TheEstimateFindsItsWayUpFromADelayThatIsTooShort) {
  EXPECT_GE(LearnBimodal(200000, 10 * HF_MS).delay, 730 * HF_MS);
}

// A third of the first attempts hang for longer than the deadline. Left out, they would be missing in each
// window that began with a delay beyond it, and hedging would go on and off with the windows.
TEST(HedgeLearning, HangsAreNotForgottenOnceTheDelayIsBeyondTheDeadline) {
  HedgeRules rules;
  rules.window = HF_S;
  rules.max_rate = kOneHedge;
  rules.delay = HF_S;
  PlainHedge policy(rules);
  ScriptedHedgeGuards guards;
  hf_time now = HF_S;
  int within = 0;  // calls that began with a delay within the deadline, once it is known
  for (int i = 0; i < 3000; ++i, now += 10 * HF_MS) {
    HedgeCallState state;
    state.flags = HF_CALL_IDEMPOTENT;
    HedgeStep(state, policy, guards, now).Start(now + 200 * HF_MS);
    within += i > 300 && state.delay < 200 * HF_MS;
    if (i % 3 == 0) {
      while (state.now < state.deadline) {
        HedgeStep(state, policy, guards, HedgeCallUntil(state)).OnTime();
      }
    } else {
      HedgeStep(state, policy, guards, now + 5 * HF_MS).OnOutcome(1, {});
    }
  }
  EXPECT_EQ(within, 0);
  EXPECT_GT(policy.Read(now).too_late, 800u) << "and it says so";
}

TEST(HedgeMemory, IsFixed) { EXPECT_LE(sizeof(PlainHedge), 5400u); }

}  // namespace
}  // namespace holdfast::engine
