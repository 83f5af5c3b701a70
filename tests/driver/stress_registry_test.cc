// SPDX-License-Identifier: Apache-2.0
// Eight threads on registries of breakers, limiters and budgets, in which most keys come and go: what is held
// stays and counts exactly, and the registries' own counts add up.
#include <gtest/gtest.h>
#include <holdfast/group.h>
#include <holdfast/journal.h>
#include <holdfast/registry.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "driver/stress.h"
#include "model/dice.h"

namespace holdfast::driver_test {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kCapacity = 64;
constexpr uint64_t kKeys = 200;
constexpr uint64_t kGroupObject = 1;
constexpr size_t kHeld = 4;  // keys of which a handle is out all the time

enum Kind { kBreakers, kLimiters, kBudgets, kKinds };

// One thread's counts.
struct Seen {
  std::array<uint64_t, kKinds> asks{};
  std::array<uint64_t, kKinds> full{};
  std::array<uint64_t, kHeld> tokens{};   // taken of the limiters that are held
  std::array<uint64_t, kHeld> results{};  // of the breakers that are held
  std::array<uint64_t, kHeld> charges{};  // of the budgets that are held
  uint64_t strangers = 0;                 // another object than the one that is held

  void Join(const Seen& other) {
    for (size_t i = 0; i < kKinds; ++i) {
      asks[i] += other.asks[i];
      full[i] += other.full[i];
    }
    for (size_t i = 0; i < kHeld; ++i) {
      tokens[i] += other.tokens[i];
      results[i] += other.results[i];
      charges[i] += other.charges[i];
    }
    strangers += other.strangers;
  }
};

// A registry, and handles of a few of its keys.
template <typename T>
struct Side {
  Registry<T> registry;
  std::vector<T> held;

  Side(const typename T::Options& each, const RegistryOptions& options, hf_time now)
      : registry(*Registry<T>::Create(each, options)) {
    for (size_t i = 0; i < kHeld; ++i) held.push_back(*registry.Get(HeldKey(i), now));
  }

  static std::string HeldKey(size_t i) { return "held-" + std::to_string(i); }
};

class Registries {
 public:
  CircuitBreakerOptions BreakerRules(bool odd = false) const {
    return {.window = BreakerWindow::kTime,
            .window_time = 1h,
            .minimum_calls = 1'000'000,
            .consecutive_failures = odd ? 20u : 10u,
            .open_for = 1ms,
            .shards = 1,
            .journal = journal.raw()};
  }
  RateLimiterOptions LimiterRules(bool odd = false) const {
    return {.permits = odd ? 1000u : 500u, .burst = 5, .journal = journal.raw()};
  }
  RetryBudgetOptions BudgetRules(bool odd = false) const {
    return {.max_tokens = odd ? 10.0 : 5.0, .ratio = 1, .journal = journal.raw()};
  }
  RegistryOptions Bounds(uint64_t object) const {
    return {.capacity = kCapacity, .journal = journal.raw(), .object = object};
  }

  // Only the breakers' idle_ttl must be longer than their window.
  RegistryOptions BreakerBounds() const {
    RegistryOptions options = Bounds(2);
    options.idle_ttl = 2h;
    options.forget_after = 3h;
    options.group = group;
    return options;
  }
  RegistryOptions LimiterBounds() const {
    RegistryOptions options = Bounds(3);
    options.share_overflow = true;
    return options;
  }

  // One ask, and one use of what it gives.
  void Use(model::Dice& dice, Seen& seen) {
    const bool fixed = dice.Chance(30);
    const size_t place = dice.Below(kHeld);
    const std::string key =
        fixed ? Side<RateLimiter>::HeldKey(place) : std::to_string(dice.Below(kKeys));
    const hf_time now = clock.Now();
    switch (static_cast<Kind>(dice.Below(kKinds))) {
      case kBreakers:
        return UseOf(kBreakers, breakers, key, fixed, place, seen, [&](const CircuitBreaker& one) {
          auto permit = one.TryAcquire(now);
          if (!permit.ok()) return;
          const bool fails = !fixed && dice.Chance(30);
          permit->Record(fails ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS, clock.Now());
          if (fixed) ++seen.results[place];
        });
      case kLimiters:
        return UseOf(kLimiters, limiters, key, fixed, place, seen, [&](const RateLimiter& one) {
          const auto cost = static_cast<uint32_t>(dice.Between(1, 5));
          if (one.TryAcquire(cost, clock).ok() && fixed) seen.tokens[place] += cost;
        });
      default:
        return UseOf(kBudgets, budgets, key, fixed, place, seen, [&](const RetryBudget& one) {
          if (dice.Chance(70)) return one.OnSuccess();
          static_cast<void>(one.OnFailure());
          if (fixed) ++seen.charges[place];
        });
    }
  }

