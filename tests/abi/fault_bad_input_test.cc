// SPDX-License-Identifier: Apache-2.0
// What fault injection refuses: with which reason, and naming the field of the rule.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>

namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

// Options with three good rules, one of each kind.
struct Good {
  Good() {
    for (hf_fault_rule& rule : rules) rule.rate = 0.5;
    rules[0].kind = HF_FAULT_ERROR;
    rules[0].outcome.code = HF_UNAVAILABLE;
    rules[1].kind = HF_FAULT_DELAY;
    rules[1].delay_max = HF_S;
    rules[2].kind = HF_FAULT_RESULT;
    rules[2].result = 3;
    options.rules = rules.data();
    options.rule_count = 3;
    options.rule_size = sizeof(hf_fault_rule);
    options.seed = 1;
    options.expiry = 60 * HF_S;
  }

  std::array<hf_fault_rule, 17> rules{};
  hf_fault_options options = HF_INIT(hf_fault_options);
};

class FaultBadInput : public testing::Test {
 protected:
  void SetUp() override {
    const Good good;
    ASSERT_EQ(hf_fault_new(&good.options, &fault_, nullptr), HF_OK);
  }
  void TearDown() override { hf_fault_unref(fault_); }

  // Refused by hf_fault_new and by hf_fault_update, with the same words.
  void ExpectRefused(const std::function<void(Good&)>& change, hf_reason reason,
                     const std::string& field) {
    Good bad;
    change(bad);
    auto* made = reinterpret_cast<hf_fault*>(uintptr_t{64});
    hf_error error{};
    EXPECT_EQ(hf_fault_new(&bad.options, &made, &error), HF_INVALID_ARGUMENT) << field;
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(error.reason, reason) << field << " | " << error.text;
    EXPECT_EQ(std::string(error.text).find(field), 0u) << error.text;
    EXPECT_EQ(hf_fault_update(fault_, &bad.options, 0, &error), HF_INVALID_ARGUMENT) << field;
    EXPECT_EQ(error.reason, reason) << field << " | " << error.text;
    EXPECT_EQ(hf_fault_new(&bad.options, &made, nullptr), HF_INVALID_ARGUMENT);
  }

  hf_fault* fault_ = nullptr;
};

#define OPTION(field, ...) [](Good& g) { g.options.field = __VA_ARGS__; }
#define RULE(place, field, ...) [](Good& g) { g.rules[place].field = __VA_ARGS__; }

TEST_F(FaultBadInput, TheOptionsAreNamed) {
  ExpectRefused(OPTION(struct_size, 8), HF_R_STRUCT_SIZE, "struct_size");
  ExpectRefused(OPTION(abi_level, 0), HF_R_ABI_LEVEL, "abi_level");
  ExpectRefused(OPTION(rules, nullptr), HF_R_NULL_ARGUMENT, "rules");
  ExpectRefused(OPTION(rule_count, 0), HF_R_OUT_OF_RANGE, "rule_count");
  ExpectRefused(OPTION(rule_count, 17), HF_R_OUT_OF_RANGE, "rule_count");
  ExpectRefused(OPTION(rule_size, 0), HF_R_STRUCT_SIZE, "rule_size");
  ExpectRefused(OPTION(rule_size, sizeof(hf_fault_rule) - 1), HF_R_STRUCT_SIZE, "rule_size");
  ExpectRefused(OPTION(rule_size, UINT32_MAX), HF_R_STRUCT_SIZE, "rule_size");
  ExpectRefused(OPTION(seed, 0), HF_R_ZERO_SEED, "seed");
  ExpectRefused(OPTION(expiry, 0), HF_R_OUT_OF_RANGE, "expiry");
  ExpectRefused(OPTION(expiry, -1), HF_R_OUT_OF_RANGE, "expiry");
  ExpectRefused(OPTION(expiry, HF_INFINITE), HF_R_OUT_OF_RANGE, "expiry");
  ExpectRefused(OPTION(expiry, 8 * 24 * 3600 * HF_S), HF_R_OUT_OF_RANGE, "expiry");
  ExpectRefused(OPTION(max_active, 1000001), HF_R_OUT_OF_RANGE, "max_active");
  ExpectRefused(OPTION(reserved0, 1), HF_R_UNSUPPORTED_FIELD, "reserved0");
}

