// SPDX-License-Identifier: Apache-2.0
// hf_hedge and hf_hedge_call over real guards, and their C++ layer: permits, budget, journal, misuse.
#include <gtest/gtest.h>
#include <holdfast/breaker.h>
#include <holdfast/bulkhead.h>
#include <holdfast/hedge.h>
#include <holdfast/kill_switch.h>
#include <holdfast/limiter.h>

#include <chrono>
#include <cstring>
#include <string>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr hf_time kNow = HF_S;
constexpr hf_outcome kFine{HF_OK, 0, 0, 0, 0};
constexpr hf_outcome kDown{HF_UNAVAILABLE, 0, 0, 0, 0};

class HedgeHandle : public ::testing::Test {
 protected:
  HedgeHandle() { Make({.limit = 3}, {.max_tokens = 10}); }

  void Make(const BulkheadOptions& slots, const RetryBudgetOptions& tokens) {
    breaker = *CircuitBreaker::Create();
    bulkhead = *Bulkhead::Create(slots);
    budget = *RetryBudget::Create(tokens);
    pipeline = *Pipeline::Create({.retry = *RetryPolicy::Create(),
                                  .budget = budget,
                                  .breaker = breaker,
                                  .bulkhead = bulkhead});
  }
  static HedgeOptions Fixed() {
    return {.mode = HedgeMode::kFixed, .max_attempts = 3, .delay = 10ms, .burst = 1000};
  }
  uint32_t InFlight() const { return bulkhead.Snapshot().in_flight; }

  CircuitBreaker breaker;
  Bulkhead bulkhead;
  RetryBudget budget;
  Pipeline pipeline;
  HedgePolicy policy = *HedgePolicy::Create(Fixed());
};

TEST_F(HedgeHandle, EachAttemptHoldsItsOwnPermitsAndLosersGiveThemBack) {
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_EQ(call.next().kind, HF_DO_ATTEMPT);
  EXPECT_EQ(InFlight(), 1u);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  ASSERT_EQ(call.next().attempt, 2u);
  EXPECT_EQ(InFlight(), 2u);
  ASSERT_TRUE(call.OnOutcome(2, kFine, kNow + 12 * HF_MS).ok());
  EXPECT_TRUE(call.IsOver());
  EXPECT_EQ(call.next().attempt, 2u);
  EXPECT_EQ(call.next().cancel, 1u);
  EXPECT_EQ(InFlight(), 0u);
  EXPECT_EQ(breaker.Snapshot(kNow).calls, 1u) << "a hedged call does not count twice";
}