  void Operate(model::Dice& dice) {
    const hf_time now = clock.Now();
    const bool odd = dice.Chance(50);
    uint32_t cursor = 0;
    switch (dice.Below(8)) {
      case 0:
        EXPECT_TRUE(breakers.registry.Update(BreakerRules(odd), BreakerBounds(), now).ok());
        return;
      case 1:
        EXPECT_TRUE(limiters.registry.Update(LimiterRules(odd), LimiterBounds(), now).ok());
        return;
      case 2:
        EXPECT_TRUE(budgets.registry.Update(BudgetRules(odd), Bounds(4), now).ok());
        return;
      case 3:
        budgets.registry.Sweep(16, now);
        breakers.registry.Sweep(16, now);
        return;
      case 4:
        EXPECT_LE(breakers.registry.List(&cursor, 100, now).size(), kCapacity);
        EXPECT_LE(limiters.registry.List(&cursor, 100, now).size(), kCapacity);
        return;
      case 5:
        EXPECT_TRUE(group.Update({.max_ejected = odd ? 0.1 : 0.5}, now).ok());
        EXPECT_LE(group.Snapshot().members, kCapacity + 1);
        return;
      case 6:
        clock.Advance(10 * HF_MS);  // limiters fill, breakers may probe
        return;
      default:
        EXPECT_LE(breakers.registry.Snapshot().keys, kCapacity);
        EXPECT_LE(limiters.registry.Snapshot().keys, kCapacity);
        EXPECT_LE(budgets.registry.Snapshot().keys, kCapacity);
    }
  }

  SteppingClock clock;
  const Journal journal = *Journal::Create({.capacity = 4096});
  const BreakerGroup group =
      *BreakerGroup::Create({.journal = journal.raw(), .object = kGroupObject});
  const Side<CircuitBreaker> breakers{BreakerRules(), BreakerBounds(), SteppingClock::kStart};
  const Side<RateLimiter> limiters{LimiterRules(), LimiterBounds(), SteppingClock::kStart};
  const Side<RetryBudget> budgets{BudgetRules(), Bounds(4), SteppingClock::kStart};

 private:
  template <typename T, typename Work>
  void UseOf(Kind kind, const Side<T>& side, const std::string& key, bool fixed, size_t place,
             Seen& seen, const Work& work) {
    ++seen.asks[kind];
    const absl::StatusOr<T> one = side.registry.Get(key, clock.Now());
    if (!one.ok()) {
      ++seen.full[kind];
      EXPECT_EQ(RejectionOf(one.status())->reason, HF_R_REGISTRY_FULL);
      return;
    }
    if (fixed && one->raw() != side.held[place].raw()) ++seen.strangers;
    work(*one);
  }
};

// The first asks for what is held are not the threads' own.
template <typename T>
void CheckCounts(const Side<T>& side, uint64_t asks, uint64_t full) {
  const RegistrySnapshot end = side.registry.Snapshot();
  EXPECT_EQ(end.hits + end.created + end.refused + end.shared, asks + kHeld);
  EXPECT_EQ(end.refused, full);
  EXPECT_EQ(end.created - end.evicted, end.keys);
  EXPECT_EQ(end.held, kHeld);
  EXPECT_LE(end.keys, kCapacity);
  EXPECT_GT(end.evicted, 0u);
}

TEST(StressRegistry, WhatIsHeldStaysAndAllAsksAreCounted) {
  Registries world;
  std::vector<Seen> seen(kWorkers);
  const Stint stint;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      model::Dice dice(i + 1);
      while (!stint.over() && !world.clock.IsFarOn()) world.Use(dice, seen[i]);
    });
  }
  threads.emplace_back([&] {
    model::Dice dice(100);
    while (!stint.over()) {
      world.Operate(dice);
      for (uint64_t pause = dice.Below(50); pause > 0; --pause) std::this_thread::yield();
    }
  });
  uint64_t drained = 0;
  threads.emplace_back([&] {
    while (!stint.over()) drained += world.journal.Drain([](const hf_event&) {});
  });
  for (std::thread& thread : threads) thread.join();
  Seen all;
  for (const Seen& one : seen) all.Join(one);

  EXPECT_EQ(all.strangers, 0u);
  CheckCounts(world.breakers, all.asks[kBreakers], all.full[kBreakers]);
  CheckCounts(world.limiters, all.asks[kLimiters], 0);
  CheckCounts(world.budgets, all.asks[kBudgets], all.full[kBudgets]);
  EXPECT_EQ(all.full[kLimiters], 0u) << "keys without a place share one";
  const hf_time now = world.clock.Now();
  for (size_t i = 0; i < kHeld; ++i) {
    EXPECT_EQ(world.limiters.held[i].Snapshot(world.clock).granted, all.tokens[i]);
    EXPECT_EQ(world.breakers.held[i].Snapshot(now).calls, all.results[i]);
    EXPECT_EQ(world.breakers.held[i].Snapshot(now).probes_out, 0u);
    const RetryBudgetSnapshot budget = world.budgets.held[i].Snapshot();
    EXPECT_EQ(budget.allowed + budget.refused, all.charges[i]);
  }
  EXPECT_EQ(world.group.Snapshot().members, world.breakers.registry.Snapshot().keys);
  drained += world.journal.Drain([](const hf_event&) {});
  EXPECT_EQ(world.journal.Snapshot().written, drained + world.journal.Snapshot().lost);
  std::printf("%llu asks, %llu found no place, %llu events\n",
              static_cast<unsigned long long>(all.asks[0] + all.asks[1] + all.asks[2]),
              static_cast<unsigned long long>(all.full[0] + all.full[2]),
              static_cast<unsigned long long>(drained));
}

}  // namespace
}  // namespace holdfast::driver_test
