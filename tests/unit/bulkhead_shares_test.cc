// SPDX-License-Identifier: Apache-2.0
// Partitions, criticalities and users of one bulkhead.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "unit/bulkhead_steps.h"

namespace holdfast::engine {
namespace {

constexpr uint32_t kBatch = 0, kLive = 1;

class BulkheadPartitions : public ::testing::Test {
 protected:
  static BulkheadPolicy Policy(uint32_t queue = 0) {
    BulkheadPolicy policy{.limit = 10, .queue = queue};
    policy.shares.partitions = 2;
    policy.shares.guarantee = {300'000, 700'000};
    return policy;
  }

  Answer Take(uint32_t partition) {
    const Answer answer = bulkhead.Take({.partition = partition});
    if (answer == Answer::kGranted) stamps[partition].push_back(bulkhead.terms.stamp);
    return answer;
  }
  int TakeAll(uint32_t partition) {
    int taken = 0;
    while (Take(partition) == Answer::kGranted) ++taken;
    return taken;
  }
  void Return(uint32_t partition, hf_time now = 0) {
    ASSERT_TRUE(bulkhead.Return(stamps[partition].back(), now));
    stamps[partition].pop_back();
  }
  uint32_t InFlight(uint32_t partition) { return bulkhead.Read().partition_in_flight[partition]; }

  Plain bulkhead{Policy()};
  std::array<std::vector<uint32_t>, 2> stamps;
  Waiter first, second;
};

TEST_F(BulkheadPartitions, OneMayBorrowAllAndTheOtherStillGetsItsShare) {
  EXPECT_EQ(TakeAll(kBatch), 10);
  EXPECT_EQ(TakeAll(kLive), 7);
  EXPECT_EQ(InFlight(kBatch), 10u);
  EXPECT_EQ(InFlight(kLive), 7u);
  EXPECT_EQ(Take(kLive), Answer::kOverShare);
}

TEST_F(BulkheadPartitions, WhatWasBorrowedIsNotBorrowedAgain) {
  TakeAll(kBatch);
  TakeAll(kLive);
  for (int i = 0; i < 7; ++i) {
    Return(kBatch);
    EXPECT_EQ(Take(kBatch), Answer::kOverShare) << "17 were inside, and the limit is 10";
  }
  Return(kBatch);
  EXPECT_EQ(Take(kBatch), Answer::kGranted) << "below its guarantee of 3";
}

TEST_F(BulkheadPartitions, TheReadingTellsOfEach) {
  Take(kLive);
  const hf_bulkhead_snapshot now = bulkhead.Read();
  EXPECT_EQ(now.partitions, 2u);
  EXPECT_EQ(now.partition_guarantee[kBatch], 3u);
  EXPECT_EQ(now.partition_guarantee[kLive], 7u);
  EXPECT_EQ(now.partition_in_flight[kLive], 1u);
}

TEST_F(BulkheadPartitions, OneThatDoesNotExistIsNotServed) {
  EXPECT_EQ(bulkhead.Take({.partition = 2}), Answer::kNoPartition);
  Plain plain(BulkheadPolicy{});
  EXPECT_EQ(plain.Take({.partition = 1}), Answer::kNoPartition);
  EXPECT_EQ(plain.InFlight(), 0u);
}

TEST_F(BulkheadPartitions, AWaiterBelowItsGuaranteeIsServedThoughTheLimitIsReached) {
  bulkhead.Update(Policy(5), 0, &bulkhead.wake);
  TakeAll(kLive);
  ASSERT_EQ(stamps[kLive].size(), 10u);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Take(kBatch), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({.partition = kBatch}, first), Answer::kQueued);
  EXPECT_EQ(bulkhead.Read().partition_waiting[kBatch], 1u);
  Return(kLive);
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kQueued) << "12 inside, no room to borrow";
  Return(kBatch);
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kGranted);
  EXPECT_EQ(InFlight(kBatch), 3u);
}

