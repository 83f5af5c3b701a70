// SPDX-License-Identifier: Apache-2.0
// What a kill switch and the patterns of its rules refuse: with which reason, naming what, and that nothing
// was armed by it.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

hf_kill_options Rule() {
  hf_kill_options options = HF_INIT(hf_kill_options);
  options.match.operation = Str("charge");
  options.owner = Str("ann");
  options.reason = Str("double charges");
  options.expiry = 600 * HF_S;
  return options;
}

class KillSwitchBadInput : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(hf_kill_switch_new(nullptr, &kill_, nullptr), HF_OK); }
  void TearDown() override {
    hf_kill_switch_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    EXPECT_EQ(hf_kill_switch_read(kill_, 0, &snapshot), HF_OK);
    EXPECT_EQ(snapshot.armed + snapshot.on, 0u) << "a refused rule was kept";
    hf_kill_switch_unref(kill_);
  }

  void ExpectRefused(const std::function<void(hf_kill_options&)>& change, hf_reason reason,
                     const std::string& field) {
    hf_kill_options options = Rule();
    change(options);
    hf_error error{};
    uint64_t token = 7;
    EXPECT_EQ(hf_kill_switch_arm(kill_, &options, 0, &token, &error), HF_INVALID_ARGUMENT) << field;
    EXPECT_EQ(error.reason, reason) << error.text;
    EXPECT_EQ(std::string(error.text).find(field), 0u) << error.text;
    EXPECT_EQ(token, 0u);
    EXPECT_EQ(hf_kill_switch_arm(kill_, &options, 0, &token, nullptr), HF_INVALID_ARGUMENT);
  }

  hf_kill_switch* kill_ = nullptr;
};

#define SET(field, ...) [](hf_kill_options& o) { o.field = __VA_ARGS__; }

TEST_F(KillSwitchBadInput, ARuleNeedsOwnerReasonAndExpiry) {
  ExpectRefused(SET(owner, {}), HF_R_OUT_OF_RANGE, "owner");
  ExpectRefused(SET(reason, {}), HF_R_OUT_OF_RANGE, "reason");
  ExpectRefused(SET(expiry, 0), HF_R_OUT_OF_RANGE, "expiry");
}

TEST_F(KillSwitchBadInput, TheRulesFieldsAreNamed) {
  static const std::string long_text(128, 'x');
  ExpectRefused(SET(owner, Str(std::string_view(long_text).substr(0, 64))), HF_R_OUT_OF_RANGE,
                "owner");
  ExpectRefused(SET(owner, {nullptr, 3}), HF_R_NULL_ARGUMENT, "owner");
  ExpectRefused(SET(owner, Str("ann\n")), HF_R_MALFORMED, "owner");
  ExpectRefused(SET(reason, Str(long_text)), HF_R_OUT_OF_RANGE, "reason");
  ExpectRefused(SET(reason, Str("a\x7f")), HF_R_MALFORMED, "reason");
  ExpectRefused(SET(reason, {nullptr, 1}), HF_R_NULL_ARGUMENT, "reason");
  for (const hf_duration expiry : {hf_duration{-1}, HF_S - 1, 30 * 24 * 3600 * HF_S + 1,
                                   HF_INFINITE, hf_duration{INT64_MIN}}) {
    ExpectRefused([&](hf_kill_options& o) { o.expiry = expiry; }, HF_R_OUT_OF_RANGE, "expiry");
  }
  ExpectRefused(SET(code, 17), HF_R_OUT_OF_RANGE, "code");
  ExpectRefused(SET(code, -1), HF_R_OUT_OF_RANGE, "code");
  ExpectRefused(SET(flags, 2), HF_R_UNSUPPORTED_FIELD, "flags");
  ExpectRefused(SET(struct_size, 8), HF_R_STRUCT_SIZE, "struct_size");
  ExpectRefused(SET(abi_level, 0), HF_R_ABI_LEVEL, "abi_level");
}

TEST_F(KillSwitchBadInput, ThePatternsAreNamed) {
  static const std::string long_text(129, 'x');
  ExpectRefused(SET(match.operation, Str(long_text)), HF_R_OUT_OF_RANGE, "operation");
  ExpectRefused(SET(match.tenant, Str("a*b")), HF_R_MALFORMED, "tenant");
  ExpectRefused(SET(match.correlation_id, {nullptr, 1}), HF_R_NULL_ARGUMENT, "correlation_id");
  ExpectRefused(SET(match.target, Str("**")), HF_R_MALFORMED, "target");
}

TEST_F(KillSwitchBadInput, AllCallsAreNotStoppedByAnEmptyRule) {
  ExpectRefused(SET(match, {}), HF_R_BAD_OPTIONS, "match");
  ExpectRefused(SET(match.operation, Str("*")), HF_R_BAD_OPTIONS, "match");
  hf_kill_options options = Rule();
  options.match = {};
  options.flags = HF_KILL_EVERYTHING;
  uint64_t token = 0;
  const hf_str who = Str("bob");
  EXPECT_EQ(hf_kill_switch_arm(kill_, &options, 0, &token, nullptr), HF_OK);
  EXPECT_EQ(hf_kill_switch_lift(kill_, token, &who, 0, nullptr), HF_OK);
}

