// SPDX-License-Identifier: Apache-2.0
// The breaker against the naive one, over random policies and schedules, on both storages: permits kept
// and given back late or never, clocks that step back, leases that end, calls that hang, updates, restarts,
// peers, an operator who interferes; each step from another lane.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "abi/laned_cells.h"
#include "model/dice.h"
#include "model/naive_breaker.h"
#include "unit/breaker_box.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::NaiveBreaker;

uint32_t present_lane = 0;

struct PlainLanes : PlainCells {
  static uint32_t Lane() { return present_lane; }
  static void MoveLane() {}
};
struct AtomicLanes : abi::LanedCells {
  static uint32_t Lane() { return present_lane; }
  static void MoveLane() {}
};

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
  if (dice.Chance(50)) policy.slow_rate = dice.OneOf({0.2, 0.5, 0.75, 1.0});
  if (dice.Chance(40)) policy.slow_after = dice.Between(20, 60) * HF_MS;
  if (dice.Chance(30)) policy.probe_success_rate = dice.OneOf({0.3, 0.5, 1.0});
  policy.lost_probe = dice.Chance(50) ? HF_LOST_PROBE_REFUND : HF_LOST_PROBE_FAILURE;
  policy.open_multiplier = dice.OneOf({1.0, 1.5, 2.0});
  policy.open_cap = policy.open_for * dice.Between(1, 5);
  policy.healthy_for = dice.Between(1, 100) * HF_MS;
  policy.open_jitter = dice.OneOf({0.0, 0.0, 0.5});
  policy.seed = dice.Below(1000) + 1;
  if (dice.Chance(50)) policy.ramp_for = dice.Between(1, 60) * HF_MS;
  policy.ramp_from = dice.OneOf({0.1, 0.3, 1.0});
  policy.peer_ttl = dice.Between(1, 50) * HF_MS;
  policy.veto_calls = static_cast<uint32_t>(dice.Between(1, 6));
  policy.veto_rate = policy.failure_rate / 2;
  return policy;
}

// Plays one schedule on an engine and on the naive breaker, side by side.
template <typename Storage>
class Match {
 public:
  explicit Match(uint64_t seed)
      : dice_(seed),
        policy_(RandomPolicy(dice_)),
        updates_(dice_.Chance(15) ? 3 : 0),
        box_(policy_, Room(), 2),
        naive_(policy_, 2),
        failing_(dice_.Below(101)) {}

