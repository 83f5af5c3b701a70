// SPDX-License-Identifier: Apache-2.0
// A check and an operator at once, at every point where one can come between the other's accesses. What a
// check says must be what it would have said before the operator's step or after it; what it refuses with
// must be of a rule that really means the call.
//
// Patterns and calls are two words of A or B each: a rule read half from its place's last tenant would mean
// a call that no rule means.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/kill_switch.h"
#include "model/dice.h"
#include "model/interrupted_cells.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::InterruptedCells;

constexpr size_t kPlaces = 3;
constexpr const char* kTexts[] = {"aaaaaaaaaaaaaaaa", "aaaaaaaabbbbbbbb", "bbbbbbbbaaaaaaaa",
                                  "bbbbbbbbbbbbbbbb"};

using Racer = KillSwitch<InterruptedCells, kPlaces>;

// One thing that an operator does; `text` is its pattern and, as a code, what it refuses with.
struct Op {
  enum Kind { kArm, kFire, kLift } kind = kArm;
  size_t text = 0;
  uint64_t token = 0;
};

hf_code CodeOf(size_t text) { return HF_CANCELLED + static_cast<hf_code>(text); }

hf_str Str(const char* text) { return {text, std::char_traits<char>::length(text)}; }

void Do(Racer& engine, const Op& op) {
  if (op.kind == Op::kFire) {
    engine.Fire(op.token, 0);
  } else if (op.kind == Op::kLift) {
    engine.Lift(op.token, "eve", 0);
  } else {
    KillRule rule;
    hf_match match{};
    match.operation = Str(kTexts[op.text]);
    CompileMatch(match, &rule.match);
    rule.entry.code = CodeOf(op.text);
    rule.entry.expiry = 60 * HF_S;
    engine.Arm(rule, 0);
  }
}

hf_code Check(Racer& engine, size_t text) {
  const hf_facts facts = {Str(kTexts[text]), {}, {}, {}};
  hf_rejection why{};
  const hf_code code = engine.Check(facts, 0, &why);
  EXPECT_EQ(code, why.code);
  return code;
}

std::unique_ptr<Racer> After(const std::vector<Op>& ops) {
  auto engine = std::make_unique<Racer>(KillSwitchPolicy{.capacity = kPlaces});
  for (const Op& op : ops) Do(*engine, op);
  return engine;
}

// Steps that make sense more often than not.
std::vector<Op> RandomOps(Dice& dice, uint64_t count, uint64_t* armed) {
  std::vector<Op> ops;
  while (ops.size() < count) {
    const uint64_t latest = *armed;
    switch (dice.Below(4)) {
      case 0:
        ops.push_back({Op::kLift, 0, latest == 0 ? 0 : 1 + dice.Below(latest)});
        break;
      default:
        ++*armed;
        ops.push_back({Op::kArm, static_cast<size_t>(dice.Below(4)), 0});
        if (dice.Chance(85)) ops.push_back({Op::kFire, 0, *armed});
    }
  }
  return ops;
}

std::vector<Op> Joined(std::vector<Op> first, const std::vector<Op>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(KillSwitchRaceModel, ACheckInterruptedByAnOperatorSaysWhatItWouldHaveSaidBeforeOrAfter) {
  const uint64_t schedules = model::Schedules(100'000);
  uint64_t races = 0, differ = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    uint64_t armed = 0;
    const std::vector<Op> setup = RandomOps(dice, 2 + dice.Below(4), &armed);
    const std::vector<Op> rival = RandomOps(dice, 1 + dice.Below(5), &armed);
    const auto text = static_cast<size_t>(dice.Below(4));
    const hf_code before = Check(*After(setup), text);
    const hf_code after = Check(*After(Joined(setup, rival)), text);
    differ += before != after ? 1 : 0;
    for (int k = 0;; ++k) {
      const auto engine = After(setup);
      hf_code got = HF_OK;
      const bool ran = InterruptedCells::Interrupt(
          k, [&] { got = Check(*engine, text); },
          [&] {
            for (const Op& op : rival) Do(*engine, op);
          });
      ASSERT_TRUE(got == before || got == after) << k << ": " << got;
      if (!ran) break;
      ++races;
    }
  }
  EXPECT_GT(races, schedules * 3);
  EXPECT_GT(differ, schedules / 20);
}

TEST(KillSwitchRaceModel, AnOperatorInterruptedByACheckShowsItTheStateBeforeOrAfter) {
  const uint64_t schedules = model::Schedules(100'000);
  uint64_t races = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    uint64_t armed = 0;
    std::vector<Op> setup = RandomOps(dice, 2 + dice.Below(4), &armed);
    const Op main = setup.back();
    setup.pop_back();
    const auto text = static_cast<size_t>(dice.Below(4));
    const hf_code before = Check(*After(setup), text);
    const hf_code after = Check(*After(Joined(setup, {main})), text);
    hf_code last = before;
    for (int k = 0;; ++k) {
      const auto engine = After(setup);
      hf_code got = HF_OK;
      const bool ran = InterruptedCells::Interrupt(
          k, [&] { Do(*engine, main); }, [&] { got = Check(*engine, text); });
      if (!ran) break;
      ASSERT_TRUE(got == before || got == after) << k << ": " << got;
      ASSERT_TRUE(last == before || got == after) << k << ": it went back";
      last = got;
      ++races;
    }
  }
  EXPECT_GT(races, schedules * 5);
}

TEST(KillSwitchRaceModel, ARuleExpiresOnceWhereverTwoChecksMeet) {
  for (int k = 0;; ++k) {
    const auto engine = After({{Op::kArm, 0, 0}, {Op::kFire, 0, 1}, {Op::kArm, 1, 0}});
    const hf_facts facts = {Str(kTexts[0]), {}, {}, {}};
    hf_rejection why{};
    const auto check = [&] { EXPECT_EQ(engine->Check(facts, 60 * HF_S, &why), HF_OK) << k; };
    if (!InterruptedCells::Interrupt(k, check, check)) break;
    check();
    EXPECT_EQ(engine->journal().written(), 2u) << k << ": on once, off once";
    EXPECT_EQ(engine->Read(0).on + engine->Read(0).armed, 0u) << k;
  }
}

}  // namespace
}  // namespace holdfast::engine
