// SPDX-License-Identifier: Apache-2.0
// Fault injection under eight threads: the limits hold exactly, every fault is counted, and a draw sees the
// rules of one configuration while they are replaced.
#include <gtest/gtest.h>
#include <holdfast/c/fault.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "abi/fault.h"

namespace {

constexpr int kThreads = 8;

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

hf_fault_rule Rule(std::string_view operation, hf_fault_kind kind, double rate) {
  hf_fault_rule rule{};
  rule.match.operation = Str(operation);
  rule.kind = kind;
  rule.rate = rate;
  if (kind == HF_FAULT_DELAY) rule.delay_min = HF_MS;
  if (kind == HF_FAULT_RESULT) rule.result = 1;
  return rule;
}

hf_fault_options Options(const hf_fault_rule& rule) {
  hf_fault_options options = HF_INIT(hf_fault_options);
  options.rules = &rule;
  options.rule_count = 1;
  options.rule_size = sizeof rule;
  options.seed = 3;
  options.expiry = 3600 * HF_S;
  return options;
}

hf_fault* Running(const hf_fault_options& options) {
  hf_fault* fault = nullptr;
  EXPECT_EQ(hf_fault_new(&options, &fault, nullptr), HF_OK);
  EXPECT_EQ(hf_fault_start(fault, 0, nullptr), HF_OK);
  return fault;
}

hf_fault_snapshot Read(hf_fault* fault) {
  hf_fault_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_fault_read(fault, 1, &snapshot), HF_OK);
  return snapshot;
}

void RunAll(const auto& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(FaultThreads, NeverMoreActiveThanAllowedAndEveryTicketComesBack) {
  constexpr int kRounds = 20000;
  const hf_fault_rule rule = Rule("", HF_FAULT_DELAY, 0.5);
  hf_fault_options options = Options(rule);
  options.max_active = 3;
  hf_fault* const fault = Running(options);
  std::atomic<int> active{0}, most{0};
  std::atomic<uint64_t> injected{0}, would{0};
  RunAll([&](int me) {
    for (int round = 0; round < kRounds; ++round) {
      const uint64_t seed = static_cast<uint64_t>(me) * kRounds + static_cast<uint64_t>(round) + 1;
      hf_fault_decision decision, preview;
      ASSERT_EQ(hf_fault_preview(fault, seed, 1, nullptr, 1, &preview), HF_OK);
      ASSERT_EQ(hf_fault_draw(fault, seed, 1, nullptr, 1, &decision), HF_OK);
      if (preview.kind != HF_FAULT_NONE) would.fetch_add(1);
      if (decision.kind == HF_FAULT_NONE) continue;
      ASSERT_EQ(preview.kind, decision.kind);
      injected.fetch_add(1);
      const int now_active = active.fetch_add(1) + 1;
      int seen = most.load();
      while (seen < now_active && !most.compare_exchange_weak(seen, now_active)) {
      }
      if (round % 8 == 0) std::this_thread::yield();
      active.fetch_sub(1);
      ASSERT_EQ(hf_fault_done(fault, &decision), HF_OK);
    }
  });
  EXPECT_LE(most.load(), 3);
  const hf_fault_snapshot after = Read(fault);
  EXPECT_EQ(after.active, 0u);
  EXPECT_EQ(after.delays, injected.load());
  EXPECT_EQ(after.delays + after.skipped_active, would.load());
  hf_fault_unref(fault);
}

TEST(FaultThreads, ExactlyMaxTotalAreInjected) {
  const hf_fault_rule rule = Rule("", HF_FAULT_RESULT, 1);
  hf_fault_options options = Options(rule);
  options.max_total = 12345;
  hf_fault* const fault = Running(options);
  std::atomic<uint64_t> injected{0};
  RunAll([&](int) {
    hf_fault_decision decision;
    for (uint64_t seed = 1; seed <= 4000; ++seed) {
      ASSERT_EQ(hf_fault_draw(fault, seed, 1, nullptr, 1, &decision), HF_OK);
      if (decision.kind != HF_FAULT_NONE) injected.fetch_add(1);
    }
  });
  EXPECT_EQ(injected.load(), 12345u);
  EXPECT_EQ(Read(fault).results, 12345u);
  EXPECT_EQ(Read(fault).skipped_total, uint64_t{kThreads} * 4000 - 12345);
  hf_fault_unref(fault);
}

// Configurations "aa..." -> 1 and "bb..." -> 2 take turns: a draw for "aa..." may be answered by 1 or not
// at all, never by 2; and one for half of each never.
TEST(FaultThreads, ADrawSeesTheRulesOfOneConfiguration) {
  const std::string a(16, 'a'), b(16, 'b'), mixed = "aaaaaaaabbbbbbbb";
  hf_fault_rule first = Rule(a, HF_FAULT_RESULT, 1), second = Rule(b, HF_FAULT_RESULT, 1);
  first.result = 1;
  second.result = 2;
  const hf_fault_options one = Options(first), two = Options(second);
  hf_fault* const fault = Running(one);
  std::atomic<bool> over{false};
  std::atomic<int> draws{0};
  RunAll([&](int me) {
    if (me == 0) {
      for (int round = 0; round < 10000 || draws.load() < 3000; ++round) {
        ASSERT_EQ(hf_fault_update(fault, round % 2 == 0 ? &two : &one, 1, nullptr), HF_OK);
      }
      over.store(true);
      return;
    }
    const std::string_view operations[] = {a, b, mixed};
    for (uint64_t seed = 1; !over.load(); ++seed) {
      const size_t which = seed % 3;
      const hf_facts facts = {Str(operations[which]), {}, {}, {}};
      hf_fault_decision decision;
      ASSERT_EQ(hf_fault_draw(fault, seed, 1, &facts, 1, &decision), HF_OK);
      ASSERT_TRUE(decision.kind == HF_FAULT_NONE || decision.result == which + 1);
      draws.fetch_add(1);
    }
  });
  hf_fault_unref(fault);
}

TEST(FaultThreads, AStopIsHeardByEveryDrawThatBeginsAfterIt) {
  const hf_fault_rule rule = Rule("", HF_FAULT_RESULT, 1);
  const hf_fault_options options = Options(rule);
  hf_fault* const fault = Running(options);
  std::atomic<bool> stopped{false};
  RunAll([&](int me) {
    for (uint64_t seed = 1; seed <= 5000; ++seed) {
      if (me == 0 && seed == 2500) {
        ASSERT_EQ(hf_fault_stop(fault, HF_R_BREAKER_OPEN, 1), HF_OK);
        stopped.store(true);
      }
      const bool before = stopped.load();
      hf_fault_decision decision;
      ASSERT_EQ(hf_fault_draw(fault, seed, 1, nullptr, 1, &decision), HF_OK);
      ASSERT_TRUE(!before || decision.kind == HF_FAULT_NONE);
    }
  });
  EXPECT_EQ(Read(fault).stop_reason, HF_R_BREAKER_OPEN);
  hf_fault_unref(fault);
}

}  // namespace
