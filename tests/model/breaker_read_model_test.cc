// SPDX-License-Identifier: Apache-2.0
// A reader takes no lock, so it may come between any two steps of whoever holds it. What it sees then need not
// be of one moment, but it must be something that can be; and it must come back.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "model/interrupted_cells.h"
#include "unit/breaker_box.h"

namespace holdfast::engine {
namespace {

struct SteppedInto : model::InterruptedCells {
  static uint32_t Lane() { return 0; }
  static void MoveLane() {}

  // Lets a rival have the lock before whoever wants it for the n-th time.
  struct Mutex {
    static inline int locks_left = -1;
    static inline std::function<void()> rival;
    void Lock() {
      if (locks_left >= 0 && locks_left-- == 0) rival();
    }
    void Unlock() {}
  };
};
using Machine = Breaker<SteppedInto>;

constexpr hf_time kNow = 1000 * HF_S;

BreakerPolicy Of(hf_window window, uint32_t calls, hf_duration time, uint32_t buckets,
                 hf_duration slow_after) {
  BreakerPolicy policy;
  policy.window = window;
  policy.window_calls = calls;
  policy.window_time = time;
  policy.window_buckets = buckets;
  policy.slow_after = slow_after;
  policy.slow_rate = slow_after > 0 ? 1 : 0;
  policy.ramp_for = HF_S;
  return policy;
}

const BreakerPolicy kPolicies[] = {
    Of(HF_WINDOW_COUNT, 10, HF_S, 10, 0),    Of(HF_WINDOW_COUNT, 64, HF_S, 10, HF_S),
    Of(HF_WINDOW_TIME, 10, HF_S, 10, 0),     Of(HF_WINDOW_TIME, 10, 2 * HF_S, 10, 0),
    Of(HF_WINDOW_TIME, 10, 2 * HF_S, 20, 0), Of(HF_WINDOW_TIME, 10, HF_S, 3, HF_S),
};

// Reads before every access that `step` makes, one at a time.
void ReadWithin(const BreakerPolicy& policy, const std::function<void(Machine&)>& step) {
  bool interrupted = true;
  for (int k = 0; interrupted; ++k) {
    BreakerBox<SteppedInto> box(policy);
    for (int i = 0; i < 12; ++i) {
      const hf_permit permit = box.machine.Acquire(kNow + i * HF_MS).permit;
      const hf_verdict verdict = i % 3 == 0 ? HF_VERDICT_FAILURE : HF_VERDICT_SLOW;
      box.machine.Record(permit, verdict, kNow + i * HF_MS);
    }
    interrupted = SteppedInto::Interrupt(
        k, [&] { step(box.machine); },
        [&] {
          const hf_breaker_snapshot seen = box.machine.Read(kNow + HF_S);
          ASSERT_LE(seen.failures, seen.calls) << k;
          ASSERT_LE(seen.slow, seen.calls) << k;
          ASSERT_TRUE(seen.admitted >= 0 && seen.admitted <= 1) << k << ": " << seen.admitted;
        });
  }
}

TEST(BreakerReadModel, AReaderMayComeAnywhereInAnUpdate) {
  for (const BreakerPolicy& before : kPolicies) {
    for (const BreakerPolicy& after : kPolicies) {
      ReadWithin(before, [&](Machine& machine) { machine.Update(after, kNow + 20 * HF_MS); });
    }
  }
}

TEST(BreakerReadModel, AReaderMayComeAnywhereInAChangeOfState) {
  for (const BreakerPolicy& policy : kPolicies) {
    for (const hf_breaker_state state :
         {HF_BREAKER_CLOSED, HF_BREAKER_OPEN, HF_BREAKER_METRICS_ONLY}) {
      hf_breaker_saved saved{};
      saved.state = state;
      saved.open_left = saved.ramp_left = HF_S;
      saved.calls = 9;
      saved.failures = 3;
      ReadWithin(policy, [&](Machine& machine) { machine.Restore(saved, kNow + 20 * HF_MS); });
    }
  }
}

// A new policy must not be seen by whoever takes the lock before the windows follow it.
TEST(BreakerReadModel, ATripMayComeBeforeAnyLockOfAnUpdate) {
  for (const BreakerPolicy& before : kPolicies) {
    for (const BreakerPolicy& after : kPolicies) {
      for (int n = 0; n < 3; ++n) {
        BreakerPolicy policy = before;
        policy.consecutive_failures = 1;
        BreakerBox<SteppedInto> box(policy);
        const hf_permit permit = box.machine.Acquire(kNow).permit;
        SteppedInto::Mutex::rival = [&] {
          box.machine.Record(permit, HF_VERDICT_FAILURE, kNow);
          EXPECT_EQ(box.machine.Read(kNow).state, HF_BREAKER_OPEN);
        };
        SteppedInto::Mutex::locks_left = n;
        BreakerPolicy next = after;
        next.consecutive_failures = 1;
        box.machine.Update(next, kNow);
        SteppedInto::Mutex::locks_left = -1;
        EXPECT_LE(box.machine.Read(kNow).failures, box.machine.Read(kNow).calls);
      }
    }
  }
}

// Breakers of a registry share a policy, and follow it one after the other.
TEST(BreakerReadModel, ARampThatEndsBeforeItsBreakerFollowsKeepsTheOldShape) {
  for (const BreakerPolicy& after : kPolicies) {
    BreakerPolicy policy = kPolicies[0];
    policy.consecutive_failures = policy.probes = 1;
    policy.open_for = HF_MS;
    BreakerBox<SteppedInto> box(policy);
    box.machine.Record(box.machine.Acquire(kNow).permit, HF_VERDICT_FAILURE, kNow);
    const hf_permit probe = box.machine.Acquire(kNow + HF_MS).permit;
    box.machine.Record(probe, HF_VERDICT_SUCCESS, kNow + HF_MS);
    box.live.Store(after);
    const hf_permit permit = box.machine.Acquire(kNow + 2 * HF_S).permit;
    EXPECT_EQ(permit.kind, HF_PERMIT_NORMAL);
    EXPECT_TRUE(box.machine.Record(permit, HF_VERDICT_FAILURE, kNow + 2 * HF_S).accepted);
    EXPECT_EQ(box.machine.Read(kNow + 2 * HF_S).failures, 1u);
    box.machine.Follow(kNow + 2 * HF_S);
  }
}

}  // namespace
}  // namespace holdfast::engine