TEST_F(BulkheadPartitions, AGuaranteeGoesBeforeAnOlderBorrower) {
  BulkheadPolicy policy = Policy(5);
  bulkhead.Update(policy, 0, &bulkhead.wake);
  TakeAll(kLive);
  for (int i = 0; i < 3; ++i) Take(kBatch);
  ASSERT_EQ(bulkhead.Queue({.partition = kLive}, first), Answer::kQueued);
  ASSERT_EQ(bulkhead.Queue({.partition = kBatch}, second), Answer::kQueued);
  for (int i = 0; i < 3; ++i) Return(kLive);  // 10 inside
  ASSERT_EQ(bulkhead.WaitPoll(first, 0), Answer::kQueued);
  Return(kBatch);
  EXPECT_EQ(bulkhead.WaitPoll(second, 0), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kQueued);
  EXPECT_EQ(bulkhead.InFlight(), 10u);
}

TEST_F(BulkheadPartitions, AGuaranteedWaiterThatIsLateIsPassedOver) {
  bulkhead.Update(Policy(5), 0, &bulkhead.wake);
  TakeAll(kLive);
  for (int i = 0; i < 3; ++i) Take(kBatch);
  ASSERT_EQ(bulkhead.Queue({.deadline = 5, .partition = kBatch}, first), Answer::kQueued);
  ASSERT_EQ(bulkhead.Queue({.partition = kBatch}, second), Answer::kQueued);
  Return(kBatch, 5);
  EXPECT_EQ(bulkhead.WaitPoll(first, 5), Answer::kTimedOut);
  EXPECT_EQ(bulkhead.WaitPoll(second, 5), Answer::kGranted);
}

TEST_F(BulkheadPartitions, AGrantedWaiterThatLeavesGivesItsPartitionsPlaceBack) {
  bulkhead.Update(Policy(5), 0, &bulkhead.wake);
  TakeAll(kBatch);
  ASSERT_EQ(bulkhead.Queue({.partition = kBatch}, first), Answer::kQueued);
  Return(kBatch);
  EXPECT_EQ(bulkhead.WaitCancel(first, 0, &bulkhead.wake), Answer::kNotWaiting);
  EXPECT_EQ(InFlight(kBatch), 9u);
  EXPECT_EQ(bulkhead.InFlight(), 9u);
}

TEST_F(BulkheadPartitions, APermitGivenBackTwiceIsRefusedWhenNoneOfItsKindIsOut) {
  ASSERT_EQ(Take(kLive), Answer::kGranted);
  const uint32_t stamp = stamps[kLive].back();
  EXPECT_TRUE(bulkhead.Return(stamp));
  EXPECT_FALSE(bulkhead.Return(stamp)) << "nothing is in flight";
  ASSERT_EQ(Take(kBatch), Answer::kGranted);
  EXPECT_FALSE(bulkhead.Return(stamp));
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

// --- criticality --------------------------------------------------------------------------------------

TEST(BulkheadCriticality, EachMayUseItsRoomOfLimitAndQueue) {
  BulkheadPolicy policy{.limit = 6, .queue = 4};
  policy.shares.room = {kWhole, 900'000, 500'000, 200'000};
  Plain bulkhead(policy);
  const auto take = [&](uint32_t criticality) {
    return bulkhead.Take({.criticality = criticality});
  };
  EXPECT_EQ(take(3), Answer::kGranted);
  EXPECT_EQ(take(3), Answer::kGranted);
  EXPECT_EQ(take(3), Answer::kOverShare) << "2 of 10 are in use";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(2), Answer::kGranted);
  EXPECT_EQ(take(2), Answer::kOverShare);
  EXPECT_EQ(take(1), Answer::kGranted);
  std::array<Waiter, 4> waiters;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(bulkhead.Queue({.criticality = 1}, waiters[i]), Answer::kQueued);
  }
  EXPECT_EQ(bulkhead.Queue({.criticality = 1}, waiters[3]), Answer::kOverShare) << "9 of 10";
  EXPECT_EQ(bulkhead.Queue({.criticality = 0}, waiters[3]), Answer::kQueued);
  EXPECT_EQ(bulkhead.Read().over_share, 3u);
}

