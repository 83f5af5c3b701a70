// SPDX-License-Identifier: Apache-2.0
// The adaptive limit against a naive one under random windows, its reactions compared with each other, and
// the sampler against naive windows on both storages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/adaptive.h"
#include "engine/adaptive_sampler.h"
#include "engine/cells.h"
#include "model/dice.h"
#include "model/naive_adaptive.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::Sample;

AdaptivePolicy RandomPolicy(Dice& dice) {
  AdaptivePolicy policy;
  policy.algorithm = static_cast<hf_adaptive_algorithm>(dice.Between(1, 4));
  policy.guarded = dice.Chance(70);
  policy.min_limit = static_cast<uint32_t>(dice.Between(1, 30));
  policy.max_limit =
      policy.min_limit + static_cast<uint32_t>(dice.Below(dice.Chance(50) ? 20 : 2000));
  policy.initial_limit = static_cast<uint32_t>(dice.Between(policy.min_limit, policy.max_limit));
  policy.smoothing = dice.OneOf({1.0, 1.0, 0.2, 0.5});
  policy.drop_rate = dice.OneOf({0.01, 0.3});
  policy.backoff = dice.OneOf({0.9, 0.5});
  policy.timeout = dice.OneOf({20 * HF_MS, 5 * HF_S});
  policy.tolerance = dice.OneOf({1.0, 1.5, 3.0});
  policy.max_factor = dice.OneOf({1.0, 5.0});
  policy.queue_size = static_cast<uint32_t>(dice.Between(1, 20));
  policy.long_window = static_cast<uint32_t>(dice.Between(1, 30));
  policy.baseline_windows = static_cast<uint32_t>(dice.Between(1, 30));
  policy.probe_multiplier = dice.Chance(50) ? 1 : 30;
  policy.guard_windows = static_cast<uint32_t>(dice.Between(10, 24));
  return policy;
}

// The calls of a window as a dependency of some capacity would answer them, or any at all.
struct Calls {
  hf_duration rtt;
  uint32_t in_flight;
  uint32_t answered, dropped;

  RttWindow Window(hf_time end, bool tells_pace) const {
    RttWindow window;
    window.samples = answered;
    window.drops = dropped;
    window.rtt_sum = static_cast<uint64_t>(rtt) * answered;
    window.in_flight = answered + dropped > 0 ? in_flight : 0;
    window.end = end;
    window.length = HF_S;
    window.tells_pace = tells_pace;
    return window;
  }
  std::vector<Sample> List() const {
    std::vector<Sample> calls(answered, Sample{rtt, in_flight, false});
    calls.insert(calls.end(), dropped, Sample{0, in_flight, true});
    return calls;
  }
};

Calls RandomCalls(Dice& dice, double limit, uint32_t capacity) {
  Calls calls;
  calls.in_flight = dice.Chance(70) ? static_cast<uint32_t>(limit)
                                    : static_cast<uint32_t>(dice.Below(2 * limit + 2));
  const uint32_t running = std::min(calls.in_flight, capacity);
  calls.answered = running / 4 + static_cast<uint32_t>(dice.Below(2));
  calls.rtt =
      running == 0 ? HF_MS : 10 * HF_MS * calls.in_flight / running + dice.Between(0, HF_MS);
  if (dice.Chance(10)) calls.rtt = dice.Between(1, 100 * HF_MS);
  calls.dropped = dice.Chance(80) ? 0 : static_cast<uint32_t>(dice.Below(calls.answered + 2));
  return calls;
}

TEST(AdaptiveModel, AgreesWithTheNaiveLimit) {
  const uint64_t schedules = model::Schedules(1000000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const AdaptivePolicy policy = RandomPolicy(dice);
    AdaptiveLimit limit(policy);
    model::NaiveLimit naive(policy);
    uint32_t capacity = static_cast<uint32_t>(dice.Between(1, 60));
    const int windows = static_cast<int>(dice.Chance(2) ? 100 : dice.Between(1, 20));
    for (int i = 1; i <= windows; ++i) {
      if (dice.Chance(3)) capacity = static_cast<uint32_t>(dice.Between(1, 60));
      const Calls calls = RandomCalls(dice, limit.ExactLimit(), capacity);
      const bool tells_pace = dice.Chance(90);
      const double before = limit.ExactLimit();
      const uint64_t guarded = limit.guarded();
      limit.OnWindow(calls.Window(i * HF_S, tells_pace));
      naive.OnWindow(calls.List(), i * HF_S, HF_S, tells_pace);
      ASSERT_NEAR(limit.ExactLimit(), naive.limit, 1e-6) << "window " << i;
      ASSERT_EQ(limit.Limit(), static_cast<uint32_t>(limit.ExactLimit()));
      ASSERT_GE(limit.ExactLimit(), policy.min_limit);
      ASSERT_LE(limit.ExactLimit(), policy.max_limit);
      if (calls.dropped > 0 && calls.answered == 0) {
        ASSERT_LE(limit.ExactLimit(), before);
      }
      if (limit.guarded() > guarded && before >= policy.min_limit + 1) {
        ASSERT_LE(limit.ExactLimit(), before - 1);
      }
    }
  }
}