TEST_F(FaultBadInput, TheFieldsOfARuleAreNamedWithItsPlace) {
  for (const double rate : {0.0, -0.1, 1.0001, std::nan(""), double{INFINITY}}) {
    ExpectRefused([&](Good& g) { g.rules[2].rate = rate; }, HF_R_OUT_OF_RANGE, "rules[2].rate");
  }
  ExpectRefused(RULE(0, kind, 0), HF_R_OUT_OF_RANGE, "rules[0].kind");
  ExpectRefused(RULE(0, kind, 4), HF_R_OUT_OF_RANGE, "rules[0].kind");
  ExpectRefused(RULE(0, reserved0, 1), HF_R_UNSUPPORTED_FIELD, "rules[0].reserved0");
  ExpectRefused(RULE(1, delay_min, -1), HF_R_OUT_OF_RANGE, "rules[1].delay_min");
  ExpectRefused(RULE(1, delay_min, 3601 * HF_S), HF_R_OUT_OF_RANGE, "rules[1].delay_min");
  ExpectRefused(RULE(1, delay_min, 2 * HF_S), HF_R_OUT_OF_RANGE, "rules[1].delay_max");
  ExpectRefused(RULE(1, delay_max, HF_INFINITE), HF_R_OUT_OF_RANGE, "rules[1].delay_max");
  ExpectRefused(RULE(1, delay_max, -1), HF_R_OUT_OF_RANGE, "rules[1].delay_max");
  ExpectRefused(RULE(1, delay_max, 0), HF_R_OUT_OF_RANGE, "rules[1].delay_max");
  ExpectRefused(RULE(0, outcome.code, HF_OK), HF_R_OUT_OF_RANGE, "rules[0].outcome");
  ExpectRefused(RULE(0, outcome.code, 17), HF_R_OUT_OF_RANGE, "rules[0].outcome");
  ExpectRefused(RULE(0, outcome.retry_after, -1), HF_R_OUT_OF_RANGE, "rules[0].outcome");
  ExpectRefused(RULE(0, result, 1), HF_R_OUT_OF_RANGE, "rules[0].result");
  ExpectRefused(RULE(1, outcome.code, HF_ABORTED), HF_R_OUT_OF_RANGE, "rules[1].outcome");
  ExpectRefused(RULE(1, outcome.verdict, HF_VERDICT_SLOW), HF_R_OUT_OF_RANGE, "rules[1].outcome");
  ExpectRefused(RULE(1, outcome.effect, HF_EFFECT_FINAL), HF_R_OUT_OF_RANGE, "rules[1].outcome");
  ExpectRefused(RULE(1, outcome.retry_after, 1), HF_R_OUT_OF_RANGE, "rules[1].outcome");
  ExpectRefused(RULE(1, result, 1), HF_R_OUT_OF_RANGE, "rules[1].result");
  ExpectRefused(RULE(2, result, 0), HF_R_OUT_OF_RANGE, "rules[2].result");
  ExpectRefused(RULE(2, match.tenant, Str("a*b")), HF_R_MALFORMED, "rules[2].match: tenant");
  ExpectRefused(RULE(2, match.target, {nullptr, 1}), HF_R_NULL_ARGUMENT, "rules[2].match: target");
}

TEST_F(FaultBadInput, SixteenRulesAreFine) {
  Good good;
  for (hf_fault_rule& rule : good.rules) rule = good.rules[0];
  good.options.rule_count = 16;
  hf_fault* made = nullptr;
  EXPECT_EQ(hf_fault_new(&good.options, &made, nullptr), HF_OK);
  hf_fault_unref(made);
}