TEST_F(HedgeHandle, AHedgeDoesNotWaitInTheQueueOfTheBulkhead) {
  Make({.limit = 1, .queue = 5}, {});
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  EXPECT_EQ(call.next().kind, HF_DO_WAIT);
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  EXPECT_EQ(policy.Snapshot(kNow).refused, 1u);
  HedgeCall other(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_TRUE(other.IsOver()) << "nor does a first attempt";
  EXPECT_EQ(other.next().reason, HF_R_BULKHEAD_FULL);
}

TEST_F(HedgeHandle, AHalfOpenBreakersProbeIsNotKeptByAFullBulkhead) {
  Make({.limit = 1}, {});
  breaker = *CircuitBreaker::Create({.consecutive_failures = 1, .probes = 1, .open_for = 1ms});
  pipeline = *Pipeline::Create({.breaker = breaker, .bulkhead = bulkhead});
  {
    HedgeCall call(policy, pipeline, {}, kNow);
    ASSERT_TRUE(call.OnOutcome(1, kDown, kNow).ok());
  }
  const auto place = bulkhead.TryAcquire();
  HedgeCall refused(policy, pipeline, {}, kNow + HF_S);
  EXPECT_EQ(refused.next().reason, HF_R_BULKHEAD_FULL);
  EXPECT_EQ(breaker.Snapshot(kNow + HF_S).probes_out, 0u);
}

TEST_F(HedgeHandle, AKillSwitchThatNamesAnOperationStopsAHedgedCallAndItsHedges) {
  const KillSwitch kill = *KillSwitch::Create();
  const uint64_t token = *kill.Arm(
      {.match = {.operation = "charge"}, .owner = "ann", .reason = "drill", .expiry = 10min}, kNow);
  pipeline = *Pipeline::Create({.kill_switch = kill});
  const Facts charge = {.operation = "charge"};
  HedgeCall early(policy, pipeline, {.idempotent = true, .facts = &charge}, kNow);
  ASSERT_EQ(early.next().kind, HF_DO_ATTEMPT);
  ASSERT_TRUE(kill.Fire(token, kNow).ok());
  ASSERT_TRUE(early.OnTime(kNow + 10 * HF_MS).ok());
  EXPECT_EQ(early.next().kind, HF_DO_WAIT) << "no hedge of it";

  HedgeCall killed(policy, pipeline, {.idempotent = true, .facts = &charge}, kNow);
  ASSERT_TRUE(killed.IsOver());
  EXPECT_EQ(killed.next().reason, HF_R_KILLED);
  const Facts refund = {.operation = "refund"};
  HedgeCall other(policy, pipeline, {.idempotent = true, .facts = &refund}, kNow);
  EXPECT_EQ(other.next().kind, HF_DO_ATTEMPT);
}

// One budget for retries and hedges: what retries have used up, hedges do not have.
TEST_F(HedgeHandle, HedgesAndRetriesDrawOnOneBudget) {
  EXPECT_EQ(budget.Tokens(), 10);
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  EXPECT_EQ(budget.Tokens(), 9) << "a hedge costs a token";
  for (int retry = 0; retry < 3; ++retry) EXPECT_TRUE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 6);
  ASSERT_TRUE(call.OnTime(kNow + 20 * HF_MS).ok());
  EXPECT_EQ(call.next().kind, HF_DO_WAIT);
  EXPECT_EQ(budget.Tokens(), 6) << "one that is refused costs none";
  EXPECT_EQ(policy.Snapshot(kNow).over_budget, 1u);
  ASSERT_TRUE(call.OnOutcome(1, kFine, kNow + 21 * HF_MS).ok());
  EXPECT_NEAR(budget.Tokens(), 6.1, 1e-9);
}

TEST_F(HedgeHandle, AHedgeThatIsNotSentTakesNoTokenOfTheRateLimit) {
  const RateLimiter limiter = *RateLimiter::Create({.permits = 1, .period = 1h, .burst = 10});
  pipeline = *Pipeline::Create({.retry = *RetryPolicy::Create(),
                                .budget = budget,
                                .bulkhead = bulkhead,
                                .limiter = limiter});
  while (budget.OnFailure()) continue;
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  EXPECT_EQ(policy.Snapshot(kNow).over_budget, 1u);
  EXPECT_EQ(InFlight(), 1u);
  EXPECT_EQ(limiter.Snapshot().granted, 1u) << "the first attempt's";
}

// As a pipeline that has a hedge itself: a guard is not left out in silence.
TEST_F(HedgeHandle, GuardsThatAHedgedCallHasNoPlaceForAreRefused) {
  const RateLimiter limiter = *RateLimiter::Create();
  const FaultRule rule{.kind = FaultKind::kDelay, .rate = 1, .delay_min = 1ms};
  const FaultInjector faults = *FaultInjector::Create({.rules = {&rule, 1}, .expiry = 1min});
  for (const PipelineOptions& options :
       {PipelineOptions{.call_bulkhead = bulkhead},
        PipelineOptions{.throttle = *Throttle::Create()}, PipelineOptions{.fault = faults},
        PipelineOptions{.call_limiter = limiter}}) {
    HedgeCall call(policy, *Pipeline::Create(options), {.idempotent = true}, kNow);
    ASSERT_TRUE(call.IsOver());
    EXPECT_EQ(call.next().code, HF_INVALID_ARGUMENT);
    EXPECT_EQ(call.next().reason, HF_R_BAD_OPTIONS);
  }
}

