// SPDX-License-Identifier: Apache-2.0
// Eight threads in one breaker: nothing is lost and nothing is counted twice, in any window, with calls under
// way, under updates, and through a million bad moments.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "abi/laned_cells.h"
#include "unit/breaker_box.h"

namespace holdfast::engine {
namespace {

constexpr int kThreads = 8;
constexpr int kCalls = 2000;
constexpr hf_time kNow = 1000 * HF_S;

template <typename Work>
void Together(Work&& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

BreakerPolicy Calm(hf_window window) {
  BreakerPolicy policy;
  policy.window = window;
  policy.window_calls = 4096;
  policy.minimum_calls = 1000000;
  return policy;
}

using Box = BreakerBox<abi::LanedCells>;

TEST(BreakerThreads, ATimeWindowIsExact) {
  for (const uint32_t lanes : {1u, 4u}) {
    BreakerPolicy policy = Calm(HF_WINDOW_TIME);
    policy.slow_rate = 1;
    Box box(policy, Capacity::Largest(lanes));
    Together([&](int thread) {
      for (int n = 0; n < kCalls; ++n) {
        const hf_time now = kNow + n * 4 * HF_MS - thread;
        const Admission admission = box.machine.Acquire(now);
        box.machine.Record(admission.permit, 1 + n % 4, now);  // success, failure, slow, ignored
      }
    });
    const hf_breaker_snapshot got = box.machine.Read(kNow + kCalls * 4 * HF_MS);
    EXPECT_EQ(got.calls, kThreads * kCalls * 3u / 4);
    EXPECT_EQ(got.failures, kThreads * kCalls / 4u);
    EXPECT_EQ(got.slow, kThreads * kCalls / 4u);
  }
}

TEST(BreakerThreads, ACountWindowIsExact) {
  BreakerPolicy policy = Calm(HF_WINDOW_COUNT);
  policy.slow_rate = 1;
  Box box(policy, Capacity::Largest(4));
  Together([&](int) {
    for (int n = 0; n < 4096 / kThreads; ++n) {
      box.machine.Record(box.machine.Acquire(kNow).permit, 1 + n % 3, kNow);
    }
  });
  hf_breaker_snapshot got = box.machine.Read(kNow);
  EXPECT_EQ(got.calls, 4096u);
  EXPECT_EQ(got.failures, kThreads * 171u);  // 1, 4, 7, ... of 512
  EXPECT_EQ(got.slow, kThreads * 170u);
  // Full and running over: the last 4096 are all good ones in the end.
  Together([&](int) {
    for (int n = 0; n < 4096 / kThreads; ++n) {
      box.machine.Record(box.machine.Acquire(kNow).permit, HF_VERDICT_SUCCESS, kNow);
    }
  });
  got = box.machine.Read(kNow);
  EXPECT_EQ(got.calls, 4096u);
  EXPECT_EQ(got.failures, 0u);
  EXPECT_EQ(got.slow, 0u);
}

TEST(BreakerThreads, CallsUnderWayAreExact) {
  BreakerPolicy policy = Calm(HF_WINDOW_TIME);
  policy.slow_after = HF_S;
  policy.slow_rate = 1;
  Box box(policy, Capacity::Largest(4));
  std::vector<std::vector<hf_permit>> held(kThreads);
  Together([&](int thread) {
    for (int n = 0; n < kCalls; ++n) {
      const hf_time now = kNow + n * HF_MS;
      held[thread].push_back(box.machine.Acquire(now).permit);
    }
  });
  EXPECT_EQ(box.machine.Read(kNow).in_flight, static_cast<uint32_t>(kThreads * kCalls));
  // Each thread gives back what another one took.
  Together([&](int thread) {
    for (const hf_permit& permit : held[(thread + 1) % kThreads]) {
      box.machine.Record(permit, HF_VERDICT_SUCCESS, kNow + 2 * HF_S);
    }
  });
  const hf_breaker_snapshot got = box.machine.Read(kNow + 2 * HF_S);
  EXPECT_EQ(got.in_flight, 0u);
  EXPECT_EQ(got.overdue, 0u);
  EXPECT_EQ(got.calls, static_cast<uint32_t>(kThreads * kCalls));
}

TEST(BreakerThreads, ARampNeverSpendsAPlaceTwice) {
  BreakerPolicy policy;
  policy.consecutive_failures = 1;
  policy.probes = 1;
  policy.ramp_for = 10 * HF_S;
  policy.ramp_from = 0.125;
  Box box(policy, Capacity::Largest(4));
  box.machine.Record(box.machine.Acquire(kNow).permit, HF_VERDICT_FAILURE, kNow);
  const hf_time later = kNow + 5 * HF_S;
  box.machine.Record(box.machine.Acquire(later).permit, HF_VERDICT_SUCCESS, later);
  std::atomic<int> admitted{0};
  Together([&](int) {
    for (int n = 0; n < kCalls; ++n) {
      admitted += box.machine.Acquire(later).why.code == HF_OK ? 1 : 0;
    }
  });
  EXPECT_EQ(admitted, kThreads * kCalls / 8);
}

TEST(BreakerThreads, UpdatesLoseNoPermit) {
  Box box(Calm(HF_WINDOW_TIME), Capacity::Largest(4));
  std::atomic<int> unknown{0};
  Together([&](int thread) {
    for (int n = 0; n < kCalls; ++n) {
      if (thread == 0 && n % 20 == 0) {
        BreakerPolicy policy = Calm(n % 40 == 0 ? HF_WINDOW_COUNT : HF_WINDOW_TIME);
        policy.slow_after = n % 3 * HF_S;
        policy.slow_rate = n % 3 == 0 ? 0 : 1;
        policy.window_calls = 100 + static_cast<uint32_t>(n);
        box.machine.Update(policy, kNow);
      }
      const Admission admission = box.machine.Acquire(kNow);
      unknown += admission.why.code != HF_OK;
      unknown += !box.machine.Record(admission.permit, HF_VERDICT_SUCCESS, kNow).accepted;
    }
  });
  EXPECT_EQ(unknown, 0);
  EXPECT_EQ(box.machine.Read(kNow).generation, 1u);
  EXPECT_EQ(box.machine.Read(kNow).failures, 0u);
  EXPECT_EQ(box.machine.Read(kNow).in_flight, 0u);
}

TEST(BreakerThreads, UpdatesOfTheWindowLeaveCallsUnderWayExact) {
  BreakerPolicy policy = Calm(HF_WINDOW_COUNT);
  policy.slow_after = HF_S;
  policy.slow_rate = 1;
  Box box(policy, Capacity::Largest(4));
  const hf_permit hung = box.machine.Acquire(kNow).permit;
  Together([&](int thread) {
    for (int n = 0; n < kCalls; ++n) {
      if (thread == 0) {
        BreakerPolicy next = policy;
        next.window = 1 + n % 2;
        next.window_calls = 100 + static_cast<uint32_t>(n);
        box.machine.Update(next, kNow);
      }
      const hf_permit permit = box.machine.Acquire(kNow).permit;
      box.machine.Record(permit, 1 + n % 4, kNow);
    }
  });
  EXPECT_EQ(box.machine.Read(kNow).in_flight, 1u);
  EXPECT_EQ(box.machine.Read(kNow + 2 * HF_S).overdue, 1u);
  EXPECT_TRUE(box.machine.Record(hung, HF_VERDICT_SUCCESS, kNow).accepted);
  EXPECT_EQ(box.machine.Read(kNow).in_flight, 0u);
}

TEST(BreakerThreads, EveryPermitIsSettledThroughTripsAndProbes) {
  BreakerPolicy policy;
  policy.window_calls = 20;
  policy.minimum_calls = 5;
  policy.probes = 2;
  policy.open_for = 2 * HF_MS;
  policy.slow_after = 5 * HF_MS;
  policy.slow_rate = 0.8;
  policy.ramp_for = 3 * HF_MS;
  Box box(policy, Capacity::Largest(2));
  std::atomic<hf_time> clock{kNow};
  std::atomic<int> lost{0};
  std::atomic<uint64_t> opened{0};
  Together([&](int thread) {
    for (int n = 0; n < kCalls; ++n) {
      const hf_time now = clock.fetch_add(10 * HF_US);
      const Admission admission = box.machine.Acquire(now);
      opened += admission.events & HF_EVENT_BREAKER_OPENED;
      if (admission.why.code != HF_OK) continue;
      const bool bad = n / 100 % 2 == 0 && thread % 2 == 0;
      const Settlement settled =
          box.machine.Record(admission.permit, bad ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS, now);
      lost += !settled.accepted;
      opened += settled.events & HF_EVENT_BREAKER_OPENED;
    }
  });
  EXPECT_EQ(lost, 0);
  const hf_breaker_snapshot got = box.machine.Read(clock);
  EXPECT_EQ(opened, got.opened) << "each opening is told once";
  EXPECT_LE(got.probes_out, 2u);
}

}  // namespace
}  // namespace holdfast::engine
