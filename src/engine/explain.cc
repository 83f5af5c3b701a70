// SPDX-License-Identifier: Apache-2.0
#include "engine/explain.h"

#include <algorithm>
#include <cmath>

#include "engine/duration.h"
#include "engine/explain_warnings.h"
#include "engine/worst_case.h"

namespace holdfast::engine {
namespace {

int64_t Thousandths(double value) { return std::llround(value * 1000); }

hf_duration LongestOpen(const BreakerPolicy& policy) {
  return policy.open_multiplier > 1 ? std::max(policy.open_cap, policy.open_for) : policy.open_for;
}

hf_duration LongestWait(const std::optional<LimiterPolicy>& limiter,
                        const std::optional<BulkheadPolicy>& bulkhead) {
  const hf_duration paced = limiter ? limiter->max_wait : 0;
  return AddSaturating(paced, bulkhead && bulkhead->queue > 0 ? bulkhead->max_wait : 0);
}

CallWaits WaitsOf(const PipelinePolicies& pipeline, const CallFacts& facts) {
  CallWaits waits;
  waits.deadline = std::min(facts.deadline, pipeline.rules.limits.timeout);
  waits.attempt_timeout = pipeline.rules.limits.attempt_timeout;
  waits.call_wait = LongestWait(pipeline.call_limiter, pipeline.call_bulkhead);
  waits.attempt_wait = LongestWait(pipeline.limiter, pipeline.bulkhead);
  if (pipeline.breaker) {
    // Who meets probes that are out is asked back within a tenth of open_for, less than either.
    waits.breaker_wait = std::max(LongestOpen(*pipeline.breaker), pipeline.breaker->ramp_for / 10);
  }
  return waits;
}

// --- the stages ---------------------------------------------------------------------------------------
class Stages {
 public:
  explicit Stages(hf_explanation* out) : out_(out) {}
  void Add(hf_stage_kind kind, int64_t first = 0, int64_t second = 0, int64_t third = 0) {
    out_->stages[out_->stage_count++] = {kind, 0, {first, second, third}};
  }
  void Add(hf_stage_kind kind, const std::optional<LimiterPolicy>& limiter) {
    if (limiter) Add(kind, limiter->permits, limiter->period, limiter->max_wait);
  }
  void Add(hf_stage_kind kind, const std::optional<BulkheadPolicy>& bulkhead) {
    if (!bulkhead) return;
    Add(kind, bulkhead->limit, bulkhead->queue, bulkhead->queue > 0 ? bulkhead->max_wait : 0);
  }

