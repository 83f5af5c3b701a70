// SPDX-License-Identifier: Apache-2.0
// Matching: what a pattern means, at every length around a word and around the limit.
#include "engine/match.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

// Whether `pattern` means the operation `fact`.
bool Means(std::string_view pattern, std::string_view fact) {
  hf_match match{};
  match.operation = Str(pattern);
  hf_facts facts{};
  facts.operation = Str(fact);
  Match compiled;
  EXPECT_EQ(CompileMatch(match, &compiled).fault, MatchFault::kNone) << pattern;
  MatchCells<PlainCells> cells;
  cells.Store(compiled);
  EXPECT_EQ(cells.Fits(facts), compiled.Fits(facts)) << pattern << " " << fact;
  return compiled.Fits(facts);
}

MatchFault FaultOf(std::string_view pattern) {
  hf_match match{};
  match.operation = Str(pattern);
  Match compiled;
  return CompileMatch(match, &compiled).fault;
}

TEST(Match, WithoutPatternsMeansEveryCall) {
  const Match all;
  EXPECT_EQ(all.shape, kMeansAll);
  EXPECT_EQ(all.used(), 0u);
  EXPECT_TRUE(all.Fits(hf_facts{}));
  Match compiled;
  compiled.shape = 0;
  EXPECT_EQ(CompileMatch(hf_match{}, &compiled).fault, MatchFault::kNone);
  EXPECT_EQ(compiled.shape, kMeansAll);
}

TEST(Match, AStarAloneIsTheSameAsNothing) {
  EXPECT_TRUE(Means("*", ""));
  EXPECT_TRUE(Means("*", "charge"));
  EXPECT_TRUE(Means("", ""));
  EXPECT_TRUE(Means("", "charge"));
}

TEST(Match, ExactIsExact) {
  EXPECT_TRUE(Means("charge", "charge"));
  EXPECT_FALSE(Means("charge", "charges"));
  EXPECT_FALSE(Means("charge", "charg"));
  EXPECT_FALSE(Means("charge", "Charge"));
  EXPECT_FALSE(Means("charge", ""));
}

TEST(Match, APrefixMeansWhateverBeginsWithIt) {
  EXPECT_TRUE(Means("charge*", "charge"));
  EXPECT_TRUE(Means("charge*", "charge/v2"));
  EXPECT_FALSE(Means("charge*", "charg"));
  EXPECT_FALSE(Means("charge*", "xcharge"));
}

TEST(Match, EveryLengthCountsEveryByte) {
  for (size_t length = 1; length <= HF_MATCH_MAX; ++length) {
    SCOPED_TRACE(length);
    std::string text;
    for (size_t i = 0; i < length; ++i) text += static_cast<char>('a' + i % 26);
    EXPECT_TRUE(Means(text, text));
    EXPECT_TRUE(Means(text + "*", text));
    EXPECT_TRUE(Means(text + "*", text + "more"));
    EXPECT_FALSE(Means(text, text + "a"));
    EXPECT_FALSE(Means(text + "*", text.substr(1)));
    for (const size_t at : {size_t{0}, length / 2, length - 1}) {
      std::string other = text;
      other[at] ^= 1;
      EXPECT_FALSE(Means(text, other)) << at;
      EXPECT_FALSE(Means(text + "*", other)) << at;
    }
  }
}

TEST(Match, AZeroByteIsAByte) {
  const std::string_view one("a\0", 2), two("a\0\0", 3);
  EXPECT_TRUE(Means(one, one));
  EXPECT_FALSE(Means(one, two));
  EXPECT_FALSE(Means("a", one));
}

TEST(Match, AllFourPatternsMustFit) {
  hf_match match{};
  match.operation = Str("charge");
  match.tenant = Str("acme-and-more*");
  match.correlation_id = Str("order-1042");
  match.target = Str("bank-*");
  Match compiled;
  ASSERT_EQ(CompileMatch(match, &compiled).fault, MatchFault::kNone);
  EXPECT_EQ(compiled.used(), 1u + 2u + 2u + 1u);
  const hf_facts right = {Str("charge"), Str("acme-and-more-yet"), Str("order-1042"),
                          Str("bank-7")};
  EXPECT_TRUE(compiled.Fits(right));
  for (size_t at = 0; at < kMatchFacts; ++at) {
    hf_facts wrong = right;
    (at == 0   ? wrong.operation
     : at == 1 ? wrong.tenant
     : at == 2 ? wrong.correlation_id
               : wrong.target) = Str("other");
    EXPECT_FALSE(compiled.Fits(wrong)) << at;
  }
}

TEST(Match, ALonelyPatternLooksAtItsOwnFact) {
  for (size_t at = 0; at < kMatchFacts; ++at) {
    hf_match match{};
    hf_facts facts{};
    hf_str* const patterns[] = {&match.operation, &match.tenant, &match.correlation_id,
                                &match.target};
    hf_str* const known[] = {&facts.operation, &facts.tenant, &facts.correlation_id, &facts.target};
    *patterns[at] = Str("x");
    Match compiled;
    ASSERT_EQ(CompileMatch(match, &compiled).fault, MatchFault::kNone);
    EXPECT_FALSE(compiled.Fits(facts));
    *known[at] = Str("x");
    EXPECT_TRUE(compiled.Fits(facts));
  }
}

TEST(Match, ThePatternAtFaultIsNamedAndNothingIsChanged) {
  std::string longest(HF_MATCH_MAX, 'x');
  EXPECT_EQ(FaultOf(longest), MatchFault::kNone);
  longest.push_back('*');
  EXPECT_EQ(FaultOf(longest), MatchFault::kNone);
  longest.back() = 'x';
  EXPECT_EQ(FaultOf(longest), MatchFault::kTooLong);
  longest.push_back('*');
  EXPECT_EQ(FaultOf(longest), MatchFault::kTooLong);
  EXPECT_EQ(FaultOf("a*b"), MatchFault::kStar);
  EXPECT_EQ(FaultOf("**"), MatchFault::kStar);
  EXPECT_EQ(FaultOf("*a"), MatchFault::kStar);
  Match compiled;
  hf_match match{};
  match.target = {nullptr, 1};
  const MatchVerdict verdict = CompileMatch(match, &compiled);
  EXPECT_EQ(verdict.fault, MatchFault::kNoData);
  EXPECT_EQ(kMatchFields[verdict.at], "target");
  EXPECT_EQ(compiled.shape, kMeansAll);
}

TEST(Match, AFactWithoutDataIsRecognised) {
  hf_facts facts{};
  EXPECT_TRUE(FactsAreValid(facts));
  for (hf_str* fact : {&facts.operation, &facts.tenant, &facts.correlation_id, &facts.target}) {
    *fact = {nullptr, 1};
    EXPECT_FALSE(FactsAreValid(facts));
    *fact = {};
  }
}

// The bytes of a shape as a check may see it while it is being replaced: whatever they are, no word
// outside the array is asked for.
TEST(Match, ATornShapeStaysInsideItsWords) {
  const std::string longest(40000, 'x');
  const hf_facts facts = {Str(longest), Str(longest), Str(longest), Str(longest)};
  size_t asked = 0;
  const auto word_at = [&](size_t at) {
    EXPECT_LT(at, kMatchWords);
    ++asked;
    return LoadWord("xxxxxxxx", 8);
  };
  EXPECT_TRUE(MatchFits(~uint64_t{0}, word_at, facts));
  EXPECT_EQ(asked, kMatchWords);
}

}  // namespace
}  // namespace holdfast::engine
