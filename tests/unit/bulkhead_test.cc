// SPDX-License-Identifier: Apache-2.0
// The bulkhead's engine, transition by transition, over plain storage.
#include "engine/bulkhead.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "unit/bulkhead_steps.h"

namespace holdfast::engine {
namespace {

// A full bulkhead of one, and those who queue for it.
class BulkheadOfOne : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted); }

  Answer Queue(Waiter& waiter, hf_time deadline = HF_INFINITE, hf_waker waker = kNoWaker) {
    return bulkhead.WaitStart(waiter, waker, deadline, 0, &until);
  }

  bool Release(hf_time now = 1) { return bulkhead.Release(now, &wake); }

  Plain bulkhead{BulkheadPolicy{.limit = 1, .queue = 3, .max_wait = 1000}};
  WakeList wake;
  hf_time until = 0;
  Waiter first, second, third, fourth;
};

TEST(Bulkhead, GrantsUpToTheLimitAndNoFurther) {
  Plain bulkhead(BulkheadPolicy{.limit = 2});
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kFull);
  EXPECT_EQ(bulkhead.InFlight(), 2u);
  EXPECT_EQ(bulkhead.Read().refused, 1u);
}

TEST(Bulkhead, AReleaseMakesRoom) {
  Plain bulkhead(BulkheadPolicy{.limit = 1});
  WakeList wake;
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  EXPECT_TRUE(bulkhead.Release(0, &wake));
  EXPECT_EQ(bulkhead.InFlight(), 0u);
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
}

TEST(Bulkhead, AReleaseOfNothingIsRefusedAndCountsNothing) {
  Plain bulkhead(BulkheadPolicy{.limit = 1});
  WakeList wake;
  EXPECT_FALSE(bulkhead.Release(0, &wake));
  EXPECT_EQ(bulkhead.InFlight(), 0u);
}

TEST(Bulkhead, WaitStartTakesAFreePermitAtOnce) {
  Plain bulkhead(BulkheadPolicy{.limit = 1, .queue = 1});
  Waiter waiter;
  hf_time until = 0;
  EXPECT_EQ(bulkhead.WaitStart(waiter, kNoWaker, 10, 0, &until), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
  EXPECT_EQ(bulkhead.Waiting(), 0u);
}

TEST(Bulkhead, WaitStartPastItsDeadlineTakesNothingEvenIfThereIsRoom) {
  Plain bulkhead(BulkheadPolicy{.limit = 1, .queue = 1});
  Waiter waiter;
  hf_time until = 0;
  EXPECT_EQ(bulkhead.WaitStart(waiter, kNoWaker, 10, 10, &until), Answer::kTimedOut);
  EXPECT_EQ(bulkhead.InFlight(), 0u);
  EXPECT_EQ(bulkhead.Read().timed_out, 1u);
}

TEST(Bulkhead, WithoutAQueueAFullOneRefusesAtOnce) {
  Plain bulkhead(BulkheadPolicy{.limit = 1, .queue = 0});
  Waiter waiter;
  hf_time until = 0;
  ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitStart(waiter, kNoWaker, HF_INFINITE, 0, &until), Answer::kFull);
  EXPECT_EQ(bulkhead.Read().refused, 1u);
}

TEST_F(BulkheadOfOne, TheQueueIsBounded) {
  EXPECT_EQ(Queue(first), Answer::kQueued);
  EXPECT_EQ(Queue(second), Answer::kQueued);
  EXPECT_EQ(Queue(third), Answer::kQueued);
  EXPECT_EQ(Queue(fourth), Answer::kFull);
  EXPECT_EQ(bulkhead.Waiting(), 3u);
}

TEST_F(BulkheadOfOne, AWaitIsBoundedByMaxWaitAndByItsDeadline) {
  Queue(first, HF_INFINITE);
  EXPECT_EQ(until, 1000);
  Queue(second, 400);
  EXPECT_EQ(until, 400);
}

