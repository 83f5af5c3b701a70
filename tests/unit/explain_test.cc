// SPDX-License-Identifier: Apache-2.0
// The figures of an explanation by hand, what it reads off the handles, and how it looks.
#include "engine/explain.h"

#include <gtest/gtest.h>
#include <holdfast/holdfast.h>

#include <chrono>
#include <iterator>
#include <optional>
#include <string>

#include "engine/worst_case.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using engine::AttemptsThatFit;
using engine::BackoffPolicy;
using engine::CallRules;
using engine::CallWaits;
using engine::WorstCase;
using engine::WorstCaseOf;

constexpr hf_duration kInf = HF_INFINITE;

CallRules Rules(const BackoffPolicy& backoff) { return {.backoff = backoff}; }
const BackoffPolicy kThree = {.max_attempts = 3, .jitter = HF_JITTER_NONE};

TEST(WorstCase, OneAttemptLastsForItsTimeoutOrForEver) {
  const WorstCase bounded = WorstCaseOf(CallRules{}, {.attempt_timeout = HF_S});
  EXPECT_EQ(bounded.attempts, 1u);
  EXPECT_EQ(bounded.time, HF_S);
  EXPECT_EQ(WorstCaseOf(CallRules{}, {}).time, kInf);
  EXPECT_EQ(WorstCaseOf(CallRules{}, {.deadline = 7}).time, 7);
}

TEST(WorstCase, AttemptsDelaysAndWhatPeersMayAskForAddUp) {
  const WorstCase worst = WorstCaseOf(Rules(kThree), {.attempt_timeout = HF_S});
  EXPECT_EQ(worst.attempts, 3u);
  EXPECT_EQ(worst.time, 3 * HF_S + (100 + 200) * HF_MS + 2 * 5 * HF_S);
}

TEST(WorstCase, WaitsForGatesAddUpToo) {
  const WorstCase worst = WorstCaseOf(
      Rules(kThree), {.attempt_timeout = HF_S, .call_wait = 40 * HF_S, .attempt_wait = 100 * HF_S});
  EXPECT_EQ(worst.time, 40 * HF_S + 3 * 101 * HF_S + 300 * HF_MS + 10 * HF_S);
}

TEST(WorstCase, TheBreakerIsWaitedForWhereThatTakesLonger) {
  CallWaits waits = {.attempt_timeout = HF_S, .breaker_wait = 6100 * HF_MS};
  const hf_duration without = 3 * HF_S + 300 * HF_MS + 10 * HF_S;
  EXPECT_EQ(WorstCaseOf(Rules(kThree), waits).time, without);
  waits.breaker_wait = 6200 * HF_MS;  // as long as an attempt and its delay, second time round
  EXPECT_EQ(WorstCaseOf(Rules(kThree), waits).time, without + 100 * HF_MS);
}

TEST(WorstCase, TheDeadlineEndsAllAndNoSleepEndsAtIt) {
  CallWaits waits = {.deadline = 300 * HF_MS, .attempt_timeout = HF_S};
  EXPECT_EQ(WorstCaseOf(Rules(kThree), waits).attempts, 2u);
  EXPECT_EQ(WorstCaseOf(Rules(kThree), waits).time, 300 * HF_MS);
  waits.deadline += 1;
  EXPECT_EQ(WorstCaseOf(Rules(kThree), waits).attempts, 3u);
}

TEST(WorstCase, MinAttemptTimeMustBeLeft) {
  BackoffPolicy backoff = kThree;
  backoff.min_attempt_time = 50 * HF_MS;
  EXPECT_EQ(WorstCaseOf(Rules(backoff), {.deadline = 350 * HF_MS}).attempts, 3u);
  EXPECT_EQ(WorstCaseOf(Rules(backoff), {.deadline = 350 * HF_MS - 1}).attempts, 2u);
}

TEST(WorstCase, MaxElapsedBoundsTheLastStartNotTheEnd) {
  BackoffPolicy backoff = kThree;
  backoff.max_elapsed = 300 * HF_MS;
  const WorstCase worst = WorstCaseOf(Rules(backoff), {.attempt_timeout = 10 * HF_S});
  EXPECT_EQ(worst.attempts, 3u);
  EXPECT_EQ(worst.time, 300 * HF_MS + 10 * HF_S);
  backoff.max_elapsed = 300 * HF_MS - 1;
  EXPECT_EQ(WorstCaseOf(Rules(backoff), {}).attempts, 2u);
}