TEST_F(HedgeHandle, WithoutAPipelineThereAreNoGuards) {
  HedgeCall call(policy, Pipeline(), {.deadline = kNow + HF_S, .idempotent = true}, kNow);
  ASSERT_EQ(call.next().kind, HF_DO_ATTEMPT);
  EXPECT_EQ(call.next().until, kNow + HF_S);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  EXPECT_EQ(call.next().attempt, 2u);
  ASSERT_TRUE(call.OnOutcome(1, kFine, kNow + 11 * HF_MS).ok());
  EXPECT_TRUE(call.Status().ok());
}

TEST_F(HedgeHandle, ASessionThatGoesOutOfScopeGivesEverythingBack) {
  {
    HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
    ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
    EXPECT_EQ(InFlight(), 2u);
  }
  EXPECT_EQ(InFlight(), 0u);
  EXPECT_EQ(breaker.Snapshot(kNow).calls, 0u);
}

TEST_F(HedgeHandle, ASessionKeepsPolicyAndPipelineAlive) {
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  policy = HedgePolicy();
  pipeline = Pipeline();
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  ASSERT_TRUE(call.OnOutcome(2, kFine, kNow + 11 * HF_MS).ok());
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(HedgeHandle, AFailureIsReportedWithItsReasonAndWhenToComeBack) {
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  hf_outcome pushed = kDown;
  pushed.retry_after = 60 * HF_S;
  ASSERT_TRUE(call.OnOutcome(1, pushed, kNow).ok());
  const auto why = RejectionOf(call.Status());
  ASSERT_TRUE(why.has_value());
  EXPECT_EQ(why->reason_name(), "pushed_back");
  EXPECT_EQ(why->retry_after, 60s);
}

TEST_F(HedgeHandle, ARefusedStepChangesNothing) {
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  EXPECT_EQ(RejectionOf(call.OnOutcome(0, kFine, kNow))->reason, HF_R_BAD_STATE);
  EXPECT_EQ(call.OnOutcome(2, kFine, kNow).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(call.OnOutcome(UINT32_MAX, kFine, kNow).code(), absl::StatusCode::kInvalidArgument);
  hf_outcome bad = kFine;
  bad.code = 17;
  EXPECT_EQ(RejectionOf(call.OnOutcome(1, bad, kNow))->reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(call.next().kind, HF_DO_WAIT) << "the attempt is under way already";
  EXPECT_EQ(call.next().until, kNow + 10 * HF_MS);
  EXPECT_EQ(InFlight(), 1u);
  ASSERT_TRUE(call.OnOutcome(1, kFine, kNow).ok());
  EXPECT_EQ(RejectionOf(call.OnOutcome(1, kFine, kNow))->reason, HF_R_BAD_STATE) << "over";
  EXPECT_EQ(RejectionOf(call.OnTime(kNow))->reason, HF_R_BAD_STATE);
  EXPECT_EQ(call.next().code, HF_OK);
}

TEST_F(HedgeHandle, TheJournalIsToldWhatWasSentAndRefused) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  HedgeOptions options = Fixed();
  options.journal = journal;
  options.object = 77;
  policy = *HedgePolicy::Create(options);
  Make({.limit = 2}, {});
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  ASSERT_TRUE(call.OnTime(kNow + 20 * HF_MS).ok());
  ASSERT_TRUE(policy.Update(Fixed(), kNow + 21 * HF_MS).ok());
  hf_event events[4];
  size_t count = 0;
  ASSERT_EQ(hf_journal_drain(journal, events, 4, &count), HF_OK);
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_HEDGED);
  EXPECT_EQ(events[0].after, 2);
  EXPECT_EQ(events[0].object, 77u);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(events[1].reason, HF_R_BULKHEAD_FULL);
  EXPECT_EQ(events[1].after, 3);
  EXPECT_EQ(events[2].kind, HF_EVENT_KIND_UPDATED);
  hf_journal_unref(journal);
}

TEST_F(HedgeHandle, AnUpdateKeepsCountsAndABadOneIsRefusedByName) {
  {
    HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  }
  HedgeOptions options = Fixed();
  options.quantile = 2;
  const absl::Status refused = policy.Update(options, kNow);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.message().find("quantile"), absl::string_view::npos);
  EXPECT_EQ(policy.Snapshot(kNow).updates, 0u);
  options = Fixed();
  options.delay = 30ms;
  ASSERT_TRUE(policy.Update(options, kNow).ok());
  EXPECT_EQ(policy.Snapshot(kNow).updates, 1u);
  EXPECT_EQ(policy.Snapshot(kNow).calls, 1u);
  EXPECT_EQ(policy.Snapshot(kNow).delay, Duration(30ms));
}

