// SPDX-License-Identifier: Apache-2.0
// The kill switch's engine: each transition, what a call is told, and what is written down.
#include "engine/kill_switch.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

using PlainSwitch = KillSwitch<PlainCells>;

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

hf_facts Operation(std::string_view operation) { return {Str(operation), {}, {}, {}}; }

KillRule Rule(std::string_view operation, hf_duration expiry = 600 * HF_S,
              std::string_view owner = "ann") {
  KillRule rule;
  hf_match match{};
  match.operation = Str(operation);
  CompileMatch(match, &rule.match);
  rule.entry.code = HF_UNAVAILABLE;
  rule.entry.expiry = expiry;
  owner.copy(rule.entry.owner, sizeof(rule.entry.owner) - 1);
  return rule;
}

class KillSwitchTest : public testing::Test {
 protected:
  // Arms and fires at once.
  uint64_t On(const KillRule& rule, hf_time now) {
    const uint64_t token = kill.Arm(rule, now);
    EXPECT_EQ(kill.Fire(token, now), FireAnswer::kOn);
    return token;
  }
  hf_code Check(std::string_view operation, hf_time now) {
    why = {};
    return kill.Check(Operation(operation), now, &why);
  }
  std::vector<hf_kill_entry> List(hf_time now) {
    std::vector<hf_kill_entry> entries(kMaxKillRules);
    entries.resize(kill.List(now, entries.data(), entries.size()));
    return entries;
  }
  const PlainCells::Journal& journal() { return kill.journal(); }

  PlainSwitch kill{KillSwitchPolicy{}};
  hf_rejection why{};
};

TEST_F(KillSwitchTest, RefusesNothingAtFirst) {
  EXPECT_EQ(Check("charge", 5), HF_OK);
  EXPECT_TRUE(List(5).empty());
  EXPECT_EQ(journal().written(), 0u);
}

TEST_F(KillSwitchTest, ARuleThatIsOnRefusesWhatItMeansAndNothingElse) {
  On(Rule("charge"), 10);
  EXPECT_EQ(Check("charge", 10), HF_UNAVAILABLE);
  EXPECT_EQ(why.code, HF_UNAVAILABLE);
  EXPECT_EQ(why.reason, HF_R_KILLED);
  EXPECT_EQ(why.retry_after, 600 * HF_S);
  EXPECT_EQ(Check("refund", 10), HF_OK);
  EXPECT_EQ(why.reason, HF_R_NONE);
}

TEST_F(KillSwitchTest, RefusesWithTheRulesOwnCode) {
  KillRule rule = Rule("charge");
  rule.entry.code = HF_PERMISSION_DENIED;
  On(rule, 0);
  EXPECT_EQ(Check("charge", 0), HF_PERMISSION_DENIED);
}

TEST_F(KillSwitchTest, AnArmedRuleRefusesNothingButCountsWhatItWould) {
  const uint64_t token = kill.Arm(Rule("charge"), 0);
  EXPECT_EQ(Check("charge", 1), HF_OK);
  EXPECT_EQ(Check("charge", 2), HF_OK);
  EXPECT_EQ(Check("refund", 2), HF_OK);
  EXPECT_EQ(List(3)[0].watched, 2u);
  EXPECT_EQ(List(3)[0].hits, 0u);
  EXPECT_EQ(List(3)[0].state, HF_KILL_ARMED);
  EXPECT_EQ(List(3)[0].left, 60 * HF_S - 3);
  EXPECT_EQ(journal().written(), 0u);
  EXPECT_EQ(kill.Fire(token, 3), FireAnswer::kOn);
  EXPECT_EQ(Check("charge", 3), HF_UNAVAILABLE);
  EXPECT_EQ(List(3)[0].watched, 2u);
  EXPECT_EQ(List(3)[0].hits, 1u);
}

