// SPDX-License-Identifier: Apache-2.0
// A draw and an operator at once, at every point where one can come between the other's accesses. What a
// draw says must be of one configuration: the one before, or one of those that came meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/fault.h"
#include "model/dice.h"
#include "model/interrupted_cells.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::InterruptedCells;

using Racer = Fault<InterruptedCells, 2>;

constexpr const char* kTexts[] = {"aaaaaaaaaaaaaaaa", "aaaaaaaabbbbbbbb", "bbbbbbbbaaaaaaaa",
                                  "bbbbbbbbbbbbbbbb"};

hf_str Str(const char* text) { return {text, std::char_traits<char>::length(text)}; }

// All that a configuration says is its number, over and over.
FaultPolicy Configuration(Dice& dice, uint64_t number) {
  FaultPolicy policy;
  policy.count = static_cast<uint32_t>(1 + dice.Below(2));
  policy.expiry = 60 * HF_S;
  policy.limits.max_active = 100;
  for (uint32_t place = 0; place < policy.count; ++place) {
    FaultRule& rule = policy.rules[place];
    hf_match match{};
    match.operation = Str(dice.OneOf(kTexts));
    CompileMatch(match, &rule.match);
    rule.kind = HF_FAULT_RESULT;
    rule.threshold = FaultThreshold(1);
    rule.seed = 1;
    rule.result = number;
    rule.delay_min = static_cast<hf_duration>(number);
    rule.outcome.code = static_cast<hf_code>(number);
    rule.outcome.retry_after = static_cast<hf_duration>(number);
  }
  return policy;
}

hf_fault_decision Draw(Racer& engine, size_t text) {
  hf_fault_decision decision{};
  engine.Draw(1, 1, {Str(kTexts[text]), {}, {}, {}}, 0, &decision);
  return decision;
}

std::unique_ptr<Racer> Running(const std::vector<FaultPolicy>& configurations) {
  auto engine = std::make_unique<Racer>(configurations[0], 7);
  for (size_t i = 1; i < configurations.size(); ++i) engine->Update(configurations[i], 0);
  engine->Start(0);
  return engine;
}

// What each configuration by itself says; 0: nothing.
std::vector<uint64_t> Answers(const std::vector<FaultPolicy>& configurations, size_t text) {
  std::vector<uint64_t> answers;
  for (const FaultPolicy& policy : configurations) {
    answers.push_back(Draw(*Running({policy}), text).result);
  }
  return answers;
}

void ExpectWhole(const hf_fault_decision& got) {
  if (got.kind == HF_FAULT_NONE) return;
  ASSERT_EQ(got.outcome.code, static_cast<hf_code>(got.result));
  ASSERT_EQ(got.outcome.retry_after, static_cast<hf_duration>(got.result));
  ASSERT_EQ(got.delay_until, static_cast<hf_time>(got.result));
}

TEST(FaultRaceModel, ADrawInterruptedByUpdatesIsOfOneConfiguration) {
  const uint64_t schedules = model::Schedules(50'000);
  uint64_t races = 0, injected = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const size_t earlier = dice.Below(3), later = 1 + dice.Below(3);
    std::vector<FaultPolicy> before, all;
    for (size_t i = 0; i <= earlier + later; ++i) all.push_back(Configuration(dice, i + 1));
    before.assign(all.begin(), all.begin() + static_cast<long>(earlier) + 1);
    const auto text = static_cast<size_t>(dice.Below(4));
    const std::vector<uint64_t> answers = Answers(all, text);
    for (int k = 0;; ++k) {
      const auto engine = Running(before);
      hf_fault_decision got{};
      const bool ran = InterruptedCells::Interrupt(
          k, [&] { got = Draw(*engine, text); },
          [&] {
            for (size_t i = earlier + 1; i < all.size(); ++i) engine->Update(all[i], 0);
          });
      // The one that held before, or the last one.
      ASSERT_TRUE(got.result == answers[earlier] || got.result == answers.back()) << k;
      ExpectWhole(got);
      if (testing::Test::HasFatalFailure()) return;
      injected += got.kind != HF_FAULT_NONE ? 1 : 0;
      if (!ran) break;
      ++races;
    }
  }
  EXPECT_GT(races, schedules * 5);
  EXPECT_GT(injected, schedules);
}

