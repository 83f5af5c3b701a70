// SPDX-License-Identifier: Apache-2.0
#include "engine/explain_warnings.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "engine/call_state.h"
#include "engine/worst_case.h"

namespace holdfast::engine {
namespace {

class Checks {
 public:
  Checks(const PipelinePolicies& pipeline, const CallFacts& facts, hf_explanation* out)
      : pipeline_(pipeline), facts_(facts), out_(out) {}

  void Run() {
    CheckTimeouts();
    if (pipeline_.hedge) {
      CheckHedge(*pipeline_.hedge);
    } else if (most_ > 1) {
      CheckRetry();
      CheckBackoff();
      CheckAllowance();
    }
    if (pipeline_.budget && BudgetAllowsNone(*pipeline_.budget)) {
      Error(HF_WARNING_BUDGET_ALLOWS_NONE, HF_STAGE_BUDGET, pipeline_.budget->max, kTooFewTokens);
    }
    if (pipeline_.breaker) CheckBreaker(*pipeline_.breaker);
    CheckLimiter(HF_STAGE_CALL_LIMITER, pipeline_.call_limiter);
    CheckLimiter(HF_STAGE_LIMITER, pipeline_.limiter);
    CheckQueue(HF_STAGE_CALL_BULKHEAD, pipeline_.call_bulkhead);
    CheckQueue(HF_STAGE_BULKHEAD, pipeline_.bulkhead);
    CheckPairs();
  }

 private:
  void CheckTimeouts() {
    if (each_ != HF_INFINITE && each_ > deadline_) {
      Note(HF_WARNING_ATTEMPT_TIMEOUT_UNUSED, HF_STAGE_ATTEMPT_TIMEOUT, each_, deadline_);
    }
  }

  void CheckRetry() {
    if (!pipeline_.budget) Warning(HF_WARNING_RETRY_WITHOUT_BUDGET, HF_STAGE_RETRY, most_, 0);
    if (!pipeline_.breaker && !pipeline_.throttle) {
      Warning(HF_WARNING_RETRY_WITHOUT_BRAKE, HF_STAGE_RETRY, most_, 0);
    }
    if (longest_attempt_ == HF_INFINITE) {
      Warning(HF_WARNING_RETRY_WITHOUT_TIMEOUT, HF_STAGE_RETRY, most_, 0);
    } else if (each_ == HF_INFINITE) {
      Note(HF_WARNING_RETRY_WITHOUT_ATTEMPT_TIMEOUT, HF_STAGE_RETRY, most_, deadline_);
    }
    if ((facts_.flags & HF_EXPLAIN_NOT_IDEMPOTENT) != 0 && !SomeRuleRepeats()) {
      Note(HF_WARNING_RETRY_NOT_IDEMPOTENT, HF_STAGE_RETRY, most_, 0);
    }
  }

  // Without a limit for attempts only their number can be too great: how long they take is not known.
  void CheckBackoff() {
    const BackoffPolicy& backoff = pipeline_.rules.backoff;
    const hf_duration each = each_ == HF_INFINITE ? 0 : each_;
    const uint32_t fit = AttemptsThatFit(pipeline_.rules, deadline_, each);
    if (fit < most_) Warning(HF_WARNING_RETRIES_DO_NOT_FIT, HF_STAGE_RETRY, fit, most_);
    if (const hf_duration longest = LongestCeiling(pipeline_.rules); longest >= deadline_) {
      Warning(HF_WARNING_BACKOFF_BEYOND_TIMEOUT, HF_STAGE_RETRY, longest, deadline_);
    }
    if (backoff.jitter == HF_JITTER_NONE) {
      Warning(HF_WARNING_NO_JITTER, HF_STAGE_RETRY, most_, backoff.base);
    }
  }

  void CheckAllowance() {
    const int64_t allowed = int64_t{1} + pipeline_.rules.limits.tree_retries;
    if (allowed < most_) {
      Warning(HF_WARNING_TREE_STOPS_RETRIES, HF_STAGE_RETRY, allowed, most_);
    }
    const bool layered = facts_.attempts_above > 1 || facts_.attempts_below > 1;
    if (layered && static_cast<uint64_t>(allowed) > out_->layers_product) {
      Note(HF_WARNING_TREE_UNUSED, HF_STAGE_RETRY, allowed,
           static_cast<int64_t>(out_->layers_product));
    }
  }

  void CheckHedge(const HedgeRules& hedge) {
    const hf_duration delay = ShortestDelay(hedge);
    if ((facts_.flags & HF_EXPLAIN_NOT_IDEMPOTENT) != 0) {
      Error(HF_WARNING_HEDGE_NOT_IDEMPOTENT, HF_STAGE_HEDGE, hedge.max_attempts, 1);
    }
    if (delay >= deadline_) {
      Error(HF_WARNING_HEDGE_BEYOND_TIMEOUT, HF_STAGE_HEDGE, delay, deadline_);
    } else if (delay >= each_) {
      Warning(HF_WARNING_HEDGE_BEYOND_ATTEMPT, HF_STAGE_HEDGE, delay, each_);
    }
  }

