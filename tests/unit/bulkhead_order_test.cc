// SPDX-License-Identifier: Apache-2.0
// Who of those waiting is served first, and who is dropped or not even queued.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "unit/bulkhead_steps.h"

namespace holdfast::engine {
namespace {

// One permit, which passes from hand to hand; target 5, interval 100.
class BulkheadOrder : public ::testing::Test {
 protected:
  static BulkheadPolicy Policy(hf_bulkhead_order order) {
    return {.limit = 1,
            .queue = 100,
            .max_wait = HF_S,
            .order = order,
            .codel = {.target = 5, .interval = 100}};
  }

  void Start(hf_bulkhead_order order) {
    bulkhead.Update(Policy(order), 0, &bulkhead.wake);
    ASSERT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
  }

  void Come(size_t who, hf_time now) {
    ASSERT_EQ(bulkhead.Queue({}, waiters[who], now), Answer::kQueued);
  }

  // Makes the queue stand: served at 1000 and 1101 after waits of 50 and more.
  void LetItStand() {
    Come(0, 950);
    Come(1, 955);
    bulkhead.Release(1000);
    ASSERT_EQ(bulkhead.WaitPoll(waiters[0], 1000), Answer::kGranted);
    bulkhead.Release(1101);
    ASSERT_EQ(bulkhead.WaitPoll(waiters[1], 1101), Answer::kGranted);
    ASSERT_TRUE(bulkhead.Read().overloaded);
  }

  Plain bulkhead{Policy(HF_BULKHEAD_FIFO)};
  std::array<Waiter, 8> waiters;
};

TEST_F(BulkheadOrder, LifoServesTheOldestWhileTheQueueDoesNotStand) {
  Start(HF_BULKHEAD_LIFO);
  Come(0, 1);
  Come(1, 2);
  bulkhead.Release(3);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[0], 3), Answer::kGranted);
}

TEST_F(BulkheadOrder, LifoServesFreshWorkFirstWhileItStands) {
  Start(HF_BULKHEAD_LIFO);
  LetItStand();
  Come(2, 1102);
  Come(3, 1120);
  Come(4, 1130);
  bulkhead.Release(1140);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[4], 1140), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1140), Answer::kQueued) << "dropped by nobody";
  bulkhead.Release(1141);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[3], 1141), Answer::kGranted);
}

TEST_F(BulkheadOrder, LifoTurnsBackWhenTheQueueNoLongerStands) {
  Start(HF_BULKHEAD_LIFO);
  LetItStand();
  Come(2, 1150);
  bulkhead.Release(1151);  // an age of 1
  ASSERT_EQ(bulkhead.WaitPoll(waiters[2], 1151), Answer::kGranted);
  Come(3, 1160);
  Come(4, 1170);
  bulkhead.Release(1202);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[3], 1202), Answer::kGranted);
  EXPECT_FALSE(bulkhead.Read().overloaded);
}

TEST_F(BulkheadOrder, CodelDropsWhoWaitedTooLongWhileItStands) {
  Start(HF_BULKHEAD_CODEL);
  LetItStand();
  Come(2, 1105);
  Come(3, 1110);
  Come(4, 1117);
  bulkhead.Release(1121);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1121), Answer::kOverloaded);
  EXPECT_EQ(bulkhead.terms.retry_after, 100);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[3], 1121), Answer::kOverloaded);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[4], 1121), Answer::kGranted) << "it has waited for 4";
  EXPECT_EQ(bulkhead.Read().dropped, 2u);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1121), Answer::kNotWaiting);
}

TEST_F(BulkheadOrder, CodelKeepsWhoWaitedNoMoreThanTwiceTheTarget) {
  Start(HF_BULKHEAD_CODEL);
  LetItStand();
  Come(2, 1105);
  bulkhead.Release(1115);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1115), Answer::kGranted);
}

TEST_F(BulkheadOrder, FifoNeverDrops) {
  Start(HF_BULKHEAD_FIFO);
  for (size_t i = 0; i < 6; ++i) Come(i, 0);
  for (size_t i = 0; i < 6; ++i) {
    bulkhead.Release(1000 + 60 * static_cast<hf_time>(i));
    EXPECT_EQ(bulkhead.WaitPoll(waiters[i], 2000), Answer::kGranted);
  }
  EXPECT_FALSE(bulkhead.Read().overloaded) << "nor does it look";
}