TEST_F(KillSwitchTest, TheExpiryRunsFromTheShotNotFromTheArming) {
  const uint64_t token = kill.Arm(Rule("charge", 10 * HF_S), 0);
  ASSERT_EQ(kill.Fire(token, 50 * HF_S), FireAnswer::kOn);
  EXPECT_EQ(Check("charge", 50 * HF_S), HF_UNAVAILABLE);
  EXPECT_EQ(why.retry_after, 10 * HF_S);
  EXPECT_EQ(Check("charge", 60 * HF_S - 1), HF_UNAVAILABLE);
  EXPECT_EQ(why.retry_after, 1);
  EXPECT_EQ(Check("charge", 60 * HF_S), HF_OK);
}

TEST_F(KillSwitchTest, ARuleThatIsNotFiredInTimeLapses) {
  const uint64_t token = kill.Arm(Rule("charge"), 0);
  EXPECT_EQ(kill.Fire(token, 60 * HF_S), FireAnswer::kLate);
  EXPECT_EQ(kill.Fire(token, 61 * HF_S), FireAnswer::kLate);
  EXPECT_EQ(Check("charge", 61 * HF_S), HF_OK);
  EXPECT_EQ(List(61 * HF_S)[0].state, HF_KILL_LAPSED);
  EXPECT_EQ(List(61 * HF_S)[0].left, 0);
  EXPECT_EQ(journal().written(), 0u) << "it was never on";
}

TEST_F(KillSwitchTest, TheLastMomentOfTheWindowIsInTime) {
  const uint64_t token = kill.Arm(Rule("charge"), 0);
  EXPECT_EQ(kill.Fire(token, 60 * HF_S - 1), FireAnswer::kOn);
}

TEST_F(KillSwitchTest, OnlyAnArmedRuleCanBeFired) {
  EXPECT_EQ(kill.Fire(0, 0), FireAnswer::kNotArmed);
  EXPECT_EQ(kill.Fire(1, 0), FireAnswer::kNotArmed);
  const uint64_t on = On(Rule("charge"), 0);
  EXPECT_EQ(kill.Fire(on, 0), FireAnswer::kNotArmed) << "firing twice must not prolong it";
  ASSERT_TRUE(kill.Lift(on, "bob", 0));
  EXPECT_EQ(kill.Fire(on, 0), FireAnswer::kNotArmed);
}

TEST_F(KillSwitchTest, ALiftedRuleIsOverAndSaysByWhom) {
  const uint64_t token = On(Rule("charge"), 0);
  ASSERT_TRUE(kill.Lift(token, "bob", 5));
  EXPECT_EQ(Check("charge", 5), HF_OK);
  const hf_kill_entry entry = List(5)[0];
  EXPECT_EQ(entry.state, HF_KILL_LIFTED);
  EXPECT_STREQ(entry.owner, "ann");
  EXPECT_STREQ(entry.ended_by, "bob");
  EXPECT_EQ(entry.left, 0);
  EXPECT_FALSE(kill.Lift(token, "bob", 6));
  EXPECT_FALSE(kill.Lift(0, "bob", 6));
  EXPECT_FALSE(kill.Lift(99, "bob", 6));
}

TEST_F(KillSwitchTest, AnArmedRuleCanBeLifted) {
  const uint64_t token = kill.Arm(Rule("charge"), 0);
  EXPECT_TRUE(kill.Lift(token, "bob", 1));
  EXPECT_EQ(kill.Fire(token, 1), FireAnswer::kNotArmed);
  EXPECT_EQ(journal().written(), 0u);
}

TEST_F(KillSwitchTest, AnOwnerCanLiftAllThatIsHis) {
  On(Rule("charge", 600 * HF_S, "ann"), 0);
  kill.Arm(Rule("refund", 600 * HF_S, "ann"), 0);
  On(Rule("notify", 600 * HF_S, "annabel"), 0);
  EXPECT_EQ(kill.LiftOwned("ann", "bob", 1), 2u);
  EXPECT_EQ(kill.LiftOwned("ann", "bob", 1), 0u);
  EXPECT_EQ(Check("charge", 1), HF_OK);
  EXPECT_EQ(Check("notify", 1), HF_UNAVAILABLE);
}

