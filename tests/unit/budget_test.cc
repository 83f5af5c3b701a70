// SPDX-License-Identifier: Apache-2.0
// The retry budget's engine: the published vectors of gRPC and userver, and both ends of the bucket.
#include "engine/budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/cells.h"

namespace holdfast::engine {
namespace {

using PlainBudget = Budget<PlainCells>;

struct Step {
  char event;  // F or S
  MilliTokens after;
  bool allowed;  // of F
};

// gRPC test/core/client_channel/retry_throttle_test.cc: max 4, ratio 1.6.
TEST(Budget, FollowsTheGrpcThrottleVector) {
  const Step steps[] = {
      {'F', 3000, true},  {'S', 4000, false}, {'F', 3000, true},  {'F', 2000, false},
      {'F', 1000, false}, {'F', 0, false},    {'F', 0, false},    {'S', 1600, false},
      {'S', 3200, false}, {'F', 2200, true},  {'F', 1200, false}, {'S', 2800, false},
      {'F', 1800, false}, {'S', 3400, false}, {'F', 2400, true},
  };
  PlainBudget budget({4000, 1600});
  int number = 0;
  for (const Step& step : steps) {
    ++number;
    if (step.event == 'F') {
      EXPECT_EQ(budget.OnFailure(), step.allowed) << number;
    } else {
      budget.OnSuccess();
    }
    EXPECT_EQ(budget.Tokens(), step.after) << number;
  }
}

// userver core/src/utils/retry_budget_test.cpp: max 10, ratio 0.1.
TEST(Budget, FollowsTheUserverVector) {
  PlainBudget budget({10000, 100});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(budget.OnFailure()) << i;
  EXPECT_FALSE(budget.OnFailure());
  for (int i = 0; i < 20; ++i) (void)budget.OnFailure();
  EXPECT_EQ(budget.Tokens(), 0);
  // There, fifty successes refill exactly half and the fifty-first allows a retry. Here the failure is
  // charged before it asks, so the same edge lies one token higher.
  for (int i = 0; i < 60; ++i) budget.OnSuccess();
  EXPECT_FALSE(budget.OnFailure());
  for (int i = 0; i < 11; ++i) budget.OnSuccess();
  EXPECT_TRUE(budget.OnFailure());
}

TEST(Budget, StartsFull) { EXPECT_EQ(PlainBudget({7000, 100}).Tokens(), 7000); }

TEST(Budget, ExactlyHalfIsNotEnoughForARetry) {
  PlainBudget budget({2000, 1});
  EXPECT_FALSE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 1000);
}

TEST(Budget, HalfOfAnOddBudgetIsNotRoundedDown) {
  PlainBudget budget({2001, 1});
  EXPECT_TRUE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 1001);
}

TEST(Budget, NeverFallsBelowZero) {
  PlainBudget budget({1500, 100});
  EXPECT_FALSE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 500);
  EXPECT_FALSE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 0);
}

TEST(Budget, NeverRisesAboveTheMaximum) {
  PlainBudget budget({1500, 1400});
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 1500);
  (void)budget.OnFailure();
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 1500);
}

TEST(Budget, ThousandthsAddUpExactly) {
  PlainBudget budget({10000, 1});
  (void)budget.OnFailure();
  for (int i = 0; i < 999; ++i) budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 9999);
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 10000);
}

TEST(Budget, InAFullOutageRetriesFadeOutAfterHalfOfTheTokens) {
  PlainBudget budget({100000, 100});
  int retries = 0;
  for (int i = 0; i < 10000; ++i) retries += budget.OnFailure() ? 1 : 0;
  EXPECT_EQ(retries, 49);
}

// gRPC retry_throttle_test.cc: a new configuration keeps the share that is left.
TEST(Budget, AnUpdateKeepsTheShareOfTokensAsGrpcDoes) {
  PlainBudget budget({4000, 1000});
  (void)budget.OnFailure();
  EXPECT_EQ(budget.Tokens(), 3000);
  budget.Update({10000, 3000}, 5);
  EXPECT_EQ(budget.Tokens(), 7500);
  const Step steps[] = {{'F', 6500, true},  {'F', 5500, true},  {'F', 4500, false},
                        {'F', 3500, false}, {'S', 6500, false}, {'F', 5500, true},
                        {'F', 4500, false}};
  for (const Step& step : steps) {
    if (step.event == 'F') {
      EXPECT_EQ(budget.OnFailure(), step.allowed);
    } else {
      budget.OnSuccess();
    }
    EXPECT_EQ(budget.Tokens(), step.after);
  }
  ASSERT_EQ(budget.journal().written(), 1u);
  EXPECT_EQ(budget.journal().Newest().kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(budget.journal().Newest().time, 5);
}

TEST(Budget, AFullBudgetStaysFullThroughUpdates) {
  PlainBudget budget({1000, 1});
  for (const MilliTokens max : {333000, 7, 1000000, 1001}) {
    budget.Update({max, 1}, 0);
    EXPECT_TRUE(budget.IsFull()) << max;
  }
  (void)budget.OnFailure();
  EXPECT_FALSE(budget.IsFull());
}

TEST(Budget, CountsWhatItAllowedAndRefused) {
  PlainBudget budget({4000, 1000});
  for (int i = 0; i < 5; ++i) (void)budget.OnFailure();
  EXPECT_EQ(budget.Allowed(), 1u);
  EXPECT_EQ(budget.Refused(), 4u);
}

// The steps of two threads, interleaved by hand: what each takes back is its own part.
TEST(Budget, ManyThreadsLeaveItWithinItsLimitsAndChargeEachFailureOnce) {
  constexpr int kThreads = 8, kSteps = 20000;
  Budget<abi::AtomicCells> budget({1000 * kOneToken, 250});
  std::vector<std::thread> threads;
  std::atomic<int64_t> allowed{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kSteps; ++i) {
        if ((i + t) % 5 == 0) {
          allowed += budget.OnFailure() ? 1 : 0;
        } else {
          budget.OnSuccess();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(budget.Tokens(), 0);
  EXPECT_LE(budget.Tokens(), 1000 * kOneToken);
  EXPECT_EQ(budget.Allowed(), static_cast<uint64_t>(allowed));
  EXPECT_EQ(budget.Allowed() + budget.Refused(), uint64_t{kThreads} * kSteps / 5);
}

TEST(Budget, OfManyThreadsThatFailAtOnceNoMoreRetryThanThereAreTokensFor) {
  constexpr int kThreads = 8;
  Budget<abi::AtomicCells> budget({100 * kOneToken, 1});
  std::vector<std::thread> threads;
  std::atomic<int> allowed{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) allowed += budget.OnFailure() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 49);
  EXPECT_EQ(budget.Tokens(), 0);
}

}  // namespace
}  // namespace holdfast::engine
