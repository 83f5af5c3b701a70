// SPDX-License-Identifier: Apache-2.0
// What trips a breaker: count windows, time windows, runs, rates; by the published vectors of
// resilience4j and Polly that apply.
#include "engine/window.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "unit/breaker_machine.h"

namespace holdfast::engine {
namespace {

// --- what trips ---------------------------------------------------------------------------------------

// resilience4j CircuitBreakerStateMachineTest: 50 %, minimum 5.
TEST(Window, TheResultThatMakesTheRateCountMayBeASuccess) {
  Machine machine(ByRate(20, 5, 0.5));
  machine.Calls("EEES");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Call(kOk), HF_EVENT_BREAKER_OPENED);
  EXPECT_EQ(machine.Read().calls, 5u);
  EXPECT_EQ(machine.Read().failures, 3u);
  EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_OPEN);
  EXPECT_EQ(machine.Read().refused, 1u);
}

TEST(Window, StaysClosedAtFortyPerCentAndOpensAtFifty) {
  Machine machine(ByRate(20, 5, 0.5));
  machine.Calls("SSSEE");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  machine.Call(kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

struct RateRow {
  uint32_t calls, minimum, failures;
  double threshold;
  bool opens;
};

// Polly AdvancedCircuitBehaviorTests: (throughput, minimum, rate, threshold) and whether it breaks.
TEST(Window, FollowsThePollyRateTable) {
  const RateRow rows[] = {{10, 10, 0, 0.1, false},
                          {10, 10, 1, 0.1, true},
                          {10, 10, 2, 0.1, true},
                          {11, 10, 2, 0.1, true},
                          {9, 10, 1, 0.1, false}};
  for (const RateRow& row : rows) {
    Machine machine(ByRate(100, row.minimum, row.threshold));
    for (uint32_t i = 0; i < row.failures; ++i) machine.Call(kError);
    for (uint32_t i = row.failures; i < row.calls && machine.state() == HF_BREAKER_CLOSED; ++i) {
      machine.Call(kOk);
    }
    EXPECT_EQ(machine.state() == HF_BREAKER_OPEN, row.opens) << row.calls << " " << row.failures;
  }
}

TEST(Window, ARateIsReachedInExactDecimals) {
  for (const uint32_t failures : {7u, 14u, 28u, 29u, 57u, 58u}) {
    Machine machine(ByRate(100, 100, failures / 100.0));
    for (uint32_t i = failures; i < 100; ++i) machine.Call(kOk);
    for (uint32_t i = 1; i < failures; ++i) machine.Call(kError);
    EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED) << failures;
    machine.Call(kError);
    EXPECT_EQ(machine.state(), HF_BREAKER_OPEN) << failures;
  }
}

TEST(Window, TheCountWindowForgetsItsOldestResult) {
  Machine machine(ByRate(4, 4, 0.75));
  machine.Calls("EESS");
  EXPECT_EQ(machine.Read().failures, 2u);
  machine.Call(kOk);
  EXPECT_EQ(machine.Read().calls, 4u);
  EXPECT_EQ(machine.Read().failures, 1u);
  machine.Calls("EE");
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);  // S S E E
  machine.Call(kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);  // S E E E
}

TEST(Window, CountsAcrossEveryWordOfTheLargestWindow) {
  Machine machine(ByRate(kMaxWindowCalls, kMaxWindowCalls, 1));
  for (uint32_t i = 0; i < kMaxWindowCalls - 1; ++i) machine.Call(kError);
  EXPECT_EQ(machine.Read().failures, kMaxWindowCalls - 1);
  machine.Call(kOk);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  machine.Call(kError);  // replaces the oldest failure
  EXPECT_EQ(machine.Read().failures, kMaxWindowCalls - 1);
  for (uint32_t i = 1; i < kMaxWindowCalls; ++i) machine.Call(kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(Window, ConsecutiveFailuresTripBelowTheMinimum) {
  BreakerPolicy policy = ByRate(100, 100, 1);
  policy.consecutive_failures = 3;
  Machine machine(policy);
  machine.Calls("EESEE");
  EXPECT_EQ(machine.Read().consecutive, 2u);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  machine.Call(kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(Window, ASlowAnswerCountsAsASuccessForNow) {
  Machine machine(Touchy());
  EXPECT_EQ(machine.Call(HF_VERDICT_SLOW), 0u);
  EXPECT_EQ(machine.Read().calls, 1u);
  EXPECT_EQ(machine.Read().failures, 0u);
}

// After 2^40 results of one generation the numbers start low again, and every result keeps its place.
TEST(Window, TheCountWindowSurvivesItsOwnNumbers) {
  const Capacity room = Capacity::Of(ByRate(20, 20, 1), 1);
  std::vector<PlainCells::Cell<uint64_t>> cells(room.Cells());
  CountWindow<OneLane> window(cells.data(), room);
  window.Reset(/*tag=*/7, /*size=*/20);
  cells[0].Store(EmptyWord(7) | (CountWindow<OneLane>::kRenumberAt - 10));
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(window.Record(7, {i % 4 == 0, i % 5 == 0}).stale);
    if (i < 20) continue;
    EXPECT_EQ(window.Totals().calls, 20u);
    EXPECT_EQ(window.Totals().failures, 5u);
    EXPECT_EQ(window.Totals().slow, 4u);
  }
  EXPECT_LT(cells[0].Load(), EmptyWord(7) | CountWindow<OneLane>::kRenumberAt);
}

// --- the time window ------------------------------------------------------------------------------------

// resilience4j SlidingTimeWindowMetricsTest: 5 s in steps of 1 s.
TEST(Window, FollowsTheResilience4jSlidingTimeWindow) {
  TimedMachine machine(5 * HF_S, 5);
  machine.CallAt(0, kError);
  machine.CallAt(100 * HF_MS, kOk);
  machine.CallAt(200 * HF_MS, kOk);
  machine.CallAt(1200 * HF_MS, kOk);
  machine.CallAt(2200 * HF_MS, kOk);
  machine.CallAt(3200 * HF_MS, kError);
  machine.CallAt(4200 * HF_MS, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{7, 2}));
  machine.CallAt(5200 * HF_MS, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{5, 1}));
  machine.CallAt(6200 * HF_MS, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{5, 1}));
  machine.CallAt(11200 * HF_MS, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{1, 0}));
}

