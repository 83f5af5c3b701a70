// SPDX-License-Identifier: Apache-2.0
// A bulkhead whose limit moves, whose configuration is replaced, and whose permits come back in races.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "unit/bulkhead_steps.h"

namespace holdfast::engine {
namespace {

// --- the limit moves ----------------------------------------------------------------------------------

TEST(BulkheadLimit, AShrinkBelowInFlightIsLegalLazyAndBlocksNobody) {
  Plain bulkhead(BulkheadPolicy{.limit = 3});
  for (int i = 0; i < 3; ++i) ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  bulkhead.Limit(1);
  EXPECT_EQ(bulkhead.InFlight(), 3u) << "nothing is taken back";
  EXPECT_TRUE(bulkhead.Release());
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kFull);
  EXPECT_TRUE(bulkhead.Release());
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kFull) << "one is in, and one is the limit";
  EXPECT_TRUE(bulkhead.Release());
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
}

TEST(BulkheadLimit, APermitThatComesBackAboveTheLimitServesNobody) {
  Plain bulkhead(BulkheadPolicy{.limit = 2, .queue = 1});
  Waiter waiter;
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({}, waiter), Answer::kQueued);
  bulkhead.Limit(1);
  bulkhead.Release();
  EXPECT_EQ(bulkhead.WaitPoll(waiter, 0), Answer::kQueued);
  bulkhead.Release();
  EXPECT_EQ(bulkhead.WaitPoll(waiter, 0), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST(BulkheadLimit, AGrowthServesAsManyAsThereIsRoomFor) {
  Plain bulkhead(BulkheadPolicy{.limit = 1, .queue = 5});
  Waiter waiters[3];
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  for (Waiter& waiter : waiters) ASSERT_EQ(bulkhead.Queue({}, waiter), Answer::kQueued);
  bulkhead.Limit(3);
  EXPECT_EQ(bulkhead.InFlight(), 3u);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[0], 0), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[1], 0), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 0), Answer::kQueued);
  EXPECT_EQ(bulkhead.Read().limit, 3u);
}

TEST(BulkheadLimit, AChangeIsAnEventAndTheSameAgainIsNone) {
  Plain bulkhead(BulkheadPolicy{.limit = 4});
  bulkhead.Limit(9, 77);
  ASSERT_EQ(bulkhead.journal().written(), 1u);
  EXPECT_EQ(bulkhead.journal().Newest().kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(bulkhead.journal().Newest().time, 77);
  EXPECT_EQ(bulkhead.journal().Newest().before, 4);
  EXPECT_EQ(bulkhead.journal().Newest().after, 9);
  bulkhead.Limit(9, 78);
  EXPECT_EQ(bulkhead.journal().written(), 1u);
}

// --- another configuration ----------------------------------------------------------------------------

TEST(BulkheadUpdate, KeepsThoseInsideThoseWaitingAndTheCounts) {
  Plain bulkhead(BulkheadPolicy{.limit = 1, .queue = 1, .max_wait = 1000});
  Waiter waiter;
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kFull);
  ASSERT_EQ(bulkhead.Queue({}, waiter), Answer::kQueued);
  bulkhead.Update({.limit = 1, .queue = 0, .max_wait = 5}, 10, &bulkhead.wake);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
  EXPECT_EQ(bulkhead.Waiting(), 1u) << "the queue is full, not cut";
  EXPECT_EQ(bulkhead.Read().refused, 1u);
  EXPECT_EQ(bulkhead.WaitPoll(waiter, 999), Answer::kQueued) << "a deadline given stays";
  Waiter other;
  EXPECT_EQ(bulkhead.Queue({}, other), Answer::kFull);
  bulkhead.Release(999);
  EXPECT_EQ(bulkhead.WaitPoll(waiter, 999), Answer::kGranted);
}

TEST(BulkheadUpdate, IsAnEventWithItsNumber) {
  Plain bulkhead(BulkheadPolicy{});
  bulkhead.Update({}, 5, &bulkhead.wake);
  bulkhead.Update({}, 6, &bulkhead.wake);
  EXPECT_EQ(bulkhead.journal().Newest().kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(bulkhead.journal().Newest().after, 2);
}

TEST(BulkheadUpdate, MoreRoomServesThoseWaiting) {
  Plain bulkhead(BulkheadPolicy{.limit = 1, .queue = 1});
  Waiter waiter;
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({}, waiter), Answer::kQueued);
  bulkhead.Update({.limit = 2}, 0, &bulkhead.wake);
  EXPECT_EQ(bulkhead.WaitPoll(waiter, 0), Answer::kGranted);
}