TEST_F(KillSwitchTest, OfSeveralRulesTheLastToEndRefuses) {
  KillRule longer = Rule("charge*", 100 * HF_S);
  longer.entry.code = HF_ABORTED;
  On(Rule("charge", 50 * HF_S), 0);
  On(longer, 0);
  On(Rule("", 20 * HF_S), 0);
  EXPECT_EQ(Check("charge", 0), HF_ABORTED);
  EXPECT_EQ(why.retry_after, 100 * HF_S);
  for (const hf_kill_entry& entry : List(0)) EXPECT_EQ(entry.hits, 1u) << entry.token;
  EXPECT_EQ(kill.Read(0).refused, 1u) << "one call, however many rules mean it";
}

TEST_F(KillSwitchTest, TheFirstCheckPastTheEndWritesItDown) {
  const uint64_t token = On(Rule("charge", 10 * HF_S), 0);
  EXPECT_EQ(Check("refund", 10 * HF_S), HF_OK)
      << "any call notices, also one that it does not mean";
  ASSERT_EQ(journal().written(), 2u);
  const hf_event& event = journal().Newest();
  EXPECT_EQ(event.kind, HF_EVENT_KIND_SWITCHED);
  EXPECT_EQ(event.reason, HF_R_DEADLINE);
  EXPECT_EQ(event.time, 10 * HF_S);
  EXPECT_EQ(event.before, static_cast<int64_t>(token));
  EXPECT_EQ(event.after, 0);
  Check("charge", 11 * HF_S);
  EXPECT_EQ(journal().written(), 2u);
  EXPECT_EQ(List(11 * HF_S)[0].state, HF_KILL_EXPIRED);
}

TEST_F(KillSwitchTest, AnOlderClockDoesNotBringARuleBack) {
  On(Rule("charge", 10 * HF_S), 0);
  EXPECT_EQ(Check("charge", 10 * HF_S), HF_OK);
  EXPECT_EQ(Check("charge", 5 * HF_S), HF_OK);
}

TEST_F(KillSwitchTest, AnOlderClockNeverMakesTheWaitLonger) {
  On(Rule("charge", 10 * HF_S), 100 * HF_S);
  EXPECT_EQ(Check("charge", 0), HF_UNAVAILABLE);
  EXPECT_EQ(why.retry_after, 10 * HF_S);
}

TEST_F(KillSwitchTest, AnOperatorsOlderClockIsReadAsTheNewest) {
  On(Rule("first"), 100 * HF_S);
  On(Rule("charge", 10 * HF_S), 5);
  EXPECT_EQ(Check("charge", 110 * HF_S - 1), HF_UNAVAILABLE);
  EXPECT_EQ(why.retry_after, 1);
}

