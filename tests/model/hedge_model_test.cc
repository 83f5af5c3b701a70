// SPDX-License-Identifier: Apache-2.0
// The hedged call against the naive one, on both storages: several calls at a time share one policy, one
// breaker, one bulkhead and one budget, in two worlds that must stay alike. Every action must agree, and
// when all is over nothing may be held.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>

#include "abi/laned_cells.h"
#include "model/dice.h"
#include "model/hedge_naive.h"

namespace holdfast::model {
namespace {

constexpr size_t kCalls = 3;

// The real machine's view of its world.
template <typename Storage>
class EngineGuards {
 public:
  explicit EngineGuards(HedgeWorld<Storage>& world) : world_(world) {}

  const engine::CallLimits& limits() const { return world_.rules.limits; }
  hf_code Enter(hf_time now, engine::HedgePermits* permits, hf_rejection* why, hf_events* events) {
    *permits = engine::HedgePermits{};
    if (world_.breaker) {
      const engine::Admission admission = world_.breaker->Acquire(now);
      permits->breaker = admission.permit;
      *events |= admission.events;
      *why = admission.why;
      if (why->code != HF_OK) return why->code;
    }
    if (!world_.bulkhead) return HF_OK;
    if (world_.TakePlace(now)) {
      permits->bulkhead.kind = HF_PERMIT_NORMAL;
      return HF_OK;
    }
    Leave(permits, HF_VERDICT_IGNORED, now, events);
    *why = {HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0};
    return why->code;
  }
  void Leave(engine::HedgePermits* permits, hf_verdict verdict, hf_time now, hf_events* events) {
    if (permits->breaker.kind != HF_PERMIT_NONE) {
      *events |= world_.breaker->Record(permits->breaker, verdict, now).events;
    }
    if (permits->bulkhead.kind != HF_PERMIT_NONE) world_.GiveBackPlace(now);
    *permits = engine::HedgePermits{};
  }
  void LeaveUnused(engine::HedgePermits* permits, hf_time now, hf_events* events) {
    Leave(permits, HF_VERDICT_IGNORED, now, events);
  }
  bool BudgetCharge() { return !world_.budget || world_.budget->OnFailure(); }
  bool BudgetHedge() {
    if (!world_.budget) return true;
    const engine::MilliTokens max = world_.budget->policy().max;
    return 2 * world_.budget->Tokens() > max + 2 * engine::kOneToken && world_.budget->OnFailure();
  }
  void BudgetReward() {
    if (world_.budget) world_.budget->OnSuccess();
  }

 private:
  HedgeWorld<Storage>& world_;
};

template <typename Storage>
class Match {
 public:
  explicit Match(uint64_t seed)
      : dice_(seed), rules_(SomeRules()), policy_(rules_), naive_policy_(rules_) {
    engine::CallRules rules;
    if (dice_.Chance(30)) rules.limits.timeout = dice_.Between(1, 60000);
    if (dice_.Chance(40)) rules.limits.attempt_timeout = dice_.Between(1, 20000);
    engine::BreakerPolicy breaker;
    breaker.minimum_calls = 1000;
    breaker.consecutive_failures = 3;
    breaker.probes = static_cast<uint32_t>(dice_.Between(1, 2));
    breaker.open_for = dice_.Between(1, 20000);
    breaker.probe_lease = dice_.Between(2000, 20000);
    const engine::BulkheadPolicy bulkhead{.limit = static_cast<uint32_t>(dice_.Between(1, 6))};
    const bool with[] = {dice_.Chance(50), dice_.Chance(50), dice_.Chance(50)};
    for (HedgeWorld<Storage>* const world : {&real_, &naive_}) {
      world->rules = rules;
      if (with[0]) world->breaker.emplace(breaker);
      if (with[1]) world->bulkhead.emplace(bulkhead);
      if (with[2]) world->budget.emplace(engine::BudgetPolicy{.max = 8000, .ratio = 500});
    }
  }

