// SPDX-License-Identifier: Apache-2.0
// The retry budget's engine: the published vectors of gRPC and userver, and both ends of the bucket.
#include "engine/budget.h"

#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(budget.Tokens(), 0u);
  // There, fifty successes refill exactly half and the fifty-first allows a retry. Here the failure is
  // charged before it asks, so the same edge lies one token higher.
  for (int i = 0; i < 60; ++i) budget.OnSuccess();
  EXPECT_FALSE(budget.OnFailure());
  for (int i = 0; i < 11; ++i) budget.OnSuccess();
  EXPECT_TRUE(budget.OnFailure());
}

TEST(Budget, StartsFull) { EXPECT_EQ(PlainBudget({7000, 100}).Tokens(), 7000u); }

TEST(Budget, ExactlyHalfIsNotEnoughForARetry) {
  PlainBudget budget({2000, 1});
  EXPECT_FALSE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 1000u);
}

TEST(Budget, HalfOfAnOddBudgetIsNotRoundedDown) {
  PlainBudget budget({2001, 1});
  EXPECT_TRUE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 1001u);
}

TEST(Budget, NeverFallsBelowZero) {
  PlainBudget budget({1500, 100});
  EXPECT_FALSE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 500u);
  EXPECT_FALSE(budget.OnFailure());
  EXPECT_EQ(budget.Tokens(), 0u);
}

TEST(Budget, NeverRisesAboveTheMaximum) {
  PlainBudget budget({1500, 1400});
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 1500u);
  (void)budget.OnFailure();
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 1500u);
}

TEST(Budget, ThousandthsAddUpExactly) {
  PlainBudget budget({10000, 1});
  (void)budget.OnFailure();
  for (int i = 0; i < 999; ++i) budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 9999u);
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 10000u);
}

TEST(Budget, InAFullOutageRetriesFadeOutAfterHalfOfTheTokens) {
  PlainBudget budget({100000, 100});
  int retries = 0;
  for (int i = 0; i < 10000; ++i) retries += budget.OnFailure() ? 1 : 0;
  EXPECT_EQ(retries, 49);
}

TEST(Budget, AnUpdateKeepsThePartThatIsLeft) {
  Budget<PlainCells> budget({10 * kOneToken, kOneToken});
  budget.Update({20 * kOneToken, kOneToken});
  EXPECT_EQ(budget.Tokens(), 20 * kOneToken) << "full stays full";
  for (int i = 0; i < 5; ++i) budget.OnFailure();
  budget.Update({4 * kOneToken, kOneToken / 2});
  EXPECT_EQ(budget.Tokens(), 3 * kOneToken) << "three quarters";
  EXPECT_FALSE(budget.IsFull());
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 3 * kOneToken + kOneToken / 2) << "by the new ratio";
  budget.OnSuccess();
  budget.OnSuccess();
  EXPECT_EQ(budget.Tokens(), 4 * kOneToken) << "and no further than the new maximum";
  EXPECT_TRUE(budget.IsFull());
}

}  // namespace
}  // namespace holdfast::engine