TEST(WorstCase, ALongWaitBeforeTheFirstAttemptCountsAlthoughNoRetryFollowsIt) {
  BackoffPolicy backoff = kThree;
  backoff.max_elapsed = HF_S;
  const WorstCase worst =
      WorstCaseOf(Rules(backoff), {.attempt_timeout = HF_MS, .call_wait = 9 * HF_S});
  EXPECT_EQ(worst.time, 9 * HF_S + HF_MS);
}

TEST(WorstCase, EveryRuleCounts) {
  CallRules rules = Rules(kThree);
  rules.rules.At(HF_ABORTED) = {.max_attempts = 5, .base = HF_MS};
  rules.rules.At(HF_UNAVAILABLE) = {.max_attempts = 2, .base = 20 * HF_S};
  EXPECT_EQ(engine::MostAttempts(rules), 5u);
  EXPECT_EQ(engine::LongestCeiling(rules), 20 * HF_S);
  const WorstCase worst = WorstCaseOf(rules, {.attempt_timeout = 0});
  EXPECT_EQ(worst.attempts, 5u);
  // 20 s (the cap) after the first, 200 ms after the second, then only ABORTED goes on.
  EXPECT_EQ(worst.time, 20 * HF_S + (200 + 4 + 8) * HF_MS + 4 * 5 * HF_S);
  EXPECT_EQ(AttemptsThatFit(rules, 15 * HF_MS, 0), 4u);
  EXPECT_EQ(AttemptsThatFit(rules, 15 * HF_MS + 1, 0), 5u);
}

TEST(WorstCase, ABackoffThatDecorrelatesGrowsFromTheLongestBefore) {
  BackoffPolicy backoff = kThree;
  backoff.jitter = HF_JITTER_DECORRELATED;
  const WorstCase worst = WorstCaseOf(Rules(backoff), {.attempt_timeout = 0});
  EXPECT_EQ(worst.time, (300 + 900) * HF_MS + 10 * HF_S);
}

TEST(WorstCase, SaturatesAtInfinite) {
  BackoffPolicy backoff = kThree;
  backoff.max_attempts = 1000;
  EXPECT_EQ(WorstCaseOf(Rules(backoff), {.attempt_timeout = kInf / 2}).time, kInf);
  EXPECT_EQ(AttemptsThatFit(Rules(backoff), kInf, kInf / 2), 2u);
  EXPECT_EQ(AttemptsThatFit(Rules(backoff), kInf, kInf), 1u);
}

TEST(WorstCase, HedgedAttemptsFollowOneAnotherAtWorst) {
  const WorstCase worst = engine::WorstHedgedCase(3, {.attempt_timeout = HF_S});
  EXPECT_EQ(worst.attempts, 3u);
  EXPECT_EQ(worst.time, 3 * HF_S + 2 * 5 * HF_S);
  EXPECT_EQ(engine::WorstHedgedCase(3, {.deadline = HF_S}).time, HF_S);
  EXPECT_EQ(engine::WorstHedgedCase(3, {}).time, kInf);
}

// --- loads ---------------------------------------------------------------------------------------------
hf_explanation Explained(const engine::PipelinePolicies& policies,
                         const engine::CallFacts& facts = {}) {
  return engine::Explain(policies, facts);
}

TEST(ExplainLoad, FirstAllAttemptsThenWhatTheBudgetLetsThrough) {
  engine::PipelinePolicies policies;
  policies.rules = Rules(kThree);
  EXPECT_EQ(Explained(policies).worst_sent, 3u);
  EXPECT_DOUBLE_EQ(Explained(policies).steady_load, 3);
  policies.budget = engine::BudgetPolicy{};
  EXPECT_EQ(Explained(policies).worst_sent, 3u);
  EXPECT_DOUBLE_EQ(Explained(policies).steady_load, 1.1);
  policies.budget->ratio = 5000;
  EXPECT_DOUBLE_EQ(Explained(policies).steady_load, 3);
  policies.budget->max = 2000;
  EXPECT_EQ(Explained(policies).worst_sent, 1u);
  EXPECT_EQ(Explained(policies).worst_attempts, 3u) << "what never left is free";
}

