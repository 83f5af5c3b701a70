// SPDX-License-Identifier: Apache-2.0
// The retry budget against a reference that counts in signed thousandths, on both storages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "abi/atomic_cells.h"
#include "engine/budget.h"
#include "engine/cells.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

struct NaiveBudget {
  int64_t max, ratio, tokens;

  bool OnFailure() {
    tokens -= 1000;
    if (tokens < 0) tokens = 0;
    return tokens > max - tokens;
  }
  void OnSuccess() {
    tokens += ratio;
    if (tokens > max) tokens = max;
  }
};

template <typename Storage>
class BudgetModel : public testing::Test {};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(BudgetModel, Storages);

TYPED_TEST(BudgetModel, AgreesWithTheNaiveBudget) {
  const uint64_t schedules = model::Schedules(1000000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    const int64_t max = dice.Between(1000, dice.Chance(50) ? 6000 : 1000000);
    const int64_t ratio = dice.Between(1, dice.Chance(50) ? 2000 : max);
    const uint64_t failing = dice.Below(100);
    NaiveBudget naive{max, std::min(ratio, max), max};
    Budget<TypeParam> budget(
        {static_cast<MilliTokens>(max), static_cast<MilliTokens>(naive.ratio)});
    for (int step = 0; step < 40; ++step) {
      if (dice.Chance(3)) {
        const int64_t next = dice.Between(1000, 1000000);
        naive.tokens = naive.tokens * next / naive.max;
        naive.max = next;
        naive.ratio = dice.Between(1, next);
        budget.Update({static_cast<MilliTokens>(next), static_cast<MilliTokens>(naive.ratio)},
                      step);
      } else if (dice.Chance(failing)) {
        ASSERT_EQ(budget.OnFailure(), naive.OnFailure());
      } else {
        budget.OnSuccess();
        naive.OnSuccess();
      }
      ASSERT_EQ(static_cast<int64_t>(budget.Tokens()), naive.tokens);
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
