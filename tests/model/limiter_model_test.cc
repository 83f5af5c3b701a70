// SPDX-License-Identifier: Apache-2.0
// The limiter against a naive bucket of exact fractions, and against the bound that it promises, on both
// storages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "abi/small_mutex.h"
#include "engine/cells.h"
#include "engine/limiter.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

__extension__ using Exact = __int128;

// Tokens times period, so that a nanosecond brings exactly `permits`.
struct NaiveBucket {
  explicit NaiveBucket(const LimiterPolicy& given)
      : policy(given), level(static_cast<Exact>(given.burst) * given.period) {}

  Exact Brim() const { return static_cast<Exact>(policy.burst) * policy.period; }
  void BringUp(hf_time now) {
    if (now <= time) return;
    level = std::min(Brim(), level + static_cast<Exact>(now - time) * policy.permits);
    time = now;
  }
  void Take(uint32_t cost) { level -= static_cast<Exact>(cost) * policy.period; }
  void Return(uint32_t cost) {
    level = std::min(Brim(), level + static_cast<Exact>(cost) * policy.period);
  }
  // When `cost` tokens will be there.
  hf_time ReadyAt(uint32_t cost) const {
    const Exact missing = static_cast<Exact>(cost) * policy.period - level;
    if (missing <= 0) return time;
    return time + static_cast<hf_time>((missing + policy.permits - 1) / policy.permits);
  }
  double Tokens() const { return static_cast<double>(level) / static_cast<double>(policy.period); }

  LimiterPolicy policy;
  Exact level;
  hf_time time = 0;
};

