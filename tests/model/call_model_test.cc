// SPDX-License-Identifier: Apache-2.0
// The call machine against the naive call, on both storages: several calls at a time share one breaker,
// one bulkhead and one budget, in two worlds that must stay alike. Every action must agree, and when all
// is over nothing may be held.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <type_traits>

#include "abi/laned_cells.h"
#include "model/call_naive.h"
#include "model/dice.h"

namespace holdfast::model {
namespace {

constexpr size_t kCalls = 5;
using engine::CallLevel;

// The real machine's view of its world.
template <typename Storage>
class EngineGuards {
 public:
  EngineGuards(World<Storage>& world, const engine::CallState& state)
      : world_(world), state_(state), call_(&state) {}

  engine::BackoffPolicy RetryPolicyAfter(hf_code code) const {
    return world_.rules.rules.Applied(world_.rules.backoff, code);
  }
  hf_effect EffectAfter(hf_code code) const { return world_.rules.rules.At(code).effect; }

  bool Allows(hf_time, hf_rejection* why) {
    if (world_.killed) *why = {HF_UNAVAILABLE, HF_R_KILLED, 9};
    return !world_.killed;
  }
  bool ThrottleAdmits(uint64_t, hf_time, hf_rejection* why) {
    if (world_.throttled) *why = {HF_UNAVAILABLE, HF_R_THROTTLED, 4};
    return !world_.throttled;
  }
  void ThrottleRecord(hf_verdict, hf_time) {}
  hf_code BreakerAcquire(hf_time now, hf_permit* permit, hf_rejection* why, hf_events* events) {
    if (!world_.breaker) return HF_OK;
    const engine::Admission admission = world_.breaker->Acquire(now);
    *permit = admission.permit;
    *why = admission.why;
    *events |= admission.events;
    return why->code;
  }
  void BreakerRecord(hf_permit* permit, hf_verdict verdict, hf_time now, hf_events* events) {
    if (permit->kind == HF_PERMIT_NONE) return;
    *events |= world_.breaker->Record(*permit, verdict, now).events;
    *permit = hf_permit{};
  }
  hf_code LimiterTake(CallLevel level, engine::CallReservation* reservation, hf_time deadline,
                      hf_time now, hf_time* until, hf_rejection* why) {
    auto& limit = world_.limits[static_cast<int>(level)];
    if (!limit) return HF_OK;
    const hf_code code = limit->Take(now, deadline, until, why);
    if (code == HF_OK || code == HF_UNAVAILABLE) {
      reservation->cost = 1;
      reservation->at = *until;
    }
    return code;
  }
  void LimiterCancel(CallLevel level, engine::CallReservation* reservation, hf_time) {
    if (reservation->cost == 0) return;
    world_.limits[static_cast<int>(level)]->Cancel(reservation->at);
    reservation->cost = 0;
  }
  void LimiterLearn(hf_code, hf_time) {}
  hf_code BulkheadEnter(CallLevel level, engine::CallState& state, hf_time now, hf_permit* permit,
                        hf_time* until, hf_rejection* why) {
    if (level == CallLevel::kCall) return EnterCall(permit, why);
    if (!world_.bulkhead) return HF_OK;
    engine::Waiter& waiter = world_.waiters[call_];
    return world_.EnterBulkhead(waiter, state.waker, state.deadline, now, permit, until, why);
  }
  hf_code BulkheadPoll(CallLevel, engine::CallState&, hf_time now, hf_permit* permit,
                       hf_rejection* why) {
    return world_.PollBulkhead(world_.waiters[call_], now, permit, why);
  }
  void BulkheadLeave(CallLevel, engine::CallState&, hf_time now) {
    engine::WakeList wake;
    world_.bulkhead->WaitCancel(world_.waiters[call_], now, &wake);
    world_.Woken(&wake);
  }
  void BulkheadSettle(CallLevel level, hf_permit* permit, hf_time, hf_verdict, hf_time now) {
    if (permit->kind == HF_PERMIT_NONE) return;
    *permit = hf_permit{};
    if (level == CallLevel::kCall) {
      --world_.call_in_flight;
      return;
    }
    world_.LeaveBulkhead(now);
  }
  bool FaultDraw(engine::CallState& state, hf_time) {
    if (!world_.fault) return false;
    ++world_.faults_out;
    state.fault_ticket = 1;
    state.injection = *world_.fault;
    return true;
  }
  void FaultDone(uint64_t* ticket, hf_time) {
    if (*ticket != 0) --world_.faults_out;
    *ticket = 0;
  }
  bool BudgetCharge(hf_time) { return !world_.budget || world_.budget->OnFailure(); }
  void BudgetReward() {
    if (world_.budget) world_.budget->OnSuccess();
  }
  bool TakeRetry(uint32_t* left) { return *left != 0 && (*left)-- != 0; }
  void NoteRetried(uint32_t* left, uint32_t count) { *left -= std::min(*left, count); }
  uint32_t RetriesLeft() const { return state_.retries_left; }

