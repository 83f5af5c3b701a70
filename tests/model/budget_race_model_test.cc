// SPDX-License-Identifier: Apache-2.0
// An update of the retry budget and the steps of another thread, at each point where the two can meet: what
// is left is what one after the other would leave, in one order or the other.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "engine/budget.h"
#include "model/interrupted_cells.h"

namespace holdfast::engine {
namespace {

using RacedBudget = Budget<model::InterruptedCells>;
using Step = std::function<void(RacedBudget&)>;

constexpr BudgetPolicy kWide{10 * kOneToken, 700};
constexpr BudgetPolicy kNarrow{4 * kOneToken, 700};

// Whether each step moves the tokens by its own part, as it does if they are within their limits at rest.
void ExpectSoundAtRest(RacedBudget& budget) {
  const MilliTokens max = budget.policy().max;
  MilliTokens tokens = budget.Tokens();
  for (int i = 0; i < 12; ++i) {
    (void)budget.OnFailure();
    tokens = std::max(tokens - kOneToken, 0);
    ASSERT_EQ(budget.Tokens(), tokens) << "above the maximum at rest";
  }
  budget.OnSuccess();
  ASSERT_EQ(budget.Tokens(), std::min(tokens + 700, max)) << "below zero at rest";
}

MilliTokens LeftAfter(const BudgetPolicy& from, int charged, const Step& first,
                      const Step& second) {
  RacedBudget budget(from);
  for (int i = 0; i < charged; ++i) (void)budget.OnFailure();
  first(budget);
  second(budget);
  return budget.Tokens();
}

void ExpectOneAfterTheOther(const BudgetPolicy& from, int charged, const Step& main,
                            const Step& rival) {
  const MilliTokens one = LeftAfter(from, charged, main, rival);
  const MilliTokens other = LeftAfter(from, charged, rival, main);
  bool met = true;
  for (int k = 0; met; ++k) {
    SCOPED_TRACE(testing::Message() << charged << " charged, met at " << k);
    RacedBudget budget(from);
    for (int i = 0; i < charged; ++i) (void)budget.OnFailure();
    met = model::InterruptedCells::Interrupt(k, [&] { main(budget); }, [&] { rival(budget); });
    if (!met) break;
    const MilliTokens left = budget.Tokens();
    EXPECT_TRUE(left == one || left == other) << left << ", not " << one << " or " << other;
    ExpectSoundAtRest(budget);
  }
}

Step UpdateTo(const BudgetPolicy& policy) {
  return [policy](RacedBudget& budget) { budget.Update(policy, 0); };
}
Step Failures(int count) {
  return [count](RacedBudget& budget) {
    for (int i = 0; i < count; ++i) (void)budget.OnFailure();
  };
}
Step Successes(int count) {
  return [count](RacedBudget& budget) {
    for (int i = 0; i < count; ++i) budget.OnSuccess();
  };
}

TEST(BudgetRace, ChargesThatMeetAnUpdateAreKeptAndNeverLeaveLessThanNothing) {
  for (int charged = 0; charged <= 10; ++charged) {
    for (const int failures : {1, 3, 8}) {
      ExpectOneAfterTheOther(kWide, charged, UpdateTo(kNarrow), Failures(failures));
      ExpectOneAfterTheOther(kNarrow, charged, UpdateTo(kWide), Failures(failures));
    }
  }
}

TEST(BudgetRace, RewardsThatMeetAnUpdateNeverLeaveMoreThanTheMaximum) {
  for (int charged = 0; charged <= 10; ++charged) {
    for (const int successes : {1, 3, 8}) {
      ExpectOneAfterTheOther(kWide, charged, UpdateTo(kNarrow), Successes(successes));
      ExpectOneAfterTheOther(kNarrow, charged, UpdateTo(kWide), Successes(successes));
    }
  }
}

TEST(BudgetRace, AnUpdateThatMeetsAStepKeepsWhatTheStepHasYetToTakeBack) {
  for (int charged = 0; charged <= 10; ++charged) {
    for (const Step& step : {Failures(1), Successes(1)}) {
      ExpectOneAfterTheOther(kWide, charged, step, UpdateTo(kNarrow));
      ExpectOneAfterTheOther(kNarrow, charged, step, UpdateTo(kWide));
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