TEST_F(HedgeHandle, ACallKeepsWhatItBeganWith) {
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  HedgeOptions options = Fixed();
  options.delay = 500ms;
  options.max_attempts = 2;
  ASSERT_TRUE(policy.Update(options, kNow).ok());
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  EXPECT_EQ(call.next().attempt, 2u);
  ASSERT_TRUE(call.OnTime(kNow + 20 * HF_MS).ok());
  EXPECT_EQ(call.next().attempt, 3u);
}

TEST_F(HedgeHandle, TheSnapshotTellsTheWholeStory) {
  HedgeCall call(policy, pipeline, {.idempotent = true}, kNow);
  ASSERT_TRUE(call.OnTime(kNow + 10 * HF_MS).ok());
  ASSERT_TRUE(call.OnOutcome(2, kFine, kNow + 15 * HF_MS).ok());
  const HedgeSnapshot now = policy.Snapshot(kNow + 15 * HF_MS);
  EXPECT_EQ(now.calls, 1u);
  EXPECT_EQ(now.hedges, 1u);
  EXPECT_EQ(now.won, 1u);
  EXPECT_EQ(now.capped + now.over_budget + now.refused + now.too_late + now.pushed_back, 0u);
  EXPECT_EQ(now.samples, 1u);
  EXPECT_EQ(now.delay, Duration(10ms));
  EXPECT_EQ(now.expected, Duration(0)) << "one sample is not enough";
}

TEST_F(HedgeHandle, AnEmptyPolicyBeginsNothing) {
  HedgeCall call(HedgePolicy(), pipeline, {}, kNow);
  EXPECT_TRUE(call.IsOver());
  EXPECT_EQ(call.next().reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(HedgeHandle, CopiedUntouchedAndFinishedSessionsAreRecognised) {
  hf_hedge_call call;
  std::memset(&call, 0xA5, sizeof(call));
  hf_hedge_action next{};
  EXPECT_EQ(hf_hedge_call_on_time(&call, kNow, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.reason, HF_R_BAD_STATE);
  hf_hedge_call_abort(&call, kNow);
  const hf_hedge_call_options options = HF_INIT(hf_hedge_call_options);
  ASSERT_EQ(hf_hedge_call_start(&call, policy.raw(), pipeline.raw(), &options, kNow, &next), HF_OK);
  hf_hedge_call copy;
  std::memcpy(&copy, &call, sizeof(call));
  EXPECT_EQ(hf_hedge_call_on_time(&copy, kNow, &next), HF_INVALID_ARGUMENT);
  hf_hedge_call_abort(&copy, kNow);
  EXPECT_EQ(InFlight(), 1u);
  hf_hedge_call_abort(&call, kNow);
  hf_hedge_call_abort(&call, kNow);
  EXPECT_EQ(InFlight(), 0u);
  EXPECT_EQ(hf_hedge_call_on_outcome(&call, 1, &kFine, kNow, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
}

}  // namespace
}  // namespace holdfast