 private:
  hf_explanation* const out_;
};

void AddStagesBeforeRetry(const PipelinePolicies& pipeline, Stages stages, hf_duration deadline) {
  if (pipeline.kill_switch) stages.Add(HF_STAGE_KILL_SWITCH);
  if (deadline != HF_INFINITE) stages.Add(HF_STAGE_TIMEOUT, deadline);
  stages.Add(HF_STAGE_CALL_LIMITER, pipeline.call_limiter);
  stages.Add(HF_STAGE_CALL_BULKHEAD, pipeline.call_bulkhead);
}

void AddStagesOfAgain(const PipelinePolicies& pipeline, Stages stages) {
  if (const auto& hedge = pipeline.hedge) {
    stages.Add(HF_STAGE_HEDGE, hedge->max_attempts, ShortestDelay(*hedge), hedge->max_rate);
  } else if (const uint32_t most = MostAttempts(pipeline.rules); most > 1) {
    stages.Add(HF_STAGE_RETRY, most, pipeline.rules.backoff.base, pipeline.rules.backoff.cap);
  }
  if (const auto& budget = pipeline.budget) {
    stages.Add(HF_STAGE_BUDGET, budget->max, budget->ratio);
  }
}

void AddStagesOfAttempt(const PipelinePolicies& pipeline, Stages stages) {
  if (const auto& breaker = pipeline.breaker) {
    stages.Add(HF_STAGE_BREAKER, Thousandths(breaker->failure_rate), breaker->open_for,
               breaker->probes);
  }
  if (const auto& throttle = pipeline.throttle) {
    stages.Add(HF_STAGE_THROTTLE, Thousandths(throttle->success_rate), throttle->window);
  }
  stages.Add(HF_STAGE_LIMITER, pipeline.limiter);
  stages.Add(HF_STAGE_BULKHEAD, pipeline.bulkhead);
  if (pipeline.fault) stages.Add(HF_STAGE_FAULT);
  if (const hf_duration each = pipeline.rules.limits.attempt_timeout; each != HF_INFINITE) {
    stages.Add(HF_STAGE_ATTEMPT_TIMEOUT, each);
  }
}

// --- the loads ----------------------------------------------------------------------------------------
uint64_t Times(uint64_t a, uint64_t b) { return a > UINT64_MAX / b ? UINT64_MAX : a * b; }

// How many of the attempts reach the dependency.
uint32_t SentAtMost(const PipelinePolicies& pipeline, uint32_t attempts) {
  if (pipeline.budget && BudgetAllowsNone(*pipeline.budget)) return 1;
  if (pipeline.hedge) return attempts;
  return std::min(attempts, 1 + pipeline.rules.limits.tree_retries);
}

double SteadyLoad(const PipelinePolicies& pipeline, uint32_t sent) {
  double again = sent - 1;
  if (pipeline.budget) {
    again = std::min(again, static_cast<double>(pipeline.budget->ratio) / kOneToken);
  }
  if (pipeline.hedge) {
    again = std::min(again, static_cast<double>(pipeline.hedge->max_rate) / kOneHedge);
  }
  return 1 + again;
}

void AddLoads(const PipelinePolicies& pipeline, const CallFacts& facts, hf_explanation* out) {
  out->worst_sent = SentAtMost(pipeline, out->worst_attempts);
  out->steady_load = SteadyLoad(pipeline, out->worst_sent);
  out->layers_product = Times(Times(facts.attempts_above, out->worst_sent), facts.attempts_below);
  out->tree_attempts = out->layers_product;
  if (pipeline.hedge) return;  // a hedge takes nothing from the allowance
  const uint64_t allowed = 1 + uint64_t{pipeline.rules.limits.tree_retries};
  out->tree_attempts = std::min(out->tree_attempts, allowed);
}

void AddRetriedCase(const CallRules& rules, const CallWaits& waits, hf_explanation* out) {
  const WorstCase worst = WorstCaseOf(rules, waits);
  out->worst_attempts = worst.attempts;
  out->worst_time = worst.time;
  out->worst_breaker_waits = waits.breaker_wait ? worst.attempts - 1 : 0;
  out->slow_attempts = AttemptsThatFit(rules, waits.deadline, waits.attempt_timeout);
}

void AddHedgedCase(const HedgeRules& hedge, uint32_t flags, const CallWaits& waits,
                   hf_explanation* out) {
  const bool alone = (flags & HF_EXPLAIN_NOT_IDEMPOTENT) != 0;
  const WorstCase worst = WorstHedgedCase(alone ? 1 : hedge.max_attempts, waits);
  out->worst_attempts = worst.attempts;
  out->worst_time = worst.time;
  out->slow_attempts = worst.attempts;  // they are slow side by side
}

}  // namespace

hf_explanation Explain(const PipelinePolicies& pipeline, const CallFacts& facts) {
  hf_explanation out{};
  const CallWaits waits = WaitsOf(pipeline, facts);
  out.deadline = waits.deadline;
  if (pipeline.hedge) {
    AddHedgedCase(*pipeline.hedge, facts.flags, waits, &out);
  } else {
    AddRetriedCase(pipeline.rules, waits, &out);
  }
  AddLoads(pipeline, facts, &out);
  const Stages stages(&out);
  AddStagesBeforeRetry(pipeline, stages, out.deadline);
  AddStagesOfAgain(pipeline, stages);
  AddStagesOfAttempt(pipeline, stages);
  AddWarnings(pipeline, facts, &out);
  return out;
}

}  // namespace holdfast::engine
