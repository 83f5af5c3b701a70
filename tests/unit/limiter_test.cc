// SPDX-License-Identifier: Apache-2.0
// The limiter's engine: each row of its table, exact arithmetic at both ends, and what peers get wrong.
#include "engine/limiter.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/cells.h"
#include "unit/limiter_machine.h"

namespace holdfast::engine {
namespace {

constexpr hf_time kStart = 1000 * HF_S;
constexpr hf_duration kDay = 24 * 3600 * HF_S;

LimiterPolicy Policy(uint32_t permits, uint32_t burst, hf_duration period = HF_S,
                     hf_duration max_wait = HF_S) {
  return {period, max_wait, permits, burst};
}

TEST(Limiter, StartsFullAndIsRefilledAtTheRate) {
  LimiterMachine machine(Policy(10, 5));
  EXPECT_EQ(machine.Drain(kStart), 5);
  EXPECT_EQ(machine.RefusedFor(1, kStart), 100 * HF_MS);
  EXPECT_FALSE(machine.Try(1, kStart + 100 * HF_MS - 1));
  EXPECT_TRUE(machine.Try(1, kStart + 100 * HF_MS));
  EXPECT_FALSE(machine.Try(1, kStart + 100 * HF_MS));
  EXPECT_EQ(machine.Drain(kStart + HF_S), 5) << "nine have flowed in, four of them over the brim";
}

TEST(Limiter, TheOriginOfTimeMayBeZero) {
  LimiterMachine machine(Policy(10, 5));
  EXPECT_EQ(machine.Drain(0), 5);
  EXPECT_EQ(machine.RefusedFor(1, 0), 100 * HF_MS);
}

TEST(Limiter, RetryAfterIsExactForEachCost) {
  LimiterMachine machine(Policy(7, 100));  // a seventh of a second is no number of nanoseconds
  ASSERT_TRUE(machine.Try(100, kStart));
  for (uint32_t cost = 1; cost <= 100; ++cost) {
    const hf_duration wait = machine.RefusedFor(cost, kStart);
    EXPECT_EQ(wait, (cost * HF_S + 6) / 7) << cost;
    LimiterMachine other(Policy(7, 100));
    ASSERT_TRUE(other.Try(100, kStart));
    EXPECT_FALSE(other.Try(cost, kStart + wait - 1)) << cost;
    EXPECT_TRUE(other.Try(cost, kStart + wait)) << cost;
  }
}

TEST(Limiter, ARateThatDividesNothingDoesNotDrift) {
  LimiterMachine machine(Policy(999999937, 1000));
  hf_time now = kStart;
  ASSERT_TRUE(machine.Try(1000, now));
  uint64_t granted = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    now += 7;
    granted += machine.Drain(now);
  }
  EXPECT_EQ(granted, uint64_t{14'000'000} * 999999937 / 1'000'000'000);
}

TEST(Limiter, OneADayAndOneANanosecondAreBothExact) {
  LimiterMachine slow(Policy(1, 1'000'000'000, kDay));
  ASSERT_TRUE(slow.Try(1'000'000'000, kStart));
  EXPECT_EQ(slow.RefusedFor(1, kStart), kDay);
  EXPECT_EQ(slow.RefusedFor(2, kStart + 5), 2 * kDay - 5);
  EXPECT_EQ(slow.RefusedFor(1'000'000'000, kStart), HF_INFINITE - kStart) << "beyond all time";
  LimiterMachine fast(Policy(1'000'000'000, 1'000'000'000));
  ASSERT_TRUE(fast.Try(1'000'000'000, kStart));
  EXPECT_EQ(fast.RefusedFor(1, kStart), 1);
  EXPECT_EQ(fast.RefusedFor(1'000'000'000, kStart), HF_S);
  EXPECT_TRUE(fast.Try(1'000'000'000, HF_INFINITE - 1));
}

TEST(Limiter, ACostOfNothingOrOfMoreThanABurstIsNotARefusal) {
  LimiterMachine machine(Policy(10, 5));
  Ticket ticket;
  EXPECT_EQ(machine.limiter.Take(0, 0, kStart, &ticket), LimiterAnswer::kTooDear);
  EXPECT_EQ(machine.limiter.Take(6, 0, kStart, &ticket), LimiterAnswer::kTooDear);
  EXPECT_EQ(machine.limiter.Read(kStart).refused, 0u);
  EXPECT_TRUE(machine.Try(5, kStart));
}

// --- Reservations --------------------------------------------------------------------------------------

TEST(Limiter, AReservationIsADebtAndNobodyPassesIt) {
  LimiterMachine machine(Policy(10, 5));
  ASSERT_TRUE(machine.Try(5, kStart));
  EXPECT_EQ(machine.Reserve(3, kStart), 300 * HF_MS);
  EXPECT_EQ(machine.Tokens(kStart), -3);
  EXPECT_EQ(machine.RefusedFor(1, kStart), 400 * HF_MS);
  EXPECT_EQ(machine.Reserve(2, kStart + 100 * HF_MS), 400 * HF_MS);
  EXPECT_EQ(machine.limiter.Read(kStart).reserved, 2u);
}

// Resilience4j sleeps the whole timeout and then says no.
TEST(Limiter, FailsAtOnceWhenTheWaitWouldBeTooLong) {
  LimiterMachine machine(Policy(10, 5, HF_S, 250 * HF_MS));
  ASSERT_TRUE(machine.Try(5, kStart));
  EXPECT_EQ(machine.Reserve(3, kStart), -1);
  EXPECT_EQ(machine.ticket.at, kStart + 300 * HF_MS);
  EXPECT_EQ(machine.Tokens(kStart), 0) << "a refusal takes nothing";
  EXPECT_EQ(machine.Reserve(2, kStart), 200 * HF_MS);
}

TEST(Limiter, FailsAtOnceWhenTheDeadlineComesFirst) {
  LimiterMachine machine(Policy(10, 5));
  ASSERT_TRUE(machine.Try(5, kStart));
  EXPECT_EQ(machine.Reserve(2, kStart, kStart + 200 * HF_MS), -1)
      << "at the deadline it is too late";
  EXPECT_EQ(machine.Reserve(2, kStart, kStart + 200 * HF_MS + 1), 200 * HF_MS);
}

TEST(Limiter, MaxWaitItselfIsNotTooLong) {
  LimiterMachine machine(Policy(10, 5, HF_S, 200 * HF_MS));
  ASSERT_TRUE(machine.Try(5, kStart));
  EXPECT_EQ(machine.Reserve(2, kStart), 200 * HF_MS);
}

// --- Refunds -------------------------------------------------------------------------------------------

// Resilience4j's AtomicRateLimiterTest.waitingThreadIsInterrupted asserts that the permit stays lost.
TEST(Limiter, ACancelledReservationIsNotLost) {
  LimiterMachine machine(Policy(10, 1));
  ASSERT_TRUE(machine.Try(1, kStart));
  EXPECT_EQ(machine.Reserve(1, kStart), 100 * HF_MS);
  const Ticket waiting = machine.ticket;
  EXPECT_TRUE(machine.limiter.Cancel(waiting, kStart + HF_MS));
  EXPECT_EQ(machine.RefusedFor(1, kStart + HF_MS), 99 * HF_MS) << "as if it had never been";
  EXPECT_EQ(machine.limiter.Read(kStart).refunded, 1u);
  EXPECT_EQ(machine.limiter.Read(kStart).granted, 1u);
}

TEST(Limiter, CancellingNewestFirstIsExactAllTheWayBack) {
  LimiterMachine machine(Policy(10, 1, HF_S, 10 * HF_S));
  ASSERT_TRUE(machine.Try(1, kStart));
  Ticket tickets[20];
  for (Ticket& ticket : tickets) {
    ASSERT_GE(machine.Reserve(1, kStart), 0);
    ticket = machine.ticket;
  }
  for (int i = 19; i >= 0; --i) EXPECT_TRUE(machine.limiter.Cancel(tickets[i], kStart));
  EXPECT_EQ(machine.Tokens(kStart), 0);
  EXPECT_EQ(machine.limiter.Read(kStart).refunded, 20u);
}

// With a burst of one, a refunded middle place would put two calls on the same instant.
TEST(Limiter, AnOlderReservationThanABurstIsLostRatherThanMinted) {
  LimiterMachine machine(Policy(10, 1, HF_S, 10 * HF_S));
  ASSERT_TRUE(machine.Try(1, kStart));
  EXPECT_EQ(machine.Reserve(1, kStart), 100 * HF_MS);
  const Ticket middle = machine.ticket;
  EXPECT_EQ(machine.Reserve(1, kStart), 200 * HF_MS);
  EXPECT_TRUE(machine.limiter.Cancel(middle, kStart));
  EXPECT_EQ(machine.limiter.Read(kStart).refunded, 0u);
  EXPECT_EQ(machine.Reserve(1, kStart), 300 * HF_MS) << "not 200 ms, where another goes already";
}

TEST(Limiter, WithinABurstAnOlderReservationComesBackInFull) {
  LimiterMachine machine(Policy(10, 6));
  ASSERT_TRUE(machine.Try(6, kStart));
  EXPECT_EQ(machine.Reserve(3, kStart), 300 * HF_MS);
  const Ticket older = machine.ticket;
  EXPECT_EQ(machine.Reserve(3, kStart), 600 * HF_MS);
  EXPECT_TRUE(machine.limiter.Cancel(older, kStart));
  EXPECT_EQ(machine.Tokens(kStart), -3);
  EXPECT_EQ(machine.limiter.Read(kStart).refunded, 3u);
  EXPECT_EQ(machine.limiter.Read(kStart).granted, 9u);
}

TEST(Limiter, ALateRefundIsCutAtTheBrim) {
  LimiterMachine machine(Policy(10, 10));
  EXPECT_EQ(machine.Reserve(4, kStart), 0);
  const Ticket unused = machine.ticket;
  EXPECT_TRUE(machine.limiter.Cancel(unused, kStart + HF_S));
  EXPECT_EQ(machine.Tokens(kStart + HF_S), 10);
  EXPECT_EQ(machine.Drain(kStart + HF_S), 10);
}

TEST(Limiter, ARefundOfWhatHasLongFlownBackInMintsNothing) {
  LimiterMachine machine(Policy(10, 10));
  EXPECT_EQ(machine.Reserve(4, kStart), 0);
  const Ticket unused = machine.ticket;
  EXPECT_TRUE(machine.Try(3, kStart + 10 * HF_S));
  EXPECT_TRUE(machine.limiter.Cancel(unused, kStart + 10 * HF_S));
  EXPECT_EQ(machine.Tokens(kStart + 10 * HF_S), 7);
}

TEST(Limiter, WhatWasNeverReservedIsNotCancelled) {
  LimiterMachine machine(Policy(10, 10));
  ASSERT_TRUE(machine.Try(2, kStart));
  EXPECT_FALSE(machine.limiter.Cancel({5 * kToken, kStart, 1}, kStart));
  EXPECT_FALSE(machine.limiter.Cancel({0, kStart, 0}, kStart));
  EXPECT_EQ(machine.Tokens(kStart), 8);
}

// --- Time ----------------------------------------------------------------------------------------------

// aws-sdk-cpp takes the absolute value of a difference of wall-clock times.
TEST(Limiter, AStepBackOfTheClockMintsNothing) {
  LimiterMachine machine(Policy(10, 5));
  ASSERT_EQ(machine.Drain(kStart), 5);
  EXPECT_EQ(machine.Drain(kStart - 500 * HF_S), 0);
  EXPECT_EQ(machine.Drain(kStart), 0);
  EXPECT_EQ(machine.Drain(0), 0);
  EXPECT_EQ(machine.Drain(kStart + 100 * HF_MS), 1) << "nor does it take any away";
}

TEST(Limiter, AStepBackOfTheClockDoesNotStarveAFullBucket) {
  LimiterMachine machine(Policy(10, 5));
  ASSERT_TRUE(machine.Try(1, kStart));
  EXPECT_EQ(machine.Drain(kStart - HF_S), 4);
}

// A take by addition leaves no date. Were it taken for one of the lagging caller's time, what flowed over before
// it would count as flowed in.
TEST(Limiter, ACallerWhoseClockLagsBehindOthersMintsNothing) {
  LimiterMachine machine(Policy(1000, 2560));  // a window is 10 ms and ten tokens
  ASSERT_TRUE(machine.Try(1, kStart));
  ASSERT_TRUE(machine.Try(2559, kStart + 9 * HF_MS));
  ASSERT_TRUE(machine.Try(1, kStart + HF_MS));
  EXPECT_EQ(machine.Drain(kStart + 10 * HF_MS), 0);
}

// --- What peers get wrong ------------------------------------------------------------------------------

// tower's RateLimit, and each limiter that counts per window, admits two bursts at the edge of a window.
TEST(Limiter, NoTwoBurstsMeetAtAnEdge) {
  for (hf_duration offset = 0; offset < HF_S; offset += 7 * HF_MS) {
    LimiterMachine machine(Policy(10, 10));
    int admitted = machine.Drain(kStart + offset);
    admitted += machine.Drain(kStart + offset + HF_MS);
    admitted += machine.Drain(kStart + offset + 2 * HF_MS);
    EXPECT_EQ(admitted, 10) << offset;
  }
}

// tower-resilience #363 and cadence PR 6030: more were admitted than configured under a steady stream.
TEST(Limiter, ASteadyStreamGetsTheRateAndNoMore) {
  LimiterMachine machine(Policy(1000, 10));
  int admitted = 0;
  for (hf_time now = kStart; now < kStart + 10 * HF_S; now += 333333) {
    admitted += machine.Try(1, now) ? 1 : 0;
  }
  EXPECT_EQ(admitted, 10 + 9999);
}

// dotnet/runtime #77180: a cancel in the queue left the count wrong.
TEST(Limiter, CancellingInTheQueueLeavesTheQueueRight) {
  LimiterMachine machine(Policy(10, 2));
  ASSERT_TRUE(machine.Try(2, kStart));
  EXPECT_EQ(machine.Reserve(1, kStart), 100 * HF_MS);
  const Ticket first = machine.ticket;
  EXPECT_EQ(machine.Reserve(1, kStart), 200 * HF_MS);
  EXPECT_TRUE(machine.limiter.Cancel(first, kStart));
  EXPECT_EQ(machine.Reserve(1, kStart), 200 * HF_MS) << "its place goes to the next, in one burst";
  EXPECT_EQ(machine.Reserve(1, kStart), 300 * HF_MS);
}

// --- Resilience4j's AtomicRateLimiterTest -----------------------------------------------------------------

// reservePermissionsUpfront: 3 per 10 ms, timeout 12 ms. There a cycle gives its three permits at its start, so
// the next three wait until then. Here tokens flow evenly, so that the waits are 1/3, 2/3 and 3/3 of a
// cycle; the sum of what is admitted at each cycle's start is the same, and never more in between.
TEST(Limiter, ReservesUpfrontAsResilience4jDoesButEvenly) {
  constexpr hf_duration kCycle = 10 * HF_MS;
  LimiterMachine machine(Policy(3, 3, kCycle, 12 * HF_MS));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(machine.Reserve(1, kStart), 0);
  EXPECT_EQ(machine.Reserve(1, kStart + 4), (kCycle + 2) / 3 - 4);
  EXPECT_EQ(machine.Reserve(1, kStart + 5), (2 * kCycle + 2) / 3 - 5);
  EXPECT_EQ(machine.Reserve(1, kStart + 6), kCycle - 6) << "c - 6, as there";
  for (hf_duration i = 7; i <= 9; ++i) {
    EXPECT_EQ(machine.Reserve(1, kStart + i), -1);
    EXPECT_EQ(machine.ticket.at, kStart + (4 * kCycle + 2) / 3);
  }
}

// The same vector with one ask for all three: a cycle is then one token, and the waits are the same.
TEST(Limiter, WithOnePermitACycleTheWaitsAreThoseOfResilience4j) {
  constexpr hf_duration kCycle = 250 * HF_MS;
  LimiterMachine machine(Policy(1, 1, kCycle, 2 * kCycle));
  EXPECT_EQ(machine.Reserve(1, kStart), 0);
  EXPECT_EQ(machine.Reserve(1, kStart), kCycle);
  EXPECT_EQ(machine.Reserve(1, kStart), 2 * kCycle);
  EXPECT_EQ(machine.Reserve(1, kStart), -1);
  EXPECT_EQ(machine.Tokens(kStart + 6 * kCycle + 10), 1);
}

// There: limit 1 -> 2 with one outstanding, the next waits one cycle. Here it waits as long; the rate being two
// a cycle now, the debt of one is paid after half of it, and its own token is there at the end.
TEST(Limiter, AfterARaiseTheDebtIsPaidFirst) {
  constexpr hf_duration kCycle = 250 * HF_MS;
  LimiterMachine machine(Policy(1, 1, kCycle, 2 * kCycle));
  EXPECT_EQ(machine.Reserve(1, kStart), 0);
  EXPECT_EQ(machine.Reserve(1, kStart), kCycle);
  machine.limiter.Update(Policy(2, 2, kCycle, 2 * kCycle), 0, 3, 1, kStart);
  EXPECT_EQ(machine.Tokens(kStart), -1);
  EXPECT_EQ(machine.Reserve(1, kStart), kCycle);
}

// --- Update --------------------------------------------------------------------------------------------

TEST(Limiter, AnUpdateScalesTheLevelAndKeepsCounts) {
  LimiterMachine machine(Policy(10, 10));
  ASSERT_TRUE(machine.Try(4, kStart));
  machine.limiter.Update(Policy(5, 5), 0, 3, 1, kStart);
  EXPECT_EQ(machine.Tokens(kStart), 3);
  machine.limiter.Update(Policy(100, 100), 0, 3, 2, kStart);
  EXPECT_EQ(machine.Tokens(kStart), 60);
  EXPECT_EQ(machine.RefusedFor(100, kStart), 400 * HF_MS);
  EXPECT_EQ(machine.limiter.Read(kStart).granted, 4u);
  EXPECT_EQ(machine.Tokens(kStart + HF_S), 100);
}

TEST(Limiter, AShrinkUnderReservationsKeepsTheirTimesAndMintsNothing) {
  LimiterMachine machine(Policy(10, 10, HF_S, 10 * HF_S));
  ASSERT_EQ(machine.Reserve(10, kStart), 0);
  ASSERT_EQ(machine.Reserve(10, kStart), HF_S);
  const Ticket dear = machine.ticket;  // of more than the burst to come
  machine.limiter.Update(Policy(2, 2, HF_S, 10 * HF_S), 0, 3, 1, kStart);
  EXPECT_EQ(machine.Tokens(kStart), -10) << "the debt stays, and is paid at the new rate";
  EXPECT_EQ(machine.Reserve(2, kStart), 6 * HF_S);
  ASSERT_TRUE(machine.limiter.Cancel(machine.ticket, kStart));
  ASSERT_TRUE(machine.limiter.Cancel(dear, kStart));
  EXPECT_EQ(machine.Tokens(kStart), 0);
  EXPECT_EQ(machine.Drain(kStart + 100 * HF_S), 2) << "never more than the new burst";
}

TEST(Limiter, AnUpdateOfAFullBucketLeavesItFull) {
  LimiterMachine machine(Policy(10, 10));
  ASSERT_TRUE(machine.Try(1, kStart));
  machine.limiter.Update(Policy(10, 3), 0, 3, 1, kStart + HF_S);
  EXPECT_EQ(machine.Drain(kStart + HF_S), 3);
}

TEST(Limiter, TellsItsJournalWhatItRefusedAndThatItChanged) {
  LimiterMachine machine(Policy(10, 5));
  ASSERT_TRUE(machine.Try(5, kStart));
  EXPECT_EQ(machine.limiter.Events().written(), 0u);
  EXPECT_FALSE(machine.Try(3, kStart));
  const hf_event& refused = machine.limiter.Events().Newest();
  EXPECT_EQ(refused.kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(refused.reason, HF_R_RATE_LIMITED);
  EXPECT_EQ(refused.after, 3);
  EXPECT_EQ(refused.time, kStart);
  machine.limiter.Update(Policy(5, 5), 0, 3, 7, kStart);
  EXPECT_EQ(machine.limiter.Events().Newest().kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(machine.limiter.Events().Newest().after, 7);
}

// --- Idle ----------------------------------------------------------------------------------------------

TEST(Limiter, IsIdleOnceFullAndNeverInDebt) {
  LimiterMachine machine(Policy(10, 5));
  EXPECT_TRUE(machine.limiter.IsIdle(kStart));
  ASSERT_TRUE(machine.Try(5, kStart));
  EXPECT_EQ(machine.Reserve(5, kStart), 500 * HF_MS);
  EXPECT_FALSE(machine.limiter.IsIdle(kStart + 500 * HF_MS));
  EXPECT_FALSE(machine.limiter.IsIdle(kStart + HF_S - 1));
  EXPECT_TRUE(machine.limiter.IsIdle(kStart + HF_S));
}

}  // namespace
}  // namespace holdfast::engine