TEST(ExplainLoad, TreeRetriesBoundWhatIsSent) {
  engine::PipelinePolicies policies;
  policies.rules = Rules(kThree);
  policies.rules.limits.tree_retries = 1;
  EXPECT_EQ(Explained(policies).worst_attempts, 3u);
  EXPECT_EQ(Explained(policies).worst_sent, 2u);
}

TEST(ExplainLoad, LayersMultiplyUnlessTheyPassOnWhatIsLeft) {
  engine::PipelinePolicies policies;
  policies.rules = Rules(kThree);
  engine::CallFacts facts = {.attempts_above = 3, .attempts_below = 3};
  EXPECT_EQ(Explained(policies, facts).layers_product, 27u);
  EXPECT_EQ(Explained(policies, facts).tree_attempts, 7u);
  facts = {.attempts_above = 1'000'000, .attempts_below = 1'000'000};
  EXPECT_EQ(Explained(policies, facts).layers_product, 3'000'000'000'000u);
  facts = {.attempts_above = UINT32_MAX, .attempts_below = UINT32_MAX};
  EXPECT_EQ(Explained(policies, facts).layers_product, UINT64_MAX);
  EXPECT_EQ(Explained(policies).layers_product, 3u);
  EXPECT_EQ(Explained(policies).tree_attempts, 3u);
}

TEST(ExplainLoad, AHedgeSendsItsOwnAndAsksItsCap) {
  engine::PipelinePolicies policies;
  policies.rules = Rules(kThree);
  policies.hedge = engine::HedgeRules{.max_attempts = 4};
  hf_explanation told = Explained(policies, {.attempts_below = 5});
  EXPECT_EQ(told.worst_attempts, 4u);
  EXPECT_EQ(told.worst_sent, 4u);
  EXPECT_EQ(told.slow_attempts, 4u);
  EXPECT_EQ(told.worst_breaker_waits, 0u);
  EXPECT_DOUBLE_EQ(told.steady_load, 1.05);
  EXPECT_EQ(told.tree_attempts, 20u) << "hedges take nothing from the allowance";
  told = Explained(policies, {.flags = HF_EXPLAIN_NOT_IDEMPOTENT});
  EXPECT_EQ(told.worst_attempts, 1u);
  EXPECT_DOUBLE_EQ(told.steady_load, 1);
}

TEST(ExplainWaits, ABreakerIsWaitedForOnceLessThanThereAreRounds) {
  engine::PipelinePolicies policies;
  policies.rules = Rules(kThree);
  EXPECT_EQ(Explained(policies).worst_breaker_waits, 0u);
  policies.breaker = engine::BreakerPolicy{};
  EXPECT_EQ(Explained(policies).worst_breaker_waits, 2u);
}

TEST(ExplainWaits, TheLongestThatABreakerCanAskFor) {
  engine::PipelinePolicies policies;
  policies.rules = Rules({.max_attempts = 2});
  policies.rules.limits.attempt_timeout = 1;
  policies.breaker = engine::BreakerPolicy{};
  policies.breaker->open_for = 40 * HF_S;
  EXPECT_EQ(Explained(policies).worst_time, 40 * HF_S + 1);
  policies.breaker->probe_lease = 50 * HF_S;
  EXPECT_EQ(Explained(policies).worst_time, 40 * HF_S + 1) << "a lease is not waited for";
  policies.breaker->ramp_for = 600 * HF_S;
  EXPECT_EQ(Explained(policies).worst_time, 60 * HF_S + 1);
  policies.breaker->open_cap = 70 * HF_S;
  EXPECT_EQ(Explained(policies).worst_time, 60 * HF_S + 1) << "it does not grow";
  policies.breaker->open_multiplier = 2;
  EXPECT_EQ(Explained(policies).worst_time, 70 * HF_S + 1);
  policies.breaker->open_for = 80 * HF_S;
  EXPECT_EQ(Explained(policies).worst_time, 80 * HF_S + 1);
}

TEST(ExplainWaits, GatesThatLetACallWaitAddTheirMaxWait) {
  engine::PipelinePolicies policies;
  policies.rules.limits.attempt_timeout = 1;
  policies.bulkhead = engine::BulkheadPolicy{.max_wait = 8 * HF_S};
  policies.call_bulkhead = engine::BulkheadPolicy{.max_wait = 4 * HF_S};
  EXPECT_EQ(Explained(policies).worst_time, 1) << "without a queue it is refused at once";
  policies.bulkhead->queue = policies.call_bulkhead->queue = 1;
  EXPECT_EQ(Explained(policies).worst_time, 12 * HF_S + 1);
  policies.limiter = engine::LimiterPolicy{.max_wait = 2 * HF_S};
  policies.call_limiter = engine::LimiterPolicy{.max_wait = HF_S};
  EXPECT_EQ(Explained(policies).worst_time, 15 * HF_S + 1);
}

