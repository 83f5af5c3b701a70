// SPDX-License-Identifier: Apache-2.0
// Reads the policies behind a pipeline, and explains them (c/explain.h).
#include "engine/explain.h"

#include <holdfast/c/explain.h>

#include "abi/breaker.h"
#include "abi/bulkhead.h"
#include "abi/guard.h"
#include "abi/hedge.h"
#include "abi/limiter.h"
#include "abi/pipeline.h"
#include "abi/retry.h"
#include "abi/throttle.h"

namespace abi = holdfast::abi;
namespace engine = holdfast::engine;

namespace {

constexpr uint32_t kKnownFlags = HF_EXPLAIN_IDEMPOTENT | HF_EXPLAIN_NOT_IDEMPOTENT;
constexpr uint32_t kMostAttempts = 1'000'000;

// The one place that knows which guards there are.
engine::PipelinePolicies PoliciesOf(const hf_pipeline& pipeline) {
  engine::PipelinePolicies policies;
  policies.rules = pipeline.rules();
  policies.kill_switch = pipeline.kill_switch != nullptr;
  policies.fault = pipeline.fault != nullptr;
  if (pipeline.budget != nullptr) policies.budget = pipeline.budget->tokens.policy();
  if (pipeline.breaker != nullptr) policies.breaker = pipeline.breaker->machine.Policy();
  if (pipeline.throttle != nullptr) policies.throttle = pipeline.throttle->engine.Policy();
  const auto read = [](const auto& held, auto* policy) {
    if (held != nullptr) *policy = held->engine.Policy();
  };
  read(pipeline.bulkhead, &policies.bulkhead);
  read(pipeline.call_bulkhead, &policies.call_bulkhead);
  read(pipeline.limiter, &policies.limiter);
  read(pipeline.call_limiter, &policies.call_limiter);
  if (pipeline.hedge != nullptr) policies.hedge = pipeline.hedge->engine.Rules();
  policies.same_bulkhead =
      pipeline.bulkhead != nullptr && pipeline.bulkhead.get() == pipeline.call_bulkhead.get();
  policies.same_limiter =
      pipeline.limiter != nullptr && pipeline.limiter.get() == pipeline.call_limiter.get();
  return policies;
}

hf_code ReadFacts(const hf_explain_options& given, engine::CallFacts* facts, hf_error* error) {
  if (given.deadline != 0) facts->deadline = given.deadline;
  hf_code code = abi::CheckRange(error, "deadline", facts->deadline, 1, HF_INFINITE);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "latency", given.latency, 0, HF_INFINITE - 1);
  if (code != HF_OK) return code;
  facts->latency = given.latency;
  if ((given.flags & ~kKnownFlags) != 0) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_UNSUPPORTED_FIELD, "flags",
                          "has bits that this library does not know");
  }
  if (given.flags == kKnownFlags) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "flags",
                          "says both idempotent and not");
  }
  facts->flags = given.flags;
  if (given.attempts_above != 0) facts->attempts_above = given.attempts_above;
  if (given.attempts_below != 0) facts->attempts_below = given.attempts_below;
  code = abi::CheckRange(error, "attempts_above", facts->attempts_above, 1, kMostAttempts);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "attempts_below", facts->attempts_below, 1, kMostAttempts);
  if (code != HF_OK) return code;
  return abi::CheckReserved(error, "reserved0", given.reserved0);
}

}  // namespace

hf_code hf_pipeline_explain(const hf_pipeline* pipeline, const hf_explain_options* options,
                            hf_explanation* out, hf_error* error) noexcept {
  if (pipeline == nullptr) return abi::FailNull(error, "pipeline");
  if (out == nullptr) return abi::FailNull(error, "out");
  hf_explain_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  engine::CallFacts facts;
  code = ReadFacts(given, &facts, error);
  if (code != HF_OK) return code;
  engine::PipelinePolicies policies = PoliciesOf(*pipeline);
  if (given.hedge != nullptr) policies.hedge = given.hedge->engine.Rules();
  code = abi::CopyOut(engine::Explain(policies, facts), out);
  if (code != HF_OK) {
    return abi::FailField(error, code, HF_R_STRUCT_SIZE, "struct_size", "of out is out of range");
  }
  return abi::Succeed(error);
}
