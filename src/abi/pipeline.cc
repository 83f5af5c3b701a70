// SPDX-License-Identifier: Apache-2.0
// The making and updating of a pipeline (c/call.h): checks, references, rules.
#include "abi/pipeline.h"

#include <holdfast/c/call.h>

#include <cstddef>

#include "abi/breaker.h"
#include "abi/bulkhead.h"
#include "abi/fault.h"
#include "abi/hedge.h"
#include "abi/kill_switch.h"
#include "abi/limiter.h"
#include "abi/retry.h"
#include "abi/throttle.h"

namespace abi = holdfast::abi;
namespace engine = holdfast::engine;

namespace holdfast::abi {
template <>
inline constexpr uint32_t kFirstSize<hf_pipeline_options> =
    offsetof(hf_pipeline_options, call_bulkhead);
}  // namespace holdfast::abi

hf_pipeline::hf_pipeline(const engine::CallRules& rules, const hf_pipeline_options& options)
    : budget(options.budget),
      breaker(options.breaker),
      bulkhead(options.bulkhead),
      call_bulkhead(options.call_bulkhead),
      kill_switch(options.kill_switch),
      throttle(options.throttle),
      fault(options.fault),
      limiter(options.limiter),
      call_limiter(options.call_limiter),
      hedge(options.hedge),
      is_plain(options.call_bulkhead == nullptr && options.kill_switch == nullptr &&
               options.throttle == nullptr && options.fault == nullptr &&
               options.limiter == nullptr && options.call_limiter == nullptr),
      timeout_(rules.limits.timeout),
      attempt_timeout_(rules.limits.attempt_timeout),
      tree_retries_(rules.backoff.tree_retries),
      rules_(rules) {}

void hf_pipeline::Update(const engine::CallRules& rules) {
  const std::lock_guard lock(mutex_);
  version_.fetch_add(1);
  timeout_.store(rules.limits.timeout);
  attempt_timeout_.store(rules.limits.attempt_timeout);
  tree_retries_.store(rules.backoff.tree_retries);
  version_.fetch_add(1);
  rules_ = rules;
}

namespace {

// What a hedged call has no place for; empty if there is nothing of it.
std::string_view NotWithHedge(const hf_pipeline_options& given) {
  if (given.hedge == nullptr) return {};
  if (given.retry != nullptr) return "retry";
  if (given.throttle != nullptr) return "throttle";
  if (given.fault != nullptr) return "fault";
  if (given.call_limiter != nullptr) return "call_limiter";
  return given.call_bulkhead != nullptr ? "call_bulkhead" : "";
}

hf_code ReadRules(const hf_pipeline_options& given, engine::CallRules* rules, hf_error* error) {
  if (given.timeout != 0) rules->limits.timeout = given.timeout;
  if (given.attempt_timeout != 0) rules->limits.attempt_timeout = given.attempt_timeout;
  const engine::CallLimits& limits = rules->limits;
  hf_code code = abi::CheckRange(error, "timeout", limits.timeout, 1, HF_INFINITE);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "attempt_timeout", limits.attempt_timeout, 1, HF_INFINITE);
  if (code != HF_OK) return code;
  if (given.budget != nullptr && given.retry == nullptr && given.hedge == nullptr) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "budget",
                          "needs a retry policy or a hedge");
  }
  if (const std::string_view field = NotWithHedge(given); !field.empty()) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, field,
                          "does not go with a hedge");
  }
  // A policy never changes, so the pipeline needs its value and not the handle.
  if (given.retry != nullptr) {
    rules->backoff = given.retry->policy;
    rules->rules = given.retry->rules;
  }
  rules->limits.tree_retries = rules->backoff.tree_retries;
  return HF_OK;
}

hf_code RefuseOther(hf_error* error, std::string_view field) {
  return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_CHANGED_SHAPE, field,
                        "is fixed: update the guard itself, or make a new pipeline");
}

}  // namespace

hf_code hf_pipeline_new(const hf_pipeline_options* options, hf_pipeline** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_pipeline_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  engine::CallRules rules;
  code = ReadRules(given, &rules, error);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, rules, given);
}

hf_code hf_pipeline_update(hf_pipeline* pipeline, const hf_pipeline_options* options,
                           hf_error* error) noexcept {
  if (pipeline == nullptr) return abi::FailNull(error, "pipeline");
  hf_pipeline_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  const struct {
    std::string_view field;
    const void* is;
    const void* given;
  } guards[] = {
      {"budget", pipeline->budget.get(), given.budget},
      {"breaker", pipeline->breaker.get(), given.breaker},
      {"bulkhead", pipeline->bulkhead.get(), given.bulkhead},
      {"call_bulkhead", pipeline->call_bulkhead.get(), given.call_bulkhead},
      {"kill_switch", pipeline->kill_switch.get(), given.kill_switch},
      {"throttle", pipeline->throttle.get(), given.throttle},
      {"fault", pipeline->fault.get(), given.fault},
      {"limiter", pipeline->limiter.get(), given.limiter},
      {"call_limiter", pipeline->call_limiter.get(), given.call_limiter},
      {"hedge", pipeline->hedge.get(), given.hedge},
  };
  for (const auto& guard : guards) {
    if (guard.is != guard.given) return RefuseOther(error, guard.field);
  }
  engine::CallRules rules;
  code = ReadRules(given, &rules, error);
  if (code != HF_OK) return code;
  pipeline->Update(rules);
  return abi::Succeed(error);
}

void hf_pipeline_ref(hf_pipeline* pipeline) noexcept { abi::Ref(pipeline); }

void hf_pipeline_unref(hf_pipeline* pipeline) noexcept { abi::Unref(pipeline); }
