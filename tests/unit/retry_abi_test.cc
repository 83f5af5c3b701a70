// SPDX-License-Identifier: Apache-2.0
// c/retry.h and holdfast/retry.h: every option's range, the errors' texts, the handles.
#include <gtest/gtest.h>
#include <holdfast/c/retry.h>
#include <holdfast/retry.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "abi/retry.h"

namespace {

using namespace std::chrono_literals;

constexpr hf_duration kHour = 3600 * HF_S;
const double kNan = std::nan("");
const double kInfinity = std::numeric_limits<double>::infinity();

template <typename Change>
std::string RetryError(Change&& change) {
  hf_retry_options options = HF_INIT(hf_retry_options);
  change(options);
  hf_retry* retry = nullptr;
  hf_error error{};
  const hf_code code = hf_retry_new(&options, &retry, &error);
  EXPECT_EQ(code, error.code);
  EXPECT_EQ(retry != nullptr, code == HF_OK);
  hf_retry_unref(retry);
  EXPECT_EQ(hf_retry_new(&options, &retry, nullptr), code);  // error is nullable
  if (code == HF_OK) {
    hf_retry_unref(retry);
    return "ok";
  }
  EXPECT_EQ(code, HF_INVALID_ARGUMENT);
  return std::string(hf_reason_name(error.reason)) + " " + error.text;
}

#define EXPECT_RETRY(field, value, text) \
  EXPECT_EQ(RetryError([](hf_retry_options& o) { o.field = value; }), text)

TEST(RetryOptions, DefaultsAreThoseOfTheHeader) {
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_retry_new(nullptr, &retry, nullptr), HF_OK);
  EXPECT_EQ(retry->policy.max_attempts, 3u);
  EXPECT_EQ(retry->policy.jitter, HF_JITTER_FULL);
  EXPECT_EQ(retry->policy.base, 100 * HF_MS);
  EXPECT_EQ(retry->policy.cap, 10 * HF_S);
  EXPECT_EQ(retry->policy.multiplier, 2);
  EXPECT_EQ(retry->policy.min_attempt_time, 0);
  hf_retry_ref(retry);
  hf_retry_unref(retry);
  hf_retry_unref(retry);
  hf_retry_unref(nullptr);
}

TEST(RetryOptions, DefaultCapIsTheBaseIfThatIsLonger) {
  hf_retry_options options = HF_INIT(hf_retry_options);
  options.base = 20 * HF_S;
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_retry_new(&options, &retry, nullptr), HF_OK);
  EXPECT_EQ(retry->policy.cap, 20 * HF_S);
  hf_retry_unref(retry);
}

TEST(RetryOptions, AcceptTheEndsOfEveryRange) {
  EXPECT_RETRY(max_attempts, 1, "ok");
  EXPECT_RETRY(max_attempts, 1000, "ok");
  EXPECT_RETRY(jitter, HF_JITTER_NONE, "ok");
  EXPECT_RETRY(base, HF_US, "ok");
  EXPECT_RETRY(base, kHour, "ok");
  EXPECT_RETRY(cap, 24 * kHour, "ok");
  EXPECT_RETRY(cap, 100 * HF_MS, "ok");
  EXPECT_RETRY(multiplier, 1, "ok");
  EXPECT_RETRY(multiplier, 100, "ok");
  EXPECT_RETRY(min_attempt_time, HF_INFINITE, "ok");
}

