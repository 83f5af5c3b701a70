// SPDX-License-Identifier: Apache-2.0
// Eight threads of hedged calls on one policy and one pipeline, while operators change both: nothing stays
// held, and every attempt, hedge and victory is counted once.
#include <gtest/gtest.h>
#include <holdfast/hedge.h>
#include <holdfast/journal.h>
#include <holdfast/outcome.h>

#include <thread>
#include <vector>

#include "driver/stress.h"
#include "model/dice.h"

namespace holdfast::driver_test {
namespace {

using namespace std::chrono_literals;

struct Seen {
  uint64_t sessions = 0;
  uint64_t begun = 0;     // whose first attempt was sent
  uint64_t attempts = 0;  // sent
  uint64_t won = 0;       // succeeded by another attempt than the first

  void Join(const Seen& other) {
    sessions += other.sessions;
    begun += other.begun;
    attempts += other.attempts;
    won += other.won;
  }
};

HedgeOptions Rules(uint32_t turn, const Journal& journal) {
  return {.mode = turn % 2 == 0 ? HedgeMode::kFixed : HedgeMode::kQuantile,
          .max_attempts = 2 + turn % 4,
          .min_samples = 10,
          .delay = 50us,
          .min_delay = 20us,
          .window = 100ms,
          .max_rate = 1.0 + turn % 2,
          .burst = 100,
          .journal = journal.raw(),
          .object = 1};
}

class Hedging {
 public:
  // A call from its beginning to its end, or until it is given up.
  void Call(model::Dice& dice, Seen& seen) {
    ++seen.sessions;
    const HedgeCallOptions options{
        .deadline = dice.Chance(30) ? clock.Now() + dice.Between(1, 2000) * HF_US : 0,
        .idempotent = dice.Chance(90)};
    HedgeCall call(policy, pipeline, options, clock.Now());
    if (call.next().attempts > 0) ++seen.begun;
    std::vector<uint32_t> out;  // attempts that have yet to report
    while (!call.IsOver()) {
      if (call.next().kind == HF_DO_ATTEMPT) {
        ++seen.attempts;
        out.push_back(call.next().attempt);
      }
      if (dice.Chance(1)) return;  // the destructor gives it up
      clock.Advance(dice.Between(0, 40) * HF_US);
      if (out.empty() || dice.Chance(50)) {
        EXPECT_TRUE(call.OnTime(clock.Now()).ok());
        continue;
      }
      const size_t place = dice.Below(out.size());
      const uint32_t attempt = out[place];
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(place));
      EXPECT_TRUE(call.OnOutcome(attempt, Outcome(dice), clock.Now()).ok());
    }
    if (call.next().code == HF_OK && call.next().attempt > 1) ++seen.won;
  }

  void Operate(model::Dice& dice) {
    const hf_time now = clock.Now();
    switch (dice.Below(5)) {
      case 0:
        EXPECT_TRUE(policy.Update(Rules(static_cast<uint32_t>(dice.Below(8)), journal), now).ok());
        return;
      case 1:
        EXPECT_TRUE(breaker.Force(BreakerState::kForcedOpen, now).ok());
        EXPECT_TRUE(breaker.Force(BreakerState::kClosed, now).ok());
        return;
      case 2:
        EXPECT_TRUE(bulkhead.SetLimit(static_cast<uint32_t>(dice.Between(8, 24)), now).ok());
        return;
      case 3:
        EXPECT_TRUE(pipeline.Update(Guards(dice.Chance(50) ? 300us : 1ms)).ok());
        return;
      default:
        EXPECT_LE(policy.Snapshot(now).won, policy.Snapshot(now).hedges);
    }
  }

  PipelineOptions Guards(Duration attempt_timeout) const {
    return {.budget = budget,
            .breaker = breaker,
            .bulkhead = bulkhead,
            .timeout = 5ms,
            .attempt_timeout = attempt_timeout,
            .kill_switch = kill,
            .limiter = limiter,
            .hedge = policy.raw()};
  }

