// SPDX-License-Identifier: Apache-2.0
// The worst case of an explanation against real calls in virtual time, over random pipelines: no call
// exceeds it, whatever its attempts, its peers and the others at its guards do, and where jitter is none
// and nobody else is there a call can be made to reach it to the nanosecond.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <vector>

#include "engine/backoff.h"
#include "model/dice.h"

namespace holdfast::model {
namespace {

template <typename Handle>
using Owned = std::unique_ptr<Handle, void (*)(Handle*)>;

template <typename Handle, typename Options>
Owned<Handle> Made(hf_code (*make)(const Options*, Handle**, hf_error*) noexcept,
                   void (*unref)(Handle*) noexcept, const Options& options) {
  Handle* made = nullptr;
  hf_error error;
  EXPECT_EQ(make(&options, &made, &error), HF_OK) << error.text;
  return Owned<Handle>(made, unref);
}

// A few magnitudes, often round ones.
hf_duration SomeTime(Dice& dice) {
  const hf_duration units[] = {HF_US, HF_MS, 100 * HF_MS, HF_S, 10 * HF_S};
  return dice.OneOf(units) * dice.Between(1, 20) + dice.Between(0, 1);
}
hf_duration MaybeTime(Dice& dice, uint64_t percent) {
  return dice.Chance(percent) ? SomeTime(dice) : 0;
}

hf_retry_options SomeRetry(Dice& dice) {
  hf_retry_options options = HF_INIT(hf_retry_options);
  options.max_attempts = static_cast<uint32_t>(dice.Between(1, 7));
  options.jitter = static_cast<hf_jitter>(dice.Between(HF_JITTER_FULL, HF_JITTER_DECORRELATED2));
  options.base = SomeTime(dice);
  options.cap = options.base + MaybeTime(dice, 80);
  options.multiplier = static_cast<double>(dice.Between(2, 8)) / 2;
  options.growth = static_cast<hf_growth>(dice.Between(1, 2));
  options.min_attempt_time = MaybeTime(dice, 30);
  options.max_elapsed = MaybeTime(dice, 30);
  options.tree_retries = static_cast<uint32_t>(dice.Between(1, 8));
  return options;
}

struct World {
  explicit World(Dice& dice) : dice(dice) {}

  hf_retry_options retry_options;
  std::vector<hf_retry_rule> rules;
  hf_duration timeout = 0, attempt_timeout = 0;
  bool hasty = false;
  Owned<hf_retry> retry{nullptr, hf_retry_unref};
  Owned<hf_budget> budget{nullptr, hf_budget_unref};
  Owned<hf_breaker> breaker{nullptr, hf_breaker_unref};
  Owned<hf_bulkhead> bulkhead{nullptr, hf_bulkhead_unref};
  Owned<hf_bulkhead> call_bulkhead{nullptr, hf_bulkhead_unref};
  Owned<hf_limiter> limiter{nullptr, hf_limiter_unref};
  Owned<hf_limiter> call_limiter{nullptr, hf_limiter_unref};
  Owned<hf_hedge> hedge{nullptr, hf_hedge_unref};
  Owned<hf_pipeline> pipeline{nullptr, hf_pipeline_unref};
  hf_duration deadline = 0;  // the caller's
  hf_explanation told{};
  hf_time now = 0;
  Dice& dice;

  void AddRules() {
    for (const hf_code code : {HF_UNAVAILABLE, HF_RESOURCE_EXHAUSTED}) {
      if (!dice.Chance(20)) continue;
      hf_retry_rule rule{};
      rule.code = code;
      rule.max_attempts = static_cast<uint32_t>(dice.Between(0, 9));
      rule.base = MaybeTime(dice, 50);
      rules.push_back(rule);
    }
    retry_options.rules = rules.data();
    retry_options.rule_count = static_cast<uint32_t>(rules.size());
  }

  void AddBreaker() {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.window_calls = 4;
    options.minimum_calls = static_cast<uint32_t>(dice.Between(1, 3));
    options.shards = 1;
    options.probes = static_cast<uint32_t>(dice.Between(1, 2));
    options.open_for = SomeTime(dice) + HF_MS;
    options.probe_lease = SomeTime(dice) + HF_MS;
    options.open_multiplier = static_cast<double>(dice.Between(1, 3));
    options.open_cap = options.open_for + MaybeTime(dice, 50);
    if (dice.Chance(30)) options.ramp_for = SomeTime(dice) + HF_MS;
    breaker = Made(hf_breaker_new, hf_breaker_unref, options);
  }