TEST_F(FaultBadInput, ANewersRulesAreReadAtTheirOwnSize) {
  struct Newer {
    hf_fault_rule known;
    uint64_t unknown;
  };
  std::array<Newer, 3> rules{};
  Good good;
  for (size_t i = 0; i < rules.size(); ++i) rules[i].known = good.rules[i];
  good.options.rules = &rules[0].known;
  good.options.rule_size = sizeof(Newer);
  hf_fault* made = nullptr;
  EXPECT_EQ(hf_fault_new(&good.options, &made, nullptr), HF_OK);
  hf_fault_unref(made);
  rules[1].unknown = 1;
  hf_error error{};
  EXPECT_EQ(hf_fault_new(&good.options, &made, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_UNSUPPORTED_FIELD);
  EXPECT_EQ(std::string(error.text).find("rules[1].tail"), 0u) << error.text;
}

TEST_F(FaultBadInput, ARefusedUpdateChangesNothing) {
  ASSERT_EQ(hf_fault_start(fault_, 0, nullptr), HF_OK);
  Good bad;
  bad.rules[0].outcome.code = HF_ABORTED;
  bad.rules[1].rate = 2;
  EXPECT_EQ(hf_fault_update(fault_, &bad.options, 0, nullptr), HF_INVALID_ARGUMENT);
  hf_fault_decision decision;
  uint64_t seed = 0;
  do {
    ASSERT_EQ(hf_fault_preview(fault_, ++seed, 1, nullptr, 0, &decision), HF_OK);
  } while (decision.kind != HF_FAULT_ERROR);
  EXPECT_EQ(decision.outcome.code, HF_UNAVAILABLE);
}

TEST_F(FaultBadInput, StepsRefuseNullZeroAndBadClocks) {
  hf_fault_decision decision;
  hf_facts facts{};
  for (auto* const draw : {hf_fault_draw, hf_fault_preview}) {
    decision.kind = 9;
    EXPECT_EQ(draw(nullptr, 1, 1, &facts, 0, &decision), HF_INVALID_ARGUMENT);
    EXPECT_EQ(decision.kind, HF_FAULT_NONE);
    EXPECT_EQ(decision.reason, HF_R_NULL_ARGUMENT);
    EXPECT_EQ(draw(fault_, 0, 1, &facts, 0, &decision), HF_INVALID_ARGUMENT);
    EXPECT_EQ(decision.reason, HF_R_ZERO_SEED);
    EXPECT_EQ(draw(fault_, 1, 0, &facts, 0, &decision), HF_INVALID_ARGUMENT);
    EXPECT_EQ(decision.reason, HF_R_OUT_OF_RANGE);
    EXPECT_EQ(draw(fault_, 1, 1, &facts, -1, &decision), HF_INVALID_ARGUMENT);
    EXPECT_EQ(decision.reason, HF_R_OUT_OF_RANGE);
    EXPECT_EQ(draw(fault_, 1, 1, &facts, 0, nullptr), HF_INVALID_ARGUMENT);
    EXPECT_EQ(draw(fault_, 1, 1, nullptr, 0, &decision), HF_OK);
    const hf_facts bad = {{nullptr, 1}, {}, {}, {}};
    EXPECT_EQ(draw(fault_, 1, 1, &bad, 0, &decision), HF_INVALID_ARGUMENT);
    EXPECT_EQ(decision.reason, HF_R_NULL_ARGUMENT);
  }
  hf_error error{};
  const Good good;
  hf_fault* made = nullptr;
  EXPECT_EQ(hf_fault_new(nullptr, &made, &error), HF_INVALID_ARGUMENT) << "rules are required";
  EXPECT_EQ(hf_fault_new(&good.options, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_update(nullptr, &good.options, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_update(fault_, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_update(fault_, &good.options, -1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_start(nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_start(fault_, -1, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_stop(nullptr, HF_R_ABORTED, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_stop(fault_, HF_R_NONE, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_stop(fault_, HF_R_ABORTED, -1), HF_OK) << "a stop never fails for a clock";
  EXPECT_EQ(hf_fault_done(nullptr, &decision), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_done(fault_, nullptr), HF_INVALID_ARGUMENT);
  decision = hf_fault_decision{};
  decision.ticket = 5;
  EXPECT_EQ(hf_fault_done(fault_, &decision), HF_INVALID_ARGUMENT);
  hf_fault_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot - 1;
  EXPECT_EQ(hf_fault_read(fault_, 0, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_read(fault_, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_fault_read(nullptr, 0, &snapshot), HF_INVALID_ARGUMENT);
  hf_fault_ref(nullptr);
  hf_fault_unref(nullptr);
}

}  // namespace