  SteppingClock clock;
  const Journal journal = *Journal::Create({.capacity = 1024});
  const HedgePolicy policy = *HedgePolicy::Create(Rules(0, journal));
  const RetryBudget budget =
      *RetryBudget::Create({.max_tokens = 500, .ratio = 1, .journal = journal.raw(), .object = 2});
  const CircuitBreaker breaker = *CircuitBreaker::Create(
      {.consecutive_failures = 6, .open_for = 1ms, .journal = journal.raw(), .object = 3});
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 16, .journal = journal.raw(), .object = 4});
  // Enough in store that whatever is given back finds room.
  const RateLimiter limiter =
      *RateLimiter::Create({.permits = 1, .period = 24h, .burst = 1'000'000'000});
  const KillSwitch kill = *KillSwitch::Create();
  const Pipeline pipeline = *Pipeline::Create(Guards(1ms));

 private:
  static hf_outcome Outcome(model::Dice& dice) {
    const uint64_t roll = dice.Below(100);
    if (roll < 60) return {};
    if (roll < 90) return OutcomeOfCode(HF_UNAVAILABLE);
    if (roll < 93) return OutcomeOfCode(HF_NOT_FOUND);
    if (roll < 96) return {HF_UNAVAILABLE, 0, HF_EFFECT_NOT_STARTED, 0, 100 * HF_US};
    return {HF_UNAVAILABLE, 0, 0, 0, HF_INFINITE};
  }
};

TEST(StressHedge, EveryAttemptIsCountedOnceAndNothingStaysHeld) {
  Hedging world;
  std::vector<Seen> seen(kWorkers);
  JournalReader reader(world.journal);
  const Stint stint;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      model::Dice dice(i + 1);
      while (!stint.over() && !world.clock.IsFarOn()) {
        const uint64_t before = seen[i].begun;
        world.Call(dice, seen[i]);
        if (seen[i].begun == before) std::this_thread::yield();  // refused
      }
    });
  }
  threads.emplace_back([&] {
    model::Dice dice(100);
    while (!stint.over()) {
      world.Operate(dice);
      for (uint64_t pause = dice.Below(50); pause > 0; --pause) std::this_thread::yield();
    }
  });
  threads.emplace_back([&] { reader.Follow(stint); });
  for (std::thread& thread : threads) thread.join();
  Seen all;
  for (const Seen& one : seen) all.Join(one);

  const hf_time now = world.clock.Now();
  const HedgeSnapshot end = world.policy.Snapshot(now);
  EXPECT_EQ(end.calls, all.begun);
  EXPECT_EQ(end.hedges, all.attempts - all.begun);
  EXPECT_EQ(end.won, all.won);
  EXPECT_EQ(world.bulkhead.Snapshot().in_flight, 0u);
  EXPECT_EQ(world.breaker.Snapshot(now).probes_out, 0u);
  // Each attempt has its token, and whoever was not sent after all has given it back.
  EXPECT_EQ(world.limiter.Snapshot(world.clock).granted, all.attempts);
  reader.CheckNothingIsUnaccountedFor([&] {
    EXPECT_TRUE(world.policy.Update(Rules(0, world.journal), now).ok());
    EXPECT_TRUE(world.budget.Update({}, now).ok());
    EXPECT_TRUE(world.breaker.Update({}, now).ok());
    EXPECT_TRUE(world.bulkhead.Update({}, now).ok());
  });
  std::printf(
      "%llu sessions, %llu begun, %llu attempts, %llu won; %llu over the budget\n",
      static_cast<unsigned long long>(all.sessions), static_cast<unsigned long long>(all.begun),
      static_cast<unsigned long long>(all.attempts), static_cast<unsigned long long>(all.won),
      static_cast<unsigned long long>(end.over_budget));
}

}  // namespace
}  // namespace holdfast::driver_test