LimiterPolicy AnyPolicy(model::Dice& dice, uint32_t most_burst) {
  constexpr hf_duration kPeriods[] = {1000, 10 * HF_MS, 999'999'937, HF_S, 86400 * HF_S};
  LimiterPolicy policy;
  policy.period = dice.OneOf(kPeriods);
  const int64_t most = std::min<int64_t>(policy.period, dice.Chance(20) ? 1'000'000'000 : 1000);
  policy.permits = static_cast<uint32_t>(dice.Between(1, most));
  policy.burst = static_cast<uint32_t>(dice.Between(1, dice.Chance(50) ? 10 : most_burst));
  const double token = static_cast<double>(policy.period) / policy.permits;
  if (policy.burst * token > 1e16) policy.burst = 1;  // a schedule stays far from the end of time
  policy.max_wait = 1 + static_cast<hf_duration>(token * static_cast<double>(dice.Below(20)));
  return policy;
}

// Some time, in the order of what a few tokens take.
hf_duration AnyPause(model::Dice& dice, const LimiterPolicy& policy) {
  if (dice.Chance(30)) return 0;
  const double token = static_cast<double>(policy.period) / policy.permits;
  const double tokens = dice.Chance(15) ? policy.burst * 2.0 : 3.0;
  return static_cast<hf_duration>(token * tokens * static_cast<double>(dice.Below(1000)) / 1000);
}

uint32_t AnyCost(model::Dice& dice, uint32_t burst) {
  return static_cast<uint32_t>(dice.Between(1, dice.Chance(60) ? std::min(burst, 3u) : burst));
}

template <typename Storage>
class LimiterModel : public testing::Test {
 protected:
  static uint64_t Schedules() {
    return model::Schedules(std::is_same_v<Storage, PlainCells> ? 1'000'000 : 100'000);
  }
};
using Storages = testing::Types<PlainCells, abi::SmallCells>;
TYPED_TEST_SUITE(LimiterModel, Storages);

// Bursts of up to 256: all answers and times are those of the fractions, to the nanosecond.
TYPED_TEST(LimiterModel, IsTheNaiveBucketToTheNanosecond) {
  const uint64_t schedules = this->Schedules();
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    LimiterPolicy policy = AnyPolicy(dice, 256);
    NaiveBucket naive(policy);
    Limiter<TypeParam> limiter(policy);
    hf_time now = dice.Between(0, 3 * HF_S);
    std::vector<Ticket> stack;  // the newest takes, to be cancelled newest first
    for (int step = 0; step < 20; ++step) {
      now += AnyPause(dice, policy);
      naive.BringUp(now);
      if (dice.Chance(20) && !stack.empty()) {
        ASSERT_TRUE(limiter.Cancel(stack.back(), now));
        naive.Return(stack.back().cost);
        stack.pop_back();
        continue;
      }
      const uint32_t cost = AnyCost(dice, policy.burst);
      const hf_time deadline = dice.Chance(50) ? now : now + 2 * AnyPause(dice, policy);
      const hf_time at = naive.ReadyAt(cost);
      Ticket ticket;
      const LimiterAnswer answer = limiter.Take(cost, deadline, now, &ticket);
      if (at <= now) {
        ASSERT_EQ(answer, LimiterAnswer::kGranted);
        ASSERT_EQ(ticket.at, now);
      } else if (at < deadline && at - now <= policy.max_wait) {
        ASSERT_EQ(answer, LimiterAnswer::kWait);
        ASSERT_EQ(ticket.at, at);
      } else {
        ASSERT_EQ(answer, LimiterAnswer::kLimited);
        ASSERT_EQ(ticket.at, at);
        continue;
      }
      naive.Take(cost);
      stack.push_back(ticket);
      ASSERT_NEAR(limiter.Read(now).tokens, naive.Tokens(), 2e-5);
    }
    naive.BringUp(now);
    const bool full = naive.level == naive.Brim();
    ASSERT_EQ(limiter.IsIdle(now), full);
  }
}

// Any burst: never more than the fractions, and never less by more than 1/256 of the burst.
TYPED_TEST(LimiterModel, LagsBehindByAWindowAtMost) {
  const uint64_t schedules = this->Schedules() / 4;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    LimiterPolicy policy = AnyPolicy(dice, 100'000);
    NaiveBucket naive(policy);
    Limiter<TypeParam> limiter(policy);
    hf_time now = dice.Between(0, 3 * HF_S);
    for (int step = 0; step < 30; ++step) {
      now += AnyPause(dice, policy);
      naive.BringUp(now);
      Ticket ticket;
      const uint32_t cost = AnyCost(dice, policy.burst);
      const LimiterAnswer answer = limiter.Take(cost, now, now, &ticket);
      if (answer == LimiterAnswer::kGranted) {
        ASSERT_LE(naive.ReadyAt(cost), now);
        naive.Take(cost);
      }
      const double exact = naive.Tokens();
      const double tokens = limiter.Read(now).tokens;
      ASSERT_LE(tokens, exact + 1e-9 * policy.burst);
      ASSERT_GE(tokens, exact - policy.burst / 256.0 - 2e-5);
      if (answer != LimiterAnswer::kLimited) continue;
      const hf_time at = ticket.at;  // exact: not a nanosecond earlier, and then for certain
      ASSERT_EQ(limiter.Take(cost, at - 1, at - 1, &ticket), LimiterAnswer::kLimited);
      ASSERT_EQ(limiter.Take(cost, at, at, &ticket), LimiterAnswer::kGranted);
      now = at;
      naive.BringUp(now);
      ASSERT_GE(naive.level, 0);
      naive.Take(cost);
      ASSERT_GE(naive.level, 0);
    }
  }
}

struct Admitted {
  hf_time at;
  uint32_t cost;
};

// Over each interval that begins and ends with an admission: cost <= burst + rate * length. A wait ends with
// a whole nanosecond, up to one later than its tokens came, so the interval they came in may be one longer.
void ExpectWithinBound(std::vector<Admitted> all, const LimiterPolicy& policy) {
  std::sort(all.begin(), all.end(),
            [](const Admitted& a, const Admitted& b) { return a.at < b.at; });
  for (size_t first = 0; first < all.size(); ++first) {
    Exact sum = 0;
    for (size_t last = first; last < all.size(); ++last) {
      sum += static_cast<Exact>(all[last].cost) * policy.period;
      const Exact flow = static_cast<Exact>(all[last].at - all[first].at + 1) * policy.permits;
      const Exact most = static_cast<Exact>(policy.burst) * policy.period + flow;
      ASSERT_LE(static_cast<double>(sum - most), 0) << first << ".." << last;
    }
  }
}

// With reservations, cancels in any order and at any time, ramps, a clock that steps back, and throttling (then
// without waits: a time that was promised at a low rate is kept when the rate rises, so others may join it).
TYPED_TEST(LimiterModel, NeverAdmitsMoreThanBurstAndRateOverAnyInterval) {
  const uint64_t schedules = this->Schedules() / 4;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    const LimiterPolicy policy = AnyPolicy(dice, dice.Chance(50) ? 20 : 2000);
    Pace pace;
    if (dice.Chance(30)) pace.warm_up = dice.Between(HF_MS, 10 * HF_S);
    pace.cold_factor = static_cast<uint32_t>(dice.Between(2, 10));
    pace.adaptive = dice.Chance(20);
    Limiter<TypeParam> limiter(policy, dice.Chance(50) ? &pace : nullptr);
    hf_time now = dice.Between(0, 3 * HF_S);
    hf_time newest = 0;  // that it has seen
    std::vector<Ticket> held;
    std::vector<Admitted> admitted;
    for (int step = 0; step < 24; ++step) {
      now += AnyPause(dice, policy);
      const hf_time seen = dice.Chance(5) ? dice.Between(0, now) : now;
      newest = std::max(newest, seen);
      if (pace.adaptive && dice.Chance(20)) limiter.OnOutcome(dice.Chance(30), seen);
      if (dice.Chance(30) && !held.empty()) {
        const size_t chosen = dice.Below(held.size());
        ASSERT_TRUE(limiter.Cancel(held[chosen], seen));
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(chosen));
        continue;
      }
      Ticket ticket;
      const bool waits = !pace.adaptive && dice.Chance(60);
      const uint32_t cost = AnyCost(dice, policy.burst);
      const LimiterAnswer answer = limiter.Take(cost, waits ? HF_INFINITE : seen, seen, &ticket);
      if (answer == LimiterAnswer::kLimited) continue;
      if (answer == LimiterAnswer::kGranted) ticket.at = newest;
      if (dice.Chance(40)) {
        held.push_back(ticket);
      } else {
        admitted.push_back({ticket.at, cost});
      }
    }
    for (const Ticket& ticket : held) admitted.push_back({ticket.at, ticket.cost});
    ExpectWithinBound(admitted, policy);
    if (this->HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace holdfast::engine
