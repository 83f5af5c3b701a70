// SPDX-License-Identifier: Apache-2.0
// The backoff engine: published ceilings, the jitter's limits, overflow, deadlines.
#include "engine/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "engine/duration.h"
#include "engine/rng.h"

namespace holdfast::engine {
namespace {

constexpr hf_duration kDay = 24 * 3600 * HF_S;

BackoffPolicy Policy(hf_jitter jitter, hf_duration base, hf_duration cap, double multiplier = 2) {
  BackoffPolicy policy;
  policy.jitter = jitter;
  policy.base = base;
  policy.cap = cap;
  policy.multiplier = multiplier;
  return policy;
}

std::vector<hf_duration> Ceilings(const BackoffPolicy& policy, uint32_t attempts) {
  std::vector<hf_duration> ceilings;
  for (uint32_t n = 1; n <= attempts; ++n) ceilings.push_back(BackoffCeiling(policy, n));
  return ceilings;
}

struct Spread {
  hf_duration lowest = HF_INFINITE;
  hf_duration highest = 0;
  std::set<hf_duration> distinct;
  double mean = 0;
};

Spread Draw(const BackoffPolicy& policy, uint32_t attempt, hf_duration previous = 0) {
  constexpr int kDraws = 20000;
  Spread spread;
  for (uint64_t seed = 1; seed <= kDraws; ++seed) {
    const hf_duration delay = BackoffDelay(policy, attempt, previous, seed);
    spread.lowest = std::min(spread.lowest, delay);
    spread.highest = std::max(spread.highest, delay);
    spread.distinct.insert(delay);
    spread.mean += static_cast<double>(delay) / kDraws;
  }
  return spread;
}

// AWS SDK for C++, RetryBehaviorTest: 50 ms doubled.
TEST(Backoff, CeilingsOfTheAwsVector) {
  EXPECT_EQ(Ceilings(Policy(HF_JITTER_FULL, 50 * HF_MS, 20 * HF_S), 4),
            (std::vector<hf_duration>{50 * HF_MS, 100 * HF_MS, 200 * HF_MS, 400 * HF_MS}));
}

// Finagle BackoffTest: exponential 1 s with cap 15 s.
TEST(Backoff, CeilingsOfTheFinagleVectorStopAtTheCap) {
  EXPECT_EQ(
      Ceilings(Policy(HF_JITTER_NONE, 1 * HF_S, 15 * HF_S), 6),
      (std::vector<hf_duration>{1 * HF_S, 2 * HF_S, 4 * HF_S, 8 * HF_S, 15 * HF_S, 15 * HF_S}));
}

// resilience4j IntervalFunctionTest: 100 ms doubled, cap 100 s.
TEST(Backoff, CeilingsOfTheResilience4jVectorRiseStrictlyToTheCap) {
  const auto ceilings = Ceilings(Policy(HF_JITTER_NONE, 100 * HF_MS, 100 * HF_S), 13);
  for (size_t i = 1; i < 11; ++i) EXPECT_LT(ceilings[i - 1], ceilings[i]) << i;
  EXPECT_EQ(ceilings[11], 100 * HF_S);
  EXPECT_EQ(ceilings[12], 100 * HF_S);
}

// google-cloud-cpp backoff_policy_test: 10 doubled, cap 100: draws at most 20, 40, then 100.
TEST(Backoff, DrawsOfTheGoogleCloudVectorStayBelowTheirCeilings) {
  const BackoffPolicy policy = Policy(HF_JITTER_FULL, 10 * HF_MS, 100 * HF_MS);
  EXPECT_LE(Draw(policy, 2).highest, 20 * HF_MS);
  EXPECT_LE(Draw(policy, 3).highest, 40 * HF_MS);
  EXPECT_LE(Draw(policy, 9).highest, 100 * HF_MS);
}

// Polly RetryHelperTests: 2^1024 is no number of milliseconds.
TEST(Backoff, NeverOverflowsWhateverTheAttempt) {
  const uint32_t attempts[] = {1, 2, 3, 4, 10, 64, 65, 100, 1000, 1024, 1025, UINT32_MAX};
  for (const hf_jitter jitter :
       {HF_JITTER_FULL, HF_JITTER_EQUAL, HF_JITTER_DECORRELATED, HF_JITTER_NONE}) {
    for (const double multiplier : {1.0, 1.5, 2.0, 100.0}) {
      const BackoffPolicy policy = Policy(jitter, 3600 * HF_S, kDay, multiplier);
      for (const uint32_t attempt : attempts) {
        const hf_duration delay = BackoffDelay(policy, attempt, kDay, 7);
        EXPECT_GE(delay, 0) << attempt;
        EXPECT_LE(delay, kDay) << attempt;
        EXPECT_GT(BackoffCeiling(policy, attempt), 0) << attempt;
      }
    }
  }
  EXPECT_EQ(BackoffCeiling(Policy(HF_JITTER_NONE, kDay / 24, kDay), 1000), kDay);
}

TEST(Backoff, MultiplierOneNeverGrows) {
  EXPECT_EQ(BackoffCeiling(Policy(HF_JITTER_NONE, 7, kDay, 1), UINT32_MAX), 7);
}

TEST(Backoff, JitterSurvivesTheCap) {
  for (const hf_jitter jitter : {HF_JITTER_FULL, HF_JITTER_EQUAL, HF_JITTER_DECORRELATED}) {
    const Spread spread = Draw(Policy(jitter, 500 * HF_MS, 10 * HF_S), 40, 10 * HF_S);
    EXPECT_GT(spread.distinct.size(), 19000u) << jitter;
    EXPECT_LE(spread.highest, 10 * HF_S) << jitter;
  }
}

TEST(Backoff, FullJitterIsUniformFromZeroToTheCeiling) {
  const Spread spread = Draw(Policy(HF_JITTER_FULL, 100 * HF_MS, 10 * HF_S), 2);
  EXPECT_LT(spread.lowest, 1 * HF_MS);
  EXPECT_GT(spread.highest, 199 * HF_MS);
  EXPECT_NEAR(spread.mean, 100e6, 2e6);
}

TEST(Backoff, EqualJitterKeepsHalfOfTheCeiling) {
  const Spread spread = Draw(Policy(HF_JITTER_EQUAL, 100 * HF_MS, 10 * HF_S), 2);
  EXPECT_GE(spread.lowest, 100 * HF_MS);
  EXPECT_LT(spread.lowest, 101 * HF_MS);
  EXPECT_GT(spread.highest, 199 * HF_MS);
  EXPECT_NEAR(spread.mean, 150e6, 2e6);
}

TEST(Backoff, JitterReachesBothEndsOfASmallRange) {
  const Spread full = Draw(Policy(HF_JITTER_FULL, 3, 3), 1);
  EXPECT_EQ(full.distinct, (std::set<hf_duration>{0, 1, 2, 3}));
  const Spread equal = Draw(Policy(HF_JITTER_EQUAL, 5, 5), 1);
  EXPECT_EQ(equal.distinct, (std::set<hf_duration>{2, 3, 4, 5}));
}

TEST(Backoff, DecorrelatedJitterStartsBetweenBaseAndThreeTimesBase) {
  const Spread spread = Draw(Policy(HF_JITTER_DECORRELATED, 100 * HF_MS, 10 * HF_S), 1);
  EXPECT_GE(spread.lowest, 100 * HF_MS);
  EXPECT_LE(spread.highest, 300 * HF_MS);
  EXPECT_GT(spread.highest, 299 * HF_MS);
  EXPECT_NEAR(spread.mean, 200e6, 2e6);
}

TEST(Backoff, DecorrelatedJitterGrowsFromThePreviousDelayAndIsCapped) {
  const BackoffPolicy policy = Policy(HF_JITTER_DECORRELATED, 100 * HF_MS, 1 * HF_S);
  EXPECT_GT(Draw(policy, 2, 200 * HF_MS).highest, 599 * HF_MS);
  EXPECT_LE(Draw(policy, 2, 200 * HF_MS).highest, 600 * HF_MS);
  EXPECT_LE(Draw(policy, 3, HF_INFINITE).highest, 1 * HF_S);
  EXPECT_GE(Draw(policy, 3, 1).lowest, 100 * HF_MS);
}

TEST(Backoff, NoJitterIsTheCeilingForEverySeed) {
  const Spread spread = Draw(Policy(HF_JITTER_NONE, 100 * HF_MS, 10 * HF_S), 3);
  EXPECT_EQ(spread.distinct, std::set<hf_duration>{400 * HF_MS});
}

TEST(Backoff, SameSeedReplaysAndOtherAttemptsDrawAnew) {
  const BackoffPolicy policy = Policy(HF_JITTER_FULL, kDay / 24, kDay / 24);
  EXPECT_EQ(BackoffDelay(policy, 3, 0, 42), BackoffDelay(policy, 3, 0, 42));
  EXPECT_NE(BackoffDelay(policy, 3, 0, 42), BackoffDelay(policy, 4, 0, 42));
  EXPECT_NE(BackoffDelay(policy, 3, 0, 42), BackoffDelay(policy, 3, 0, 43));
}

// Delays must not differ between machines or releases: an incident replays from its seed.
TEST(Backoff, DelaysAreFrozen) {
  const BackoffPolicy policy = Policy(HF_JITTER_FULL, 100 * HF_MS, 10 * HF_S);
  std::vector<hf_duration> delays;
  for (uint32_t n = 1; n <= 4; ++n) delays.push_back(BackoffDelay(policy, n, 0, 0x5EED));
  EXPECT_EQ(delays, (std::vector<hf_duration>{84314206, 61847006, 334684931, 489601516}));
}

// AWS SDK for C++, RetryBehaviorTest: retry-after 1500, 0, 10000 ms with 50 ms computed.
TEST(Backoff, RetryAfterOfTheAwsVectorIsClamped) {
  EXPECT_EQ(HonourRetryAfter(50 * HF_MS, 1500 * HF_MS), 1500 * HF_MS);
  EXPECT_EQ(HonourRetryAfter(50 * HF_MS, 0), 50 * HF_MS);
  EXPECT_EQ(HonourRetryAfter(50 * HF_MS, 10000 * HF_MS), 5050 * HF_MS);
  EXPECT_EQ(HonourRetryAfter(50 * HF_MS, 5050 * HF_MS), 5050 * HF_MS);
  EXPECT_EQ(HonourRetryAfter(50 * HF_MS, HF_INFINITE), 5050 * HF_MS);
}

TEST(Backoff, RetryAfterNeverShortensTheDelay) {
  EXPECT_EQ(HonourRetryAfter(10 * HF_S, 1 * HF_MS), 10 * HF_S);
}

TEST(Backoff, DeadlineCountsTheDelayAndTheAttemptAfterIt) {
  EXPECT_TRUE(FitsDeadline(100, 50, 10, 160));
  EXPECT_FALSE(FitsDeadline(100, 50, 10, 159));
  EXPECT_FALSE(FitsDeadline(100, 50, 0, 149));
  EXPECT_TRUE(FitsDeadline(100, 50, 0, 150));
}

TEST(Backoff, WithoutDeadlineEverythingFits) {
  EXPECT_TRUE(FitsDeadline(100, HF_INFINITE, HF_INFINITE, 0));
}

TEST(Backoff, AnEndlessDelayFitsNoDeadlineInsteadOfWrapping) {
  EXPECT_FALSE(FitsDeadline(100, HF_INFINITE, HF_INFINITE, HF_INFINITE - 1));
}

TEST(Duration, SaturatesInsteadOfWrapping) {
  EXPECT_EQ(AddSaturating(HF_INFINITE, 1), HF_INFINITE);
  EXPECT_EQ(AddSaturating(HF_INFINITE - 1, 1), HF_INFINITE);
  EXPECT_EQ(AddSaturating(2, 3), 5);
  EXPECT_EQ(MultiplySaturating(HF_INFINITE / 2, 3), HF_INFINITE);
  EXPECT_EQ(MultiplySaturating(HF_INFINITE, 0), 0);
  EXPECT_EQ(MultiplySaturating(0, 3), 0);
  EXPECT_EQ(MultiplySaturating(2, 3), 6);
  EXPECT_EQ(TimeUntil(5, 3), 2);
  EXPECT_EQ(TimeUntil(3, 5), 0);
  EXPECT_EQ(NotBefore(3, 5), 5);
  EXPECT_EQ(NotBefore(5, 3), 5);
}

TEST(Rng, UpToIsUnbiasedWhereFoldingWouldNotBe) {
  constexpr uint64_t kHighest = 5;  // six values from a mask of eight
  std::vector<int> seen(kHighest + 1);
  Rng rng(1, 1);
  for (int i = 0; i < 60000; ++i) ++seen[rng.UpTo(kHighest)];
  for (const int count : seen) EXPECT_NEAR(count, 10000, 400);
}

TEST(Rng, UpToTheEndsOfItsRange) {
  Rng rng(1, 1);
  EXPECT_EQ(rng.UpTo(0), 0u);
  bool above_half = false;
  for (int i = 0; i < 100; ++i) above_half |= rng.UpTo(UINT64_MAX) > UINT64_MAX / 2;
  EXPECT_TRUE(above_half);
}

TEST(Rng, DoublesFillTheUnitInterval) {
  Rng rng(3, 9);
  double lowest = 1, highest = 0;
  for (int i = 0; i < 10000; ++i) {
    const double drawn = rng.NextDouble();
    lowest = std::min(lowest, drawn);
    highest = std::max(highest, drawn);
  }
  EXPECT_GE(lowest, 0);
  EXPECT_LT(lowest, 0.001);
  EXPECT_LT(highest, 1);
  EXPECT_GT(highest, 0.999);
}

// gRPC proposal A6: initial * multiplier^(n-1), each times a number in 0.8..1.2.
TEST(Backoff, AroundStaysWithinItsSpread) {
  BackoffPolicy policy = Policy(HF_JITTER_AROUND, 1000, 100000, 2);
  for (uint32_t attempt = 1; attempt <= 6; ++attempt) {
    const hf_duration middle = 1000 << (attempt - 1);
    const Spread spread = Draw(policy, attempt);
    EXPECT_GE(spread.lowest, middle * 8 / 10);
    EXPECT_LE(spread.lowest, middle * 81 / 100);
    EXPECT_LE(spread.highest, middle * 12 / 10);
    EXPECT_GE(spread.highest, middle * 119 / 100);
    EXPECT_NEAR(spread.mean, static_cast<double>(middle), static_cast<double>(middle) * 0.01);
  }
}

// Polly RetryHelperTests: a constant second with a quarter of jitter is in 0.75..1.25 s; the third linear
// delay of one second is in 2.25..3.75 s.
TEST(Backoff, ConstantAndLinearDelaysOfThePollyVector) {
  BackoffPolicy constant = Policy(HF_JITTER_AROUND, HF_S, kDay, 1);
  constant.spread = 0.25;
  const Spread second = Draw(constant, 3);
  EXPECT_GE(second.lowest, 750 * HF_MS);
  EXPECT_LE(second.highest, 1250 * HF_MS);
  BackoffPolicy linear = Policy(HF_JITTER_AROUND, HF_S, kDay);
  linear.growth = HF_GROWTH_LINEAR;
  linear.spread = 0.25;
  const Spread third = Draw(linear, 3);
  EXPECT_GE(third.lowest, 2250 * HF_MS);
  EXPECT_LE(third.lowest, 2260 * HF_MS);
  EXPECT_LE(third.highest, 3750 * HF_MS);
  EXPECT_GE(third.highest, 3740 * HF_MS);
}

TEST(Backoff, LinearCeilingsGrowByTheBaseAndNeverOverflow) {
  BackoffPolicy policy = Policy(HF_JITTER_FULL, HF_S, kDay);
  policy.growth = HF_GROWTH_LINEAR;
  EXPECT_EQ(Ceilings(policy, 3), (std::vector<hf_duration>{HF_S, 2 * HF_S, 3 * HF_S}));
  EXPECT_EQ(BackoffCeiling(policy, 1000000), kDay);
  policy.base = kDay;
  EXPECT_EQ(BackoffCeiling(policy, UINT32_MAX), kDay);
}

// Polly's and cockatiel's formula, worked out in long double.
TEST(Backoff, TheSmoothDecorrelatedCurveIsThatOfTheFormula) {
  const BackoffPolicy policy = Policy(HF_JITTER_DECORRELATED2, HF_S, kDay);
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    for (uint32_t attempt = 1; attempt <= 12; ++attempt) {
      const auto curve = [&](uint32_t n) -> long double {
        if (n == 0) return 0;
        const long double t = n - 1 + static_cast<long double>(Rng(seed, n).NextDouble());
        return std::pow(2.0L, t) * std::tanh(std::sqrt(4 * t));
      };
      const long double wanted = (curve(attempt) - curve(attempt - 1)) / 1.4L * HF_S;
      const hf_duration delay = BackoffDelay(policy, attempt, 0, seed);
      ASSERT_NEAR(static_cast<double>(delay), static_cast<double>(wanted),
                  1 + 1e-9 * static_cast<double>(wanted))
          << seed << " " << attempt;
    }
  }
}

TEST(Backoff, JitterDoesNotCollapseAtTheCap) {
  for (const hf_jitter jitter : {HF_JITTER_FULL, HF_JITTER_EQUAL, HF_JITTER_DECORRELATED,
                                 HF_JITTER_AROUND, HF_JITTER_DECORRELATED2}) {
    const BackoffPolicy policy = Policy(jitter, 500 * HF_MS, 10 * HF_S, 1.5);
    for (const uint32_t attempt : {20u, 100u, 1000u, 1024u, 1025u, 4000000000u}) {
      const Spread spread = Draw(policy, attempt, policy.cap);
      EXPECT_GT(spread.distinct.size(), 19000u) << jitter << " " << attempt;
      EXPECT_GE(spread.lowest, 0) << jitter << " " << attempt;
      EXPECT_LE(spread.highest, policy.cap) << jitter << " " << attempt;
      EXPECT_GE(static_cast<double>(spread.highest - spread.lowest),
                0.15 * static_cast<double>(policy.cap))
          << jitter << " " << attempt;
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
