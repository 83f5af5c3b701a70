// SPDX-License-Identifier: Apache-2.0
// The breaker against the naive one, over random policies and schedules, on both storages: permits kept
// and given back late or never, clocks that step back, leases that end, an operator who interferes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/breaker.h"
#include "engine/cells.h"
#include "model/dice.h"
#include "model/naive_breaker.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::NaiveBreaker;

BreakerPolicy RandomPolicy(Dice& dice) {
  BreakerPolicy policy;
  policy.window = dice.Chance(50) ? HF_WINDOW_COUNT : HF_WINDOW_TIME;
  policy.window_calls = static_cast<uint32_t>(dice.Between(1, dice.Chance(80) ? 12 : 80));
  policy.window_buckets = static_cast<uint32_t>(dice.Between(1, dice.Chance(80) ? 6 : 64));
  policy.window_time = dice.Between(10, 200) * HF_MS;
  policy.minimum_calls = static_cast<uint32_t>(dice.Between(1, 10));
  if (policy.window == HF_WINDOW_COUNT) {
    policy.minimum_calls = std::min(policy.minimum_calls, policy.window_calls);
  }
  policy.failure_rate = dice.OneOf({0.1, 0.25, 1.0 / 3, 0.5, 2.0 / 3, 0.9, 1.0});
  if (dice.Chance(30)) policy.consecutive_failures = static_cast<uint32_t>(dice.Between(1, 5));
  policy.probes = static_cast<uint32_t>(dice.Between(1, 4));
  policy.open_for = dice.Between(1, 50) * HF_MS;
  policy.probe_lease = dice.Between(1, 80) * HF_MS;
  return policy;
}

// Plays one schedule on an engine and on the naive breaker, side by side.
template <typename Storage>
class Match {
 public:
  explicit Match(uint64_t seed)
      : dice_(seed),
        policy_(RandomPolicy(dice_)),
        engine_(policy_),
        naive_(policy_),
        failing_(dice_.Below(101)) {}

  void Play(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      Step();
      Compare();
    }
  }

 private:
  void Step() {
    const uint64_t what = dice_.Below(100);
    if (what < 40) {
      Acquire();
    } else if (what < 78) {
      Record();
    } else if (what < 92) {
      now_ += dice_.Between(0, dice_.Chance(80) ? 5 : 100) * HF_MS;
    } else if (what < 95) {
      now_ -= std::min<hf_duration>(now_, dice_.Between(0, 60) * HF_MS);
    } else if (what < 97) {
      Forget();
    } else if (what < 98) {
      now_ += dice_.Between(1, 100) * HF_S;
    } else {
      Force();
    }
  }

  void Acquire() {
    const Admission got = engine_.Acquire(now_);
    const NaiveBreaker::Answer expected = naive_.Acquire(now_);
    ASSERT_EQ(got.why.reason, expected.refused);
    ASSERT_EQ(got.permit.kind, expected.kind);
    ASSERT_EQ(got.permit.generation, expected.generation);
    ASSERT_EQ(got.events, expected.events);
    if (expected.refused == HF_R_NONE) {
      ASSERT_EQ(got.why.code, HF_OK);
      permits_.push_back(got.permit);
    } else {
      ASSERT_EQ(got.why.code, HF_UNAVAILABLE);
      ASSERT_GT(got.why.retry_after, 0);
      ASSERT_LE(got.why.retry_after, expected.longest_wait);
    }
  }

  void Record() {
    if (permits_.empty()) return;
    // Mostly the newest, as calls do; at times one that is long overdue.
    const size_t at = dice_.Chance(70) ? permits_.size() - 1 : dice_.Below(permits_.size());
    const hf_permit permit = permits_[at];
    permits_.erase(permits_.begin() + static_cast<ptrdiff_t>(at));
    hf_verdict verdict = dice_.Chance(failing_) ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS;
    if (dice_.Chance(10)) verdict = dice_.Chance(50) ? HF_VERDICT_IGNORED : HF_VERDICT_SLOW;
    const Settlement got = engine_.Record(permit, verdict, now_);
    ASSERT_TRUE(got.accepted);
    ASSERT_EQ(got.events, naive_.Record(permit.generation, verdict, now_));
  }

  void Forget() {
    if (!permits_.empty()) permits_.pop_back();
  }

  void Force() {
    const hf_breaker_state state =
        dice_.OneOf({HF_BREAKER_CLOSED, HF_BREAKER_CLOSED, HF_BREAKER_CLOSED,
                     HF_BREAKER_FORCED_OPEN, HF_BREAKER_DISABLED});
    engine_.Force(state, now_);
    naive_.Force(state, now_);
  }

  void Compare() {
    const hf_breaker_snapshot got = engine_.Read(now_);
    ASSERT_EQ(got.state, naive_.state());
    ASSERT_EQ(got.generation, naive_.generation());
    ASSERT_EQ(got.calls, naive_.Calls(now_));
    ASSERT_EQ(got.failures, naive_.Failures(now_));
    ASSERT_EQ(got.consecutive, naive_.run());
    ASSERT_EQ(got.probes_out, naive_.ProbesOut());
    ASSERT_EQ(got.open_until, naive_.open_until());
    ASSERT_EQ(got.opened, naive_.opened());
    ASSERT_EQ(got.refused, naive_.refused());
  }

  Dice dice_;
  const BreakerPolicy policy_;
  Breaker<Storage> engine_;
  NaiveBreaker naive_;
  const uint64_t failing_;  // percent
  hf_time now_ = 100 * HF_S;
  std::vector<hf_permit> permits_;
};

template <typename Storage>
class BreakerModel : public testing::Test {};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(BreakerModel, Storages);

TYPED_TEST(BreakerModel, AgreesWithTheNaiveBreaker) {
  const uint64_t schedules = model::Schedules(100000);
  for (uint64_t seed = 1; seed <= schedules && !this->HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Match<TypeParam>(seed).Play(80);
  }
}

}  // namespace
}  // namespace holdfast::engine
