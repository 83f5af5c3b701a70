// SPDX-License-Identifier: Apache-2.0
// The registry under eight threads: exact counts, and no object under anybody's hands.
#include <gtest/gtest.h>
#include <holdfast/c/registry.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "abi/atomic_cells.h"
#include "model/dice.h"
#include "unit/registry_world.h"

namespace holdfast::engine {
namespace {

using World = RegistryWorld<abi::AtomicCells>;
constexpr int kThreads = 8;
constexpr uint64_t kRounds = model::kSlowness > 1 ? 4000 : 40000;

template <typename Body>
void InThreads(const Body& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back([&body, t] { body(t); });
  for (std::thread& thread : threads) thread.join();
}

TEST(RegistryThreads, EveryAskIsCountedOnceWhileKeysComeAndGo) {
  World world(64);
  std::array<std::atomic<uint64_t>, 3> answers{};  // found, created, full
  std::atomic<uint64_t> wrong{0};
  InThreads([&](int t) {
    model::Dice dice(static_cast<uint64_t>(t) + 1);
    for (uint64_t i = 0; i < kRounds; ++i) {
      const std::string key = "key" + std::to_string(dice.Below(100));
      const hf_time now = static_cast<hf_time>(i) * HF_MS;
      const auto result = world.Ask(key, now);
      answers[static_cast<size_t>(result.answer)]++;
      if (result.entry == nullptr) continue;
      const World::Toy& toy = World::Engine::ObjectOf(*result.entry);
      if (toy.magic != World::kAlive || toy.hash != World::HashOf({"", key})) ++wrong;
      if (result.entry->key() != key) ++wrong;
      result.entry->Drop();
    }
  });
  EXPECT_EQ(wrong, 0u);
  const RegistryCounts counts = world.registry.Count();
  EXPECT_EQ(counts.hits, answers[0]);
  EXPECT_EQ(counts.created, answers[1]);
  EXPECT_EQ(counts.refused, answers[2]);
  EXPECT_EQ(answers[0] + answers[1] + answers[2], kThreads * kRounds);
  EXPECT_LE(counts.keys, 64u);
  EXPECT_EQ(counts.keys, static_cast<uint64_t>(world.host.alive));
  EXPECT_EQ(counts.held, 0u);
}

TEST(RegistryThreads, WhatHoldsSomethingIsFoundAgainByEverybody) {
  World world(32);
  for (int i = 0; i < 16; ++i) {
    world.SetHold("kept" + std::to_string(i), RegistryHold::kKept, 0);
  }
  std::atomic<uint64_t> made_anew{0};
  InThreads([&](int t) {
    model::Dice dice(static_cast<uint64_t>(t) + 100);
    for (uint64_t i = 0; i < kRounds; ++i) {
      if (dice.Chance(50)) {
        world.Touch("other" + std::to_string(dice.Below(1000)), HF_S);
      } else if (world.Touch("kept" + std::to_string(dice.Below(16)), HF_S) !=
                 RegistryAnswer::kFound) {
        ++made_anew;
      }
      if (dice.Chance(2)) world.registry.Sweep(1000 * HF_S, 8);
    }
  });
  EXPECT_EQ(made_anew, 0u);
}

// An object whose state changes between the moment it is judged and the moment it would go.
TEST(RegistryThreads, AStateThatChangesAtTheLastMomentIsNotLost) {
  World world(4);
  std::atomic<uint64_t> lost{0};
  InThreads([&](int t) {
    const std::string key = "mine" + std::to_string(t % 2);
    for (uint64_t i = 0; i < kRounds; ++i) {
      if (t >= 4) {
        world.Touch("other" + std::to_string(i % 50 + static_cast<uint64_t>(t) * 50), HF_S);
        continue;
      }
      if (t >= 2) continue;  // one owner each
      const auto first = world.Ask(key, HF_S);
      if (first.entry == nullptr) continue;
      World::Engine::ObjectOf(*first.entry).hold = RegistryHold::kKept;
      first.entry->Drop();
      const auto second = world.Ask(key, HF_S);
      if (second.answer != RegistryAnswer::kFound) {
        ++lost;
        continue;
      }
      World::Engine::ObjectOf(*second.entry).hold = RegistryHold::kFree;
      second.entry->Drop();
    }
  });
  EXPECT_EQ(lost, 0u);
}

TEST(RegistryThreads, HandlesOfADyingRegistryAreBuriedOnce) {
  hf_breaker_options breaker = HF_INIT(hf_breaker_options);
  hf_registry_options options = HF_INIT(hf_registry_options);
  options.breaker = &breaker;
  options.seed = 1;
  for (uint64_t round = 0; round < kRounds / 400; ++round) {
    hf_registry* registry = nullptr;
    ASSERT_EQ(hf_registry_new(&options, &registry, nullptr), HF_OK);
    for (int t = 0; t < kThreads; ++t) hf_registry_ref(registry);
    InThreads([&](int t) {
      std::vector<hf_breaker*> held;
      for (int i = 0; i < 20; ++i) {
        const std::string name = std::to_string(i * (t % 2 + 1));
        const hf_str key = {name.data(), name.size()};
        hf_breaker* out = nullptr;
        hf_registry_breaker(registry, nullptr, &key, HF_S, &out, nullptr);
        held.push_back(out);
      }
      hf_registry_unref(registry);
      for (hf_breaker* const one : held) hf_breaker_unref(one);
    });
    hf_registry_unref(registry);
  }
}

// Named "registry churn": keys come and go for ever, within a bound.
TEST(RegistryThreads, RegistryChurnStaysWithinItsBoundAndKeepsWhatIsProtected) {
  constexpr uint64_t kKeys = model::kSlowness > 1 ? 20000 : 400000;  // per thread
  World world(10000);
  for (int i = 0; i < 500; ++i) world.SetHold("kept" + std::to_string(i), RegistryHold::kKept, 0);
  std::atomic<uint64_t> full{0}, lost{0};
  InThreads([&](int t) {
    char name[48];
    for (uint64_t i = 0; i < kKeys; ++i) {
      const int size =
          std::snprintf(name, sizeof name, "churn-%d-%llu", t, static_cast<unsigned long long>(i));
      const hf_time now = static_cast<hf_time>(i) * HF_MS;
      if (world.Touch({name, static_cast<size_t>(size)}, now) == RegistryAnswer::kFull) ++full;
      if (i % 1000 == 0 &&
          world.Touch("kept" + std::to_string(i / 1000 % 500), now) != RegistryAnswer::kFound) {
        ++lost;
      }
    }
  });
  EXPECT_EQ(full, 0u) << "a registry that is a twentieth protected has place";
  EXPECT_EQ(lost, 0u);
  const RegistryCounts counts = world.registry.Count();
  EXPECT_EQ(counts.created, kThreads * kKeys + 500);
  EXPECT_LE(counts.keys, 10000u);
  EXPECT_EQ(counts.created - counts.evicted, static_cast<uint64_t>(world.host.alive));
  EXPECT_LE(world.pool().Made(), 10000u);
}

}  // namespace
}  // namespace holdfast::engine