TEST_F(BulkheadOfOne, PermitsGoToWaitersInOrderOfArrival) {
  Queue(first);
  Queue(second);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(second, 1), Answer::kQueued);
  EXPECT_EQ(bulkhead.WaitPoll(first, 1), Answer::kGranted);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(second, 1), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadOfOne, NobodyPassesAWaiter) {
  Queue(first);
  Release();
  // Handed over, not free: in between there is nothing to take.
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kFull);
  EXPECT_EQ(bulkhead.WaitPoll(first, 1), Answer::kGranted);
}

TEST_F(BulkheadOfOne, ALateWaiterIsPassedOverAndToldSo) {
  Queue(first, 10);
  Queue(second, 20);
  Release(10);
  EXPECT_EQ(bulkhead.WaitPoll(second, 10), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kTimedOut);
  EXPECT_EQ(bulkhead.Read().timed_out, 1u);
}

TEST_F(BulkheadOfOne, ThePermitComesFreeIfAllWaitersAreLate) {
  Queue(first, 10);
  Queue(second, 20);
  EXPECT_TRUE(Release(30));
  EXPECT_EQ(bulkhead.InFlight(), 0u);
  EXPECT_EQ(bulkhead.Waiting(), 0u);
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
}

TEST_F(BulkheadOfOne, APollAtTheDeadlineTimesOutAndLeavesTheQueue) {
  Queue(first, 10);
  EXPECT_EQ(bulkhead.WaitPoll(first, 9), Answer::kQueued);
  EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kTimedOut);
  EXPECT_EQ(bulkhead.Waiting(), 0u);
  EXPECT_EQ(bulkhead.WaitPoll(first, 11), Answer::kNotWaiting);
}

TEST_F(BulkheadOfOne, AGrantInTimeCountsEvenIfPolledTooLate) {
  Queue(first, 10);
  Release(9);
  EXPECT_EQ(bulkhead.WaitPoll(first, 50), Answer::kGranted);
}

TEST_F(BulkheadOfOne, ALeaverInTheMiddleClosesTheRanks) {
  Queue(first);
  Queue(second);
  Queue(third);
  EXPECT_EQ(bulkhead.WaitCancel(second, 1, &wake), Answer::kNotWaiting);
  EXPECT_EQ(bulkhead.Waiting(), 2u);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(first, 1), Answer::kGranted);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(third, 1), Answer::kGranted);
  Queue(fourth);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(fourth, 1), Answer::kGranted) << "the queue was left in disorder";
}

TEST_F(BulkheadOfOne, CancellingAGrantPassesThePermitOn) {
  Queue(first);
  Queue(second);
  Release();
  EXPECT_EQ(bulkhead.WaitCancel(first, 1, &wake), Answer::kNotWaiting);
  EXPECT_EQ(bulkhead.WaitPoll(second, 1), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadOfOne, CancellingTheLastGrantFreesThePermit) {
  Queue(first);
  Release();
  bulkhead.WaitCancel(first, 1, &wake);
  EXPECT_EQ(bulkhead.InFlight(), 0u);
}

TEST_F(BulkheadOfOne, CancelIsIdempotent) {
  Queue(first);
  bulkhead.WaitCancel(first, 1, &wake);
  EXPECT_EQ(bulkhead.WaitCancel(first, 1, &wake), Answer::kNotWaiting);
  EXPECT_EQ(bulkhead.Waiting(), 0u);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadOfOne, CancellingAnExpiredWaiterReleasesNothing) {
  Queue(first, 10);
  Queue(second, 100);
  Release(10);
  bulkhead.WaitCancel(first, 10, &wake);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
  EXPECT_EQ(bulkhead.WaitPoll(second, 10), Answer::kGranted);
}

TEST_F(BulkheadOfOne, WhoIsWokenIsAnAnswerInOrderWithTheLateFirst) {
  Queue(first, 10, kWaker);
  Queue(second, 20, kNoWaker);
  Queue(third, 100, kWaker);
  Release(30);
  EXPECT_EQ(wake.Pop(), &first);
  EXPECT_EQ(wake.Pop(), &third);
  EXPECT_EQ(wake.Pop(), nullptr);
}

TEST_F(BulkheadOfOne, WhileTheWakerRunsPollAndCancelMustAskAgain) {
  Queue(first, 100, kWaker);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(first, 1), Answer::kWaking);
  EXPECT_EQ(bulkhead.WaitCancel(first, 1, &wake), Answer::kWaking);
  bulkhead.WakeDone(*wake.Pop());
  EXPECT_EQ(bulkhead.WaitPoll(first, 1), Answer::kGranted);
}