TEST(BulkheadCriticality, AGuaranteeIsGoodForAll) {
  BulkheadPolicy policy{.limit = 10};
  policy.shares.partitions = 1;
  policy.shares.guarantee = {500'000};
  policy.shares.room = {kWhole, kWhole, kWhole, 100'000};
  Plain bulkhead(policy);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bulkhead.Take({.criticality = 3}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Take({.criticality = 3}), Answer::kOverShare);
  EXPECT_EQ(bulkhead.Take({.criticality = 2}), Answer::kGranted);
}

// --- users --------------------------------------------------------------------------------------------

class BulkheadUsers : public ::testing::Test {
 protected:
  BulkheadUsers() : bulkhead(Policy()) {}

  static BulkheadPolicy Policy() {
    BulkheadPolicy policy{.limit = 4, .queue = 4};
    policy.shares.user = 500'000;
    return policy;
  }

  Plain bulkhead;
  Waiter first, second;
};

TEST_F(BulkheadUsers, NoneHoldsMoreThanTheirShare) {
  EXPECT_EQ(bulkhead.Take({.user = 7}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Take({.user = 7}), Answer::kGranted);
  const uint32_t stamp = bulkhead.terms.stamp;
  EXPECT_EQ(bulkhead.Take({.user = 7}), Answer::kOverShare);
  EXPECT_EQ(bulkhead.Take({.user = 8}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Return(stamp), true);
  EXPECT_EQ(bulkhead.Take({.user = 7}), Answer::kGranted);
}

TEST_F(BulkheadUsers, NobodyInParticularIsNotHeldToIt) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(bulkhead.Take({}), Answer::kGranted);
}

TEST_F(BulkheadUsers, APlaceInTheQueueCounts) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(bulkhead.Take({}), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({.user = 7}, first), Answer::kQueued);
  ASSERT_EQ(bulkhead.Queue({.user = 7}, second), Answer::kQueued);
  Waiter third;
  EXPECT_EQ(bulkhead.Queue({.user = 7}, third), Answer::kOverShare);
  EXPECT_EQ(bulkhead.WaitCancel(second, 0, &bulkhead.wake), Answer::kNotWaiting);
  EXPECT_EQ(bulkhead.Queue({.user = 7}, third), Answer::kQueued);
}

TEST_F(BulkheadUsers, WhatAWaiterWasCountedAsComesBackWithItsPermit) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(bulkhead.Take({}), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({.user = 7}, first), Answer::kQueued);
  bulkhead.Release();
  ASSERT_EQ(bulkhead.WaitPoll(first, 0), Answer::kGranted);
  const uint32_t stamp = bulkhead.terms.stamp;
  bulkhead.Release();
  ASSERT_EQ(bulkhead.Take({.user = 7}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Take({.user = 7}), Answer::kOverShare);
  EXPECT_TRUE(bulkhead.Return(stamp));
  EXPECT_EQ(bulkhead.Take({.user = 7}), Answer::kGranted);
}

TEST_F(BulkheadUsers, WhoTimesOutInTheQueueIsCountedNoLonger) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(bulkhead.Take({}), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({.deadline = 5, .user = 7}, first), Answer::kQueued);
  ASSERT_EQ(bulkhead.Queue({.deadline = 5, .user = 7}, second), Answer::kQueued);
  ASSERT_EQ(bulkhead.WaitPoll(first, 5), Answer::kTimedOut);
  bulkhead.Release(5);  // passes the second over
  ASSERT_EQ(bulkhead.WaitPoll(second, 5), Answer::kTimedOut);
  EXPECT_EQ(bulkhead.Queue({.user = 7}, first, 5), Answer::kGranted);
  EXPECT_EQ(bulkhead.Queue({.user = 7}, second, 5), Answer::kQueued);
}

}  // namespace
}  // namespace holdfast::engine