  Owned<hf_bulkhead> SomeBulkhead() {
    hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
    options.limit = 1;
    options.queue = static_cast<uint32_t>(dice.Between(0, 1));
    options.max_wait = SomeTime(dice);
    return Made(hf_bulkhead_new, hf_bulkhead_unref, options);
  }

  Owned<hf_limiter> SomeLimiter() {
    hf_limiter_options options = HF_INIT(hf_limiter_options);
    options.permits = static_cast<uint32_t>(dice.Between(1, 3));
    options.period = SomeTime(dice);
    options.max_wait = SomeTime(dice);
    return Made(hf_limiter_new, hf_limiter_unref, options);
  }

  void AddGuards() {
    if (dice.Chance(30)) AddBreaker();
    if (dice.Chance(30)) bulkhead = SomeBulkhead();
    if (dice.Chance(20)) call_bulkhead = SomeBulkhead();
    if (dice.Chance(20)) limiter = SomeLimiter();
    if (dice.Chance(20)) call_limiter = SomeLimiter();
  }

  // Calls whose time goes by in waits for the breaker.
  void AddHaste() {
    hasty = true;
    retry_options.base = retry_options.cap = HF_MS;
    retry_options.min_attempt_time = retry_options.max_elapsed = 0;
  }

  void AddBudget() {
    hf_budget_options options = HF_INIT(hf_budget_options);
    options.max_tokens = static_cast<double>(dice.Between(1, 8));
    options.ratio = 1;
    budget = Made(hf_budget_new, hf_budget_unref, options);
  }

  void Finish() {
    timeout = hasty ? 0 : MaybeTime(dice, 60);
    attempt_timeout = hasty ? HF_MS : MaybeTime(dice, 75);
    deadline = hasty ? 0 : MaybeTime(dice, 30);
    retry = Made(hf_retry_new, hf_retry_unref, retry_options);
    hf_pipeline_options options = HF_INIT(hf_pipeline_options);
    options.retry = retry.get();
    options.budget = budget.get();
    options.breaker = breaker.get();
    options.bulkhead = bulkhead.get();
    options.call_bulkhead = call_bulkhead.get();
    options.limiter = limiter.get();
    options.call_limiter = call_limiter.get();
    options.timeout = timeout;
    options.attempt_timeout = attempt_timeout;
    pipeline = Made(hf_pipeline_new, hf_pipeline_unref, options);
    hf_explain_options asked = HF_INIT(hf_explain_options);
    asked.deadline = deadline;
    asked.hedge = hedge.get();
    told.struct_size = sizeof(told);
    hf_error error;
    ASSERT_EQ(hf_pipeline_explain(pipeline.get(), &asked, &told, &error), HF_OK) << error.text;
  }

  hf_call_options CallOptions() {
    hf_call_options options = HF_INIT(hf_call_options);
    options.seed = static_cast<uint64_t>(dice.Between(1, INT64_MAX - 1));
    options.deadline = deadline == 0 ? 0 : now + deadline;
    options.flags = HF_CALL_IDEMPOTENT | HF_CALL_BORROWED;
    return options;
  }
};

hf_outcome SomeFailure(Dice& dice) {
  hf_outcome outcome{};
  const hf_code codes[] = {HF_UNAVAILABLE, HF_RESOURCE_EXHAUSTED, HF_ABORTED};
  outcome.code = dice.OneOf(codes);
  outcome.verdict = HF_VERDICT_FAILURE;
  outcome.effect = dice.Chance(50) ? HF_EFFECT_NOT_STARTED : HF_EFFECT_RETRYABLE;
  if (dice.Chance(50)) outcome.retry_after = dice.Chance(50) ? 10'000 * HF_S : SomeTime(dice);
  return outcome;
}

// When something that must be over by `until` (0: no limit) is over.
hf_time SomeEnd(Dice& dice, hf_time now, hf_time until) {
  if (until == 0) return now + SomeTime(dice);
  if (dice.Chance(60)) return until;
  return dice.Between(now, until);
}

// A call among others, who take permits and leave them.
class CrowdedCall {
 public:
  explicit CrowdedCall(World& world) : world_(world), dice_(world.dice) {}