  void CheckBreaker(const BreakerPolicy& breaker) {
    if (most_ > 1 && !pipeline_.hedge && breaker.open_for >= deadline_) {
      Note(HF_WARNING_OPEN_FOR_BEYOND_TIMEOUT, HF_STAGE_BREAKER, breaker.open_for, deadline_);
    }
    if (longest_attempt_ == HF_INFINITE) return;
    if (breaker.open_for < longest_attempt_) {
      Warning(HF_WARNING_OPEN_FOR_BELOW_ATTEMPT, HF_STAGE_BREAKER, breaker.open_for,
              longest_attempt_);
    }
    if (breaker.probe_lease < longest_attempt_) {
      Warning(HF_WARNING_PROBE_LEASE_BELOW_ATTEMPT, HF_STAGE_BREAKER, breaker.probe_lease,
              longest_attempt_);
    }
    if (breaker.slow_after > longest_attempt_) {
      Warning(HF_WARNING_SLOW_AFTER_BEYOND_ATTEMPT, HF_STAGE_BREAKER, breaker.slow_after,
              longest_attempt_);
    }
  }

  void CheckLimiter(hf_stage_kind stage, const std::optional<LimiterPolicy>& limiter) {
    if (!limiter || limiter->max_wait <= deadline_) return;
    Note(HF_WARNING_LIMITER_BEYOND_TIMEOUT, stage, limiter->max_wait, deadline_);
  }

  void CheckQueue(hf_stage_kind stage, const std::optional<BulkheadPolicy>& bulkhead) {
    if (!bulkhead || bulkhead->queue == 0) return;
    if (deadline_ == HF_INFINITE) {
      Warning(HF_WARNING_QUEUE_WITHOUT_TIMEOUT, stage, bulkhead->queue, bulkhead->max_wait);
    } else if (bulkhead->max_wait > deadline_) {
      Warning(HF_WARNING_QUEUE_BEYOND_TIMEOUT, stage, bulkhead->max_wait, deadline_);
    }
  }

  void CheckPairs() {
    if (pipeline_.same_limiter) {
      Warning(HF_WARNING_SAME_LIMITER, HF_STAGE_LIMITER, pipeline_.limiter->permits, 0);
    }
    if (pipeline_.same_bulkhead) {
      Error(HF_WARNING_SAME_BULKHEAD, HF_STAGE_BULKHEAD, pipeline_.bulkhead->limit, 0);
      return;
    }
    if (!pipeline_.bulkhead) return;
    const uint32_t limit = pipeline_.bulkhead->limit;
    if (pipeline_.call_bulkhead) CheckInner(pipeline_.call_bulkhead->limit, limit);
    if (pipeline_.limiter && facts_.latency > 0) CheckFill(*pipeline_.limiter, limit);
  }

  // A call has as many attempts in flight as its hedge makes, and else one.
  void CheckInner(uint32_t calls, uint32_t limit) {
    const uint64_t each = pipeline_.hedge ? out_->worst_attempts : 1;
    if (calls * each > limit) return;
    Note(HF_WARNING_BULKHEAD_UNUSED, HF_STAGE_BULKHEAD, calls, limit);
  }

  // Little's law: what comes in at the limiter's rate and stays for the latency.
  void CheckFill(const LimiterPolicy& limiter, uint32_t limit) {
    const double a_period =
        static_cast<double>(facts_.latency) / static_cast<double>(limiter.period);
    const double in_flight = std::ceil(limiter.permits * a_period);
    if (in_flight >= limit) return;
    Note(HF_WARNING_LIMITER_BELOW_BULKHEAD, HF_STAGE_LIMITER, static_cast<int64_t>(in_flight),
         limit);
  }

  // A code whose rule says that it did nothing.
  bool SomeRuleRepeats() const {
    for (hf_code code = HF_OK + 1; code <= HF_UNAUTHENTICATED; ++code) {
      const hf_effect effect = pipeline_.rules.rules.At(code).effect;
      if (effect == HF_EFFECT_RETRYABLE || effect == HF_EFFECT_NOT_STARTED) return true;
    }
    return false;
  }

  void Note(hf_warning_kind kind, hf_stage_kind stage, int64_t found, int64_t against) {
    Add({kind, HF_SEVERITY_NOTE, stage, 0, found, against});
  }
  void Warning(hf_warning_kind kind, hf_stage_kind stage, int64_t found, int64_t against) {
    Add({kind, HF_SEVERITY_WARNING, stage, 0, found, against});
  }
  void Error(hf_warning_kind kind, hf_stage_kind stage, int64_t found, int64_t against) {
    Add({kind, HF_SEVERITY_ERROR, stage, 0, found, against});
  }
  void Add(const hf_warning& warning) { out_->warnings[out_->warning_count++] = warning; }

  const PipelinePolicies& pipeline_;
  const CallFacts& facts_;
  hf_explanation* const out_;
  const hf_duration deadline_ = out_->deadline;
  const hf_duration each_ = pipeline_.rules.limits.attempt_timeout;
  const hf_duration longest_attempt_ = std::min(each_, deadline_);
  const uint32_t most_ = MostAttempts(pipeline_.rules);
};

}  // namespace

void AddWarnings(const PipelinePolicies& pipeline, const CallFacts& facts, hf_explanation* out) {
  Checks(pipeline, facts, out).Run();
}

}  // namespace holdfast::engine
