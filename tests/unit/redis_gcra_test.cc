// SPDX-License-Identifier: Apache-2.0
// The arithmetic around the limiter's script, and the memory of refusals.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <random>

#include "adapters/redis/deny_cache.h"
#include "adapters/redis/gcra.h"

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

TEST(RedisGcra, CostIsExactWhereTheIntervalIsNoWholeMicrosecond) {
  const Limit three_a_second{3, 1'000'000, 3};
  EXPECT_EQ(DebtOf(three_a_second, 1), (Debt{333'333, 1}));
  EXPECT_EQ(DebtOf(three_a_second, 2), (Debt{666'666, 2}));
  EXPECT_EQ(DebtOf(three_a_second, 3), (Debt{1'000'000, 0}));
  EXPECT_EQ(DebtOf(three_a_second, 0), (Debt{0, 0}));
}

TEST(RedisGcra, RemainingCountsWholeTokens) {
  const Limit limit{3, 1'000'000, 3};
  EXPECT_EQ(RemainingAt(limit, {0, 0}), 3);
  EXPECT_EQ(RemainingAt(limit, {0, 1}), 2);
  EXPECT_EQ(RemainingAt(limit, {333'333, 1}), 2);
  EXPECT_EQ(RemainingAt(limit, {333'333, 2}), 1);
  EXPECT_EQ(RemainingAt(limit, {1'000'000, 0}), 0);
  EXPECT_EQ(RemainingAt(limit, {2'000'000, 0}), 0);
  EXPECT_EQ(CeilUs({333'333, 1}), 333'334);
  EXPECT_EQ(CeilUs({333'333, 0}), 333'333);
}

TEST(RedisGcra, RemainingIsTheInverseOfCostOverTheWholeRange) {
  std::mt19937_64 random(20260817);
  for (int round = 0; round < 10000; ++round) {
    Limit limit{1 + static_cast<int64_t>(random() % kMaxPermits),
                1 + static_cast<int64_t>(random() % kMaxPeriodUs),
                1 + static_cast<int64_t>(random() % kMaxBurst)};
    if (static_cast<Wide>(limit.burst) * limit.period_us / limit.permits > kMaxFillUs) continue;
    const auto cost = static_cast<int64_t>(random() % (static_cast<uint64_t>(limit.burst) + 1));
    const Debt debt = DebtOf(limit, cost);
    ASSERT_LT(debt.part, limit.permits);
    ASSERT_EQ(RemainingAt(limit, debt), limit.burst - cost);
    // What the script computes with stays exact in a double.
    ASSERT_LT(debt.us + kMaxFillUs + int64_t{4'000'000'000'000'000}, int64_t{1} << 53);
  }
}

LimitId Id(uint8_t first, uint8_t last = 0) {
  LimitId id{};
  id[0] = first;
  id[31] = last;
  return id;
}

TEST(RedisDenyCache, RefusalIsKnownUntilItEnds) {
  DenyCache cache(16, 1s);
  EXPECT_EQ(cache.Find(Id(1), 1, 1000), 0ns);
  cache.Put(Id(1), 1, 200ms, 1000);
  EXPECT_EQ(cache.Find(Id(1), 1, 1000), 200ms);
  EXPECT_EQ(cache.Find(Id(1), 1, 1000 + 150 * HF_MS), 50ms);
  EXPECT_EQ(cache.Find(Id(1), 1, 1000 + 200 * HF_MS), 0ns);
  EXPECT_EQ(cache.Find(Id(2), 1, 1000), 0ns);
}

TEST(RedisDenyCache, WhoAsksForLessIsAskedFor) {
  DenyCache cache(16, 1s);
  cache.Put(Id(1), 5, 200ms, 0);
  EXPECT_EQ(cache.Find(Id(1), 4, 0), 0ns);
  EXPECT_EQ(cache.Find(Id(1), 5, 0), 200ms);
  EXPECT_EQ(cache.Find(Id(1), 6, 0), 200ms);
  cache.Put(Id(1), 4, 100ms, 0);  // one slot a key
  EXPECT_EQ(cache.Find(Id(1), 4, 0), 100ms);
  EXPECT_EQ(cache.Find(Id(1), 6, 0), 100ms);
}

TEST(RedisDenyCache, LongRefusalIsTrustedForAWhileAndToldInFull) {
  DenyCache cache(16, 1s);
  cache.Put(Id(1), 1, 1h, 0);
  EXPECT_EQ(cache.Find(Id(1), 1, 999 * HF_MS), 1h - 999ms);
  EXPECT_EQ(cache.Find(Id(1), 1, HF_S), 0ns);  // the limit may have been raised
}

TEST(RedisDenyCache, FullSetForgetsWhatEndsFirst) {
  DenyCache cache(4, 1h);  // one set
  for (uint8_t i = 1; i <= 4; ++i) cache.Put(Id(i), 1, i * 10s, 0);
  cache.Put(Id(5), 1, 50s, 0);
  EXPECT_EQ(cache.Find(Id(1), 1, 0), 0ns);
  for (uint8_t i = 2; i <= 5; ++i) EXPECT_EQ(cache.Find(Id(i), 1, 0), i * 10s);
}

TEST(RedisDenyCache, KeysThatDifferInTheLastByteAreDifferent) {
  DenyCache cache(4, 1h);
  cache.Put(Id(1, 1), 1, 10s, 0);
  EXPECT_EQ(cache.Find(Id(1, 2), 1, 0), 0ns);
}

TEST(RedisDenyCache, NoEntriesRemembersNothing) {
  DenyCache cache(0, 1h);
  cache.Put(Id(1), 1, 10s, 0);
  EXPECT_EQ(cache.Find(Id(1), 1, 0), 0ns);
}

}  // namespace
}  // namespace holdfast::redis
