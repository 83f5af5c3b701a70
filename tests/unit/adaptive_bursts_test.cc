// SPDX-License-Identifier: Apache-2.0
// The adaptive limits before a dependency that has room, and demand that comes in bursts, in virtual time.
//
// Calls arrive at random and take 100 ms, all alike or exponentially. A limit that cuts off the peaks of what is
// under way sees throughput rise little with in-flight, although nothing waits for anything.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include "engine/adaptive_sampler.h"
#include "engine/cells.h"

namespace holdfast::engine {
namespace {

struct Underway {
  hf_time end;
  hf_duration rtt;
  uint32_t in_flight;
  bool operator>(const Underway& other) const { return end > other.end; }
};

struct Demand {
  double per_second;
  bool alike;  // all calls take as long
  int seconds;
};

// The share of calls refused in the second half of the time.
double RefusedShare(const AdaptivePolicy& policy, const Demand& demand, uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto exponential = [&](double mean) {
    const double uniform = (static_cast<double>(engine() >> 11) + 0.5) * 0x1.0p-53;
    return static_cast<hf_duration>(-std::log(uniform) * mean);
  };
  AdaptiveSampler<PlainCells> sampler(policy);
  std::priority_queue<Underway, std::vector<Underway>, std::greater<>> calls;
  double refused = 0, all = 0;
  uint32_t limit = 0;
  hf_time now = 0;
  const hf_time half = demand.seconds * HF_S / 2;
  while (now < 2 * half) {
    now += exponential(1e9 / demand.per_second);
    for (; !calls.empty() && calls.top().end <= now; calls.pop()) {
      const Underway& done = calls.top();
      sampler.Add(0, done.rtt, done.in_flight, false, done.end, &limit);
    }
    const bool fits = calls.size() < sampler.Limit();
    if (now > half) {
      all += 1;
      refused += fits ? 0 : 1;
    }
    if (!fits) continue;
    const hf_duration rtt = demand.alike ? 100 * HF_MS : exponential(100e6);
    calls.push({now + rtt, rtt, static_cast<uint32_t>(calls.size()) + 1});
  }
  return refused / all;
}

AdaptivePolicy PolicyOf(hf_adaptive_algorithm algorithm) {
  AdaptivePolicy policy;
  policy.algorithm = algorithm;
  policy.smoothing = algorithm == HF_ADAPTIVE_GRADIENT2 ? 0.2 : 1;
  return policy;
}

// 20 under way on average, and sometimes twice as many.
constexpr Demand kSmall = {200, false, 3600};

TEST(AdaptiveBursts, AreLetThroughWhereThereIsRoom) {
  for (const auto algorithm : {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2, HF_ADAPTIVE_AIMD}) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      EXPECT_LT(RefusedShare(PolicyOf(algorithm), kSmall, seed), 0.001)
          << algorithm << ", seed " << seed;
    }
  }
}

// 500 under way on average and 570 at times; the limit begins in between. Here the throughput is so even that
// its slope alone is all but certain: the guard would hold the limit there if it did not ask for the rtt.
TEST(AdaptiveBursts, AreNoSaturationEvenWhereTheThroughputIsEven) {
  for (const auto algorithm : {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2, HF_ADAPTIVE_AIMD}) {
    AdaptivePolicy policy = PolicyOf(algorithm);
    policy.max_limit = 1000;
    policy.initial_limit = 525;
    EXPECT_LT(RefusedShare(policy, {5000, true, 400}, 1), 0.001) << algorithm;
  }
}

// Vegas takes the spread of the rtt for a queue. The docs say so.
TEST(AdaptiveBursts, CostVegasMore) {
  EXPECT_LT(RefusedShare(PolicyOf(HF_ADAPTIVE_VEGAS), kSmall, 1), 0.2);
}

}  // namespace
}  // namespace holdfast::engine
