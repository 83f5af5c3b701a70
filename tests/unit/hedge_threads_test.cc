// SPDX-License-Identifier: Apache-2.0
// One policy under eight threads: exact counts in the end, the cap never exceeded, updates meanwhile.
#include <gtest/gtest.h>
#include <holdfast/bulkhead.h>
#include <holdfast/hedge.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/hedge.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 8;
constexpr hf_outcome kFine{HF_OK, 0, 0, 0, 0};

void InThreads(const auto& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(HedgeThreads, ManyCallsOnOnePolicyAddUpExactly) {
  constexpr uint64_t kCalls = 2000;
  const HedgePolicy policy =
      *HedgePolicy::Create({.mode = HedgeMode::kFixed, .delay = 1ms, .max_rate = 1, .burst = 1000});
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 2 * kThreads});
  const Pipeline pipeline = *Pipeline::Create({.bulkhead = bulkhead});
  std::atomic<uint64_t> hedges{0}, won{0};
  InThreads([&](int thread) {
    for (uint64_t i = 0; i < kCalls; ++i) {
      // All in one window, so that no sample is lost to a rotation.
      const hf_time now = HF_S + static_cast<hf_time>(i);
      HedgeCall call(policy, pipeline, {.idempotent = true}, now);
      ASSERT_EQ(call.next().kind, HF_DO_ATTEMPT);
      if ((i + static_cast<uint64_t>(thread)) % 2 == 0) {
        ASSERT_TRUE(call.OnTime(now + HF_MS).ok());
        ASSERT_EQ(call.next().kind, HF_DO_ATTEMPT) << "a rate of one is a hedge for each";
        hedges.fetch_add(1);
      }
      const uint32_t winner = call.next().attempts;
      if (winner == 2) won.fetch_add(1);
      ASSERT_TRUE(call.OnOutcome(winner, kFine, now + 2 * HF_MS).ok());
    }
  });
  const HedgeSnapshot end = policy.Snapshot(HF_S);
  EXPECT_EQ(end.calls, kThreads * kCalls);
  EXPECT_EQ(end.hedges, hedges.load());
  EXPECT_EQ(end.won, won.load());
  EXPECT_EQ(end.samples, kThreads * kCalls);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

// A cap that tests and then adds lets as many through as there are threads (failsafe-go's budget).
TEST(HedgeThreads, TheCapHoldsWhateverThreadsDo) {
  constexpr uint32_t kCalls = 20000;
  engine::HedgeCap<abi::AtomicCells> cap(50, 3 * engine::kOneHedge);
  std::atomic<uint64_t> sent{0};
  InThreads([&](int) {
    for (uint32_t i = 0; i < kCalls; ++i) {
      cap.OnCall();
      if (cap.Take()) sent.fetch_add(1);
    }
  });
  EXPECT_LE(sent.load() * engine::kOneHedge, 3 * engine::kOneHedge + 50ull * kThreads * kCalls);
  EXPECT_GE(sent.load(), kThreads * kCalls / 20) << "and none is lost on the way";
}

TEST(HedgeThreads, RotationsAndUpdatesMeanwhileLoseNoCall) {
  constexpr uint64_t kCalls = 3000;
  engine::HedgeRules rules;
  rules.window = 100 * HF_MS;
  rules.min_samples = 5;
  engine::Hedge<abi::AtomicCells> policy(rules);
  InThreads([&](int thread) {
    engine::HedgeRules mine = rules;
    mine.max_attempts = static_cast<uint32_t>(2 + thread % 7);
    mine.mode = HF_HEDGE_FIXED;
    mine.delay = mine.max_attempts * HF_MS;
    for (uint64_t i = 0; i < kCalls; ++i) {
      const hf_time now = static_cast<hf_time>(i) * 3 * HF_MS;
      if (i % 100 == 0) policy.Update(mine, now);
      const engine::HedgeTerms terms = policy.BeginCall(now);
      ASSERT_TRUE(terms.delay == HF_INFINITE ||
                  terms.delay == hf_duration{terms.max_attempts} * HF_MS)
          << "two configurations mixed";
      policy.Learn(HF_MS, now);
      if (policy.cap().Take()) policy.NoteSent(2, now);
    }
  });
  const hf_hedge_snapshot end = policy.Read(0);
  EXPECT_EQ(end.calls, kThreads * kCalls);
  EXPECT_EQ(end.updates, kThreads * kCalls / 100);
}

}  // namespace
}  // namespace holdfast