TEST(FaultRaceModel, AnUpdateInterruptedByADrawShowsItTheConfigurationBeforeOrAfter) {
  const uint64_t schedules = model::Schedules(50'000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    std::vector<FaultPolicy> before;
    const size_t earlier = 1 + dice.Below(3);
    for (size_t i = 0; i < earlier; ++i) before.push_back(Configuration(dice, i + 1));
    const FaultPolicy next = Configuration(dice, earlier + 1);
    const auto text = static_cast<size_t>(dice.Below(4));
    const uint64_t old_answer = Answers({before.back()}, text)[0];
    const uint64_t new_answer = Answers({next}, text)[0];
    uint64_t last = old_answer;
    for (int k = 0;; ++k) {
      const auto engine = Running(before);
      hf_fault_decision got{};
      const bool ran = InterruptedCells::Interrupt(
          k, [&] { engine->Update(next, 0); }, [&] { got = Draw(*engine, text); });
      if (!ran) break;
      ASSERT_TRUE(got.result == old_answer || got.result == new_answer) << k;
      ASSERT_TRUE(last == old_answer || got.result == new_answer) << k << ": it went back";
      ExpectWhole(got);
      if (testing::Test::HasFatalFailure()) return;
      last = got.result;
    }
  }
}

TEST(FaultRaceModel, ADrawInterruptedByAStopInjectsAsBeforeOrNothing) {
  Dice dice(1);
  const FaultPolicy policy = Configuration(dice, 1);
  for (size_t text = 0; text < 4; ++text) {
    for (int k = 0;; ++k) {
      const auto engine = Running({policy});
      hf_fault_decision got{};
      const bool ran = InterruptedCells::Interrupt(
          k, [&] { got = Draw(*engine, text); }, [&] { engine->Stop(HF_R_ABORTED, 0); });
      EXPECT_EQ(engine->Read(0).active, got.ticket != 0 ? 1u : 0u);
      if (!ran) break;
      EXPECT_EQ(Draw(*engine, text).kind, HF_FAULT_NONE);
    }
  }
}

TEST(FaultRaceModel, OfTwoStopsTheFirstIsTheReason) {
  Dice dice(1);
  const FaultPolicy policy = Configuration(dice, 1);
  for (int k = 0; k < 2; ++k) {  // before each look at the state: outside the lock, and just inside
    const auto engine = Running({policy});
    EXPECT_TRUE(InterruptedCells::Interrupt(
        k, [&] { engine->Stop(HF_R_ABORTED, 0); }, [&] { engine->Stop(HF_R_BREAKER_OPEN, 0); }));
    EXPECT_EQ(engine->Read(0).stop_reason, HF_R_BREAKER_OPEN) << k;
    EXPECT_EQ(engine->journal().written(), 2u) << k << ": started once, stopped once";
  }
}

TEST(FaultRaceModel, TheLimitsHoldWhereverTwoDrawsMeet) {
  for (const bool total : {false, true}) {
    Dice dice(1);
    FaultPolicy policy = Configuration(dice, 1);
    policy.rules[0].match = Match{};
    policy.limits = {total ? 1u : 0u, total ? 100u : 1u};
    for (int k = 0;; ++k) {
      const auto engine = Running({policy});
      hf_fault_decision first{}, second{};
      const bool ran = InterruptedCells::Interrupt(
          k, [&] { first = Draw(*engine, 0); }, [&] { second = Draw(*engine, 0); });
      if (!ran) break;
      EXPECT_EQ((first.ticket != 0) + (second.ticket != 0), 1) << k;
      EXPECT_EQ(engine->Read(0).active, 1u) << k;
      EXPECT_EQ(engine->Read(0).results, 1u) << k;
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
