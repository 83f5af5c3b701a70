// SPDX-License-Identifier: Apache-2.0
// What a pipeline does at worst, and what in it works against itself: c/explain.h as a function of the
// guards' policies.
//
//   figures    engine/worst_case.h, and the loads here
//   warnings   engine/explain_warnings.h
//
//   load       at first               in the long run
//   retry      1 + what max_attempts, the deadline, tree_retries and the budget leave, never sent ones
//              left out               1 + min(that, ratio of the budget)
//   hedge      its max_attempts       1 + min(that, max_rate, ratio of the budget)
//
// Invariant: equal values give equal explanations; no clock, no guard and no call is looked at.
// Memory: values. Locking: none.
#ifndef HOLDFAST_ENGINE_EXPLAIN_H_
#define HOLDFAST_ENGINE_EXPLAIN_H_

#include <holdfast/c/explain.h>

#include <cstdint>
#include <optional>

#include "engine/breaker_policy.h"
#include "engine/budget.h"
#include "engine/bulkhead_policy.h"
#include "engine/call_state.h"
#include "engine/hedge.h"
#include "engine/pace.h"
#include "engine/throttle_policy.h"

namespace holdfast::engine {

// The values behind a pipeline. What is empty is not there.
struct PipelinePolicies {
  CallRules rules{};
  std::optional<BudgetPolicy> budget = {};
  std::optional<BreakerPolicy> breaker = {};
  std::optional<ThrottlePolicy> throttle = {};
  std::optional<BulkheadPolicy> bulkhead = {};
  std::optional<BulkheadPolicy> call_bulkhead = {};
  std::optional<LimiterPolicy> limiter = {};
  std::optional<LimiterPolicy> call_limiter = {};
  std::optional<HedgeRules> hedge = {};  // then the retry policy has no say
  bool kill_switch = false;
  bool fault = false;
  bool same_bulkhead = false;  // both are one object; so for the limiters
  bool same_limiter = false;
};

// hf_explain_options with defaults filled in and ranges checked.
struct CallFacts {
  hf_duration deadline = HF_INFINITE;
  hf_duration latency = 0;
  uint32_t flags = 0;
  uint32_t attempts_above = 1;
  uint32_t attempts_below = 1;
};

// struct_size is left 0.
hf_explanation Explain(const PipelinePolicies& pipeline, const CallFacts& facts);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_EXPLAIN_H_
