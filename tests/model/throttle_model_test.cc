// SPDX-License-Identifier: Apache-2.0
// The throttle against one that remembers every call, on both storages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/cells.h"
#include "engine/rng.h"
#include "engine/throttle.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

using model::Dice;

struct NaiveThrottle {
  struct Call {
    int64_t step;
    bool accepted;
  };

  void Refresh(hf_time at) {
    newest = std::max(newest, std::max<hf_time>(at, 0));
    step = newest / policy.Step();
    if (newest < refresh_at) return;
    rejection = Probability(step);
    const hf_duration pause = std::max<hf_duration>(policy.Step() / 32, 1);
    refresh_at = std::min(newest + pause, (step + 1) * policy.Step());
  }

  double Probability(int64_t in_step) const {
    double n = 0, s = 0;
    Count(in_step, &n, &s);
    if (n < policy.min_rate * static_cast<double>(policy.window) / 1e9) return 0;
    const double share = std::max(0.0, (n - s / policy.success_rate) / (n + 1));
    return std::min(policy.max_rejection, std::pow(share, 1 / policy.aggression));
  }

  void Count(int64_t in_step, double* n, double* s) const {
    for (const Call& call : calls) {
      if (call.step <= in_step - policy.buckets) continue;
      *n += 1;
      *s += call.accepted ? 1 : 0;
    }
  }

  // Whether this draw is among the share that is refused.
  bool Refuses(uint64_t seed, hf_time now) {
    Refresh(now);
    const double draw = std::ldexp(static_cast<double>(Rng(seed, 0x7468726f74746c65).Next()), -64);
    if (draw >= rejection) return false;
    calls.push_back({step, false});
    ++refused;
    return true;
  }

  void Record(hf_verdict verdict, hf_time now) {
    if (verdict == HF_VERDICT_IGNORED) return;
    Refresh(now);
    calls.push_back({step, verdict != HF_VERDICT_FAILURE});
  }

  void Update(const ThrottlePolicy& next, hf_time now) {
    newest = std::max(newest, std::max<hf_time>(now, 0));
    const int64_t before = newest / policy.Step();
    std::erase_if(calls, [&](const Call& c) { return c.step <= before - policy.buckets; });
    const bool other = next.window != policy.window || next.buckets != policy.buckets;
    policy = next;
    for (Call& call : calls) call.step = other ? newest / policy.Step() : call.step;
    refresh_at = 0;
    Refresh(now);
  }

  ThrottlePolicy policy;
  std::vector<Call> calls;
  hf_time newest = 0, refresh_at = 0;
  int64_t step = 0;
  double rejection = 0;
  uint64_t refused = 0;
};

ThrottlePolicy RandomPolicy(Dice& dice) {
  ThrottlePolicy policy;
  policy.window = dice.OneOf({10 * HF_MS, HF_S, 30 * HF_S});
  policy.buckets = dice.Between(1, dice.Chance(50) ? 4 : 64);
  policy.success_rate = dice.OneOf({0.5, 0.9, 1.0});
  policy.aggression = dice.OneOf({1.0, 2.0, 0.5});
  policy.max_rejection = dice.OneOf({0.9, 0.5, 0.99});
  policy.min_rate = dice.OneOf({0.001, 0.3, 500.0});
  return policy;
}

template <typename Storage>
class ThrottleModel : public testing::Test {};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(ThrottleModel, Storages);

TYPED_TEST(ThrottleModel, AgreesWithTheNaiveThrottle) {
  constexpr bool kPlain = std::is_same_v<TypeParam, PlainCells>;
  const uint64_t schedules = model::Schedules(kPlain ? 1000000 : 100000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    NaiveThrottle naive;
    naive.policy = RandomPolicy(dice);
    Throttle<TypeParam> throttle(naive.policy);
    const uint64_t failing = dice.Below(101);
    hf_time now = dice.Between(0, 100 * HF_S);
    const int steps = static_cast<int>(dice.Between(1, dice.Chance(10) ? 120 : 24));
    for (int i = 0; i < steps; ++i) {
      const hf_duration length = naive.policy.Step();
      if (dice.Chance(50)) now += dice.Between(0, length / 8);
      if (dice.Chance(10)) now += dice.Between(0, 2 * length);
      // Exactly onto the end of a step, where counts change hands.
      if (dice.Chance(5)) now = std::max<hf_time>(now, 0) / length * length + length;
      if (dice.Chance(2)) now += dice.Between(0, 2 * naive.policy.window);
      // A step back within the current refresh; time before it is read as no time passed.
      const hf_time at = dice.Chance(5) ? now - 1 : now;
      if (dice.Chance(2)) {
        const ThrottlePolicy next = RandomPolicy(dice);
        throttle.Update(next, now);
        naive.Update(next, now);
      }
      const uint32_t shard = static_cast<uint32_t>(dice.Below(40));
      const uint64_t draw = dice.Below(UINT64_MAX) | 1;
      const hf_rejection answer = throttle.Admit(shard, draw, at);
      ASSERT_EQ(answer.code != HF_OK, naive.Refuses(draw, at)) << "step " << i;
      if (answer.code != HF_OK) {
        ASSERT_EQ(answer.reason, HF_R_THROTTLED);
        ASSERT_GT(answer.retry_after, 0);
        ASSERT_LE(answer.retry_after, naive.policy.Step());
      } else {
        const hf_verdict verdict = dice.Chance(5)         ? HF_VERDICT_IGNORED
                                   : dice.Chance(failing) ? HF_VERDICT_FAILURE
                                   : dice.Chance(10)      ? HF_VERDICT_SLOW
                                                          : HF_VERDICT_SUCCESS;
        throttle.Record(shard + 1, verdict, at);
        naive.Record(verdict, at);
      }
      const hf_time later = dice.Chance(90) ? now : now + dice.Between(0, 2 * naive.policy.window);
      const hf_throttle_snapshot snapshot = throttle.Read(later);
      double n = 0, s = 0;
      const int64_t step = std::max(later, naive.newest) / naive.policy.Step();
      naive.Count(step, &n, &s);
      ASSERT_EQ(static_cast<double>(snapshot.requests), n) << "step " << i;
      ASSERT_EQ(static_cast<double>(snapshot.accepts), s) << "step " << i;
      ASSERT_EQ(snapshot.refused, naive.refused);
      ASSERT_NEAR(snapshot.rejection, naive.Probability(step), 1e-12);
      ASSERT_LE(snapshot.rejection, naive.policy.max_rejection);
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