  void Run() {
    const hf_time started = world_.now;
    for (hf_limiter* limiter : {world_.limiter.get(), world_.call_limiter.get()}) {
      if (limiter != nullptr && dice_.Chance(70))
        hf_limiter_try_acquire(limiter, 1, started, nullptr);
    }
    Crowd(world_.bulkhead.get(), &taken_);
    Crowd(world_.call_bulkhead.get(), &call_taken_);
    const hf_call_options options = world_.CallOptions();
    hf_call call;
    hf_action next;
    ASSERT_EQ(hf_call_start(&call, world_.pipeline.get(), &options, started, &next), HF_OK);
    bool after_attempt = false;
    while (next.kind != HF_DO_FINISH) {
      if (next.kind == HF_DO_SLEEP && !after_attempt) ++waits_;
      after_attempt = next.kind == HF_DO_ATTEMPT;
      Step(&call, &next);
    }
    Leave(world_.bulkhead.get(), &taken_);
    Leave(world_.call_bulkhead.get(), &call_taken_);
    Check(next, world_.now - started);
  }

 private:
  void Step(hf_call* call, hf_action* next) {
    if (next->kind == HF_DO_ATTEMPT) {
      world_.now = SomeEnd(dice_, world_.now, next->until);
      hf_outcome outcome = SomeFailure(dice_);
      if (outcome.effect != HF_EFFECT_NOT_STARTED) ++sent_;
      ASSERT_EQ(hf_call_resume(call, &outcome, world_.now, next), HF_OK);
      return;
    }
    if (next->kind == HF_DO_WAIT) {
      world_.now = SomeEnd(dice_, world_.now, next->until);
      if (dice_.Chance(80)) Leave(world_.bulkhead.get(), &taken_);
      if (dice_.Chance(80)) Leave(world_.call_bulkhead.get(), &call_taken_);
    } else {
      world_.now = next->until;
    }
    if (dice_.Chance(40)) LoseProbe();
    ASSERT_EQ(hf_call_resume(call, nullptr, world_.now, next), HF_OK);
    if (dice_.Chance(50)) Crowd(world_.bulkhead.get(), &taken_);
  }

  void Check(const hf_action& finish, hf_duration took) {
    const hf_explanation& told = world_.told;
    EXPECT_LE(finish.attempt, told.worst_attempts);
    EXPECT_LE(sent_, told.worst_sent);
    EXPECT_LE(took, told.worst_time);
    if (world_.limiter || world_.call_limiter) return;  // whose sleeps look alike
    EXPECT_LE(waits_, told.worst_breaker_waits);
    EXPECT_LE(waits_ + finish.attempt, told.worst_attempts);
  }

  void Crowd(hf_bulkhead* bulkhead, hf_permit* permit) {
    if (bulkhead == nullptr || permit->kind != HF_PERMIT_NONE || !dice_.Chance(60)) return;
    hf_bulkhead_try_acquire(bulkhead, world_.now, permit, nullptr);
  }
  // Somebody else's, who never comes back.
  void LoseProbe() {
    hf_permit permit;
    hf_events events = 0;
    if (world_.breaker) {
      hf_breaker_acquire(world_.breaker.get(), world_.now, &permit, nullptr, &events);
    }
  }
  void Leave(hf_bulkhead* bulkhead, hf_permit* permit) {
    if (permit->kind != HF_PERMIT_NONE) hf_bulkhead_release(bulkhead, permit, world_.now);
    *permit = {};
  }

