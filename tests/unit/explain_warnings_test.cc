// SPDX-License-Identifier: Apache-2.0
// Each warning of engine/explain_warnings.h: it comes, with its two numbers, and just does not come.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "engine/explain.h"

namespace holdfast::engine {
namespace {

constexpr hf_duration kInf = HF_INFINITE;

struct Case {
  PipelinePolicies pipeline;
  CallFacts facts;

  BackoffPolicy& backoff() { return pipeline.rules.backoff; }
  CallLimits& limits() { return pipeline.rules.limits; }
};

using Change = std::function<void(Case&)>;

// A pipeline that gets no warning.
Case Sound() {
  Case sound;
  sound.backoff() = {.max_attempts = 4};
  sound.limits() = {.timeout = 2 * HF_S, .attempt_timeout = 250 * HF_MS, .tree_retries = 8};
  sound.pipeline.budget = BudgetPolicy{};
  sound.pipeline.breaker = BreakerPolicy{};
  sound.pipeline.breaker->open_for = HF_S;
  sound.pipeline.bulkhead = BulkheadPolicy{.limit = 32};
  return sound;
}

hf_explanation Explained(const Change& change) {
  Case changed = Sound();
  change(changed);
  return Explain(changed.pipeline, changed.facts);
}

std::optional<hf_warning> Found(const hf_explanation& explanation, hf_warning_kind kind) {
  for (uint32_t i = 0; i < explanation.warning_count; ++i) {
    if (explanation.warnings[i].kind == kind) return explanation.warnings[i];
  }
  return std::nullopt;
}

void ExpectWarned(const hf_warning& wanted, const Change& change) {
  const auto found = Found(Explained(change), wanted.kind);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->severity, wanted.severity);
  EXPECT_EQ(found->stage, wanted.stage);
  EXPECT_EQ(found->found, wanted.found);
  EXPECT_EQ(found->against, wanted.against);
}

void ExpectNot(hf_warning_kind kind, const Change& change) {
  EXPECT_FALSE(Found(Explained(change), kind).has_value());
}

void ExpectSound(const Change& change) {
  const hf_explanation explanation = Explained(change);
  EXPECT_EQ(explanation.warning_count, 0u) << "kind " << explanation.warnings[0].kind;
}

TEST(ExplainWarnings, ASoundPipelineGetsNone) {
  ExpectSound([](Case&) {});
}

TEST(ExplainWarnings, NorDoesAnEmptyOne) {
  EXPECT_EQ(Explain(PipelinePolicies{}, CallFacts{}).warning_count, 0u);
}

TEST(ExplainWarnings, RetriesThatCannotBeginIfAllAreSlow) {
  const auto timeout = [](hf_duration value) {
    return [value](Case& c) { c.limits().timeout = value; };
  };
  // With no luck needed but for the jitter: the fourth begins after 750 ms.
  ExpectWarned({HF_WARNING_RETRIES_DO_NOT_FIT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 3, 4},
               timeout(750 * HF_MS));
  ExpectNot(HF_WARNING_RETRIES_DO_NOT_FIT, timeout(750 * HF_MS + 1));
}

TEST(ExplainWarnings, RetriesThatTheirOwnDelaysKeepFromBeginning) {
  const auto timeout = [](hf_duration value) {
    return [value](Case& c) {
      c.backoff().jitter = HF_JITTER_NONE;
      c.limits() = {.timeout = value};
    };
  };
  ExpectWarned({HF_WARNING_RETRIES_DO_NOT_FIT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 3, 4},
               timeout(700 * HF_MS));
  ExpectNot(HF_WARNING_RETRIES_DO_NOT_FIT, timeout(700 * HF_MS + 1));
}

TEST(ExplainWarnings, RetriesThatMaxElapsedOrMinAttemptTimeStops) {
  const auto elapsed = [](hf_duration value) {
    return [value](Case& c) { c.backoff().max_elapsed = value; };
  };
  ExpectWarned({HF_WARNING_RETRIES_DO_NOT_FIT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 3, 4},
               elapsed(750 * HF_MS - 1));
  ExpectNot(HF_WARNING_RETRIES_DO_NOT_FIT, elapsed(750 * HF_MS));
  const auto needed = [](hf_duration value) {
    return [value](Case& c) { c.backoff().min_attempt_time = value; };
  };
  ExpectWarned({HF_WARNING_RETRIES_DO_NOT_FIT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 3, 4},
               needed(1250 * HF_MS + 1));
  ExpectNot(HF_WARNING_RETRIES_DO_NOT_FIT, needed(1250 * HF_MS));
}

TEST(ExplainWarnings, BackoffBeyondTheTimeout) {
  const auto timeout = [](hf_duration value) {
    return [value](Case& c) { c.limits() = {.timeout = value, .attempt_timeout = HF_MS}; };
  };
  ExpectWarned({HF_WARNING_BACKOFF_BEYOND_TIMEOUT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0,
                400 * HF_MS, 400 * HF_MS},
               timeout(400 * HF_MS));
  ExpectNot(HF_WARNING_BACKOFF_BEYOND_TIMEOUT, timeout(400 * HF_MS + 1));
}

TEST(ExplainWarnings, BackoffOfARuleBeyondTheTimeout) {
  const auto base = [](hf_duration value) {
    return [value](Case& c) { c.pipeline.rules.rules.At(HF_RESOURCE_EXHAUSTED).base = value; };
  };
  ExpectWarned({HF_WARNING_BACKOFF_BEYOND_TIMEOUT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 2 * HF_S,
                2 * HF_S},
               base(500 * HF_MS));
  ExpectNot(HF_WARNING_BACKOFF_BEYOND_TIMEOUT, base(499 * HF_MS));
}

TEST(ExplainWarnings, AttemptTimeoutThatNeverComes) {
  const auto each = [](hf_duration value) {
    return [value](Case& c) { c.limits().attempt_timeout = value; };
  };
  ExpectWarned({HF_WARNING_ATTEMPT_TIMEOUT_UNUSED, HF_SEVERITY_NOTE, HF_STAGE_ATTEMPT_TIMEOUT, 0,
                2 * HF_S + 1, 2 * HF_S},
               each(2 * HF_S + 1));
  ExpectNot(HF_WARNING_ATTEMPT_TIMEOUT_UNUSED, each(2 * HF_S));
  ExpectNot(HF_WARNING_ATTEMPT_TIMEOUT_UNUSED, each(kInf));
}

TEST(ExplainWarnings, RetryWithoutBudget) {
  ExpectWarned({HF_WARNING_RETRY_WITHOUT_BUDGET, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 4, 0},
               [](Case& c) { c.pipeline.budget.reset(); });
  ExpectSound([](Case& c) {
    c.pipeline.budget.reset();
    c.backoff().max_attempts = 1;
  });
}

TEST(ExplainWarnings, ARuleThatRetriesIsARetry) {
  ExpectWarned({HF_WARNING_RETRY_WITHOUT_BUDGET, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 2, 0},
               [](Case& c) {
                 c.pipeline.budget.reset();
                 c.backoff().max_attempts = 1;
                 c.pipeline.rules.rules.At(HF_UNAVAILABLE).max_attempts = 2;
               });
}

TEST(ExplainWarnings, RetryWithoutAnyTimeout) {
  const hf_warning wanted = {
      HF_WARNING_RETRY_WITHOUT_TIMEOUT, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 4, 0};
  ExpectWarned(wanted, [](Case& c) { c.limits() = {}; });
  ExpectNot(wanted.kind, [](Case& c) { c.limits().timeout = kInf; });
  ExpectNot(wanted.kind, [](Case& c) {
    c.limits() = {};
    c.facts.deadline = 10 * HF_S;
  });
}

TEST(ExplainWarnings, RetryWithoutAnAttemptTimeout) {
  const hf_warning wanted = {
      HF_WARNING_RETRY_WITHOUT_ATTEMPT_TIMEOUT, HF_SEVERITY_NOTE, HF_STAGE_RETRY, 0, 4, 2 * HF_S};
  ExpectWarned(wanted, [](Case& c) { c.limits().attempt_timeout = kInf; });
  ExpectNot(wanted.kind, [](Case& c) { c.limits().attempt_timeout = 500 * HF_MS; });
  ExpectNot(wanted.kind, [](Case& c) { c.limits() = {}; });
}

TEST(ExplainWarnings, RetryWithoutBreakerOrThrottle) {
  ExpectWarned({HF_WARNING_RETRY_WITHOUT_BRAKE, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 4, 0},
               [](Case& c) { c.pipeline.breaker.reset(); });
  ExpectSound([](Case& c) {
    c.pipeline.breaker.reset();
    c.pipeline.throttle = ThrottlePolicy{};
  });
}

TEST(ExplainWarnings, RetryOfWhatIsNotIdempotent) {
  const hf_warning wanted = {
      HF_WARNING_RETRY_NOT_IDEMPOTENT, HF_SEVERITY_NOTE, HF_STAGE_RETRY, 0, 4, 0};
  const Change told = [](Case& c) { c.facts.flags = HF_EXPLAIN_NOT_IDEMPOTENT; };
  ExpectWarned(wanted, told);
  ExpectSound([](Case& c) { c.facts.flags = HF_EXPLAIN_IDEMPOTENT; });
  for (const hf_effect effect : {HF_EFFECT_NOT_STARTED, HF_EFFECT_RETRYABLE}) {
    ExpectSound([&](Case& c) {
      told(c);
      c.pipeline.rules.rules.At(HF_UNAVAILABLE).effect = effect;
    });
  }
  ExpectWarned(wanted, [&](Case& c) {
    told(c);
    c.pipeline.rules.rules.At(HF_UNAVAILABLE).effect = HF_EFFECT_FINAL;
  });
}

TEST(ExplainWarnings, NoJitter) {
  ExpectWarned({HF_WARNING_NO_JITTER, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 4, 100 * HF_MS},
               [](Case& c) { c.backoff().jitter = HF_JITTER_NONE; });
  ExpectSound([](Case& c) { c.backoff().jitter = HF_JITTER_EQUAL; });
  ExpectSound([](Case& c) {
    c.backoff().jitter = HF_JITTER_NONE;
    c.backoff().max_attempts = 1;
  });
}

TEST(ExplainWarnings, BudgetThatAllowsNone) {
  ExpectWarned({HF_WARNING_BUDGET_ALLOWS_NONE, HF_SEVERITY_ERROR, HF_STAGE_BUDGET, 0, 2000, 2000},
               [](Case& c) { c.pipeline.budget->max = 2000; });
  ExpectSound([](Case& c) { c.pipeline.budget->max = 2001; });
}

TEST(ExplainWarnings, TreeThatStopsTheRetries) {
  const auto tree = [](uint32_t value) {
    return [value](Case& c) { c.limits().tree_retries = value; };
  };
  ExpectWarned({HF_WARNING_TREE_STOPS_RETRIES, HF_SEVERITY_WARNING, HF_STAGE_RETRY, 0, 3, 4},
               tree(2));
  ExpectSound(tree(3));
}

TEST(ExplainWarnings, TreeWithoutEffect) {
  const auto tree = [](uint32_t below, uint32_t value) {
    return [=](Case& c) {
      c.facts.attempts_below = below;
      c.limits().tree_retries = value;
    };
  };
  ExpectWarned({HF_WARNING_TREE_UNUSED, HF_SEVERITY_NOTE, HF_STAGE_RETRY, 0, 13, 12}, tree(3, 12));
  ExpectSound(tree(3, 11));
  ExpectSound(tree(1, 12));
  ExpectWarned({HF_WARNING_TREE_UNUSED, HF_SEVERITY_NOTE, HF_STAGE_RETRY, 0, 9, 8},
               [](Case& c) { c.facts.attempts_above = 2; });
}

TEST(ExplainWarnings, HedgeOfWhatIsNotIdempotent) {
  ExpectWarned({HF_WARNING_HEDGE_NOT_IDEMPOTENT, HF_SEVERITY_ERROR, HF_STAGE_HEDGE, 0, 2, 1},
               [](Case& c) {
                 c.pipeline.hedge = HedgeRules{};
                 c.facts.flags = HF_EXPLAIN_NOT_IDEMPOTENT;
               });
  ExpectSound([](Case& c) { c.pipeline.hedge = HedgeRules{}; });
}

TEST(ExplainWarnings, HedgeAfterTheTimeout) {
  const auto fixed = [](hf_duration delay) {
    return [delay](Case& c) {
      c.limits().attempt_timeout = kInf;
      c.pipeline.breaker.reset();
      c.pipeline.hedge = HedgeRules{.mode = HF_HEDGE_FIXED, .delay = delay};
    };
  };
  ExpectWarned(
      {HF_WARNING_HEDGE_BEYOND_TIMEOUT, HF_SEVERITY_ERROR, HF_STAGE_HEDGE, 0, 2 * HF_S, 2 * HF_S},
      fixed(2 * HF_S));
  ExpectSound(fixed(2 * HF_S - 1));
}

TEST(ExplainWarnings, HedgeAfterTheAttemptTimeout) {
  const auto quantile = [](hf_duration least) {
    return [least](Case& c) { c.pipeline.hedge = HedgeRules{.delay = HF_MS, .min_delay = least}; };
  };
  ExpectWarned({HF_WARNING_HEDGE_BEYOND_ATTEMPT, HF_SEVERITY_WARNING, HF_STAGE_HEDGE, 0,
                250 * HF_MS, 250 * HF_MS},
               quantile(250 * HF_MS));
  ExpectSound(quantile(250 * HF_MS - 1));
}

TEST(ExplainWarnings, AHedgedCallHasNoRetries) {
  ExpectSound([](Case& c) {
    c.pipeline.hedge = HedgeRules{};
    c.pipeline.budget.reset();
    c.pipeline.breaker->open_for = 2 * HF_S;
    c.backoff().jitter = HF_JITTER_NONE;
  });
}

TEST(ExplainWarnings, BreakerThatOpensForLongerThanACall) {
  const auto open_for = [](hf_duration value) {
    return [value](Case& c) { c.pipeline.breaker->open_for = value; };
  };
  ExpectWarned({HF_WARNING_OPEN_FOR_BEYOND_TIMEOUT, HF_SEVERITY_NOTE, HF_STAGE_BREAKER, 0, 2 * HF_S,
                2 * HF_S},
               open_for(2 * HF_S));
  ExpectSound(open_for(2 * HF_S - 1));
  ExpectSound([](Case& c) {
    c.pipeline.breaker->open_for = 2 * HF_S;
    c.backoff().max_attempts = 1;
  });
}

TEST(ExplainWarnings, BreakerThatProbesWhileAttemptsHang) {
  const auto open_for = [](hf_duration value) {
    return [value](Case& c) { c.pipeline.breaker->open_for = value; };
  };
  ExpectWarned({HF_WARNING_OPEN_FOR_BELOW_ATTEMPT, HF_SEVERITY_WARNING, HF_STAGE_BREAKER, 0,
                250 * HF_MS - 1, 250 * HF_MS},
               open_for(250 * HF_MS - 1));
  ExpectSound(open_for(250 * HF_MS));
  ExpectNot(HF_WARNING_OPEN_FOR_BELOW_ATTEMPT, [&](Case& c) {
    open_for(HF_MS)(c);
    c.limits() = {};
  });
}

TEST(ExplainWarnings, ProbeLeaseThatASlowProbeOutlives) {
  const auto lease = [](hf_duration value) {
    return [value](Case& c) { c.pipeline.breaker->probe_lease = value; };
  };
  ExpectWarned({HF_WARNING_PROBE_LEASE_BELOW_ATTEMPT, HF_SEVERITY_WARNING, HF_STAGE_BREAKER, 0,
                250 * HF_MS - 1, 250 * HF_MS},
               lease(250 * HF_MS - 1));
  ExpectSound(lease(250 * HF_MS));
}

TEST(ExplainWarnings, SlowAfterThatNeverComes) {
  const auto slow_after = [](hf_duration value) {
    return [value](Case& c) { c.pipeline.breaker->slow_after = value; };
  };
  ExpectWarned({HF_WARNING_SLOW_AFTER_BEYOND_ATTEMPT, HF_SEVERITY_WARNING, HF_STAGE_BREAKER, 0,
                250 * HF_MS + 1, 250 * HF_MS},
               slow_after(250 * HF_MS + 1));
  ExpectSound(slow_after(250 * HF_MS));
}

TEST(ExplainWarnings, AQueueLongerThanTheCall) {
  for (const auto& [stage, bulkhead] :
       {std::pair{HF_STAGE_BULKHEAD, &PipelinePolicies::bulkhead},
        std::pair{HF_STAGE_CALL_BULKHEAD, &PipelinePolicies::call_bulkhead}}) {
    const auto wait = [member = bulkhead](hf_duration value, uint32_t queue) {
      return [=](Case& c) {
        c.pipeline.*member = BulkheadPolicy{.limit = 33, .queue = queue, .max_wait = value};
      };
    };
    ExpectWarned(
        {HF_WARNING_QUEUE_BEYOND_TIMEOUT, HF_SEVERITY_WARNING, stage, 0, 2 * HF_S + 1, 2 * HF_S},
        wait(2 * HF_S + 1, 1));
    ExpectSound(wait(2 * HF_S, 1));
    ExpectSound(wait(2 * HF_S + 1, 0));
  }
}

TEST(ExplainWarnings, AQueueWithoutDeadline) {
  const auto queue = [](uint32_t places, hf_duration deadline) {
    return [=](Case& c) {
      c.limits().timeout = kInf;
      c.facts.deadline = deadline;
      c.pipeline.bulkhead->queue = places;
    };
  };
  ExpectWarned(
      {HF_WARNING_QUEUE_WITHOUT_TIMEOUT, HF_SEVERITY_WARNING, HF_STAGE_BULKHEAD, 0, 7, HF_S},
      queue(7, kInf));
  ExpectSound(queue(0, kInf));
  ExpectSound(queue(7, 2 * HF_S));
}

TEST(ExplainWarnings, ALimiterThatWaitsLongerThanTheCall) {
  for (const auto& [stage, limiter] :
       {std::pair{HF_STAGE_LIMITER, &PipelinePolicies::limiter},
        std::pair{HF_STAGE_CALL_LIMITER, &PipelinePolicies::call_limiter}}) {
    const auto wait = [member = limiter](hf_duration value) {
      return [=](Case& c) { c.pipeline.*member = LimiterPolicy{.max_wait = value}; };
    };
    ExpectWarned(
        {HF_WARNING_LIMITER_BEYOND_TIMEOUT, HF_SEVERITY_NOTE, stage, 0, 2 * HF_S + 1, 2 * HF_S},
        wait(2 * HF_S + 1));
    ExpectSound(wait(2 * HF_S));
  }
}

TEST(ExplainWarnings, ALimiterThatNeverFillsTheBulkhead) {
  const auto latency = [](hf_duration value) {
    return [value](Case& c) {
      c.pipeline.limiter = LimiterPolicy{};
      c.facts.latency = value;
    };
  };
  ExpectWarned({HF_WARNING_LIMITER_BELOW_BULKHEAD, HF_SEVERITY_NOTE, HF_STAGE_LIMITER, 0, 31, 32},
               latency(310 * HF_MS));
  ExpectSound(latency(310 * HF_MS + 1));
  ExpectSound(latency(0));
}

TEST(ExplainWarnings, ABulkheadThatTheOuterOneKeepsEmpty) {
  const auto outer = [](uint32_t limit) {
    return [limit](Case& c) { c.pipeline.call_bulkhead = BulkheadPolicy{.limit = limit}; };
  };
  ExpectWarned({HF_WARNING_BULKHEAD_UNUSED, HF_SEVERITY_NOTE, HF_STAGE_BULKHEAD, 0, 32, 32},
               outer(32));
  ExpectSound(outer(33));
  const auto hedged = [&](uint32_t limit) {
    return [=](Case& c) {
      outer(limit)(c);
      c.pipeline.hedge = HedgeRules{};
    };
  };
  ExpectWarned({HF_WARNING_BULKHEAD_UNUSED, HF_SEVERITY_NOTE, HF_STAGE_BULKHEAD, 0, 16, 32},
               hedged(16));
  ExpectSound(hedged(17));
}

TEST(ExplainWarnings, OneBulkheadOrLimiterInTwoPlaces) {
  ExpectWarned({HF_WARNING_SAME_BULKHEAD, HF_SEVERITY_ERROR, HF_STAGE_BULKHEAD, 0, 32, 0},
               [](Case& c) {
                 c.pipeline.call_bulkhead = c.pipeline.bulkhead;
                 c.pipeline.same_bulkhead = true;
               });
  ExpectWarned({HF_WARNING_SAME_LIMITER, HF_SEVERITY_WARNING, HF_STAGE_LIMITER, 0, 100, 0},
               [](Case& c) {
                 c.pipeline.call_limiter = c.pipeline.limiter = LimiterPolicy{};
                 c.pipeline.same_limiter = true;
               });
}

}  // namespace
}  // namespace holdfast::engine
