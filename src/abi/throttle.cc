// SPDX-License-Identifier: Apache-2.0
// c/throttle.h over engine/throttle.h.
#include "abi/throttle.h"

namespace abi = holdfast::abi;

namespace {

hf_code ReadPolicy(const hf_throttle_options* options, hf_throttle_options* given,
                   holdfast::engine::ThrottlePolicy* policy, hf_error* error) {
  hf_code code = abi::CopyIn(options, given, error);
  if (code != HF_OK) return code;
  if (given->window != 0) policy->window = given->window;
  if (given->buckets != 0) policy->buckets = given->buckets;
  if (given->success_rate != 0) policy->success_rate = given->success_rate;
  if (given->aggression != 0) policy->aggression = given->aggression;
  if (given->max_rejection != 0) policy->max_rejection = given->max_rejection;
  if (given->min_rate != 0) policy->min_rate = given->min_rate;
  code = abi::CheckReserved(error, "reserved0", given->reserved0);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "window", policy->window, 10 * HF_MS, 3600 * HF_S);
  if (code != HF_OK) return code;
  code =
      abi::CheckRange(error, "buckets", policy->buckets, 1, holdfast::engine::kMaxThrottleBuckets);
  if (code != HF_OK) return code;
  code = abi::CheckReal(error, "success_rate", policy->success_rate, 0.01, 1);
  if (code != HF_OK) return code;
  code = abi::CheckReal(error, "aggression", policy->aggression, 0.1, 100);
  if (code != HF_OK) return code;
  code = abi::CheckReal(error, "max_rejection", policy->max_rejection, 0.01, 0.99);
  if (code != HF_OK) return code;
  return abi::CheckReal(error, "min_rate", policy->min_rate, 0.001, 1e9);
}

}  // namespace

hf_code hf_throttle_new(const hf_throttle_options* options, hf_throttle** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_throttle_options given;
  holdfast::engine::ThrottlePolicy policy;
  hf_code code = ReadPolicy(options, &given, &policy, error);
  if (code == HF_OK) code = abi::NewHandle(out, error, policy);
  if (code == HF_OK) (*out)->engine.journal().Connect(given.journal, given.object);
  return code;
}

void hf_throttle_ref(hf_throttle* throttle) noexcept { abi::Ref(throttle); }
void hf_throttle_unref(hf_throttle* throttle) noexcept { abi::Unref(throttle); }

hf_code hf_throttle_admit(hf_throttle* throttle, uint64_t seed, hf_time now,
                          hf_rejection* why) noexcept {
  if (throttle == nullptr) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  if (seed == 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_ZERO_SEED);
  const hf_rejection answer = throttle->Admit(seed, now);
  if (why != nullptr) *why = answer;
  return answer.code;
}

hf_code hf_throttle_record(hf_throttle* throttle, hf_verdict verdict, hf_time now) noexcept {
  if (throttle == nullptr) return HF_INVALID_ARGUMENT;
  if (verdict < HF_VERDICT_SUCCESS || verdict > HF_VERDICT_IGNORED) return HF_INVALID_ARGUMENT;
  throttle->Record(verdict, now);
  return HF_OK;
}

hf_code hf_throttle_update(hf_throttle* throttle, const hf_throttle_options* options, hf_time now,
                           hf_error* error) noexcept {
  if (throttle == nullptr) return abi::FailNull(error, "throttle");
  hf_throttle_options given;
  holdfast::engine::ThrottlePolicy policy;
  const hf_code code = ReadPolicy(options, &given, &policy, error);
  if (code != HF_OK) return code;
  throttle->engine.Update(policy, now);
  return abi::Succeed(error);
}

hf_code hf_throttle_read(hf_throttle* throttle, hf_time now, hf_throttle_snapshot* out) noexcept {
  if (throttle == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(throttle->engine.Read(now), out);
}