TEST(BulkheadUpdate, APermitOfBeforeThePartitionsComesBackUncounted) {
  Plain bulkhead(BulkheadPolicy{.limit = 2});
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  const uint32_t plain = bulkhead.terms.stamp;
  BulkheadPolicy partitioned{.limit = 2};
  partitioned.shares.partitions = 1;
  bulkhead.Update(partitioned, 0, &bulkhead.wake);
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  const uint32_t counted = bulkhead.terms.stamp;
  EXPECT_TRUE(bulkhead.Return(plain));
  EXPECT_EQ(bulkhead.Read().partition_in_flight[0], 1u);
  bulkhead.Update({.limit = 2}, 0, &bulkhead.wake);
  EXPECT_TRUE(bulkhead.Return(counted)) << "and one of before their end is still known";
  EXPECT_EQ(bulkhead.InFlight(), 0u);
}

// --- crowded: who finds it full looks before entering -------------------------------------------------

TEST(BulkheadCrowd, WhoFindsItFullIsTakenBack) {
  Plain bulkhead(BulkheadPolicy{.limit = 1});
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(bulkhead.TryAcquire(), Answer::kFull);
    EXPECT_EQ(bulkhead.InFlight(), 1u);
  }
  bulkhead.Release();
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
}

TEST(BulkheadCrowd, AStampTellsHowManyWereInsideAtTheStart) {
  Plain bulkhead(BulkheadPolicy{.limit = 2, .queue = 1});
  bulkhead.TryAcquire();
  EXPECT_EQ(Claim::InFlight(bulkhead.terms.stamp), 1u);
  bulkhead.TryAcquire();
  EXPECT_EQ(Claim::InFlight(bulkhead.terms.stamp), 2u);
  Waiter waiter;
  ASSERT_EQ(bulkhead.Queue({}, waiter), Answer::kQueued);
  bulkhead.Release();
  bulkhead.WaitPoll(waiter, 0);
  EXPECT_EQ(Claim::InFlight(bulkhead.terms.stamp), 2u);
  bulkhead.Release();
  bulkhead.Release();
  bulkhead.TryAcquire();
  EXPECT_EQ(Claim::InFlight(bulkhead.terms.stamp), 1u) << "crowded";
  bulkhead.TryAcquire();
  EXPECT_EQ(Claim::InFlight(bulkhead.terms.stamp), 2u);
}

// --- what another thread does between two steps on the word -------------------------------------------

std::function<void()> before_add;

struct RacingCells : PlainCells {
  template <typename T>
  class Cell : public PlainCells::Cell<T> {
   public:
    using PlainCells::Cell<T>::Cell;
    T Add(T amount) {
      if (before_add) std::exchange(before_add, nullptr)();
      return PlainCells::Cell<T>::Add(amount);
    }
  };
};

class BulkheadRace : public ::testing::Test {
 protected:
  void TearDown() override { before_add = nullptr; }

  Stepped<RacingCells> bulkhead{BulkheadPolicy{.limit = 1, .queue = 2, .max_wait = 1000}};
  uint32_t stamp = 0;
  Waiter first, second;
};