TEST_F(KillSwitchBadInput, TheSwitchsOptionsAreNamed) {
  const auto expect_refused = [&](const std::function<void(hf_kill_switch_options&)>& change,
                                  hf_reason reason, const std::string& field) {
    hf_kill_switch_options options = HF_INIT(hf_kill_switch_options);
    change(options);
    auto* made = reinterpret_cast<hf_kill_switch*>(uintptr_t{64});
    hf_error error{};
    EXPECT_EQ(hf_kill_switch_new(&options, &made, &error), HF_INVALID_ARGUMENT) << field;
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(error.reason, reason) << error.text;
    EXPECT_EQ(std::string(error.text).find(field), 0u) << error.text;
    EXPECT_EQ(hf_kill_switch_update(kill_, &options, 0, &error), HF_INVALID_ARGUMENT) << field;
    EXPECT_EQ(error.reason, reason) << error.text;
  };
  expect_refused([](auto& o) { o.capacity = 65; }, HF_R_OUT_OF_RANGE, "capacity");
  expect_refused([](auto& o) { o.arm_window = -1; }, HF_R_OUT_OF_RANGE, "arm_window");
  expect_refused([](auto& o) { o.arm_window = HF_S - 1; }, HF_R_OUT_OF_RANGE, "arm_window");
  expect_refused([](auto& o) { o.arm_window = 3601 * HF_S; }, HF_R_OUT_OF_RANGE, "arm_window");
  expect_refused([](auto& o) { o.reserved0 = 1; }, HF_R_UNSUPPORTED_FIELD, "reserved0");
  expect_refused([](auto& o) { o.struct_size = 4; }, HF_R_STRUCT_SIZE, "struct_size");
  expect_refused([](auto& o) { o.abi_level = 99; }, HF_R_ABI_LEVEL, "abi_level");
}

TEST_F(KillSwitchBadInput, StepsRefuseNullAndBadClocks) {
  hf_kill_options options = Rule();
  uint64_t token = 7;
  uint32_t lifted = 7;
  size_t count = 7;
  hf_kill_entry entry;
  hf_rejection why{};
  hf_facts facts{};
  const hf_str who = Str("bob"), empty{}, line = Str("a\rb");
  EXPECT_EQ(hf_kill_switch_new(nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_arm(nullptr, &options, 0, &token, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(token, 0u);
  EXPECT_EQ(hf_kill_switch_arm(kill_, nullptr, 0, &token, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_arm(kill_, &options, 0, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_arm(kill_, &options, -1, &token, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_fire(nullptr, 1, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_fire(kill_, 1, -1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_fire(kill_, 1, 0, nullptr), HF_NOT_FOUND);
  EXPECT_EQ(hf_kill_switch_lift(nullptr, 1, &who, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift(kill_, 1, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift(kill_, 1, &empty, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift(kill_, 1, &line, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift(kill_, 1, &who, -5, nullptr), HF_NOT_FOUND)
      << "a strange clock is fine";
  EXPECT_EQ(hf_kill_switch_lift_owned(nullptr, &who, &who, 0, &lifted, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(lifted, 0u);
  EXPECT_EQ(hf_kill_switch_lift_owned(kill_, nullptr, &who, 0, &lifted, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift_owned(kill_, &who, nullptr, 0, &lifted, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift_owned(kill_, &empty, &who, 0, &lifted, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift_owned(kill_, &who, &empty, 0, &lifted, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_lift_owned(kill_, &who, &who, -1, nullptr, nullptr), HF_OK);
  EXPECT_EQ(hf_kill_switch_check(nullptr, &facts, 0, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_check(kill_, &facts, -1, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(hf_kill_switch_check(kill_, nullptr, 0, &why), HF_OK) << "nothing is known of the call";
  EXPECT_EQ(why.reason, HF_R_NONE);
  facts.target = {nullptr, 4};
  EXPECT_EQ(hf_kill_switch_check(kill_, &facts, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_list(nullptr, 0, &entry, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(hf_kill_switch_list(kill_, 0, nullptr, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_list(kill_, 0, &entry, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_list(kill_, -1, nullptr, 0, &count), HF_OK);
  hf_kill_switch_snapshot snapshot{};
  snapshot.struct_size = 8;
  EXPECT_EQ(hf_kill_switch_read(kill_, 0, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_read(kill_, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_read(nullptr, 0, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_update(nullptr, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_update(kill_, nullptr, -1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_kill_switch_update(kill_, nullptr, 0, nullptr), HF_OK);
  hf_kill_switch_ref(nullptr);
  hf_kill_switch_unref(nullptr);
}

TEST(MatchBadInput, APatternThatCannotMeanWhatItSaysIsNamed) {
  const std::string long_text(129, 'x');
  hf_match match{};
  hf_facts facts{};
  hf_error error{};
  EXPECT_EQ(hf_match_fits(&match, &facts, &error), HF_OK);
  EXPECT_EQ(hf_match_fits(nullptr, &facts, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "match: is NULL");
  EXPECT_EQ(hf_match_fits(&match, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "facts: is NULL");
  facts.tenant = {nullptr, 1};
  EXPECT_EQ(hf_match_fits(&match, &facts, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  facts.tenant = Str("acme");
  match.tenant = Str("acme-*");
  EXPECT_EQ(hf_match_fits(&match, &facts, &error), HF_NOT_FOUND);
  EXPECT_EQ(error.code, HF_NOT_FOUND);
  match.tenant = Str("*acme");
  EXPECT_EQ(hf_match_fits(&match, &facts, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_MALFORMED);
  EXPECT_NE(std::strstr(error.text, "tenant"), nullptr);
  match.tenant = Str(long_text);
  EXPECT_EQ(hf_match_fits(&match, &facts, nullptr), HF_INVALID_ARGUMENT);
}

}  // namespace