  void Play(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      now_ = std::max<hf_time>(0, now_ + dice_.Between(-500, 4000));
      if (dice_.Chance(3)) Update();
      PlayStep(calls_[dice_.Below(kCalls)]);
    }
    for (Call& call : calls_) Abort(call);
    CheckTheEnd();
  }

 private:
  struct Call {
    engine::HedgeCallState state;
    std::optional<NaiveHedgedCall<Storage>> naive;
    bool is_live = false;
  };
  using Policy = engine::Hedge<Storage>;
  using Step = engine::HedgeStep<Policy, EngineGuards<Storage>>;

  engine::HedgeRules SomeRules() {
    engine::HedgeRules rules;
    if (dice_.Chance(40)) rules.mode = HF_HEDGE_FIXED;
    rules.max_attempts = static_cast<uint32_t>(dice_.Between(2, dice_.Chance(20) ? 8 : 4));
    rules.min_samples = static_cast<uint32_t>(dice_.Between(1, 5));
    rules.burst = static_cast<uint32_t>(dice_.Between(1, dice_.Chance(40) ? 2 : 9)) * 1000;
    rules.max_rate = static_cast<uint32_t>(dice_.Between(1, 1500));
    rules.quantile = static_cast<engine::Quantile>(dice_.Between(500'000, 999'000));
    rules.delay = dice_.Between(1, 9000);
    if (rules.mode == HF_HEDGE_QUANTILE && dice_.Chance(60)) rules.delay = 0;
    rules.min_delay = dice_.Between(1, 3000);
    rules.max_delay = rules.min_delay + dice_.Between(0, 20000);
    rules.window = dice_.Between(8000, 80000);
    return rules;
  }

  void Update() {
    rules_ = SomeRules();
    policy_.Update(rules_, now_);
    naive_policy_.Update(rules_, now_);
  }

  void PlayStep(Call& call) {
    if (!call.is_live) return Start(call);
    if (dice_.Chance(4)) return Abort(call);
    const uint32_t attempt = static_cast<uint32_t>(1 + dice_.Below(call.state.attempts));
    ASSERT_EQ(engine::HedgeCallAwaits(call.state, attempt), call.naive->Awaits(attempt));
    ASSERT_FALSE(call.naive->Awaits(0) || engine::HedgeCallAwaits(call.state, 0));
    if (dice_.Chance(60) && call.naive->Awaits(attempt)) return End(call, attempt);
    // The very moment that it waits for is rare by chance and matters.
    const hf_time until = engine::HedgeCallUntil(call.state);
    if (dice_.Chance(50) && until != HF_INFINITE) now_ = std::max(now_, until);
    EngineGuards<Storage> guards(real_);
    Compare(call, Step(call.state, policy_, guards, now_).OnTime(), call.naive->OnTime(now_));
  }

  void Start(Call& call) {
    const bool idempotent = dice_.Chance(85);
    hf_time deadline =
        dice_.Chance(50) ? std::max<hf_time>(1, now_ + dice_.Between(-500, 40000)) : 0;
    if (dice_.Chance(3)) deadline = HF_INFINITE;
    call.state = engine::HedgeCallState{};
    call.state.flags = idempotent ? HF_CALL_IDEMPOTENT : 0;
    call.naive.emplace(naive_, naive_policy_, idempotent, deadline, now_);
    EngineGuards<Storage> guards(real_);
    const hf_hedge_action real = Step(call.state, policy_, guards, now_).Start(deadline);
    Compare(call, real, call.naive->Begin());
  }

