// SPDX-License-Identifier: Apache-2.0
// The memory store's expiry order and its byte budget, each against a naive reading of itself.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "adapters/memory/budget.h"
#include "adapters/memory/expiry_order.h"

namespace holdfast::memory {
namespace {

constexpr size_t kEntries = 64;

// Lives of a few lengths, as callers have them, and of any length.
int64_t Life(std::mt19937_64& dice) {
  constexpr int64_t kCommon[] = {100, 100, 100, 1000, 5000};
  return dice() % 4 == 0 ? static_cast<int64_t>(dice() % 3000) : kCommon[dice() % 5];
}

TEST(ExpiryOrder, AgreesWithASearchThroughAllThatAreInIt) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 dice(seed);
    std::vector<Entry> entries(kEntries);
    ExpiryOrder order;
    order.Reserve(kEntries);
    int64_t now = 0;
    for (int step = 0; step < 2000; ++step) {
      now += static_cast<int64_t>(dice() % 20);
      Entry& entry = entries[dice() % kEntries];
      order.Remove(&entry);
      if (dice() % 4 != 0) {
        entry.record.expires_at = now + Life(dice);
        order.Add(&entry);
      } else {
        entry.record.expires_at = -1;  // read by nobody while it is not in the order
      }
      const Entry* soonest = nullptr;
      for (const Entry& one : entries) {
        if (!one.ordered || one.record.expires_at > now) continue;
        if (soonest == nullptr || one.record.expires_at < soonest->record.expires_at) {
          soonest = &one;
        }
      }
      Entry* const due = order.Due(now);
      ASSERT_EQ(due == nullptr, soonest == nullptr) << seed << " " << step;
      if (due == nullptr) continue;
      ASSERT_EQ(due->record.expires_at, soonest->record.expires_at) << seed << " " << step;
      order.Remove(due);
    }
  }
}

TEST(Budget, ShardsTogetherUseNoMoreThanThereIsAndRefuseNoMoreThanA32ndTooEarly) {
  constexpr size_t kMax = 100000, kShards = 4;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 dice(seed);
    Budget budget(kMax, kShards);
    std::vector<Allowance> shards(kShards);
    std::vector<std::vector<size_t>> taken(kShards);
    size_t used = 0;
    for (int step = 0; step < 5000; ++step) {
      const size_t shard = dice() % kShards, size = 1 + dice() % 2000;
      if (dice() % 3 != 0) {
        const bool granted = shards[shard].Use(size, budget);
        if (granted) {
          used += size;
          taken[shard].push_back(size);
        } else {
          ASSERT_GT(used + size, kMax - kMax / 32) << seed << " " << step;
        }
      } else if (!taken[shard].empty()) {
        shards[shard].GiveBack(taken[shard].back(), budget);
        used -= taken[shard].back();
        taken[shard].pop_back();
      }
      size_t sum = 0;
      for (const Allowance& one : shards) sum += one.used();
      ASSERT_EQ(sum, used);
      ASSERT_LE(used, kMax);
    }
  }
}

TEST(Budget, WhatIsUsedAnywayIsCountedAndComesBack) {
  Budget budget(1000, 1);
  Allowance shard, other;
  ASSERT_TRUE(shard.Use(900, budget));
  shard.UseAnyway(5000, budget);
  EXPECT_EQ(shard.used(), 5900u);
  EXPECT_FALSE(other.Use(1, budget));
  shard.GiveBack(5900, budget);
  EXPECT_TRUE(other.Use(900, budget));
}

}  // namespace
}  // namespace holdfast::memory
