// SPDX-License-Identifier: Apache-2.0
// The kill switch against a naive one, on both storages, with a table of four places that is full often.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/cells.h"
#include "engine/kill_switch.h"
#include "model/dice.h"
#include "model/naive_kill_switch.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::NaiveKillSwitch;
using model::NaiveRule;

constexpr size_t kPlaces = 4;
constexpr hf_duration kWindow = 5;
constexpr const char* kOperations[] = {"pay", "pay/a", "refund"};
constexpr const char* kPatterns[] = {"pay", "pay*", "refund", "", "r*"};
constexpr const char* kOwners[] = {"ann", "bob"};

hf_facts FactsOf(const std::string& operation) {
  return {{operation.data(), operation.size()}, {}, {}, {}};
}

KillRule Compiled(const NaiveRule& naive) {
  KillRule rule;
  hf_match match{};
  match.operation = {naive.operation.data(), naive.operation.size()};
  CompileMatch(match, &rule.match);
  rule.entry.code = naive.code;
  rule.entry.expiry = naive.expiry;
  naive.owner.copy(rule.entry.owner, sizeof(rule.entry.owner) - 1);
  return rule;
}

template <typename Storage>
class KillSwitchModel : public testing::Test {
 protected:
  using Engine = KillSwitch<Storage, kPlaces>;

  static void Step(Dice& dice, Engine& engine, NaiveKillSwitch& naive, hf_time now) {
    const uint64_t token = dice.Chance(60) ? naive.armed : dice.Below(naive.armed + 2);
    switch (dice.Below(10)) {
      case 0:
      case 1: {
        NaiveRule rule;
        rule.operation = dice.OneOf(kPatterns);
        rule.owner = dice.OneOf(kOwners);
        rule.code = static_cast<hf_code>(dice.Between(HF_CANCELLED, HF_UNAUTHENTICATED));
        rule.expiry = dice.Between(1, 20);
        ASSERT_EQ(engine.Arm(Compiled(rule), now), naive.Arm(rule, now));
        break;
      }
      case 2:
      case 3: {
        const FireAnswer answer = engine.Fire(token, now);
        const hf_code code = naive.Fire(token, now);
        ASSERT_EQ(answer, code == HF_OK                  ? FireAnswer::kOn
                          : code == HF_DEADLINE_EXCEEDED ? FireAnswer::kLate
                                                         : FireAnswer::kNotArmed);
        break;
      }
      case 4:
        ASSERT_EQ(engine.Lift(token, "eve", now), naive.Lift(token, "eve", now));
        break;
      case 5: {
        const std::string owner = dice.OneOf(kOwners);
        ASSERT_EQ(engine.LiftOwned(owner, "eve", now), naive.LiftOwned(owner, "eve", now));
        break;
      }
      case 6: {
        const auto capacity = static_cast<uint32_t>(dice.Between(1, kPlaces));
        engine.Update({.capacity = capacity, .arm_window = kWindow}, now);
        naive.Pass(now);
        naive.capacity = capacity;
        ++naive.updates;
        break;
      }
      default: {
        const std::string call = dice.OneOf(kOperations);
        hf_rejection why{};
        const hf_code code = engine.Check(FactsOf(call), now, &why);
        const hf_rejection wanted = naive.Check(call, now);
        ASSERT_EQ(code, why.code);
        ASSERT_EQ(why.reason, wanted.reason);
        ASSERT_EQ(why.retry_after, wanted.retry_after);
        ASSERT_EQ(why.code, wanted.code);
      }
    }
  }

  static void Compare(Engine& engine, NaiveKillSwitch& naive, hf_time now) {
    std::array<hf_kill_entry, kPlaces> entries;
    const size_t count = engine.List(now, entries.data(), entries.size());
    const std::vector<NaiveRule> rules = naive.List(now);
    ASSERT_EQ(count, rules.size());
    for (size_t i = 0; i < count; ++i) {
      const hf_kill_entry& entry = entries[i];
      const NaiveRule& rule = rules[i];
      ASSERT_EQ(entry.token, rule.token);
      ASSERT_EQ(entry.state, rule.state);
      ASSERT_EQ(entry.hits, rule.hits);
      ASSERT_EQ(entry.watched, rule.watched);
      ASSERT_EQ(entry.left, rule.live() ? rule.until - naive.newest : 0);
      ASSERT_EQ(entry.ended_by, rule.ended_by);
    }
  }
};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(KillSwitchModel, Storages);

TYPED_TEST(KillSwitchModel, AgreesWithTheNaiveOne) {
  const uint64_t schedules =
      model::Schedules(std::is_same_v<TypeParam, PlainCells> ? 1'000'000 : 100'000);
  uint64_t refused = 0, fired = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    typename TestFixture::Engine engine({.capacity = kPlaces, .arm_window = kWindow});
    NaiveKillSwitch naive{std::vector<NaiveRule>(kPlaces), kPlaces, kWindow};
    hf_time now = 0;
    for (int step = 0; step < 20; ++step) {
      now += dice.Between(0, 2);
      const hf_time told = dice.Chance(15) ? std::max<hf_time>(0, now - 4) : now;
      TestFixture::Step(dice, engine, naive, told);
      if (testing::Test::HasFatalFailure()) return;
    }
    TestFixture::Compare(engine, naive, now);
    const hf_kill_switch_snapshot snapshot = engine.Read(now);
    ASSERT_EQ(snapshot.refused, naive.refused);
    ASSERT_EQ(snapshot.fired, naive.fired);
    if constexpr (std::is_same_v<TypeParam, PlainCells>) {
      ASSERT_EQ(engine.journal().written(), naive.switched + naive.refused + naive.updates);
    }
    if (testing::Test::HasFatalFailure()) return;
    refused += naive.refused;
    fired += naive.fired;
  }
  EXPECT_GT(refused, schedules / 2) << "too few to mean anything";
  EXPECT_GT(fired, schedules / 2);
}

}  // namespace
}  // namespace holdfast::engine