// The same test's second case: results leave although nothing new comes in.
TEST(Window, ASilentTimeWindowEmptiesByItself) {
  TimedMachine machine(5 * HF_S, 5);
  machine.CallAt(0, kError);
  machine.CallAt(100 * HF_MS, kOk);
  machine.CallAt(800 * HF_MS, kError);
  machine.SetNow(1000 * HF_S + 4800 * HF_MS);
  EXPECT_EQ(machine.Totals(), (Pair{3, 2}));
  machine.SetNow(1000 * HF_S + 5000 * HF_MS);
  EXPECT_EQ(machine.Totals(), (Pair{0, 0}));
}

// resilience4j loses its window for good after one step back of two seconds.
TEST(Window, AClockThatStepsBackLosesNoResults) {
  TimedMachine machine(60 * HF_S, 60);
  for (int i = 0; i < 1200; ++i) machine.CallAt(i * 50 * HF_MS, i % 10 == 0 ? kError : kOk);
  const Pair before = machine.Totals();
  EXPECT_EQ(before[0], 1200u);
  machine.CallAt(57 * HF_S, kError);
  EXPECT_EQ(machine.Totals(), (Pair{before[0] + 1, before[1] + 1}));
  machine.CallAt(59 * HF_S, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{before[0] + 2, before[1] + 1}));
}

TEST(Window, ATimeWindowTripsOnceEnoughResultsAreInIt) {
  TimedMachine machine(10 * HF_S, 10, 4, 0.5);
  machine.CallAt(0, kError);
  machine.CallAt(1 * HF_S, kError);
  machine.CallAt(2 * HF_S, kError);
  machine.CallAt(11 * HF_S, kOk);  // the first two have left
  machine.CallAt(11 * HF_S, kOk);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Totals(), (Pair{3, 1}));
  machine.CallAt(11 * HF_S, kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(Window, InATimeWindowASuccessCanFindTheRateTooHigh) {
  TimedMachine machine(10 * HF_S, 10, 4, 0.75);
  for (int i = 0; i < 4; ++i) machine.CallAt(0, kOk);
  for (int i = 0; i < 4; ++i) machine.CallAt(5 * HF_S, kError);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);  // 4 of 8
  machine.CallAt(10 * HF_S, kOk);                 // 4 of 5
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(Window, AfterALongSilenceNothingOldIsLeft) {
  TimedMachine machine(5 * HF_S, 5);
  for (int i = 0; i < 5; ++i) machine.CallAt(i * HF_S, kError);
  machine.CallAt(3600 * HF_S, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{1, 0}));
  machine.CallAt(3603 * HF_S, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{2, 0}));
}

TEST(Window, AClosedTimeWindowStartsEmpty) {
  TimedMachine machine(5 * HF_S, 5);
  machine.CallAt(0, kError);
  const hf_permit late = machine.Permit();
  machine.Force(HF_BREAKER_CLOSED);
  EXPECT_EQ(machine.Totals(), (Pair{0, 0}));
  EXPECT_EQ(machine.Record(late, kError), HF_EVENT_STRAGGLER);
  EXPECT_EQ(machine.Totals(), (Pair{0, 0}));
}

}  // namespace
}  // namespace holdfast::engine