TEST_F(BulkheadOrder, CodelLifoDropsTheOldAndServesTheNew) {
  Start(HF_BULKHEAD_CODEL_LIFO);
  LetItStand();
  Come(2, 1102);
  Come(3, 1110);
  Come(4, 1112);
  bulkhead.Release(1115);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1115), Answer::kOverloaded);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[4], 1115), Answer::kGranted);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[3], 1115), Answer::kQueued);
}

TEST_F(BulkheadOrder, AQueueThatIsDroppedWholeFreesThePermit) {
  Start(HF_BULKHEAD_CODEL);
  LetItStand();
  Come(2, 1102);
  Come(3, 1103);
  bulkhead.Release(1150);
  EXPECT_EQ(bulkhead.InFlight(), 0u);
  EXPECT_EQ(bulkhead.Waiting(), 0u);
  EXPECT_EQ(bulkhead.TryAcquire(), Answer::kGranted);
}

TEST_F(BulkheadOrder, ADroppedWaiterIsWokenAndMustBeAskedAgainUntilThen) {
  Start(HF_BULKHEAD_CODEL);
  LetItStand();
  hf_time until = 0;
  ASSERT_EQ(bulkhead.WaitStart(waiters[2], kWaker, HF_INFINITE, 1102, &until), Answer::kQueued);
  bulkhead.Release(1150);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1150), Answer::kWaking);
  EXPECT_EQ(bulkhead.WaitCancel(waiters[2], 1150, &bulkhead.wake), Answer::kWaking);
  ASSERT_EQ(bulkhead.wake.Pop(), &waiters[2]);
  bulkhead.WakeDone(waiters[2]);
  EXPECT_EQ(bulkhead.WaitPoll(waiters[2], 1150), Answer::kOverloaded);
}

TEST_F(BulkheadOrder, CancellingADroppedWaiterGivesNothingBack) {
  Start(HF_BULKHEAD_CODEL);
  LetItStand();
  Come(2, 1102);
  Come(3, 1149);
  bulkhead.Release(1150);
  EXPECT_EQ(bulkhead.WaitCancel(waiters[2], 1150, &bulkhead.wake), Answer::kNotWaiting);
  EXPECT_EQ(bulkhead.InFlight(), 1u);
}