  void End(Call& call, uint32_t attempt) {
    hf_outcome outcome{};
    outcome.code = dice_.OneOf({HF_OK, HF_OK, HF_UNAVAILABLE, HF_UNAVAILABLE, HF_UNAVAILABLE,
                                HF_INTERNAL, HF_CANCELLED, HF_NOT_FOUND, HF_ABORTED});
    if (dice_.Chance(20)) outcome.verdict = static_cast<hf_verdict>(dice_.Between(1, 4));
    if (dice_.Chance(30)) outcome.effect = static_cast<hf_effect>(dice_.Between(1, 4));
    if (dice_.Chance(20)) outcome.retry_after = dice_.Between(1, 8000);
    if (dice_.Chance(2)) outcome.retry_after = dice_.OneOf({5 * HF_S, 5 * HF_S + 1, HF_INFINITE});
    const hf_time until = call.state.made[attempt - 1].until;
    if (dice_.Chance(10) && until != HF_INFINITE) now_ = std::max(now_, until);
    EngineGuards<Storage> guards(real_);
    const hf_hedge_action real =
        Step(call.state, policy_, guards, now_).OnOutcome(attempt, outcome);
    Compare(call, real,
            call.naive->OnOutcome(attempt, engine::DeriveOutcome(outcome),
                                  outcome.verdict == HF_VERDICT_DERIVE, now_));
  }

  void Abort(Call& call) {
    if (!call.is_live) return;
    EngineGuards<Storage> guards(real_);
    Step(call.state, policy_, guards, now_).Abort();
    call.naive->Abort(now_);
    call.is_live = false;
  }

  void Compare(Call& call, const hf_hedge_action& real, const hf_hedge_action& naive) {
    call.is_live = real.kind != HF_DO_FINISH;
    ASSERT_EQ(real.kind, naive.kind);
    ASSERT_EQ(real.code, naive.code);
    ASSERT_EQ(real.reason, naive.reason)
        << hf_reason_name(real.reason) << " " << hf_reason_name(naive.reason);
    ASSERT_EQ(real.attempt, naive.attempt);
    ASSERT_EQ(real.attempts, naive.attempts);
    ASSERT_EQ(real.cancel, naive.cancel);
    ASSERT_EQ(real.until, naive.until);
    ASSERT_EQ(real.retry_after, naive.retry_after);
    ASSERT_EQ(real.events, naive.events);
    ASSERT_TRUE(call.is_live || call.state.in_flight == 0) << "over, and something flies";
    ASSERT_EQ(int64_t{policy_.cap().Tokens()}, naive_policy_.tokens);
  }

  void CheckTheEnd() {
    const hf_hedge_snapshot end = policy_.Read(0);
    EXPECT_EQ(end.calls, naive_policy_.calls);
    EXPECT_EQ(end.hedges, naive_policy_.sent);
    EXPECT_EQ(end.won, naive_policy_.won);
    const uint64_t refused[] = {end.capped, end.over_budget, end.refused, end.too_late,
                                end.pushed_back};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(refused[i], naive_policy_.refused[i]) << i;
    EXPECT_EQ(end.samples, naive_policy_.Samples());
    if (real_.bulkhead) {
      EXPECT_EQ(real_.bulkhead->InFlight(), 0u);
    }
    if (real_.breaker) {
      const hf_breaker_snapshot real = real_.breaker->Read(now_),
                                naive = naive_.breaker->Read(now_);
      EXPECT_EQ(real.probes_out, 0u);
      EXPECT_EQ(real.calls, naive.calls);
      EXPECT_EQ(real.failures, naive.failures);
      EXPECT_EQ(real.generation, naive.generation);
    }
    if (real_.budget) {
      EXPECT_EQ(real_.budget->Tokens(), naive_.budget->Tokens());
    }
  }

  Dice dice_;
  engine::HedgeRules rules_;
  Policy policy_;
  NaiveHedge naive_policy_;
  HedgeWorld<Storage> real_, naive_;
  std::array<Call, kCalls> calls_;
  hf_time now_ = 100000;
};

template <typename Storage>
void PlayAll(uint64_t schedules) {
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    Match<Storage>(seed).Play(25);
    // A trace of each schedule would cost more than the schedule.
    if (::testing::Test::HasFailure()) FAIL() << "schedule of seed " << seed;
  }
}

TEST(HedgeModel, AgreesWithTheNaiveCall) { PlayAll<engine::OneLane>(Schedules(1'000'000)); }

TEST(HedgeModel, AgreesWithTheNaiveCallOnAtomics) { PlayAll<abi::LanedCells>(Schedules(100'000)); }

}  // namespace
}  // namespace holdfast::model
