// SPDX-License-Identifier: Apache-2.0
// c/retry.h, the policy half, over engine/backoff.h.
#include "abi/retry.h"

#include <algorithm>

namespace holdfast::abi {
namespace {

constexpr uint32_t kMaxAttempts = 1000;
constexpr hf_duration kMinBase = HF_US;
constexpr hf_duration kMaxBase = 3600 * HF_S;
constexpr hf_duration kMaxDelay = 24 * 3600 * HF_S;
constexpr double kMaxMultiplier = 100;

hf_code ReadPolicy(const hf_retry_options* given, engine::BackoffPolicy* policy, hf_error* error) {
  hf_retry_options options;
  hf_code code = CopyIn(given, &options, error);
  if (code != HF_OK) return code;

  if (options.max_attempts != 0) policy->max_attempts = options.max_attempts;
  if (options.jitter != 0) policy->jitter = options.jitter;
  if (options.base != 0) policy->base = options.base;
  policy->cap = options.cap != 0 ? options.cap : std::max(policy->cap, policy->base);
  if (options.multiplier != 0) policy->multiplier = options.multiplier;
  policy->min_attempt_time = options.min_attempt_time;

  code = CheckRange(error, "max_attempts", policy->max_attempts, 1, kMaxAttempts);
  if (code != HF_OK) return code;
  code = CheckRange(error, "jitter", policy->jitter, HF_JITTER_FULL, HF_JITTER_NONE);
  if (code != HF_OK) return code;
  code = CheckRange(error, "base", policy->base, kMinBase, kMaxBase);
  if (code != HF_OK) return code;
  code = CheckRange(error, "cap", policy->cap, policy->base, kMaxDelay);
  if (code != HF_OK) return code;
  code = CheckReal(error, "multiplier", policy->multiplier, 1.0, kMaxMultiplier);
  if (code != HF_OK) return code;
  return CheckRange(error, "min_attempt_time", policy->min_attempt_time, 0, HF_INFINITE);
}

}  // namespace
}  // namespace holdfast::abi

hf_code hf_retry_new(const hf_retry_options* options, hf_retry** out, hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  engine::BackoffPolicy policy;
  const hf_code code = abi::ReadPolicy(options, &policy, error);
  return code != HF_OK ? code : abi::NewHandle(out, error, policy);
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