TEST_F(BulkheadOrder, ThatItStandsAndThatItDoesNotAreEvents) {
  Start(HF_BULKHEAD_CODEL);
  LetItStand();
  EXPECT_EQ(bulkhead.journal().Newest().kind, HF_EVENT_KIND_STATE);
  EXPECT_EQ(bulkhead.journal().Newest().after, 1);
  Come(2, 1102);
  bulkhead.Release(1150);
  EXPECT_EQ(bulkhead.journal().Newest().kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(bulkhead.journal().Newest().reason, HF_R_BULKHEAD_OVERLOADED);
}

TEST_F(BulkheadOrder, TheMoreCriticalIsServedFirst) {
  Start(HF_BULKHEAD_FIFO);
  const std::array<uint32_t, 6> arrives = {3, 1, 0, 2, 1, 0};
  for (size_t i = 0; i < arrives.size(); ++i) {
    ASSERT_EQ(bulkhead.Queue({.criticality = arrives[i]}, waiters[i]), Answer::kQueued);
  }
  for (const size_t who : {2, 5, 1, 4, 3, 0}) {
    bulkhead.Release();
    EXPECT_EQ(bulkhead.WaitPoll(waiters[who], 0), Answer::kGranted) << who;
  }
}

TEST(BulkheadSamples, APolicyThatDoesNotAskForLatenciesKeepsNone) {
  Plain bulkhead(BulkheadPolicy{});
  for (int i = 0; i < 20; ++i) bulkhead.Learn(0, HF_VERDICT_SUCCESS, 100);
  EXPECT_EQ(bulkhead.Read().latency, 0);
}

// --- no time ------------------------------------------------------------------------------------------

// A limit of 2, a queue of 10, and calls that take 100.
class BulkheadNoTime : public ::testing::Test {
 protected:
  void Learn(int samples = 8, hf_verdict verdict = HF_VERDICT_SUCCESS) {
    for (int i = 0; i < samples; ++i) bulkhead.Learn(1000, verdict, 1100);
  }

  Plain bulkhead{BulkheadPolicy{.limit = 2, .queue = 10, .refuse_no_time = true}};
  std::array<Waiter, 4> waiters;
};

TEST_F(BulkheadNoTime, ColdItRefusesNobody) {
  Learn(7);
  bulkhead.Take({.deadline = 1});
  EXPECT_EQ(bulkhead.Take({.deadline = 1}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Queue({.deadline = 1}, waiters[0]), Answer::kQueued);
}

TEST_F(BulkheadNoTime, WhoWouldNotBeDoneInTimeIsRefusedAtOnce) {
  Learn();
  ASSERT_EQ(bulkhead.Take({}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Take({.deadline = 99}), Answer::kNoTime);
  EXPECT_EQ(bulkhead.terms.retry_after, 1) << "there is no queue: a longer deadline would do";
  EXPECT_EQ(bulkhead.Take({.deadline = 100}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Read().no_time, 1u);
}

TEST_F(BulkheadNoTime, TheWaitCountsByPlaceInLine) {
  Learn();
  bulkhead.Take({});
  bulkhead.Take({});
  EXPECT_EQ(bulkhead.Queue({.deadline = 149}, waiters[0]), Answer::kNoTime) << "50 and 100";
  EXPECT_EQ(bulkhead.terms.retry_after, 50);
  EXPECT_EQ(bulkhead.Queue({.deadline = 150}, waiters[0]), Answer::kQueued);
  EXPECT_EQ(bulkhead.Queue({.deadline = 199}, waiters[1]), Answer::kNoTime) << "100 and 100";
  EXPECT_EQ(bulkhead.Queue({.deadline = 200}, waiters[1]), Answer::kQueued);
  EXPECT_EQ(bulkhead.Queue({}, waiters[2]), Answer::kQueued) << "no deadline, no lack of time";
}

// Whoever stands at the end of a long queue with just the mean left is late every third time.
TEST_F(BulkheadNoTime, WhoHasToWaitIsGivenTimeForALongCall) {
  Learn();
  bulkhead.Learn(1000, HF_VERDICT_SUCCESS, 1900);  // mean 200, deviation 100
  ASSERT_EQ(bulkhead.Take({.deadline = 1}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Take({.deadline = 199}), Answer::kNoTime);
  EXPECT_EQ(bulkhead.Take({.deadline = 200}), Answer::kGranted) << "who enters is given the mean";
  EXPECT_EQ(bulkhead.Queue({.deadline = 499}, waiters[0]), Answer::kNoTime) << "100 and 200 + 200";
  EXPECT_EQ(bulkhead.Queue({.deadline = 500}, waiters[0]), Answer::kQueued);
}

TEST_F(BulkheadNoTime, OneIsAlwaysLetInSoThatItCanLearnBetter) {
  for (int i = 0; i < 20; ++i) bulkhead.Learn(0, HF_VERDICT_FAILURE, HF_S);
  EXPECT_EQ(bulkhead.Take({.deadline = 10}), Answer::kGranted);
  EXPECT_EQ(bulkhead.Take({.deadline = 10}), Answer::kNoTime);
}

TEST_F(BulkheadNoTime, IgnoredResultsAndBackwardClocksTeachNothing) {
  Learn(20, HF_VERDICT_IGNORED);
  for (int i = 0; i < 20; ++i) bulkhead.Learn(100, HF_VERDICT_SUCCESS, 99);
  EXPECT_EQ(bulkhead.Read().latency, 0);
  Learn(8, HF_VERDICT_SLOW);
  EXPECT_EQ(bulkhead.Read().latency, 100);
}

TEST_F(BulkheadNoTime, WhoFindsItFullIsToldHowLongItWillBe) {
  bulkhead.Update({.limit = 2, .refuse_no_time = true}, 0, &bulkhead.wake);
  Learn();
  bulkhead.Take({});
  bulkhead.Take({});
  EXPECT_EQ(bulkhead.Take({}), Answer::kFull);
  EXPECT_EQ(bulkhead.terms.retry_after, 50);
}

}  // namespace
}  // namespace holdfast::engine