TEST_F(BulkheadRace, OneTooManyIsTakenBack) {
  before_add = [&] { ASSERT_TRUE(bulkhead.TakeFree(0, &stamp, &bulkhead.wake)); };
  uint32_t mine = 0;
  EXPECT_FALSE(bulkhead.TakeFree(0, &mine, &bulkhead.wake));
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadRace, WhoQueuedBehindOneTooManyIsServedWhenItIsTakenBack) {
  // Full; a newcomer has added itself and not yet looked: it hides the permit that comes back now.
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  const auto entry = bulkhead.TryEnter(&stamp);
  ASSERT_NE(entry, decltype(entry)::kDone);
  ASSERT_EQ(bulkhead.Queue({}, first), Answer::kQueued);
  EXPECT_TRUE(bulkhead.Release());
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kQueued) << "still hidden";
  EXPECT_FALSE(bulkhead.FinishEnter(entry, 0, &stamp, &bulkhead.wake));
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kGranted) << "or it waits for ever";
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadRace, OneTooManyThatHidNothingServesNobody) {
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  const auto entry = bulkhead.TryEnter(&stamp);
  ASSERT_EQ(bulkhead.Queue({}, first), Answer::kQueued);
  EXPECT_FALSE(bulkhead.FinishEnter(entry, 0, &stamp, &bulkhead.wake));
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kQueued);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadRace, AfterOneTooManyNobodyHidesAPermitAgain) {
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kFull);
  EXPECT_EQ(bulkhead.TryEnter(&stamp), Stepped<RacingCells>::Entry::kLook);
  EXPECT_EQ(bulkhead.InFlight(), 1u) << "it has looked, not added";
}

TEST_F(BulkheadRace, OnceHalfEmptyNobodyNeedsToLook) {
  Stepped<RacingCells> wide{BulkheadPolicy{.limit = 4}};
  for (int i = 0; i < 4; ++i) wide.TryAcquire();
  ASSERT_EQ(wide.TryAcquire(), Answer::kFull);
  wide.Release();
  wide.Release();
  wide.TryAcquire();
  EXPECT_EQ(wide.TryEnter(&stamp), Stepped<RacingCells>::Entry::kLook) << "2 were inside";
  wide.Release();
  wide.Release();
  EXPECT_EQ(wide.TryAcquire(), Answer::kGranted);
  EXPECT_EQ(wide.TryEnter(&stamp), Stepped<RacingCells>::Entry::kDone) << "1 was";
}

TEST_F(BulkheadRace, AReleaseOfNothingHidesNoPermitFromWhoQueuesMeanwhile) {
  // The count stands at -1 for an instant, which reads as full.
  bulkhead.Limit(2);
  EXPECT_EQ(bulkhead.InFlight(), 0u);
  const auto queue_meanwhile = [&] {
    ASSERT_EQ(bulkhead.InFlight(), UINT32_MAX);
    ASSERT_EQ(bulkhead.Queue({}, first), Answer::kQueued);
  };
  uint64_t before = 0;
  EXPECT_FALSE(bulkhead.TryLeave(0, &before));
  queue_meanwhile();
  EXPECT_FALSE(bulkhead.FinishLeave(0, before, 0, &bulkhead.wake));
  EXPECT_EQ(bulkhead.WaitPoll(first, 0), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadRace, AGrantThatRacesADepartureIsNotLost) {
  // Concurrency-limits #179: the waiter's time is up while its permit is on the way.
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  ASSERT_EQ(bulkhead.Queue({.deadline = 10}, first), Answer::kQueued);
  ASSERT_EQ(bulkhead.Queue({.deadline = 100}, second), Answer::kQueued);
  before_add = [&] { EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kTimedOut); };
  EXPECT_TRUE(bulkhead.Release(9));
  EXPECT_EQ(bulkhead.WaitPoll(second, 10), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
  EXPECT_TRUE(bulkhead.Release(10));
  EXPECT_EQ(bulkhead.InFlight(), 0u);
}

TEST_F(BulkheadRace, WaitersThatTimeOutForEverCostNoCapacity) {
  // Failsafe #393: a waiter that timed out stayed queued and swallowed a permit.
  for (hf_time now = 0; now < 100'000; now += 100) {
    ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted) << now;
    ASSERT_EQ(bulkhead.Queue({.deadline = now + 10}, first, now), Answer::kQueued);
    ASSERT_EQ(bulkhead.Queue({.deadline = now + 10}, second, now), Answer::kQueued);
    ASSERT_EQ(bulkhead.WaitPoll(first, now + 10), Answer::kTimedOut);
    ASSERT_TRUE(bulkhead.Release(now + 20));
    ASSERT_EQ(bulkhead.WaitPoll(second, now + 20), Answer::kTimedOut);
    ASSERT_EQ(bulkhead.InFlight(), 0u);
    ASSERT_EQ(bulkhead.Waiting(), 0u);
  }
}

}  // namespace
}  // namespace holdfast::engine