 private:
  hf_code EnterCall(hf_permit* permit, hf_rejection* why) {
    if (world_.call_places == 0) return HF_OK;
    if (world_.call_in_flight == world_.call_places) {
      *why = {HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0};
      return why->code;
    }
    ++world_.call_in_flight;
    *permit = hf_permit{1, HF_PERMIT_NORMAL, 0};
    return HF_OK;
  }

  World<Storage>& world_;
  const engine::CallState& state_;
  const void* const call_;
};

template <typename Storage>
class Match {
 public:
  explicit Match(uint64_t seed) : dice_(seed) {
    engine::CallRules rules;
    rules.backoff.max_attempts = static_cast<uint32_t>(dice_.Between(1, 5));
    rules.backoff.jitter = HF_JITTER_NONE;
    rules.backoff.base = dice_.Between(1, 20);
    rules.backoff.cap = dice_.Between(20, 100);
    rules.backoff.multiplier = static_cast<double>(dice_.Between(1, 4));
    if (dice_.Chance(30)) rules.backoff.min_attempt_time = dice_.Between(1, 20);
    if (dice_.Chance(30)) rules.backoff.max_elapsed = dice_.Between(1, 200);
    if (dice_.Chance(30)) rules.rules.At(HF_INTERNAL).max_attempts = 2;
    if (dice_.Chance(40)) rules.limits.timeout = dice_.Between(1, 300);
    if (dice_.Chance(50)) rules.limits.attempt_timeout = dice_.Between(1, 20);
    engine::BreakerPolicy breaker;
    breaker.minimum_calls = 1000;
    breaker.consecutive_failures = 2;
    breaker.probes = static_cast<uint32_t>(dice_.Between(1, 2));
    breaker.open_for = dice_.Between(1, 60);
    breaker.probe_lease = dice_.Between(20, 100);
    const engine::BulkheadPolicy bulkhead{.limit = static_cast<uint32_t>(dice_.Between(1, 2)),
                                          .queue = static_cast<uint32_t>(dice_.Between(0, 3)),
                                          .max_wait = dice_.Between(1, 50)};
    const bool with[] = {dice_.Chance(75), dice_.Chance(75), dice_.Chance(50), dice_.Chance(40),
                         dice_.Chance(20)};
    const PlainLimit limit{.interval = dice_.Between(1, 30), .max_wait = dice_.Between(0, 60)};
    if (dice_.Chance(20)) real_.call_places = naive_.call_places = 3;
    for (World<Storage>* const world : {&real_, &naive_}) {
      world->rules = rules;
      if (with[0]) world->breaker.emplace(breaker);
      if (with[1]) world->bulkhead.emplace(bulkhead);
      if (with[2]) world->budget.emplace(engine::BudgetPolicy{.max = 8000, .ratio = 500});
      if (with[3]) world->limits[1] = limit;
      if (with[4]) world->limits[0] = limit;
    }
  }