  void Play(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      present_lane = static_cast<uint32_t>(dice_.Below(5));
      Step();
      Compare();
    }
  }

 private:
  struct Held {
    hf_permit permit;
    NaiveBreaker::Answer answer;
  };

  Capacity Room() {
    const uint32_t lanes = dice_.OneOf({1u, 2u, 4u});
    return updates_ > 0 ? Capacity::Largest(lanes) : Capacity::Of(policy_, lanes);
  }

  void Step() {
    const uint64_t what = dice_.Below(1000);
    if (what < 400) {
      Acquire();
    } else if (what < 760) {
      Record();
    } else if (what < 900) {
      now_ += dice_.Between(0, dice_.Chance(80) ? 5 : 100) * HF_MS;
    } else if (what < 920) {
      StepBack();
    } else if (what < 940) {
      if (!permits_.empty()) permits_.pop_back();
    } else if (what < 945) {
      now_ += dice_.Between(1, 10) * HF_S;
    } else if (what < 960) {
      Force();
    } else if (what < 980) {
      Merge();
    } else if (what < 990) {
      Restart();
    } else if (updates_ > 0) {
      Update();
    }
  }

  // With a clock that steps back, an age is of no time in particular: that is for the unit tests.
  void StepBack() {
    if (policy_.slow_after > 0 || updates_ > 0) return;
    now_ -= std::min<hf_duration>(now_, dice_.Between(0, 60) * HF_MS);
  }

  void Acquire() {
    const Admission got = machine_.Acquire(now_);
    const NaiveBreaker::Answer expected = naive_.Acquire(now_);
    ASSERT_EQ(got.why.reason, expected.refused);
    ASSERT_EQ(got.permit.kind, expected.kind);
    ASSERT_EQ(got.permit.generation, expected.generation);
    ASSERT_EQ(got.events, expected.events);
    if (expected.refused == HF_R_NONE) {
      ASSERT_EQ(got.why.code, HF_OK);
      permits_.push_back({got.permit, expected});
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
    const Held held = permits_[at];
    permits_.erase(permits_.begin() + static_cast<ptrdiff_t>(at));
    hf_verdict verdict = dice_.Chance(failing_) ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS;
    if (dice_.Chance(15)) verdict = dice_.Chance(50) ? HF_VERDICT_IGNORED : HF_VERDICT_SLOW;
    const Settlement got = machine_.Record(held.permit, verdict, now_);
    ASSERT_TRUE(got.accepted);
    ASSERT_EQ(got.events, naive_.Record(held.answer, verdict, now_));
  }

  void Force() {
    const hf_breaker_state state =
        dice_.OneOf({HF_BREAKER_CLOSED, HF_BREAKER_CLOSED, HF_BREAKER_FORCED_OPEN,
                     HF_BREAKER_DISABLED, HF_BREAKER_METRICS_ONLY});
    machine_.Force(state, now_);
    naive_.Force(state, now_);
  }

  void Merge() {
    WindowTotals totals;
    totals.calls = static_cast<uint32_t>(dice_.Below(20));
    totals.failures = static_cast<uint32_t>(dice_.Below(totals.calls + 1));
    totals.slow = static_cast<uint32_t>(dice_.Below(totals.calls + 1));
    const uint64_t id = dice_.Below(3);
    hf_events got = 0, expected = 0;
    ASSERT_EQ(machine_.Merge(id, totals, now_, &got), naive_.Merge(id, totals, now_, &expected));
    ASSERT_EQ(got, expected);
  }

  void Restart() {
    machine_.Restore(machine_.Save(now_), now_);
    naive_.SaveAndRestore(now_);
  }

  void Update() {
    --updates_;
    BreakerPolicy next = RandomPolicy(dice_);
    next.seed = policy_.seed;
    policy_ = next;
    ASSERT_EQ(machine_.Update(policy_, now_), naive_.Update(policy_, now_));
  }

  void Compare() {
    const hf_breaker_snapshot got = machine_.Read(now_);
    const WindowTotals totals = naive_.Totals(now_);
    ASSERT_EQ(got.state, naive_.state());
    ASSERT_EQ(got.generation, naive_.generation());
    ASSERT_EQ(got.calls, totals.calls);
    ASSERT_EQ(got.failures, totals.failures);
    ASSERT_EQ(got.slow, totals.slow);
    ASSERT_EQ(got.overdue, naive_.Overdue(now_));
    ASSERT_EQ(got.in_flight, naive_.InFlight());
    ASSERT_EQ(got.consecutive, naive_.run());
    ASSERT_EQ(got.probes_out, naive_.ProbesOut());
    ASSERT_EQ(got.open_until, naive_.open_until());
    ASSERT_EQ(got.trips, naive_.trips());
    ASSERT_EQ(got.opened, naive_.opened());
    ASSERT_EQ(got.refused, naive_.refused());
  }

  Dice dice_;
  BreakerPolicy policy_;
  int updates_;
  BreakerBox<Storage> box_;
  Breaker<Storage>& machine_ = box_.machine;
  NaiveBreaker naive_;
  const uint64_t failing_;  // percent
  hf_time now_ = 100 * HF_S;
  std::vector<Held> permits_;
};

// Most defects show within a few steps, some only after many.
template <typename Storage>
void Play(uint64_t schedules) {
  for (uint64_t seed = 1; seed <= schedules && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Match<Storage>(seed).Play(seed % 16 == 0 ? 200 : 16);
  }
}

TEST(BreakerModel, AgreesWithTheNaiveBreaker) { Play<PlainLanes>(model::Schedules(1000000)); }
TEST(BreakerModel, AgreesWithTheNaiveBreakerOnAtomics) {
  Play<AtomicLanes>(model::Schedules(100000));
}

}  // namespace
}  // namespace holdfast::engine
