// SPDX-License-Identifier: Apache-2.0
// Matching against a reference that compares strings, on both storages; texts of few letters, so that
// half of the patterns fit half of the facts.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "abi/atomic_cells.h"
#include "engine/cells.h"
#include "engine/match.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

using model::Dice;

hf_str Str(const std::string& text) { return {text.data(), text.size()}; }

struct Patterns {
  std::string at[kMatchFacts];
  hf_match AsMatch() const { return {Str(at[0]), Str(at[1]), Str(at[2]), Str(at[3])}; }
  hf_facts AsFacts() const { return {Str(at[0]), Str(at[1]), Str(at[2]), Str(at[3])}; }
};

bool NaiveFits(const std::string& pattern, const std::string& fact) {
  if (pattern.empty()) return true;
  if (pattern.back() != '*') return pattern == fact;
  return fact.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

std::string Text(Dice& dice) {
  if (dice.Chance(25)) return "";
  static constexpr uint64_t kLengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 24, 127, 128};
  std::string text(dice.OneOf(kLengths), 'a');
  if (dice.Chance(30)) text[dice.Below(text.size())] = 'b';
  return text;
}

// A text, or one a little different from `near`.
std::string Pattern(Dice& dice, const std::string& near) {
  std::string text = dice.Chance(60) ? near : Text(dice);
  if (dice.Chance(20) && !text.empty()) text.pop_back();
  if (text.size() > HF_MATCH_MAX) text.resize(HF_MATCH_MAX);
  return dice.Chance(40) ? text + "*" : text;
}

template <typename Storage>
class MatchModel : public testing::Test {};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(MatchModel, Storages);

TYPED_TEST(MatchModel, AgreesWithComparingStrings) {
  const uint64_t schedules = model::Schedules(1'000'000);
  MatchCells<TypeParam>
      cells;  // stored over and over, so that nothing of an earlier rule may count
  uint64_t fitting = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    Dice dice(seed);
    Patterns facts, patterns;
    bool fits = true;
    for (size_t at = 0; at < kMatchFacts; ++at) {
      facts.at[at] = Text(dice);
      patterns.at[at] = dice.Chance(40) ? "" : Pattern(dice, facts.at[at]);
      fits = fits && NaiveFits(patterns.at[at], facts.at[at]);
    }
    Match match;
    ASSERT_EQ(CompileMatch(patterns.AsMatch(), &match).fault, MatchFault::kNone) << seed;
    cells.Store(match);
    ASSERT_EQ(cells.Fits(facts.AsFacts()), fits) << seed;
    ASSERT_EQ(match.Fits(facts.AsFacts()), fits) << seed;
    fitting += fits ? 1 : 0;
  }
  EXPECT_GT(fitting, schedules / 5) << "too few to mean anything";
  EXPECT_LT(fitting, schedules / 5 * 4);
}

}  // namespace
}  // namespace holdfast::engine
