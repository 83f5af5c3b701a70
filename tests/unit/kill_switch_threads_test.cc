// SPDX-License-Identifier: Apache-2.0
// The kill switch under eight threads, with operators at work: a call sees whole rules only, and no call
// slips through while one rule replaces another.
#include <gtest/gtest.h>
#include <holdfast/c/kill_switch.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "abi/kill_switch.h"

namespace {

constexpr int kThreads = 8;

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }
constexpr hf_str kWho = {"bob", 3};

uint64_t On(hf_kill_switch* kill, std::string_view operation, hf_time now,
            hf_duration expiry = 3600 * HF_S) {
  hf_kill_options options = HF_INIT(hf_kill_options);
  options.match.operation = Str(operation);
  options.owner = Str("ann");
  options.reason = Str("test");
  options.expiry = expiry;
  uint64_t token = 0;
  EXPECT_EQ(hf_kill_switch_arm(kill, &options, now, &token, nullptr), HF_OK);
  EXPECT_EQ(hf_kill_switch_fire(kill, token, now, nullptr), HF_OK);
  return token;
}

hf_kill_switch_snapshot Read(hf_kill_switch* kill, hf_time now) {
  hf_kill_switch_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_kill_switch_read(kill, now, &snapshot), HF_OK);
  return snapshot;
}

void RunAll(const auto& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(KillSwitchThreads, EveryRefusalIsCountedOnce) {
  constexpr int kRounds = 20000;
  hf_kill_switch* kill = nullptr;
  ASSERT_EQ(hf_kill_switch_new(nullptr, &kill, nullptr), HF_OK);
  On(kill, "charge", 0);
  RunAll([&](int me) {
    const hf_facts facts = {Str(me % 2 == 0 ? "charge" : "refund"), {}, {}, {}};
    for (int round = 0; round < kRounds; ++round) {
      ASSERT_EQ(hf_kill_switch_check(kill, &facts, round, nullptr),
                me % 2 == 0 ? HF_UNAVAILABLE : HF_OK);
    }
  });
  EXPECT_EQ(Read(kill, kRounds).refused, uint64_t{kThreads} / 2 * kRounds);
  hf_kill_entry entry;
  size_t count = 0;
  ASSERT_EQ(hf_kill_switch_list(kill, kRounds, &entry, 1, &count), HF_OK);
  EXPECT_EQ(entry.hits, uint64_t{kThreads} / 2 * kRounds);
  hf_kill_switch_unref(kill);
}

// Rules of two words each, "aa..." and "bb...", come and go in the same few places; a call "aa...bb..."
// would be meant by half of one and half of another.
TEST(KillSwitchThreads, NoCallIsMeantByHalvesOfTwoRules) {
  const std::string a(16, 'a'), b(16, 'b'), mixed = "aaaaaaaabbbbbbbb";
  hf_kill_switch* kill = nullptr;
  ASSERT_EQ(hf_kill_switch_new(nullptr, &kill, nullptr), HF_OK);
  // All places but one are taken by rules that mean nobody here, so each new rule goes where the last was.
  for (int i = 0; i < 63; ++i) On(kill, "nobody", 0);
  std::atomic<bool> over{false};
  std::atomic<int> checks{0};
  RunAll([&](int me) {
    if (me == 0) {
      for (int round = 0; round < 10000 || checks.load() < 3000; ++round) {
        const uint64_t token = On(kill, round % 2 == 0 ? a : b, round);
        ASSERT_EQ(hf_kill_switch_lift(kill, token, &kWho, round, nullptr), HF_OK);
      }
      over.store(true);
      return;
    }
    const hf_facts facts = {Str(mixed), {}, {}, {}};
    while (!over.load()) {
      ASSERT_EQ(hf_kill_switch_check(kill, &facts, 1, nullptr), HF_OK);
      checks.fetch_add(1);
    }
  });
  hf_kill_switch_unref(kill);
}

// The operator fires a new rule and lifts the old one, over and over: at every moment one of the two is on,
// so every check must refuse, wherever in the table it is looking.
TEST(KillSwitchThreads, NoCallSlipsThroughWhileOneRuleReplacesAnother) {
  hf_kill_switch* kill = nullptr;
  ASSERT_EQ(hf_kill_switch_new(nullptr, &kill, nullptr), HF_OK);
  uint64_t on = On(kill, "charge", 0);
  std::atomic<bool> over{false};
  std::atomic<int> checks{0};
  RunAll([&](int me) {
    if (me == 0) {
      for (int round = 0; round < 10000 || checks.load() < 3000; ++round) {
        const uint64_t next = On(kill, "charge", round);
        ASSERT_EQ(hf_kill_switch_lift(kill, on, &kWho, round, nullptr), HF_OK);
        on = next;
      }
      over.store(true);
      return;
    }
    const hf_facts facts = {Str("charge"), {}, {}, {}};
    while (!over.load()) {
      ASSERT_EQ(hf_kill_switch_check(kill, &facts, 1, nullptr), HF_UNAVAILABLE);
      checks.fetch_add(1);
    }
  });
  hf_kill_switch_unref(kill);
}

// Time passes while all check: what expires is retired once, and no call is refused by it afterwards.
TEST(KillSwitchThreads, ARuleExpiresOnceHoweverManyNotice) {
  constexpr int kRules = 50;
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_kill_switch_options options = HF_INIT(hf_kill_switch_options);
  options.journal = journal;
  hf_kill_switch* kill = nullptr;
  ASSERT_EQ(hf_kill_switch_new(&options, &kill, nullptr), HF_OK);
  for (int i = 0; i < kRules; ++i) On(kill, "charge", 0, (i + 1) * HF_S);
  std::atomic<hf_time> clock{0};
  RunAll([&](int) {
    const hf_facts other = {Str("refund"), {}, {}, {}};
    while (clock.load() < (kRules + 1) * HF_S) {
      ASSERT_EQ(hf_kill_switch_check(kill, &other, clock.fetch_add(HF_MS), nullptr), HF_OK);
    }
  });
  EXPECT_EQ(Read(kill, clock.load()).on, 0u);
  std::vector<hf_event> events(1024);
  size_t count = 0;
  ASSERT_EQ(hf_journal_drain(journal, events.data(), events.size(), &count), HF_OK);
  int expired = 0;
  for (size_t i = 0; i < count; ++i) expired += events[i].reason == HF_R_DEADLINE ? 1 : 0;
  EXPECT_EQ(expired, kRules);
  hf_kill_switch_unref(kill);
  hf_journal_unref(journal);
}

}  // namespace
