// SPDX-License-Identifier: Apache-2.0
// The registry engine, one rule at a time.
#include <gtest/gtest.h>

#include <string>

#include "engine/cells.h"
#include "unit/registry_world.h"

namespace holdfast::engine {
namespace {

using World = RegistryWorld<PlainCells>;
constexpr RegistryAnswer kFound = RegistryAnswer::kFound;
constexpr RegistryAnswer kCreated = RegistryAnswer::kCreated;
constexpr RegistryAnswer kFull = RegistryAnswer::kFull;
constexpr hf_time kStart = 1000 * HF_S;
// Not asked for as long as this, a key is idle.
constexpr hf_duration kIdle = World::kTtl + World::kTtl / 16;

TEST(Registry, AKeyIsMadeOnceAndFoundAgain) {
  World world(10);
  const auto first = world.Ask("a", kStart);
  EXPECT_EQ(first.answer, kCreated);
  const auto again = world.Ask("a", kStart);
  EXPECT_EQ(again.answer, kFound);
  EXPECT_EQ(again.entry, first.entry);
  EXPECT_EQ(first.entry->Holders(), 2u);
  EXPECT_NE(world.Ask("b", kStart).entry, first.entry);
  EXPECT_EQ(world.host.alive, 2);
}

TEST(Registry, TenantsDoNotShareKeys) {
  World world(10);
  EXPECT_EQ(world.Ask("a", "bc", kStart).answer, kCreated);
  EXPECT_EQ(world.Ask("ab", "c", kStart).answer, kCreated);
  EXPECT_EQ(world.Ask("", "abc", kStart).answer, kCreated);
  EXPECT_EQ(world.Ask("a", "bc", kStart).answer, kFound);
}

TEST(Registry, KeysOfOneHashAreToldApartByTheirText) {
  World world(10);
  const auto a = world.AskHashed(7, {"", "a"}, kStart);
  const auto b = world.AskHashed(7, {"", "b"}, kStart);
  EXPECT_EQ(b.answer, kCreated);
  EXPECT_NE(a.entry, b.entry);
  EXPECT_EQ(world.AskHashed(7, {"", "a"}, kStart).entry, a.entry);
  EXPECT_EQ(world.AskHashed(7, {"", "b"}, kStart).entry, b.entry);
  EXPECT_EQ(world.registry.Count().hits, 2u) << "looking at the other one is no hit";
}

TEST(Registry, KeysOfEveryLengthKeepTheirBytes) {
  World world(300);
  for (size_t size = 1; size <= 256; ++size) {
    const std::string key(size, static_cast<char>(size));
    ASSERT_EQ(world.Ask("tenant", key, kStart).answer, kCreated);
    const auto again = world.Ask("tenant", key, kStart);
    ASSERT_EQ(again.answer, kFound);
    ASSERT_EQ(again.entry->key(), key);
    ASSERT_EQ(again.entry->tenant(), "tenant");
  }
}

TEST(Registry, ManyKeysAreFoundWhileTheTablesGrow) {
  World world(20000);
  for (int i = 0; i < 20000; ++i) {
    ASSERT_EQ(world.Touch(std::to_string(i), kStart), kCreated);
    ASSERT_EQ(world.Touch(std::to_string(i / 2), kStart), kFound);
  }
  for (int i = 0; i < 20000; ++i) ASSERT_EQ(world.Touch(std::to_string(i), kStart), kFound);
  EXPECT_EQ(world.registry.Count().keys, 20000u);
}

TEST(Registry, AtCapacityANewKeyTakesThePlaceOfOneThatMayGo) {
  World world(3);
  for (const char* key : {"a", "b", "c"}) world.Touch(key, kStart);
  EXPECT_EQ(world.Touch("d", kStart), kCreated);
  const RegistryCounts counts = world.registry.Count();
  EXPECT_EQ(counts.keys, 3u);
  EXPECT_EQ(counts.evicted, 1u);
  EXPECT_EQ(world.host.alive, 3);
  EXPECT_EQ(world.Touch("d", kStart), kFound);
}

// fedify #916, OmniRoute #4114: an evicted open breaker comes back closed.
TEST(Registry, NeverEvictsWhatHoldsSomething) {
  World world(3);
  world.SetHold("open", RegistryHold::kKept, kStart);
  world.SetHold("forced", RegistryHold::kPinned, kStart);
  world.Touch("idle", kStart);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(world.Touch(std::to_string(i), kStart + i * World::kTtl), kCreated);
    EXPECT_TRUE(world.Knows("open"));
    EXPECT_TRUE(world.Knows("forced"));
  }
  EXPECT_EQ(world.registry.Sweep(kStart + 1000 * World::kTtl, 3), 1u) << "the idle one alone";
}

TEST(Registry, NeverEvictsWhatIsHeld) {
  World world(1);
  const auto held = world.Ask("a", kStart);
  EXPECT_EQ(world.Touch("b", kStart), kFull);
  EXPECT_EQ(world.registry.Sweep(kStart + 2 * kIdle, 10), 0u);
  EXPECT_EQ(World::Engine::ObjectOf(*held.entry).magic, World::kAlive);
  held.entry->Drop();
  EXPECT_EQ(world.Touch("b", kStart), kCreated);
}

TEST(Registry, IsFullOnlyWhenNothingMayGo) {
  World world(2);
  world.SetHold("a", RegistryHold::kKept, kStart);
  world.SetHold("b", RegistryHold::kKept, kStart);
  EXPECT_EQ(world.Touch("c", kStart), kFull);
  EXPECT_EQ(world.Touch("c", kStart), kFull);
  EXPECT_EQ(world.registry.Count().refused, 2u);
  EXPECT_EQ(world.Touch("a", kStart), kFound) << "known keys are not refused";
  world.SetHold("b", RegistryHold::kFree, kStart);
  EXPECT_EQ(world.Touch("c", kStart), kCreated);
  EXPECT_FALSE(world.Knows("b"));
}

TEST(Registry, WhatWasAskedForAgainIsSpared) {
  World world(4);
  for (const char* key : {"a", "b", "c", "d"}) world.Touch(key, kStart);
  world.Touch("a", kStart);
  world.Touch("c", kStart);
  world.Touch("e", kStart);
  world.Touch("f", kStart);
  EXPECT_TRUE(world.Knows("a"));
  EXPECT_FALSE(world.Knows("b"));
  EXPECT_TRUE(world.Knows("c"));
  EXPECT_FALSE(world.Knows("d"));
}

TEST(Registry, IfAllWereAskedForAgainOneGoesAllTheSame) {
  World world(2);
  for (int round = 0; round < 2; ++round) {
    world.Touch("a", kStart);
    world.Touch("b", kStart);
  }
  EXPECT_EQ(world.Touch("c", kStart), kCreated);
}

TEST(Registry, ProtectedKeysSideBySideDoNotHideTheOthers) {
  World world(2000);
  for (int i = 0; i < 1900; ++i) {
    world.SetHold("kept" + std::to_string(i), RegistryHold::kKept, kStart);
  }
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(world.Touch(std::to_string(i), kStart), kCreated) << i;
}

TEST(Registry, KeysThatComeAndGoNeedNoMoreMemory) {
  World world(10);
  for (int i = 0; i < 10; ++i) world.Touch(std::to_string(i), kStart);
  ASSERT_EQ(world.tables(), 1u);
  for (int i = 0; i < 10000; ++i)
    ASSERT_EQ(world.Touch("next" + std::to_string(i), kStart), kCreated);
  EXPECT_EQ(world.tables(), 1u);
  EXPECT_EQ(world.pool().Made(), 10u);
}

TEST(Registry, SweepsWhatIsIdleAndNothingElse) {
  World world(10);
  world.Touch("old", kStart);
  world.Touch("young", kStart + 20 * HF_S);
  EXPECT_EQ(world.registry.Sweep(kStart + kIdle - 1, 10), 0u) << "not yet";
  EXPECT_EQ(world.registry.Sweep(kStart + kIdle, 10), 1u);
  EXPECT_FALSE(world.Knows("old"));
  EXPECT_TRUE(world.Knows("young"));
}

TEST(Registry, AUseMakesItYoungAgain) {
  World world(10);
  world.Touch("a", kStart);
  world.Touch("a", kStart + World::kTtl);
  EXPECT_EQ(world.registry.Sweep(kStart + kIdle, 10), 0u);
  EXPECT_EQ(world.registry.Sweep(kStart + World::kTtl + kIdle, 10), 1u);
}

TEST(Registry, NoKeyGoesBeforeItWasIdleForTheWholeTtl) {
  // The second use falls within the grain of the first, and is not written down.
  World world(10);
  world.Touch("a", kStart);
  world.Touch("a", kStart + 1);
  world.Touch("a", kStart + World::kTtl / 16);
  EXPECT_EQ(world.registry.Sweep(kStart + World::kTtl / 16 + World::kTtl - 1, 10), 0u);
}

TEST(Registry, AClockThatStepsBackMakesNothingOlderOrYounger) {
  World world(10);
  world.Touch("a", kStart);
  world.Touch("a", kStart - World::kTtl);
  world.Touch("a", -5);
  EXPECT_EQ(world.registry.Sweep(kStart + kIdle - 1, 10), 0u);
  EXPECT_EQ(world.registry.Sweep(-1, 10), 0u);
  EXPECT_EQ(world.registry.Sweep(kStart + kIdle, 10), 1u);
  world.Touch("end of time", HF_INFINITE);
  EXPECT_EQ(world.registry.Sweep(HF_INFINITE, 10), 0u);
}

TEST(Registry, NewKeysSweepOnTheirWay) {
  World world(100);
  for (int i = 0; i < 50; ++i) world.Touch("old" + std::to_string(i), kStart);
  for (int i = 0; i < 50; ++i) world.Touch("new" + std::to_string(i), kStart + kIdle);
  EXPECT_EQ(world.registry.Count().keys, 50u);
}

TEST(Registry, ForgetsWhatIsKeptOnlyAfterForgetAfter) {
  World world(2);
  world.registry.Configure(World::kTtl, 2 * World::kTtl);
  world.SetHold("open", RegistryHold::kKept, kStart);
  world.SetHold("forced", RegistryHold::kPinned, kStart);
  const hf_time forgotten = kStart + 2 * World::kTtl + World::kTtl / 16;
  EXPECT_EQ(world.Touch("c", forgotten - 1), kFull);
  EXPECT_EQ(world.Touch("c", forgotten), kCreated);
  EXPECT_FALSE(world.Knows("open"));
  EXPECT_TRUE(world.Knows("forced"));
}

TEST(Registry, EvictionsAndRefusalsAreWrittenDown) {
  World world(1);
  world.Touch("a", kStart);
  const auto held = world.Ask("b", kStart + 1);
  const hf_event& evicted = world.registry.journal().Newest();
  EXPECT_EQ(evicted.kind, HF_EVENT_KIND_EVICTED);
  EXPECT_EQ(evicted.time, kStart + 1);
  EXPECT_EQ(static_cast<uint64_t>(evicted.before), World::HashOf({"", "a"}));
  world.Touch("c", kStart + 2);
  const hf_event& refused = world.registry.journal().Newest();
  EXPECT_EQ(refused.kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(refused.reason, HF_R_REGISTRY_FULL);
  EXPECT_EQ(world.registry.journal().written(), 2u);
  held.entry->Drop();
}

TEST(Registry, CountsEveryAskOnce) {
  World world(2);
  const auto held = world.Ask("a", kStart);
  world.Touch("a", kStart);
  world.Touch("b", kStart);
  world.Touch("b", kStart);
  world.Touch("c", kStart);  // in the place of b, whose hit is remembered
  world.SetHold("c", RegistryHold::kKept, kStart);
  world.Touch("d", kStart);
  const RegistryCounts counts = world.registry.Count();
  EXPECT_EQ(counts.hits, 3u);
  EXPECT_EQ(counts.created, 3u);
  EXPECT_EQ(counts.evicted, 1u);
  EXPECT_EQ(counts.refused, 1u);
  EXPECT_EQ(counts.held, 1u);
  EXPECT_EQ(counts.keys, 2u);
  held.entry->Drop();
}

TEST(Registry, AnEvictedLongKeyGivesItsBlockBack) {
  World world(1);
  const std::string key(200, 'k');
  world.Touch(key, kStart);
  EXPECT_EQ(world.host.blocks, 1);
  world.Touch("short", kStart);
  EXPECT_EQ(world.host.blocks, 0);
  EXPECT_EQ(world.host.alive, 1);
}

TEST(RegistryEntry, TheLastHolderOfAnOrphanIsToldSo) {
  World world(2);
  const auto held = world.Ask("a", kStart);
  world.Ask("a", kStart);
  EXPECT_TRUE(held.entry->Orphan());
  EXPECT_FALSE(held.entry->Drop());
  EXPECT_TRUE(held.entry->Drop());
  const auto other = world.Ask("b", kStart);
  EXPECT_FALSE(other.entry->Drop());
  EXPECT_FALSE(other.entry->Orphan()) << "nobody holds it: it is ours at once";
}

TEST(RegistryEntry, HitsDoNotSpillIntoAnything) {
  RegistryEntry<PlainCells> entry(0);
  PlainCells::Cell<uint64_t> many;
  entry.Name(1, {"", "a"}, nullptr, kStart);
  entry.Live();
  uint64_t hits = 0;
  ASSERT_TRUE(entry.Kill(&hits));
  const uint64_t almost = (uint64_t{1} << 29) - 1;
  entry.Revive(almost);
  EXPECT_TRUE(entry.HoldForHit(many));
  EXPECT_TRUE(entry.HoldForHit(many));
  EXPECT_EQ(many.Load() + entry.Hits(), almost + 2);
  EXPECT_EQ(many.Load(), almost + 1) << "what has no room any more moved out";
  EXPECT_EQ(entry.Holders(), 3u);
}

// Sixteen million forgotten references must not make a key look dead, and its state be made anew.
TEST(RegistryEntry, ForgottenReferencesDoNotSpillIntoAnything) {
  World world(2);
  const auto held = world.Ask("a", kStart);
  constexpr uint32_t kForgotten = 1u << 24;
  for (uint32_t i = 1; i < kForgotten; ++i) ASSERT_TRUE(held.entry->Hold());
  EXPECT_EQ(held.entry->Holders(), kForgotten);
  EXPECT_EQ(world.Ask("a", kStart).entry, held.entry);
  EXPECT_FALSE(held.entry->IsDead());
}

}  // namespace
}  // namespace holdfast::engine