TEST(RetryOptions, RefuseWhatIsOutsideAndNameTheField) {
  EXPECT_RETRY(max_attempts, 1001, "out_of_range max_attempts: 1001 is outside 1..1000");
  EXPECT_RETRY(jitter, 7, "out_of_range jitter: 7 is outside 1..6");
  EXPECT_RETRY(jitter, -1, "out_of_range jitter: -1 is outside 1..6");
  EXPECT_RETRY(base, -1, "out_of_range base: -1 is outside 1000..3600000000000");
  EXPECT_RETRY(base, 999, "out_of_range base: 999 is outside 1000..3600000000000");
  EXPECT_RETRY(base, kHour + 1, "out_of_range base: 3600000000001 is outside 1000..3600000000000");
  EXPECT_RETRY(base, HF_INFINITE, "out_of_range base: infinite is outside 1000..3600000000000");
  EXPECT_RETRY(cap, 1, "out_of_range cap: 1 is outside 100000000..86400000000000");
  EXPECT_RETRY(cap, -1, "out_of_range cap: -1 is outside 100000000..86400000000000");
  EXPECT_RETRY(cap, 24 * kHour + 1,
               "out_of_range cap: 86400000000001 is outside 100000000..86400000000000");
  EXPECT_RETRY(multiplier, 0.99, "out_of_range multiplier: 0.99 is outside 1..100");
  EXPECT_RETRY(multiplier, -2, "out_of_range multiplier: -2 is outside 1..100");
  EXPECT_RETRY(multiplier, 100.5, "out_of_range multiplier: 100.5 is outside 1..100");
  EXPECT_RETRY(multiplier, kNan, "out_of_range multiplier: nan is outside 1..100");
  EXPECT_RETRY(multiplier, kInfinity, "out_of_range multiplier: inf is outside 1..100");
  EXPECT_RETRY(min_attempt_time, -1, "out_of_range min_attempt_time: -1 is outside 0..infinite");
  EXPECT_RETRY(max_elapsed, -1, "out_of_range max_elapsed: -1 is outside 1..infinite");
  EXPECT_RETRY(growth, 3, "out_of_range growth: 3 is outside 1..2");
  EXPECT_RETRY(tree_retries, 10001, "out_of_range tree_retries: 10001 is outside 1..10000");
  EXPECT_RETRY(spread, kNan, "out_of_range spread: nan is outside 0.001..1");
  EXPECT_RETRY(spread, 1.5, "out_of_range spread: 1.5 is outside 0.001..1");
  EXPECT_RETRY(spread, -0.5, "out_of_range spread: -0.5 is outside 0.001..1");
  EXPECT_RETRY(rule_count, 17, "out_of_range rule_count: 17 is outside 0..16");
  EXPECT_RETRY(rule_count, 1, "null_argument rules: is NULL");
  EXPECT_RETRY(reserved0, 1, "unsupported_field reserved0: must be 0");
}

std::string RuleError(std::vector<hf_retry_rule> rules) {
  return RetryError([&](hf_retry_options& o) {
    o.rules = rules.data();
    o.rule_count = static_cast<uint32_t>(rules.size());
  });
}

TEST(RetryOptions, RefuseBadRulesAndNameTheField) {
  EXPECT_EQ(RuleError({{HF_OK, 0, 0, 0, 0, 0}}), "out_of_range rules.code: 0 is outside 1..16");
  EXPECT_EQ(RuleError({{17, 0, 0, 0, 0, 0}}), "out_of_range rules.code: 17 is outside 1..16");
  EXPECT_EQ(RuleError({{14, 5, 0, 0, 0, 0}}), "out_of_range rules.effect: 5 is outside 0..4");
  EXPECT_EQ(RuleError({{14, 0, 1001, 0, 0, 0}}),
            "out_of_range rules.max_attempts: 1001 is outside 0..1000");
  EXPECT_EQ(RuleError({{14, 0, 0, 9, 0, 0}}), "unsupported_field rules.reserved0: must be 0");
  EXPECT_EQ(RuleError({{14, 0, 0, 0, 7, 0}}),
            "out_of_range rules.base: 7 is outside 1000..3600000000000");
  EXPECT_EQ(RuleError({{14, 0, 0, 0, HF_S, HF_MS}}),
            "out_of_range rules.cap: 1000000 is outside 1000000000..86400000000000");
  EXPECT_EQ(RuleError({{14, 3, 0, 0, 0, 0}, {14, 1, 0, 0, 0, 0}}),
            "bad_options rules: two of them have the same code");
}

