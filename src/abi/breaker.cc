// SPDX-License-Identifier: Apache-2.0
// c/breaker.h over engine/breaker.h.
#include "abi/breaker.h"

#include <algorithm>

namespace holdfast::abi {
namespace {

constexpr hf_duration kMinBucketedTime = 10 * HF_MS;
constexpr hf_duration kMaxBucketedTime = 3600 * HF_S;
constexpr uint32_t kMaxMinimumCalls = 1000000;
constexpr uint32_t kMaxProbes = 1000;
constexpr hf_duration kMinWait = HF_MS;
constexpr hf_duration kMaxWait = 24 * 3600 * HF_S;

void ApplyOptions(const hf_breaker_options& options, engine::BreakerPolicy* policy) {
  if (options.window != 0) policy->window = options.window;
  if (options.window_calls != 0) policy->window_calls = options.window_calls;
  if (options.window_time != 0) policy->window_time = options.window_time;
  if (options.window_buckets != 0) policy->window_buckets = options.window_buckets;
  if (options.minimum_calls != 0) policy->minimum_calls = options.minimum_calls;
  if (options.failure_rate != 0) policy->failure_rate = options.failure_rate;
  policy->consecutive_failures = options.consecutive_failures;
  if (options.probes != 0) policy->probes = options.probes;
  if (options.open_for != 0) policy->open_for = options.open_for;
  if (options.probe_lease != 0) policy->probe_lease = options.probe_lease;
}

hf_code CheckPolicy(const engine::BreakerPolicy& policy, hf_error* error) {
  hf_code code = CheckRange(error, "window", policy.window, HF_WINDOW_COUNT, HF_WINDOW_TIME);
  if (code != HF_OK) return code;
  code = CheckRange(error, "window_calls", policy.window_calls, 1, engine::kMaxWindowCalls);
  if (code != HF_OK) return code;
  code = CheckRange(error, "window_time", policy.window_time, kMinBucketedTime, kMaxBucketedTime);
  if (code != HF_OK) return code;
  code = CheckRange(error, "window_buckets", policy.window_buckets, 1, engine::kMaxWindowBuckets);
  if (code != HF_OK) return code;
  code = CheckRange(error, "minimum_calls", policy.minimum_calls, 1, kMaxMinimumCalls);
  if (code != HF_OK) return code;
  if (!(policy.failure_rate > 0 && policy.failure_rate <= 1)) {  // false for not-a-number, too
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "failure_rate",
                     "must be above 0 and at most 1");
  }
  code = CheckRange(error, "probes", policy.probes, 1, kMaxProbes);
  if (code != HF_OK) return code;
  code = CheckRange(error, "open_for", policy.open_for, kMinWait, kMaxWait);
  if (code != HF_OK) return code;
  return CheckRange(error, "probe_lease", policy.probe_lease, kMinWait, kMaxWait);
}

bool CanBeForced(hf_breaker_state state) {
  return state == HF_BREAKER_FORCED_OPEN || state == HF_BREAKER_DISABLED ||
         state == HF_BREAKER_CLOSED;
}

void Tell(hf_events* events, hf_events value) {
  if (events != nullptr) *events = value;
}

}  // namespace

hf_code ReadBreakerPolicy(const hf_breaker_options* given, engine::BreakerPolicy* policy,
                          hf_error* error) {
  hf_breaker_options options;
  hf_code code = CopyIn(given, &options, error);
  if (code != HF_OK) return code;
  ApplyOptions(options, policy);
  code = CheckPolicy(*policy, error);
  if (code != HF_OK) return code;
  if (policy->window == HF_WINDOW_COUNT) {
    policy->minimum_calls = std::min(policy->minimum_calls, policy->window_calls);
  }
  return HF_OK;
}

}  // namespace holdfast::abi

hf_code hf_breaker_new(const hf_breaker_options* options, hf_breaker** out,
                       hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  engine::BreakerPolicy policy;
  const hf_code code = abi::ReadBreakerPolicy(options, &policy, error);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, policy);
}

void hf_breaker_ref(hf_breaker* breaker) noexcept { holdfast::abi::Ref(breaker); }
void hf_breaker_unref(hf_breaker* breaker) noexcept { holdfast::abi::Unref(breaker); }

hf_code hf_breaker_acquire(hf_breaker* breaker, hf_time now, hf_permit* permit, hf_rejection* why,
                           hf_events* events) noexcept {
  using namespace holdfast;
  if (breaker == nullptr || permit == nullptr) {
    abi::Tell(events, 0);
    if (permit != nullptr) *permit = hf_permit{};
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  const engine::Admission admission = breaker->Acquire(now);
  // Field by field: a 16-byte copy would wait for the two 8-byte stores it is made of.
  permit->generation = admission.permit.generation;
  permit->kind = admission.permit.kind;
  permit->stamp = 0;
  abi::Tell(events, admission.events);
  if (admission.why.code != HF_OK && why != nullptr) *why = admission.why;
  return admission.why.code;
}

hf_code hf_breaker_record(hf_breaker* breaker, hf_permit* permit, hf_verdict verdict, hf_time now,
                          hf_events* events) noexcept {
  using namespace holdfast;
  abi::Tell(events, 0);
  if (breaker == nullptr || permit == nullptr || permit->kind == HF_PERMIT_NONE) {
    return HF_INVALID_ARGUMENT;
  }
  if (verdict < HF_VERDICT_SUCCESS || verdict > HF_VERDICT_IGNORED) return HF_INVALID_ARGUMENT;
  const engine::Settlement settlement = breaker->Record(*permit, verdict, now);
  if (!settlement.accepted) return HF_INVALID_ARGUMENT;
  *permit = hf_permit{};
  abi::Tell(events, settlement.events);
  return HF_OK;
}

hf_code hf_breaker_force(hf_breaker* breaker, hf_breaker_state state, hf_time now) noexcept {
  if (breaker == nullptr || !holdfast::abi::CanBeForced(state)) return HF_INVALID_ARGUMENT;
  breaker->Force(state, now);
  return HF_OK;
}

hf_code hf_breaker_read(const hf_breaker* breaker, hf_time now, hf_breaker_snapshot* out) noexcept {
  if (breaker == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return holdfast::abi::CopyOut(breaker->machine.Read(now), out);
}