  World& world_;
  Dice& dice_;
  hf_permit taken_{}, call_taken_{};
  uint32_t sent_ = 0, waits_ = 0;
};

TEST(ExplainModel, NoCallExceedsItsWorstCase) {
  const uint64_t schedules = Schedules(100'000);
  for (uint64_t seed = 1; seed <= schedules && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    World world(dice);
    world.retry_options = SomeRetry(dice);
    world.AddRules();
    world.AddGuards();
    if (dice.Chance(30)) world.AddBudget();
    if (world.breaker && dice.Chance(70)) world.AddHaste();
    world.Finish();
    for (int i = 0; i < (world.hasty ? 6 : 3); ++i) {
      CrowdedCall(world).Run();
      world.now += MaybeTime(dice, 50);
    }
  }
}

// A call alone, whose attempts and peers do their worst: jitter is none, so every delay is known.
class WorstCall {
 public:
  explicit WorstCall(World& world) : world_(world) {}

  // As many attempts as can be: none takes any time.
  void ReachAttempts() {
    Start();
    while (next_.kind != HF_DO_FINISH) Step(world_.now, 0);
    EXPECT_EQ(next_.attempt, world_.told.worst_attempts);
  }

  // As many as can be if each takes all of its time.
  void ReachSlowAttempts() {
    if (world_.told.deadline == HF_INFINITE && world_.attempt_timeout == 0) return;
    Start();
    while (next_.kind != HF_DO_FINISH) Step(next_.until, 0);
    EXPECT_EQ(next_.attempt, world_.told.slow_attempts);
  }

  // As long as can be: all time is taken that still lets the last attempt begin.
  void ReachTime() {
    if (world_.told.worst_time == HF_INFINITE) return;
    Start();
    const uint32_t last = world_.told.worst_attempts;
    while (next_.kind != HF_DO_FINISH) {
      if (next_.kind == HF_DO_ATTEMPT && next_.attempt < last) {
        const hf_time by = LastStart() - DelaysFrom(next_.attempt, last);
        const hf_time until = next_.until == 0 ? by : next_.until;
        const hf_time end = std::max(world_.now, std::min(until, by));
        Step(end, DelayOf(next_.attempt) + by - end);
      } else {
        Step(next_.until, 0);
      }
    }
    EXPECT_EQ(next_.attempt, last);
    EXPECT_EQ(world_.now - started_, world_.told.worst_time);
  }

 private:
  void Start() {
    started_ = world_.now;
    const hf_call_options options = world_.CallOptions();
    ASSERT_EQ(hf_call_start(&call_, world_.pipeline.get(), &options, started_, &next_), HF_OK);
  }

  void Step(hf_time end, hf_duration retry_after) {
    hf_outcome outcome{};
    outcome.code = HF_UNAVAILABLE;
    outcome.effect = HF_EFFECT_NOT_STARTED;
    outcome.retry_after = retry_after;
    const bool attempt = next_.kind == HF_DO_ATTEMPT;
    world_.now = attempt ? end : next_.until;
    ASSERT_EQ(hf_call_resume(&call_, attempt ? &outcome : nullptr, world_.now, &next_), HF_OK);
  }

  hf_time LastStart() const {
    const hf_retry_options& retry = world_.retry_options;
    hf_time last = HF_INFINITE;
    if (retry.max_elapsed != 0) last = started_ + retry.max_elapsed;
    if (world_.told.deadline == HF_INFINITE) return last;
    const hf_duration needed = std::max<hf_duration>(retry.min_attempt_time, 1);
    return std::min(last, started_ + world_.told.deadline - needed);
  }

  hf_duration DelayOf(uint32_t attempt) const {
    const hf_retry_options& retry = world_.retry_options;
    double delay = static_cast<double>(retry.base);
    for (uint32_t i = 1; i < attempt; ++i) delay *= retry.multiplier;
    if (retry.growth == HF_GROWTH_LINEAR) delay = static_cast<double>(retry.base * attempt);
    return std::min(retry.cap, static_cast<hf_duration>(delay));
  }
  hf_duration DelaysFrom(uint32_t attempt, uint32_t last) const {
    hf_duration sum = 0;
    for (; attempt < last; ++attempt) sum += DelayOf(attempt);
    return sum;
  }

  World& world_;
  hf_time started_ = 0;
  hf_call call_;
  hf_action next_{};
};

TEST(ExplainModel, WithoutJitterACallAloneReachesIt) {
  const uint64_t schedules = Schedules(100'000);
  uint64_t bounded = 0;
  for (uint64_t seed = 1; seed <= schedules && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    World world(dice);
    world.retry_options = SomeRetry(dice);
    world.retry_options.jitter = HF_JITTER_NONE;
    world.Finish();
    WorstCall(world).ReachAttempts();
    WorstCall(world).ReachSlowAttempts();
    WorstCall(world).ReachTime();
    if (world.told.worst_time != HF_INFINITE) ++bounded;
  }
  EXPECT_GT(bounded, schedules / 2);
}

// Attempts side by side: what is in flight, and when it ends.
class HedgedCall {
 public:
  explicit HedgedCall(World& world) : world_(world), dice_(world.dice) {}

  void Run() {
    const hf_time started = world_.now;
    hf_hedge_call_options options = HF_INIT(hf_hedge_call_options);
    options.deadline = world_.deadline == 0 ? 0 : started + world_.deadline;
    options.flags = HF_CALL_IDEMPOTENT;
    ASSERT_EQ(hf_hedge_call_start(&call_, world_.hedge.get(), world_.pipeline.get(), &options,
                                  started, &next_),
              HF_OK);
    while (next_.kind != HF_DO_FINISH) Step();
    EXPECT_LE(next_.attempts, world_.told.worst_attempts);
    EXPECT_LE(sent_, world_.told.worst_sent);
    EXPECT_LE(world_.now - started, world_.told.worst_time);
  }

 private:
  void Step() {
    for (uint32_t bits = next_.cancel; bits != 0; bits &= bits - 1) {
      ends_.erase(static_cast<uint32_t>(std::countr_zero(bits)) + 1);
    }
    if (next_.kind == HF_DO_ATTEMPT) {
      ends_[next_.attempt] = SomeEnd(dice_, world_.now, next_.until);
      outcomes_[next_.attempt] = SomeFailure(dice_);
      if (outcomes_[next_.attempt].effect != HF_EFFECT_NOT_STARTED) ++sent_;
      ASSERT_EQ(hf_hedge_call_on_time(&call_, world_.now, &next_), HF_OK);
      return;
    }
    const auto first = std::ranges::min_element(ends_, {}, [](const auto& e) { return e.second; });
    if (first == ends_.end() || (next_.until != 0 && next_.until < first->second)) {
      ASSERT_NE(next_.until, 0);
      world_.now = std::max(world_.now, next_.until);
      ASSERT_EQ(hf_hedge_call_on_time(&call_, world_.now, &next_), HF_OK);
      return;
    }
    const uint32_t attempt = first->first;
    world_.now = std::max(world_.now, first->second);
    ends_.erase(first);
    ASSERT_EQ(hf_hedge_call_on_outcome(&call_, attempt, &outcomes_[attempt], world_.now, &next_),
              HF_OK);
  }

  World& world_;
  Dice& dice_;
  hf_hedge_call call_;
  hf_hedge_action next_{};
  std::map<uint32_t, hf_time> ends_;
  std::map<uint32_t, hf_outcome> outcomes_;
  uint32_t sent_ = 0;
};

TEST(ExplainModel, NoHedgedCallExceedsItsWorstCase) {
  const uint64_t schedules = Schedules(50'000);
  for (uint64_t seed = 1; seed <= schedules && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    World world(dice);
    world.retry_options = SomeRetry(dice);
    hf_hedge_options options = HF_INIT(hf_hedge_options);
    options.mode = HF_HEDGE_FIXED;
    options.max_attempts = static_cast<uint32_t>(dice.Between(2, 5));
    options.delay = SomeTime(dice);
    options.max_rate = 7;
    world.hedge = Made(hf_hedge_new, hf_hedge_unref, options);
    if (dice.Chance(30)) world.AddBreaker();
    if (dice.Chance(30)) world.AddBudget();
    world.Finish();
    for (int i = 0; i < 3; ++i) HedgedCall(world).Run();
  }
}

TEST(ExplainModel, EveryDelayIsWithinItsRange) {
  const uint64_t schedules = Schedules(500'000);
  for (uint64_t seed = 1; seed <= schedules && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const hf_retry_options given = SomeRetry(dice);
    engine::BackoffPolicy policy{.jitter = given.jitter,
                                 .base = given.base,
                                 .cap = given.cap,
                                 .multiplier = given.multiplier,
                                 .growth = given.growth};
    hf_duration previous = 0, previous_highest = 0;
    for (uint32_t attempt = 1; attempt <= 12; ++attempt) {
      const auto range = engine::BackoffRange(policy, attempt, previous_highest);
      previous = engine::BackoffDelay(policy, attempt, previous, seed);
      EXPECT_GE(previous, range.lowest) << attempt;
      EXPECT_LE(previous, range.highest) << attempt;
      EXPECT_LE(range.highest, policy.cap) << attempt;
      previous_highest = range.highest;
    }
  }
}

}  // namespace
}  // namespace holdfast::model