// From the same state: a slower window never leads to a higher limit, nor do drops, nor less in flight.
TEST(AdaptiveModel, ReactsMonotonely) {
  const uint64_t schedules = model::Schedules(200000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    AdaptivePolicy policy = RandomPolicy(dice);
    AdaptiveLimit limit(policy);
    const uint32_t capacity = static_cast<uint32_t>(dice.Between(1, 60));
    const int windows = static_cast<int>(dice.Between(1, 15));
    for (int i = 1; i <= windows; ++i) {
      Calls calls = RandomCalls(dice, limit.ExactLimit(), capacity);
      calls.answered += 1;
      calls.dropped = 0;
      // Below its baseline Vegas learns instead of acting.
      calls.rtt = std::max(calls.rtt, static_cast<hf_duration>(limit.Baseline()) + 1);
      Calls slower = calls, dropping = calls;
      slower.rtt = calls.rtt + dice.Between(1, 50 * HF_MS);
      dropping.dropped = calls.answered;
      AdaptiveLimit on_slower = limit, on_drops = limit;
      on_slower.OnWindow(slower.Window(i * HF_S, true));
      on_drops.OnWindow(dropping.Window(i * HF_S, true));
      limit.OnWindow(calls.Window(i * HF_S, true));
      ASSERT_LE(on_slower.ExactLimit(), limit.ExactLimit() + 1e-9);
      ASSERT_LE(on_drops.ExactLimit(), limit.ExactLimit() + 1e-9);
    }
  }
}

template <typename Storage>
class AdaptiveSamplerModel : public testing::Test {};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(AdaptiveSamplerModel, Storages);

TYPED_TEST(AdaptiveSamplerModel, AgreesWithNaiveWindows) {
  const uint64_t schedules = model::Schedules(100000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    AdaptivePolicy policy = RandomPolicy(dice);
    policy.min_samples = static_cast<uint32_t>(dice.Between(1, 6));
    policy.window = dice.OneOf({HF_MS, 10 * HF_MS});
    policy.min_rtt = dice.OneOf({hf_duration{1}, 100 * HF_US});
    AdaptiveSampler<TypeParam> sampler(policy);
    model::NaiveSampler naive(policy);
    hf_time now = dice.Chance(10) ? -5 : dice.Between(0, HF_S);
    for (int step = 0; step < 60; ++step) {
      if (dice.Chance(40)) now += dice.Between(0, policy.window / 2);
      if (dice.Chance(3)) now += 40 * policy.window;
      if (dice.Chance(3)) now -= policy.window;
      const Sample call{dice.Between(0, dice.Chance(80) ? HF_MS : 20 * policy.window),
                        static_cast<uint32_t>(dice.Below(50)), dice.Chance(10)};
      uint32_t changed = sampler.Limit();
      const uint32_t before = changed;
      const bool told = sampler.Add(static_cast<uint32_t>(dice.Below(40)), call.rtt, call.in_flight,
                                    call.dropped, now, &changed);
      naive.Add(call, now);
      ASSERT_NEAR(sampler.Limit(), std::floor(naive.limit.limit), 0) << "step " << step;
      ASSERT_EQ(told, sampler.Limit() != before);
      ASSERT_EQ(changed, sampler.Limit());
      const hf_adaptive_snapshot snapshot = sampler.Read();
      ASSERT_EQ(snapshot.windows, naive.windows) << "step " << step;
      ASSERT_EQ(snapshot.set_aside, naive.set_aside);
      ASSERT_EQ(snapshot.samples, naive.samples);
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
