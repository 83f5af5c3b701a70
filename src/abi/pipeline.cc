// SPDX-License-Identifier: Apache-2.0
// The making of a pipeline (c/call.h): checks, references, rules.
#include "abi/pipeline.h"

#include <holdfast/c/call.h>

#include "abi/retry.h"

namespace abi = holdfast::abi;

hf_pipeline::hf_pipeline(const holdfast::engine::CallRules& call_rules,
                         const hf_pipeline_options& options)
    : rules(call_rules),
      budget(options.budget),
      breaker(options.breaker),
      bulkhead(options.bulkhead) {
  if (budget != nullptr) hf_budget_ref(budget);
  if (breaker != nullptr) hf_breaker_ref(breaker);
  if (bulkhead != nullptr) hf_bulkhead_ref(bulkhead);
}

hf_pipeline::~hf_pipeline() {
  hf_bulkhead_unref(bulkhead);
  hf_breaker_unref(breaker);
  hf_budget_unref(budget);
}

hf_code hf_pipeline_new(const hf_pipeline_options* options, hf_pipeline** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_pipeline_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  holdfast::engine::CallRules rules;
  if (given.timeout != 0) rules.timeout = given.timeout;
  if (given.attempt_timeout != 0) rules.attempt_timeout = given.attempt_timeout;
  code = abi::CheckRange(error, "timeout", rules.timeout, 1, HF_INFINITE);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "attempt_timeout", rules.attempt_timeout, 1, HF_INFINITE);
  if (code != HF_OK) return code;
  if (given.budget != nullptr && given.retry == nullptr) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "budget",
                          "needs a retry policy");
  }
  // A policy never changes, so the pipeline needs its value and not the handle.
  if (given.retry != nullptr) rules.backoff = given.retry->policy;
  return abi::NewHandle(out, error, rules, given);
}

void hf_pipeline_ref(hf_pipeline* pipeline) noexcept { abi::Ref(pipeline); }

void hf_pipeline_unref(hf_pipeline* pipeline) noexcept { abi::Unref(pipeline); }