TEST_F(KillSwitchTest, TheJournalTellsWhatHappenedInOrder) {
  const uint64_t token = On(Rule("charge"), 1);
  Check("charge", 2);
  kill.Lift(token, "bob", 3);
  kill.Update({.capacity = 3, .arm_window = HF_S}, 4);
  ASSERT_EQ(journal().written(), 4u);
  const auto number = static_cast<int64_t>(token);
  EXPECT_EQ(journal().Newest(3).kind, HF_EVENT_KIND_SWITCHED);
  EXPECT_EQ(journal().Newest(3).reason, HF_R_KILLED);
  EXPECT_EQ(journal().Newest(3).before, 0);
  EXPECT_EQ(journal().Newest(3).after, number);
  EXPECT_EQ(journal().Newest(2).kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(journal().Newest(2).reason, HF_R_KILLED);
  EXPECT_EQ(journal().Newest(2).after, number);
  EXPECT_EQ(journal().Newest(1).kind, HF_EVENT_KIND_SWITCHED);
  EXPECT_EQ(journal().Newest(1).reason, HF_R_NONE);
  EXPECT_EQ(journal().Newest(1).before, number);
  EXPECT_EQ(journal().Newest(0).kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(journal().Newest(0).after, 1);
}

TEST_F(KillSwitchTest, ThereIsRoomForAsManyAsTheCapacity) {
  PlainSwitch small({.capacity = 2, .arm_window = 60 * HF_S});
  const uint64_t first = small.Arm(Rule("a"), 0);
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(small.Fire(first, 0), FireAnswer::kOn);
  EXPECT_EQ(small.Arm(Rule("b"), 0), 2u);
  EXPECT_EQ(small.Arm(Rule("c"), 0), 0u);
  ASSERT_TRUE(small.Lift(first, "bob", 0));
  EXPECT_EQ(small.Arm(Rule("c"), 0), 3u);
  EXPECT_EQ(small.Arm(Rule("d"), 0), 0u);
  EXPECT_EQ(small.Arm(Rule("d"), 60 * HF_S), 4u) << "what lapsed makes room";
}

TEST_F(KillSwitchTest, RulesThatAreOverAreListedUntilTheirPlaceIsNeeded) {
  for (size_t i = 0; i < kMaxKillRules; ++i) {
    ASSERT_TRUE(kill.Lift(On(Rule("a"), 0), "bob", 0));
  }
  EXPECT_EQ(List(0).size(), kMaxKillRules);
  On(Rule("b"), 0);
  const std::vector<hf_kill_entry> entries = List(0);
  ASSERT_EQ(entries.size(), kMaxKillRules);
  EXPECT_EQ(entries.front().token, 2u) << "the longest over had to go";
  EXPECT_EQ(entries.back().token, kMaxKillRules + 1);
  EXPECT_EQ(entries.back().state, HF_KILL_ON);
}

TEST_F(KillSwitchTest, AllPlacesRefuse) {
  for (size_t i = 0; i < kMaxKillRules; ++i) On(Rule("op-" + std::to_string(i)), 0);
  EXPECT_EQ(kill.Arm(Rule("one more"), 0), 0u);
  for (size_t i = 0; i < kMaxKillRules; ++i) {
    EXPECT_EQ(Check("op-" + std::to_string(i), 1), HF_UNAVAILABLE) << i;
  }
  EXPECT_EQ(Check("op-64", 1), HF_OK);
}

TEST_F(KillSwitchTest, AnUpdateTouchesNoRule) {
  On(Rule("charge"), 0);
  kill.Arm(Rule("refund"), 0);
  kill.Update({.capacity = 1, .arm_window = HF_S}, 0);
  EXPECT_EQ(Check("charge", 1), HF_UNAVAILABLE);
  EXPECT_EQ(kill.Read(1).on, 1u);
  EXPECT_EQ(kill.Read(1).armed, 1u);
  EXPECT_EQ(kill.Read(1).capacity, 1u);
  EXPECT_EQ(kill.Read(1).updates, 1u);
  EXPECT_EQ(kill.Read(1).fired, 1u);
  EXPECT_EQ(kill.Fire(2, 30 * HF_S), FireAnswer::kOn) << "armed before, with the window of then";
  EXPECT_EQ(kill.Arm(Rule("more"), 30 * HF_S), 0u);
}

TEST_F(KillSwitchTest, AListThatIsTooShortStillSaysHowMany) {
  On(Rule("a"), 0);
  On(Rule("b"), 0);
  hf_kill_entry one;
  EXPECT_EQ(kill.List(0, &one, 1), 2u);
  EXPECT_EQ(one.token, 1u);
  EXPECT_EQ(kill.List(0, nullptr, 0), 2u);
}

TEST_F(KillSwitchTest, TheEndOfTimeIsNotPassed) {
  On(Rule("charge", 30 * 24 * 3600 * HF_S), HF_INFINITE - 5);
  EXPECT_EQ(Check("charge", HF_INFINITE - 5), HF_UNAVAILABLE);
  EXPECT_EQ(why.retry_after, 5);
  EXPECT_EQ(Check("charge", HF_INFINITE), HF_OK);
}

}  // namespace
}  // namespace holdfast::engine