  void Play(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      now_ = std::max<hf_time>(0, now_ + dice_.Between(-3, 15));
      if (dice_.Chance(2)) ForceTheBreaker();
      if (dice_.Chance(2)) real_.killed = naive_.killed = dice_.Chance(20);
      if (dice_.Chance(2)) real_.throttled = naive_.throttled = dice_.Chance(30);
      if (dice_.Chance(5)) real_.fault = naive_.fault = RandomFault();
      PlayStep(calls_[dice_.Below(kCalls)]);
      CheckWorlds();
    }
    for (Call& call : calls_) Abort(call);
    EXPECT_EQ(real_.call_in_flight, 0u);
    EXPECT_EQ(real_.faults_out, 0u);
    if (real_.bulkhead) {
      EXPECT_EQ(real_.bulkhead->InFlight(), 0u);
      EXPECT_EQ(real_.bulkhead->Waiting(), 0u);
    }
    if (real_.breaker) {
      EXPECT_EQ(real_.breaker->Read(now_).probes_out, 0u);
    }
  }

 private:
  struct Call {
    engine::CallState state;
    std::unique_ptr<NaiveCall<Storage>> naive;
    hf_do pending = HF_DO_FINISH;
  };

  std::optional<engine::Injection> RandomFault() {
    using Kind = engine::Injection::Kind;
    if (dice_.Chance(40)) return std::nullopt;
    engine::Injection fault{};
    fault.kind = dice_.OneOf({Kind::kOutcome, Kind::kDelay, Kind::kResult});
    fault.result = 3;
    fault.until = dice_.Chance(50) ? 0 : now_ + dice_.Between(1, 40);
    fault.outcome.code = dice_.OneOf({HF_UNAVAILABLE, HF_OK, HF_RESOURCE_EXHAUSTED});
    return fault;
  }

  void PlayStep(Call& call) {
    if (call.pending == HF_DO_FINISH) return Start(call);
    if (dice_.Chance(5)) return Abort(call);
    if (call.pending == HF_DO_ATTEMPT) return EndAttempt(call);
    EngineGuards<Storage> guards(real_, call.state);
    const hf_action real = engine::CallStep(call.state, guards, now_).Resume(nullptr);
    Compare(call, real, call.naive->OnTime(now_));
  }

  void Start(Call& call) {
    const bool idempotent = dice_.Chance(60);
    hf_time deadline = dice_.Chance(50) ? std::max<hf_time>(1, now_ + dice_.Between(-5, 200)) : 0;
    if (dice_.Chance(5)) deadline = HF_INFINITE;
    call.state = engine::CallState{};
    call.state.attempt_timeout = real_.rules.limits.attempt_timeout;
    call.state.facts = nullptr;
    call.state.request = nullptr;
    call.state.context = nullptr;
    call.state.waker = {};
    call.state.cost = 1;
    call.state.seed = 1;
    call.state.flags = idempotent ? HF_CALL_IDEMPOTENT : 0;
    call.state.retries_left = static_cast<uint32_t>(dice_.Between(0, 4));
    const uint32_t retries = call.state.retries_left;
    EngineGuards<Storage> guards(real_, call.state);
    const hf_action real =
        engine::CallStep(call.state, guards, now_).Start(deadline, real_.rules.limits.timeout);
    call.naive = std::make_unique<NaiveCall<Storage>>(naive_, idempotent, retries, deadline, now_);
    Compare(call, real, call.naive->Begin());
  }

  void EndAttempt(Call& call) {
    hf_outcome outcome{};
    outcome.code = dice_.OneOf({HF_OK, HF_OK, HF_UNAVAILABLE, HF_UNAVAILABLE, HF_INTERNAL,
                                HF_CANCELLED, HF_NOT_FOUND, HF_ABORTED, HF_RESOURCE_EXHAUSTED});
    if (dice_.Chance(30)) outcome.verdict = static_cast<hf_verdict>(dice_.Between(1, 4));
    if (dice_.Chance(30)) outcome.effect = static_cast<hf_effect>(dice_.Between(1, 4));
    if (dice_.Chance(20)) outcome.retry_after = dice_.Between(1, 80);
    if (dice_.Chance(10)) outcome.retried = static_cast<uint32_t>(dice_.Between(1, 3));
    if (dice_.Chance(2)) outcome.retry_after = HF_INFINITE;
    // A cancellation at the last moment is rare by chance and matters.
    if (dice_.Chance(10) && call.state.attempt_until != HF_INFINITE)
      now_ = call.state.attempt_until;
    EngineGuards<Storage> guards(real_, call.state);
    const hf_action real = engine::CallStep(call.state, guards, now_).Resume(&outcome);
    const hf_outcome complete = engine::DeriveOutcome(outcome);
    const bool derived = outcome.verdict == HF_VERDICT_DERIVE;
    Compare(call, real, call.naive->OnOutcome(complete, derived, now_));
  }

