// SPDX-License-Identifier: Apache-2.0
// c/retry.h, the policy half, over engine/backoff.h.
#include "abi/retry.h"

#include <algorithm>
#include <cstddef>

namespace holdfast::abi {

template <>
inline constexpr uint32_t kFirstSize<hf_retry_options> = offsetof(hf_retry_options, max_elapsed);

namespace {

constexpr uint32_t kMaxAttempts = 1000;
constexpr hf_duration kMinBase = HF_US;
constexpr hf_duration kMaxBase = 3600 * HF_S;
constexpr hf_duration kMaxDelay = 24 * 3600 * HF_S;
constexpr double kMaxMultiplier = 100;
constexpr uint32_t kMaxTreeRetries = 10000;
constexpr uint32_t kMaxRules = 16;
constexpr double kLeastSpread = 0.001;

hf_code ReadRule(const hf_retry_rule& given, const engine::BackoffPolicy& policy,
                 engine::RetryRules* rules, hf_error* error) {
  hf_code code = CheckRange(error, "rules.code", given.code, HF_CANCELLED, HF_UNAUTHENTICATED);
  if (code != HF_OK) return code;
  code = CheckRange(error, "rules.effect", given.effect, HF_EFFECT_DERIVE, HF_EFFECT_NOT_STARTED);
  if (code != HF_OK) return code;
  code = CheckRange(error, "rules.max_attempts", given.max_attempts, 0, kMaxAttempts);
  if (code != HF_OK) return code;
  code = CheckReserved(error, "rules.reserved0", given.reserved0);
  if (code != HF_OK) return code;
  code = CheckRange(error, "rules.base", given.base, given.base == 0 ? 0 : kMinBase, kMaxBase);
  if (code != HF_OK) return code;
  const hf_duration base = given.base != 0 ? given.base : policy.base;
  code = CheckRange(error, "rules.cap", given.cap, given.cap == 0 ? 0 : base, kMaxDelay);
  if (code != HF_OK) return code;
  engine::RetryRule& rule = rules->At(given.code);
  if (rule.effect != 0 || rule.max_attempts != 0 || rule.base != 0 || rule.cap != 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "rules",
                     "two of them have the same code");
  }
  rule = {given.effect, given.max_attempts, given.base, given.cap};
  return HF_OK;
}

hf_code ReadRules(const hf_retry_options& options, const engine::BackoffPolicy& policy,
                  engine::RetryRules* rules, hf_error* error) {
  const hf_code code = CheckRange(error, "rule_count", options.rule_count, 0, kMaxRules);
  if (code != HF_OK) return code;
  if (options.rule_count != 0 && options.rules == nullptr) return FailNull(error, "rules");
  for (uint32_t i = 0; i < options.rule_count; ++i) {
    const hf_code rule = ReadRule(options.rules[i], policy, rules, error);
    if (rule != HF_OK) return rule;
  }
  return HF_OK;
}

hf_code ReadPolicy(const hf_retry_options& options, engine::BackoffPolicy* policy,
                   hf_error* error) {
  hf_code code = HF_OK;

  if (options.max_attempts != 0) policy->max_attempts = options.max_attempts;
  if (options.jitter != 0) policy->jitter = options.jitter;
  if (options.base != 0) policy->base = options.base;
  policy->cap = options.cap != 0 ? options.cap : std::max(policy->cap, policy->base);
  if (options.multiplier != 0) policy->multiplier = options.multiplier;
  policy->min_attempt_time = options.min_attempt_time;
  if (options.max_elapsed != 0) policy->max_elapsed = options.max_elapsed;
  if (options.growth != 0) policy->growth = options.growth;
  if (options.tree_retries != 0) policy->tree_retries = options.tree_retries;
  if (options.spread != 0) policy->spread = options.spread;

  code = CheckRange(error, "max_attempts", policy->max_attempts, 1, kMaxAttempts);
  if (code != HF_OK) return code;
  code = CheckRange(error, "jitter", policy->jitter, HF_JITTER_FULL, HF_JITTER_DECORRELATED2);
  if (code != HF_OK) return code;
  code = CheckRange(error, "base", policy->base, kMinBase, kMaxBase);
  if (code != HF_OK) return code;
  code = CheckRange(error, "cap", policy->cap, policy->base, kMaxDelay);
  if (code != HF_OK) return code;
  code = CheckReal(error, "multiplier", policy->multiplier, 1.0, kMaxMultiplier);
  if (code != HF_OK) return code;
  code = CheckRange(error, "min_attempt_time", policy->min_attempt_time, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  code = CheckRange(error, "max_elapsed", policy->max_elapsed, 1, HF_INFINITE);
  if (code != HF_OK) return code;
  code = CheckRange(error, "growth", policy->growth, HF_GROWTH_EXPONENTIAL, HF_GROWTH_LINEAR);
  if (code != HF_OK) return code;
  code = CheckRange(error, "tree_retries", policy->tree_retries, 1, kMaxTreeRetries);
  if (code != HF_OK) return code;
  code = CheckReal(error, "spread", policy->spread, kLeastSpread, 1.0);
  if (code != HF_OK) return code;
  return CheckReserved(error, "reserved0", options.reserved0);
}

}  // namespace
}  // namespace holdfast::abi

hf_code hf_retry_new(const hf_retry_options* options, hf_retry** out, hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_retry_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  engine::BackoffPolicy policy;
  code = abi::ReadPolicy(given, &policy, error);
  if (code != HF_OK) return code;
  engine::RetryRules rules;
  code = abi::ReadRules(given, policy, &rules, error);
  if (given.tree_retries == 0) policy.tree_retries = 2 * rules.MostAttempts(policy);
  return code != HF_OK ? code : abi::NewHandle(out, error, policy, rules);
}

void hf_retry_ref(hf_retry* retry) noexcept { holdfast::abi::Ref(retry); }
void hf_retry_unref(hf_retry* retry) noexcept { holdfast::abi::Unref(retry); }

hf_code hf_retry_delay(const hf_retry* retry, uint32_t attempt, uint64_t seed,
                       hf_duration* previous, hf_duration* delay) noexcept {
  if (retry == nullptr || previous == nullptr || delay == nullptr) return HF_INVALID_ARGUMENT;
  if (attempt == 0 || seed == 0 || *previous < 0) return HF_INVALID_ARGUMENT;
  *delay = holdfast::engine::BackoffDelay(retry->policy, attempt, *previous, seed);
  *previous = *delay;
  return HF_OK;
}