TEST(RetryOptions, RulesChangeWhatTheyNameAndNothingElse) {
  const hf_retry_rule rule{HF_RESOURCE_EXHAUSTED, HF_EFFECT_RETRYABLE, 7, 0, 20 * HF_S, 0};
  hf_retry_options options = HF_INIT(hf_retry_options);
  options.rules = &rule;
  options.rule_count = 1;
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_retry_new(&options, &retry, nullptr), HF_OK);
  const auto throttled = retry->rules.Applied(retry->policy, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(throttled.max_attempts, 7u);
  EXPECT_EQ(throttled.base, 20 * HF_S);
  EXPECT_EQ(throttled.cap, 20 * HF_S);  // never below the base
  const auto other = retry->rules.Applied(retry->policy, HF_UNAVAILABLE);
  EXPECT_EQ(other.max_attempts, 3u);
  EXPECT_EQ(other.base, 100 * HF_MS);
  EXPECT_EQ(other.cap, 10 * HF_S);
  hf_retry_unref(retry);
}

TEST(RetryOptions, RefuseBadHeadersAndNull) {
  EXPECT_RETRY(struct_size, 8, "struct_size struct_size: 8 is outside 48..4096");
  EXPECT_RETRY(abi_level, 0, "abi_level abi_level: 0 is outside 1..1");
  hf_error error{};
  EXPECT_EQ(hf_retry_new(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "out: is NULL");
}

TEST(RetryDelay, RefusesBadArguments) {
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_retry_new(nullptr, &retry, nullptr), HF_OK);
  hf_duration previous = 0, delay = 77, negative = -1;
  EXPECT_EQ(hf_retry_delay(nullptr, 1, 1, &previous, &delay), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_retry_delay(retry, 1, 1, nullptr, &delay), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_retry_delay(retry, 1, 1, &previous, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_retry_delay(retry, 0, 1, &previous, &delay), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_retry_delay(retry, 1, 0, &previous, &delay), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_retry_delay(retry, 1, 1, &negative, &delay), HF_INVALID_ARGUMENT);
  EXPECT_EQ(delay, 77);
  EXPECT_EQ(previous, 0);
  hf_retry_unref(retry);
}

TEST(RetryDelay, UpdatesThePreviousDelay) {
  hf_retry_options options = HF_INIT(hf_retry_options);
  options.jitter = HF_JITTER_DECORRELATED;
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_retry_new(&options, &retry, nullptr), HF_OK);
  hf_duration previous = 0, delay = 0;
  for (uint32_t n = 1; n <= 10; ++n) {
    const hf_duration before = previous;
    ASSERT_EQ(hf_retry_delay(retry, n, 99, &previous, &delay), HF_OK);
    EXPECT_EQ(previous, delay);
    EXPECT_LE(delay, 3 * std::max(before, 100 * HF_MS));
    EXPECT_GE(delay, 100 * HF_MS);
  }
  hf_retry_unref(retry);
}

template <typename Change>
std::string BudgetError(Change&& change) {
  hf_budget_options options = HF_INIT(hf_budget_options);
  change(options);
  hf_budget* budget = nullptr;
  hf_error error{};
  const hf_code code = hf_budget_new(&options, &budget, &error);
  EXPECT_EQ(code, error.code);
  if (code == HF_OK) {
    hf_budget_unref(budget);
    return "ok";
  }
  return std::string(hf_reason_name(error.reason)) + " " + error.text;
}

#define EXPECT_BUDGET(field, value, text) \
  EXPECT_EQ(BudgetError([](hf_budget_options& o) { o.field = value; }), text)