TEST_F(BulkheadOfOne, ALateWaiterIsWokenTheSameWay) {
  Queue(first, 10, kWaker);
  Release(10);
  EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kWaking);
  EXPECT_EQ(bulkhead.WaitCancel(first, 10, &wake), Answer::kWaking);
  bulkhead.WakeDone(*wake.Pop());
  EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kTimedOut);
}

TEST_F(BulkheadOfOne, AWaiterCanBeUsedAgain) {
  Queue(first, 10);
  bulkhead.WaitPoll(first, 10);
  EXPECT_EQ(Queue(first), Answer::kQueued);
  Release();
  EXPECT_EQ(bulkhead.WaitPoll(first, 1), Answer::kGranted);
}

TEST_F(BulkheadOfOne, AClockThatStepsBackExpiresNobody) {
  bulkhead.WaitStart(first, kNoWaker, HF_INFINITE, 5000, &until);
  EXPECT_EQ(until, 6000);
  EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kQueued);
  Release(10);
  EXPECT_EQ(bulkhead.WaitPoll(first, 10), Answer::kGranted);
}

TEST_F(BulkheadOfOne, AWaitAtTheEndOfTimeDoesNotOverflow) {
  EXPECT_EQ(bulkhead.WaitStart(first, kNoWaker, HF_INFINITE, HF_INFINITE - 5, &until),
            Answer::kQueued);
  EXPECT_EQ(until, HF_INFINITE);
}

// --- what another thread does just before the lock is taken -----------------------------------------

std::function<void()> before_lock;

struct InterleavedCells : PlainCells {
  struct Mutex {
    void Lock() {
      if (before_lock) std::exchange(before_lock, nullptr)();
    }
    void Unlock() {}
  };
};

class Interleaved : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted); }
  void TearDown() override { before_lock = nullptr; }

  Stepped<InterleavedCells> bulkhead{BulkheadPolicy{.limit = 1, .queue = 1, .max_wait = 1000}};
  WakeList wake;
  hf_time until = 0;
  Waiter first, second;
};

TEST_F(Interleaved, APermitThatComesFreeBeforeOneQueuesIsTakenNotWaitedFor) {
  before_lock = [&] { bulkhead.Release(0, &wake); };
  EXPECT_EQ(bulkhead.WaitStart(first, kNoWaker, HF_INFINITE, 0, &until), Answer::kGranted);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
  EXPECT_EQ(bulkhead.Waiting(), 0u);
}

TEST_F(Interleaved, APlaceThatIsTakenMeanwhileIsNotGivenTwice) {
  before_lock = [&] { bulkhead.WaitStart(second, kNoWaker, HF_INFINITE, 0, &until); };
  EXPECT_EQ(bulkhead.WaitStart(first, kNoWaker, HF_INFINITE, 0, &until), Answer::kFull);
  EXPECT_EQ(bulkhead.Waiting(), 1u);
}

TEST_F(Interleaved, APermitForOneWhoHasJustLeftComesFree) {
  bulkhead.WaitStart(first, kNoWaker, HF_INFINITE, 0, &until);
  before_lock = [&] { bulkhead.WaitCancel(first, 0, &wake); };
  EXPECT_TRUE(bulkhead.Release(0, &wake));
  EXPECT_EQ(bulkhead.InFlight(), 0u);
}

TEST_F(Interleaved, TwoReleasesOfOnePermitTakeNothingBelowZero) {
  bulkhead.WaitStart(first, kNoWaker, HF_INFINITE, 0, &until);
  before_lock = [&] {
    bulkhead.WaitCancel(first, 0, &wake);
    EXPECT_FALSE(bulkhead.Release(0, &wake)) << "one permit was given back twice";
  };
  EXPECT_TRUE(bulkhead.Release(0, &wake));
  EXPECT_EQ(bulkhead.InFlight(), 0u);
}

}  // namespace
}  // namespace holdfast::engine
