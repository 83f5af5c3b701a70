// SPDX-License-Identifier: Apache-2.0
// The kill switch through holdfast/kill_switch.h: what an operator sees and a caller is told, and its
// events in a journal.
#include <gtest/gtest.h>
#include <holdfast/c/journal.h>
#include <holdfast/kill_switch.h>

#include <chrono>
#include <string>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr Facts kCharge = {.operation = "charge", .tenant = "acme"};

KillRule Rule() {
  return {.match = {.operation = "charge", .tenant = "acme*"},
          .owner = "ann",
          .reason = "double charges",
          .expiry = 10min};
}

TEST(KillSwitchHandle, AnOperatorStopsOneTenantsOperationForTenMinutes) {
  const KillSwitch kill = KillSwitch::Create().value();
  const uint64_t token = kill.Arm(Rule(), 0).value();
  EXPECT_TRUE(kill.Check(kCharge, 0).ok());
  ASSERT_TRUE(kill.Fire(token, 0).ok());

  const absl::Status refused = kill.Check(kCharge, 60 * HF_S);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(RejectionOf(refused).has_value());
  EXPECT_EQ(RejectionOf(refused)->reason_name(), "killed");
  EXPECT_EQ(RejectionOf(refused)->retry_after, 9min);
  EXPECT_TRUE(kill.Check({.operation = "charge", .tenant = "other"}, 60 * HF_S).ok());
  EXPECT_TRUE(kill.Check({.operation = "refund", .tenant = "acme"}, 60 * HF_S).ok());
  EXPECT_TRUE(kill.Check(kCharge, 600 * HF_S).ok()) << "nobody has to remember";
}

TEST(KillSwitchHandle, TheListShowsWhoWhatAndWhy) {
  const KillSwitch kill = KillSwitch::Create().value();
  KillRule rule = Rule();
  rule.match.correlation_id = "order-1";
  rule.match.target = "bank";
  rule.code = absl::StatusCode::kPermissionDenied;
  const uint64_t token = kill.Arm(rule, 0).value();
  ASSERT_TRUE(kill.Fire(token, 0).ok());
  ASSERT_EQ(kill.List(HF_S).size(), 1u);
  const KillEntry on = kill.List(HF_S)[0];
  EXPECT_EQ(on.token, token);
  EXPECT_EQ(on.state, KillState::kOn);
  EXPECT_EQ(on.code, absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(on.owner, "ann");
  EXPECT_EQ(on.reason, "double charges");
  EXPECT_EQ(on.operation, "charge");
  EXPECT_EQ(on.tenant, "acme*");
  EXPECT_EQ(on.correlation_id, "order-1");
  EXPECT_EQ(on.target, "bank");
  EXPECT_EQ(on.expiry, 10min);
  EXPECT_EQ(on.left, 10min - 1s);
  EXPECT_EQ(on.ended_by, "");
  ASSERT_TRUE(kill.Lift(token, "bob", HF_S).ok());
  EXPECT_EQ(kill.List(HF_S)[0].state, KillState::kLifted);
  EXPECT_EQ(kill.List(HF_S)[0].ended_by, "bob");
  EXPECT_EQ(kill.Lift(token, "bob", HF_S).code(), absl::StatusCode::kNotFound);
}

TEST(KillSwitchHandle, ErrorsNameTheField) {
  const KillSwitch kill = KillSwitch::Create().value();
  KillRule rule = Rule();
  rule.expiry = Duration{0};
  EXPECT_EQ(kill.Arm(rule, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(kill.Arm(rule, 0).status().message()).find("expiry"), std::string::npos);
  rule = Rule();
  rule.match = {};
  EXPECT_FALSE(kill.Arm(rule, 0).ok());
  rule.everything = true;
  EXPECT_TRUE(kill.Arm(rule, 0).ok());
  EXPECT_FALSE(KillSwitch::Create({.capacity = 65}).ok());
  EXPECT_EQ(kill.Fire(9, 0).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(kill.LiftOwned("", "bob", 0).ok());
  EXPECT_FALSE(Fits({.tenant = "*a"}, kCharge).ok());
}

TEST(KillSwitchHandle, ALateShotIsRefused) {
  const KillSwitch kill = KillSwitch::Create({.arm_window = 5s}).value();
  const uint64_t token = kill.Arm(Rule(), 0).value();
  EXPECT_EQ(kill.Fire(token, 5 * HF_S).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(KillSwitchHandle, AFullTableSaysSo) {
  const KillSwitch kill = KillSwitch::Create({.capacity = 1}).value();
  ASSERT_TRUE(kill.Arm(Rule(), 0).ok());
  const absl::Status full = kill.Arm(Rule(), 0).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RejectionOf(full)->reason, HF_R_REGISTRY_FULL);
  ASSERT_TRUE(kill.Update({.capacity = 2}, 0).ok());
  EXPECT_TRUE(kill.Arm(Rule(), 0).ok());
  EXPECT_FALSE(kill.Update({.capacity = 65}, 0).ok());
  EXPECT_EQ(kill.Snapshot(0).capacity, 2u);
  EXPECT_EQ(kill.Snapshot(0).armed, 2u);
  EXPECT_EQ(kill.Snapshot(0).updates, 1u);
  EXPECT_EQ(kill.LiftOwned("ann", "bob", 0).value(), 2u);
}

TEST(KillSwitchHandle, TheJournalIsTheAudit) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  {
    const KillSwitch kill = KillSwitch::Create({.journal = journal, .object = 7}).value();
    const uint64_t token = kill.Arm(Rule(), 0).value();
    ASSERT_TRUE(kill.Fire(token, 1).ok());
    EXPECT_FALSE(kill.Check(kCharge, 2).ok());
    ASSERT_TRUE(kill.Lift(token, "bob", 3).ok());
  }
  hf_event events[8];
  size_t count = 0;
  ASSERT_EQ(hf_journal_drain(journal, events, 8, &count), HF_OK);
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_SWITCHED);
  EXPECT_EQ(events[0].object, 7u);
  EXPECT_EQ(events[0].after, 1);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(events[2].before, 1);
  EXPECT_EQ(events[2].after, 0);
  hf_journal_unref(journal);
}

TEST(KillSwitchHandle, AnEmptyOneIsEmpty) {
  KillSwitch kill;
  EXPECT_FALSE(kill);
  kill = KillSwitch::Create().value();
  EXPECT_TRUE(kill);
}

}  // namespace
}  // namespace holdfast
