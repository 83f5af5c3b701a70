// SPDX-License-Identifier: Apache-2.0
// The inner rooms of the registry: index, pool, keys.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/cells.h"
#include "model/dice.h"
#include "unit/registry_world.h"

namespace holdfast::engine {
namespace {

using World = RegistryWorld<PlainCells>;
constexpr hf_time kStart = 1000 * HF_S;

// Few tags, so that they collide and wrap around the end of the table.
TEST(RegistryIndex, AgreesWithAMultimap) {
  using Index = RegistryIndex<PlainCells>;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    Index index;
    std::vector<std::unique_ptr<Index::Slot[]>> tables;
    std::multimap<uint32_t, uint32_t> naive;
    for (uint32_t step = 0; step < 80; ++step) {
      const auto tag = static_cast<uint32_t>(dice.Below(8)) + 28;
      if (dice.Chance(60)) {
        if (index.IsFull()) {
          tables.push_back(std::make_unique<Index::Slot[]>(index.SlotsWanted()));
          ASSERT_TRUE(index.Grow({tables.back().get(), index.SlotsWanted()}));
        }
        index.Insert(tag, step);
        naive.emplace(tag, step);
      } else if (const auto at = naive.find(tag); at != naive.end()) {
        index.Erase(tag, at->second);
        naive.erase(at);
      }
      ASSERT_EQ(index.size(), naive.size());
    }
    for (uint32_t tag = 28; tag < 36; ++tag) {
      std::vector<uint32_t> found;
      const uint32_t none = index.Find(tag, [&](uint32_t number) {
        found.push_back(number);
        return false;
      });
      ASSERT_EQ(none, kNoEntry);
      ASSERT_EQ(found.size(), naive.count(tag));
      for (auto [at, end] = naive.equal_range(tag); at != end; ++at) {
        ASSERT_EQ(std::count(found.begin(), found.end(), at->second), 1);
      }
    }
  }
}

TEST(RegistryIndex, RefusesATableThatIsNoLarger) {
  RegistryIndex<PlainCells> index;
  EXPECT_TRUE(index.IsFull()) << "without a table";
  EXPECT_EQ(index.Find(1, [](uint32_t) { return true; }), kNoEntry);
  std::vector<RegistryIndex<PlainCells>::Slot> slots(index.SlotsWanted());
  EXPECT_FALSE(index.Grow({slots.data(), slots.size() - 1}));
  EXPECT_TRUE(index.Grow(slots));
  EXPECT_FALSE(index.Grow(slots)) << "as large as it is";
  EXPECT_FALSE(index.IsFull());
}

TEST(RegistryPool, HandsOutEachPlaceOnceAndAsksForChunksInTime) {
  using Pool = RegistryPool<PlainCells>;
  constexpr uint32_t kCapacity = Pool::kPerChunk + 3;
  std::vector<Pool::Chunk> directory(Pool::ChunksFor(kCapacity));
  Pool pool(kCapacity, sizeof(Pool::Entry), directory);
  std::vector<std::vector<Pool::Entry>> memory;
  const auto grow = [&] {
    memory.emplace_back();
    memory.back().reserve(Pool::kPerChunk);
    auto& entries = memory.back();
    return pool.Grow(reinterpret_cast<unsigned char*>(entries.data()),
                     [&](unsigned char*, uint32_t number) { entries.emplace_back(number); });
  };
  EXPECT_EQ(pool.Take().answer, Pool::Answer::kNeedsChunk);
  EXPECT_TRUE(grow());
  EXPECT_FALSE(grow()) << "there is enough";
  for (uint32_t i = 0; i < Pool::kPerChunk; ++i) EXPECT_EQ(pool.Take().number, i);
  EXPECT_EQ(pool.Take().answer, Pool::Answer::kNeedsChunk);
  EXPECT_TRUE(grow());
  EXPECT_EQ(pool.Made(), kCapacity) << "and no more";
  for (uint32_t i = Pool::kPerChunk; i < kCapacity; ++i) EXPECT_EQ(pool.Take().number, i);
  EXPECT_EQ(pool.Take().answer, Pool::Answer::kExhausted);
  EXPECT_FALSE(grow());
  pool.Give(7);
  pool.Give(9);
  EXPECT_EQ(pool.Take().number, 9u);
  {
    const Pool::Claim back{pool, 9};
  }
  {
    const Pool::Claim kept{pool, 9, true};
  }
  EXPECT_EQ(pool.Take().number, 9u);
  EXPECT_EQ(pool.Take().number, 7u);
  EXPECT_EQ(pool.Take().answer, Pool::Answer::kExhausted);
}

TEST(RegistryKeys, TheJudgeHasTheLastWord) {
  World world(4);
  world.Touch("a", kStart);
  const auto held = world.Ask("a", kStart);
  auto& keys = world.registry.keys();
  EXPECT_FALSE(keys.Unlink(*held.entry, [](World::Entry& entry) {
    EXPECT_TRUE(entry.IsDead()) << "nobody else has it while it is judged";
    return false;
  }));
  EXPECT_EQ(held.entry->Holders(), 1u) << "still the caller's";
  EXPECT_EQ(world.registry.Count().hits, 1u);
  EXPECT_EQ(world.Touch("a", kStart), RegistryAnswer::kFound);
}

TEST(RegistryKeys, WhatSomebodyElseHoldsIsNotUnlinked) {
  World world(4);
  const auto first = world.Ask("a", kStart);
  world.Ask("a", kStart);
  EXPECT_FALSE(world.registry.keys().Unlink(*first.entry, [](World::Entry&) { return true; }));
  EXPECT_EQ(first.entry->Holders(), 2u);
}

TEST(RegistryKeys, OneTextInTwoTenantsIsTwoKeys) {
  World world(4);
  const auto a = world.AskHashed(5, {"a", "key"}, kStart);
  const auto b = world.AskHashed(5, {"b", "key"}, kStart);
  EXPECT_NE(a.entry, b.entry);
}

// What a thread finds that comes second: the key is there by now.
TEST(RegistryKeys, ASecondPublisherFindsTheFirst) {
  World world(4);
  const auto first = world.Ask("a", kStart);
  const uint32_t number = world.pool().Take().number;
  World::Entry& second = world.pool().At(number);
  second.Name(World::HashOf({"", "a"}), {"", "a"}, nullptr, kStart);
  const auto result = world.registry.keys().Publish(second, World::HashOf({"", "a"}), {"", "a"});
  EXPECT_EQ(result.answer, World::Engine::Keys::Answer::kFound);
  EXPECT_EQ(result.entry, first.entry);
  EXPECT_TRUE(second.IsDead());
}

}  // namespace
}  // namespace holdfast::engine