// --- the handles ---------------------------------------------------------------------------------------
PipelineOptions Whole() {
  PipelineOptions options;
  options.retry = *RetryPolicy::Create({.max_attempts = 4, .base = 10ms, .cap = 1s});
  options.budget = *RetryBudget::Create({.max_tokens = 50, .ratio = 0.2});
  options.breaker = *CircuitBreaker::Create({.failure_rate = 0.6, .probes = 2, .open_for = 3s});
  options.bulkhead = *Bulkhead::Create({.limit = 8, .queue = 4, .max_wait = 200ms});
  options.timeout = 5s;
  options.attempt_timeout = 400ms;
  options.call_bulkhead = *Bulkhead::Create({.limit = 16});
  options.kill_switch = *KillSwitch::Create();
  options.throttle = *Throttle::Create({.window = 10s, .success_rate = 0.7});
  const FaultRule rules[] = {{.rate = 0.001, .code = absl::StatusCode::kUnavailable}};
  options.fault = *FaultInjector::Create({.rules = rules, .expiry = 1h});
  options.limiter = *RateLimiter::Create({.permits = 30, .max_wait = 300ms});
  options.call_limiter = *RateLimiter::Create({.permits = 20, .period = 2s});
  return options;
}

TEST(Explain, NamesEveryStageInTheOrderOfACall) {
  const auto pipeline = Pipeline::Create(Whole());
  const auto explanation = pipeline->Explain();
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  const hf_stage wanted[] = {
      {HF_STAGE_KILL_SWITCH, 0, {}},
      {HF_STAGE_TIMEOUT, 0, {5 * HF_S}},
      {HF_STAGE_CALL_LIMITER, 0, {20, 2 * HF_S, HF_S}},
      {HF_STAGE_CALL_BULKHEAD, 0, {16, 0, 0}},
      {HF_STAGE_RETRY, 0, {4, 10 * HF_MS, HF_S}},
      {HF_STAGE_BUDGET, 0, {50'000, 200}},
      {HF_STAGE_BREAKER, 0, {600, 3 * HF_S, 2}},
      {HF_STAGE_THROTTLE, 0, {700, 10 * HF_S}},
      {HF_STAGE_LIMITER, 0, {30, HF_S, 300 * HF_MS}},
      {HF_STAGE_BULKHEAD, 0, {8, 4, 200 * HF_MS}},
      {HF_STAGE_FAULT, 0, {}},
      {HF_STAGE_ATTEMPT_TIMEOUT, 0, {400 * HF_MS}},
  };
  ASSERT_EQ(explanation->stages().size(), std::size(wanted));
  for (size_t i = 0; i < std::size(wanted); ++i) {
    const hf_stage& stage = explanation->stages()[i];
    EXPECT_EQ(stage.kind, wanted[i].kind) << i;
    for (int k = 0; k < 3; ++k) EXPECT_EQ(stage.numbers[k], wanted[i].numbers[k]) << i << " " << k;
  }
  EXPECT_TRUE(explanation->warnings().empty()) << explanation->ToString();
}

TEST(Explain, ToldOfAHedgeItExplainsAHedgedCall) {
  const auto pipeline = Pipeline::Create(Whole());
  const auto hedge = HedgePolicy::Create({.max_attempts = 3, .min_delay = 7ms, .max_rate = 0.1});
  const auto explanation = pipeline->Explain({.idempotent = true, .hedge = *hedge});
  ASSERT_TRUE(explanation.ok());
  const hf_stage stage = explanation->stages()[4];
  EXPECT_EQ(stage.kind, HF_STAGE_HEDGE);
  EXPECT_EQ(stage.numbers[0], 3);
  EXPECT_EQ(stage.numbers[1], 7 * HF_MS);
  EXPECT_EQ(stage.numbers[2], 100);
  EXPECT_EQ(explanation->worst_attempts(), 3u);
}

TEST(Explain, SeesUpdatesAndOneObjectInTwoPlaces) {
  PipelineOptions options = Whole();
  options.call_bulkhead = options.bulkhead;
  options.call_limiter = options.limiter;
  const auto pipeline = Pipeline::Create(options);
  ASSERT_TRUE(options.bulkhead.Update({.limit = 9}, 0).ok());
  options.attempt_timeout = 100ms;
  ASSERT_TRUE(pipeline->Update(options).ok());
  const auto explanation = pipeline->Explain();
  ASSERT_NE(explanation->Find(HF_WARNING_SAME_BULKHEAD), nullptr);
  EXPECT_EQ(explanation->Find(HF_WARNING_SAME_BULKHEAD)->found, 9);
  EXPECT_NE(explanation->Find(HF_WARNING_SAME_LIMITER), nullptr);
  EXPECT_EQ(explanation->stages().back().numbers[0], 100 * HF_MS);
  EXPECT_EQ(explanation->Find(HF_WARNING_NO_JITTER), nullptr);
}

TEST(Explain, AnEmptyPipelineHasNoGuardAndNoLimit) {
  const auto explanation = Pipeline::Create()->Explain();
  EXPECT_TRUE(explanation->stages().empty());
  EXPECT_EQ(explanation->worst_attempts(), 1u);
  EXPECT_EQ(explanation->worst_time(), Duration::max());
  EXPECT_EQ(explanation->deadline(), Duration::max());
  EXPECT_EQ(
      explanation->ToString(),
      "pipeline, in this order\n  no guard\none call at worst\n  attempts         1 attempt\n"
      "  time             no limit\n  load             1 per call at first, 1 in the long run\n"
      "nothing to warn of\n");
}

TEST(Explain, BadOptionsNameTheField) {
  const auto pipeline = Pipeline::Create();
  EXPECT_EQ(pipeline->Explain({.deadline = -1s}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Explain(Pipeline()).status().message(), "pipeline: is NULL");
}

// --- no false alarm ------------------------------------------------------------------------------------
Pipeline Readme() {
  return *Pipeline::Create({.retry = RetryPolicy::Create({.max_attempts = 4}).value(),
                            .budget = RetryBudget::Create().value(),
                            .breaker = CircuitBreaker::Create({.open_for = 2s}).value(),
                            .bulkhead = Bulkhead::Create({.limit = 32}).value(),
                            .attempt_timeout = 250ms});
}

TEST(ExplainFalseAlarm, TheReadmesPipelineIsSound) {
  EXPECT_TRUE(Readme().Explain()->warnings().empty()) << Readme().Explain()->ToString();
  // As it is called there. That it does not outwait its breaker is worth a note, and no more.
  const auto called = Readme().Explain({.deadline = 1s, .idempotent = true});
  ASSERT_EQ(called->warnings().size(), 1u) << called->ToString();
  EXPECT_EQ(called->warnings()[0].kind, HF_WARNING_OPEN_FOR_BEYOND_TIMEOUT);
  EXPECT_EQ(called->warnings()[0].severity, HF_SEVERITY_NOTE);
}

TEST(ExplainFalseAlarm, AllDefaultsWithTimeoutsAreSound) {
  PipelineOptions options;
  options.retry = *RetryPolicy::Create();
  options.budget = *RetryBudget::Create();
  options.breaker = *CircuitBreaker::Create();
  options.bulkhead = *Bulkhead::Create();
  options.call_bulkhead = *Bulkhead::Create({.limit = 128});
  options.limiter = *RateLimiter::Create();
  options.throttle = *Throttle::Create();
  options.attempt_timeout = 1s;
  options.timeout = 10s;
  const auto pipeline = Pipeline::Create(options);
  for (const std::optional<bool> idempotent : {std::optional<bool>(), std::optional(true)}) {
    for (const uint32_t below : {1, 3}) {
      const auto told = pipeline->Explain({.idempotent = idempotent, .attempts_below = below});
      EXPECT_TRUE(told->warnings().empty()) << told->ToString();
    }
  }
  const auto hedged = pipeline->Explain({.idempotent = true, .hedge = *HedgePolicy::Create()});
  EXPECT_TRUE(hedged->warnings().empty()) << hedged->ToString();
  // The same without retries: a guard alone is nothing to warn of.
  options.retry = {};
  options.budget = {};
  EXPECT_TRUE(Pipeline::Create(options)->Explain()->warnings().empty());
}

}  // namespace
}  // namespace holdfast