  void Abort(Call& call) {
    if (call.pending == HF_DO_FINISH) return;
    EngineGuards<Storage> guards(real_, call.state);
    engine::CallStep(call.state, guards, now_).Abort();
    call.naive->Abort(now_);
    call.pending = HF_DO_FINISH;
  }

  void ForceTheBreaker() {
    if (!real_.breaker) return;
    const hf_breaker_state state =
        dice_.OneOf({HF_BREAKER_CLOSED, HF_BREAKER_CLOSED, HF_BREAKER_FORCED_OPEN});
    real_.breaker->Force(state, now_);
    naive_.breaker->Force(state, now_);
  }

  void Compare(Call& call, const hf_action& real, const hf_action& naive) {
    call.pending = real.kind;
    ASSERT_EQ(real.kind, naive.kind);
    ASSERT_EQ(real.code, naive.code);
    ASSERT_EQ(real.reason, naive.reason)
        << hf_reason_name(real.reason) << " " << hf_reason_name(naive.reason);
    ASSERT_EQ(real.attempt, naive.attempt);
    ASSERT_EQ(real.until, naive.until);
    ASSERT_EQ(real.retry_after, naive.retry_after);
    ASSERT_EQ(real.events, naive.events);
    if (real.kind == HF_DO_ATTEMPT || real.kind == HF_DO_FINISH) {
      ASSERT_EQ(real.retries, naive.retries);
    }
    ASSERT_EQ(real.fault, naive.fault);
    const bool holds = call.state.breaker_permit.kind != 0 || call.state.bulkhead_permit.kind != 0;
    const bool attempting =
        real.kind == HF_DO_ATTEMPT || call.state.phase == engine::CallPhase::kDelayed;
    ASSERT_TRUE(!holds || attempting) << "permits are held in attempts only";
  }

  void CheckWorlds() {
    if (real_.bulkhead) {
      ASSERT_EQ(real_.bulkhead->InFlight(), naive_.bulkhead->InFlight());
      ASSERT_EQ(real_.bulkhead->Waiting(), naive_.bulkhead->Waiting());
    }
    for (int level : {0, 1}) {
      if (real_.limits[level]) {
        ASSERT_EQ(real_.limits[level]->next, naive_.limits[level]->next);
      }
    }
    ASSERT_EQ(real_.call_in_flight, naive_.call_in_flight);
    ASSERT_EQ(real_.faults_out, naive_.faults_out);
    if (real_.budget) {
      ASSERT_EQ(real_.budget->Tokens(), naive_.budget->Tokens());
    }
    if (real_.breaker) {
      ASSERT_EQ(real_.breaker->Read(now_).state, naive_.breaker->Read(now_).state);
      ASSERT_EQ(real_.breaker->Read(now_).probes_out, naive_.breaker->Read(now_).probes_out);
    }
  }

  Dice dice_;
  World<Storage> real_;
  World<Storage> naive_;
  std::array<Call, kCalls> calls_;
  hf_time now_ = 0;
};

template <typename Storage>
class CallModel : public ::testing::Test {};

using Storages = ::testing::Types<engine::OneLane, abi::LanedCells>;
TYPED_TEST_SUITE(CallModel, Storages);

// Many short schedules, where beginnings matter, and fewer long ones.
TYPED_TEST(CallModel, AgreesWithTheNaiveCall) {
  const bool plain = std::is_same_v<TypeParam, engine::OneLane>;
  const uint64_t schedules = Schedules(plain ? 1'000'000 : 100'000);
  for (uint64_t seed = 1; seed <= schedules && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Match<TypeParam>(seed).Play(seed % 100 == 0 ? 200 : 15);
  }
}

}  // namespace
}  // namespace holdfast::model