TEST(BudgetOptions, RefuseWhatIsOutsideAndNameTheField) {
  EXPECT_BUDGET(max_tokens, 1, "ok");
  EXPECT_BUDGET(max_tokens, 1000, "ok");
  EXPECT_BUDGET(ratio, 0.001, "ok");
  EXPECT_BUDGET(ratio, 100, "ok");
  EXPECT_BUDGET(max_tokens, 0.5, "out_of_range max_tokens: 0.5 is outside 1..1000");
  EXPECT_BUDGET(max_tokens, 1000.5, "out_of_range max_tokens: 1000.5 is outside 1..1000");
  EXPECT_BUDGET(max_tokens, -1, "out_of_range max_tokens: -1 is outside 1..1000");
  EXPECT_BUDGET(max_tokens, kNan, "out_of_range max_tokens: nan is outside 1..1000");
  EXPECT_BUDGET(ratio, 0.0005, "out_of_range ratio: 5e-04 is outside 0.001..100");
  EXPECT_BUDGET(ratio, 100.5, "out_of_range ratio: 100.5 is outside 0.001..100");
  EXPECT_BUDGET(ratio, -kInfinity, "out_of_range ratio: -inf is outside 0.001..100");
  EXPECT_BUDGET(struct_size, 0, "struct_size struct_size: 0 is outside 24..4096");
  EXPECT_BUDGET(abi_level, 2, "abi_level abi_level: 2 is outside 1..1");
  EXPECT_EQ(hf_budget_new(nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
}

TEST(Budget, NullIsAnArgumentError) {
  EXPECT_EQ(hf_budget_on_failure(nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_budget_on_success(nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_budget_tokens(nullptr), 0);
  hf_budget_unref(nullptr);
}

// Failsafe-go lets N threads pass a budget that has room for one.
TEST(Budget, ThreadsTogetherGetNoMoreRetriesThanThereAreTokens) {
  hf_budget* budget = nullptr;
  ASSERT_EQ(hf_budget_new(nullptr, &budget, nullptr), HF_OK);
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) allowed += hf_budget_on_failure(budget) == HF_OK ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(allowed, 49);
  EXPECT_EQ(hf_budget_tokens(budget), 0);
  hf_budget_unref(budget);
}

TEST(Budget, ThreadsRepayExactly) {
  hf_budget_options options = HF_INIT(hf_budget_options);
  options.max_tokens = 1000;
  options.ratio = 0.001;
  hf_budget* budget = nullptr;
  ASSERT_EQ(hf_budget_new(&options, &budget, nullptr), HF_OK);
  for (int i = 0; i < 1000; ++i) hf_budget_on_failure(budget);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) hf_budget_on_success(budget);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(hf_budget_tokens(budget), 4);
  hf_budget_unref(budget);
}

TEST(RetryPolicy, SpeaksChronoAndStatus) {
  const auto policy = holdfast::RetryPolicy::Create(
      {.max_attempts = 5, .jitter = holdfast::Jitter::kNone, .base = 50ms, .cap = 120ms});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(*policy->Delay(1, 7, 0ns), 50ms);
  EXPECT_EQ(*policy->Delay(2, 7, 0ns), 100ms);
  EXPECT_EQ(*policy->Delay(3, 7, 0ns), 120ms);
  EXPECT_EQ(policy->raw()->policy.max_attempts, 5u);
  EXPECT_EQ(holdfast::RejectionOf(policy->Delay(1, 0, 0ns).status())->reason, HF_R_ZERO_SEED);
  EXPECT_EQ(holdfast::RejectionOf(policy->Delay(0, 1, 0ns).status())->reason, HF_R_OUT_OF_RANGE);
}

TEST(RetryPolicy, DefaultsMatchTheCLayer) {
  const auto policy = holdfast::RetryPolicy::Create();
  ASSERT_TRUE(policy.ok());
  const holdfast::engine::BackoffPolicy defaults;
  EXPECT_EQ(policy->raw()->policy.base, defaults.base);
  EXPECT_EQ(policy->raw()->policy.cap, defaults.cap);
  EXPECT_EQ(policy->raw()->policy.multiplier, defaults.multiplier);
}

TEST(RetryPolicy, ABadOptionIsAnErrorThatNamesIt) {
  const auto policy = holdfast::RetryPolicy::Create({.base = -1ms});
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(policy.status().message().substr(0, 5), "base:");
}

TEST(RetryBudget, IsSharedByItsCopies) {
  const auto budget = holdfast::RetryBudget::Create({.max_tokens = 4, .ratio = 1.6});
  ASSERT_TRUE(budget.ok()) << budget.status();
  const holdfast::RetryBudget copy = *budget;
  EXPECT_TRUE(copy.OnFailure());
  EXPECT_EQ(budget->Tokens(), 3);
  budget->OnSuccess();
  EXPECT_EQ(copy.Tokens(), 4);
  EXPECT_FALSE(holdfast::RetryBudget());
  const auto bad = holdfast::RetryBudget::Create({.ratio = 1e9});
  EXPECT_EQ(bad.status().message().substr(0, 6), "ratio:");
}

}  // namespace
