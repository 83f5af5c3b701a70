// SPDX-License-Identifier: Apache-2.0
#include "engine/wait_queue.h"

#include <gtest/gtest.h>

namespace holdfast::engine {
namespace {

class WaitQueueTest : public ::testing::Test {
 protected:
  Waiter& Come(Waiter& waiter, uint8_t criticality, uint8_t partition) {
    waiter.criticality = criticality;
    waiter.partition = partition;
    queue.Append(waiter);
    return waiter;
  }

  WaitQueue queue;
  Waiter a, b, c, d;
};

TEST_F(WaitQueueTest, AnEmptyOneHasNobody) {
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.Oldest(), nullptr);
  EXPECT_EQ(queue.Next(false), nullptr);
  EXPECT_EQ(queue.NextOf(3, true), nullptr);
}

TEST_F(WaitQueueTest, OldestLooksAtNobodysRank) {
  Come(a, 3, 7);
  Come(b, 0, 0);
  EXPECT_EQ(queue.Oldest(), &a);
  queue.Remove(a);
  EXPECT_EQ(queue.Oldest(), &b);
}

TEST_F(WaitQueueTest, TheMostCriticalIsNextWhateverItsPartition) {
  Come(a, 2, 0);
  Come(b, 1, 7);
  Come(c, 1, 3);
  EXPECT_EQ(queue.Next(false), &b);
  EXPECT_EQ(queue.Next(true), &c);
  queue.Remove(b);
  queue.Remove(c);
  EXPECT_EQ(queue.Next(false), &a);
}

TEST_F(WaitQueueTest, AmongEqualsOrderOfArrivalHoldsAcrossPartitions) {
  Come(a, 1, 5);
  Come(b, 1, 2);
  Come(c, 1, 5);
  EXPECT_EQ(queue.Next(false), &a);
  queue.Remove(a);
  EXPECT_EQ(queue.Next(false), &b);
  EXPECT_EQ(queue.Next(true), &c);
}

TEST_F(WaitQueueTest, NextOfSeesOnePartitionOnly) {
  Come(a, 0, 1);
  Come(b, 3, 2);
  Come(c, 2, 2);
  Come(d, 2, 2);
  EXPECT_EQ(queue.NextOf(2, false), &c);
  EXPECT_EQ(queue.NextOf(2, true), &d);
  EXPECT_EQ(queue.NextOf(1, true), &a);
  EXPECT_EQ(queue.NextOf(0, false), nullptr);
  EXPECT_EQ(queue.Waiting(2), 3u);
  EXPECT_TRUE(queue.Has(1));
  EXPECT_FALSE(queue.Has(0));
}

TEST_F(WaitQueueTest, TheLastOfAListTakesItsMarkAlong) {
  Come(a, 1, 1);
  queue.Remove(a);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.Waiting(1), 0u);
  Come(a, 3, 1);
  EXPECT_EQ(queue.Next(false), &a);
}

}  // namespace
}  // namespace holdfast::engine
