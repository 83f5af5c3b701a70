// SPDX-License-Identifier: Apache-2.0
// A pipeline with every guard switched on, for the stress tests, and a dependency that keeps account of
// what it answered.
#ifndef HOLDFAST_TESTS_DRIVER_STRESS_WORLD_H_
#define HOLDFAST_TESTS_DRIVER_STRESS_WORLD_H_

#include <holdfast/call.h>
#include <holdfast/journal.h>

#include <array>
#include <chrono>
#include <stdexcept>

#include "driver/stress.h"
#include "model/dice.h"

namespace holdfast::driver_test {

using namespace std::chrono_literals;  // NOLINT: durations are the vocabulary of guards

// Numbers of the guards in the journal.
enum Guard : uint64_t {
  kKill = 1,
  kCallLimit,
  kLimit,
  kCallCrowd,
  kCrowd,
  kAdapt,
  kBudget,
  kBreaker,
  kThrottle,
  kFault,
  kGuards = kFault,
};

// Each guard's options as the `turn`-th update wants them. calm: nothing depends on the time that calls
// take, and the breaker counts but never opens.
struct Rules {
  bool calm = false;
  uint32_t turn = 0;
  hf_journal* journal = nullptr;

  static constexpr double kShares[] = {0.5, 0.25};
  static constexpr FaultRule kFaults[] = {
      {.kind = FaultKind::kError,
       .rate = 0.03,
       .code = absl::StatusCode::kUnavailable,
       .effect = HF_EFFECT_RETRYABLE},
      {.kind = FaultKind::kDelay, .rate = 0.03, .delay_min = 50us, .delay_max = 500us},
      {.kind = FaultKind::kResult, .rate = 0.03, .result = 7},
  };

  bool odd() const { return turn % 2 == 1; }

  KillSwitchOptions Kill() const {
    return {.capacity = 60 + turn % 4, .journal = journal, .object = kKill};
  }
  RateLimiterOptions CallLimit() const {
    return {.permits = 40'000 + turn % 3 * 20'000,
            .burst = 20 + turn % 5 * 10,
            .max_wait = odd() ? 1ms : 3ms,
            .journal = journal,
            .object = kCallLimit};
  }
  RateLimiterOptions Limit() const {
    return {.permits = 60'000 + turn % 3 * 20'000,
            .burst = 30 + turn % 5 * 10,
            .max_wait = odd() ? 1ms : 2ms,
            .warm_up = 1ms,
            .adaptive = true,
            .journal = journal,
            .object = kLimit};
  }
  BulkheadOptions CallCrowd() const {
    return {.limit = 5 + turn % 3,
            .queue = 1 + turn % 3,
            .max_wait = 1ms,
            .order = odd() ? BulkheadOrder::kLifo : BulkheadOrder::kFifo,
            .partition_share = kShares,
            .journal = journal,
            .object = kCallCrowd};
  }
  BulkheadOptions Crowd() const {
    return {.queue = 2 + turn % 3,
            .max_wait = odd() ? 1ms : 300us,
            .order = static_cast<BulkheadOrder>(HF_BULKHEAD_FIFO + static_cast<int>(turn % 4)),
            .refuse_no_time = true,
            .target = 20us,
            .interval = 200us,
            .criticality_share = {1, 1, 0.9, 0.7},
            .partition_share = kShares,
            .user_share = 0.6,
            .journal = journal,
            .object = kCrowd};
  }
  AdaptiveLimitOptions Adapt() const {
    return {
        .algorithm = static_cast<AdaptiveAlgorithm>(HF_ADAPTIVE_TREND + static_cast<int>(turn % 4)),
        .min_limit = 3,
        .max_limit = 6 + turn % 3,
        .window = 1ms,
        .min_rtt = 1ns,
        .journal = journal,
        .object = kAdapt};
  }
  RetryBudgetOptions Budget() const {
    return {.max_tokens = 20.0 + turn % 4 * 10,
            .ratio = odd() ? 0.5 : 0.25,
            .journal = journal,
            .object = kBudget};
  }
  CircuitBreakerOptions Breaker() const {
    CircuitBreakerOptions options{.journal = journal, .object = kBreaker};
    if (calm) {
      options.window = BreakerWindow::kTime;
      options.window_time = 1h;
      options.failure_rate = 1;
      options.slow_after = 1h;
      options.ramp_for = 1ms;
      return options;
    }
    options.window = odd() ? BreakerWindow::kTime : BreakerWindow::kCount;
    options.window_time = 20ms;
    options.consecutive_failures = 4 + turn % 3;
    options.failure_rate = 0.4;
    options.probes = 1 + turn % 4;
    options.open_for = 1ms;
    options.probe_lease = 2ms;
    options.lost_probe = turn % 3 == 0 ? LostProbe::kFailure : LostProbe::kRefund;
    options.slow_after = 1ms;
    options.slow_rate = 0.5;
    options.open_multiplier = 2;
    options.open_cap = 4ms;
    options.healthy_for = 10ms;
    options.open_jitter = 0.3;
    options.ramp_for = 2ms;
    options.peers = 4;
    return options;
  }
  ThrottleOptions Throttled() const {
    return {.window = 1h,
            .success_rate = odd() ? 0.9 : 0.8,
            .aggression = odd() ? 1.0 : 2.0,
            .max_rejection = 0.5,
            .min_rate = 0.001,
            .journal = journal,
            .object = kThrottle};
  }
  FaultOptions Faults() const {
    return {.rules = kFaults,
            .expiry = 168h,
            .seed = turn + 1,
            .max_active = 2 + turn % 3,
            .journal = journal,
            .object = kFault};
  }
};

struct World {
  explicit World(bool calm)
      : rules{.calm = calm, .journal = journal.raw()},
        kill(*KillSwitch::Create(rules.Kill())),
        call_limiter(*RateLimiter::Create(rules.CallLimit())),
        limiter(*RateLimiter::Create(rules.Limit())),
        call_bulkhead(*Bulkhead::Create(rules.CallCrowd())),
        adaptive(*AdaptiveLimit::Create(rules.Adapt())),
        bulkhead(*Bulkhead::Create(WithAdaptive())),
        budget(*RetryBudget::Create(rules.Budget())),
        breaker(*CircuitBreaker::Create(rules.Breaker())),
        throttle(*Throttle::Create(rules.Throttled())),
        fault(*FaultInjector::Create(rules.Faults())),
        pipeline(*Pipeline::Create(Guarded(0))) {
    EXPECT_TRUE(fault.Start(SteppingClock::kStart).ok());
  }

  PipelineOptions Guarded(uint32_t turn) const {
    PipelineOptions options{.retry = retries[turn % retries.size()],
                            .budget = budget,
                            .breaker = breaker,
                            .bulkhead = bulkhead,
                            .call_bulkhead = call_bulkhead,
                            .kill_switch = kill,
                            .throttle = throttle,
                            .fault = fault,
                            .limiter = limiter,
                            .call_limiter = call_limiter};
    if (!rules.calm) {
      options.timeout = turn % 2 == 0 ? 20ms : 5ms;
      options.attempt_timeout = turn % 3 == 0 ? 1ms : 2ms;
    }
    return options;
  }

  // Every guard, by the rules of one turn. Each writes an event.
  void Update(uint32_t turn, hf_time now) const {
    Rules next = rules;
    next.turn = turn;
    EXPECT_TRUE(kill.Update(next.Kill(), now).ok());
    EXPECT_TRUE(call_limiter.Update(next.CallLimit(), now).ok());
    EXPECT_TRUE(limiter.Update(next.Limit(), now).ok());
    EXPECT_TRUE(call_bulkhead.Update(next.CallCrowd(), now).ok());
    EXPECT_TRUE(bulkhead.Update(next.Crowd(), now).ok());
    EXPECT_TRUE(adaptive.Update(next.Adapt(), now).ok());
    EXPECT_TRUE(budget.Update(next.Budget(), now).ok());
    EXPECT_TRUE(breaker.Update(next.Breaker(), now).ok());
    EXPECT_TRUE(throttle.Update(next.Throttled(), now).ok());
    EXPECT_TRUE(fault.Update(next.Faults(), now).ok());
    EXPECT_TRUE(pipeline.Update(Guarded(turn)).ok());
  }

  BulkheadOptions WithAdaptive() const {
    BulkheadOptions options = rules.Crowd();
    options.adaptive = adaptive;
    return options;
  }

  void CheckAtRest(hf_time now) const {
    for (const Bulkhead& crowd : {bulkhead, call_bulkhead}) {
      const BulkheadSnapshot rest = crowd.Snapshot();
      EXPECT_EQ(rest.in_flight, 0u);
      EXPECT_EQ(rest.waiting, 0u);
      for (const BulkheadPartition& partition : rest.partitions) {
        EXPECT_EQ(partition.in_flight, 0u);
        EXPECT_EQ(partition.waiting, 0u);
      }
    }
    EXPECT_EQ(bulkhead.Snapshot().limit, adaptive.Snapshot().limit);
    const BreakerSnapshot rest = breaker.Snapshot(now);
    EXPECT_EQ(rest.probes_out, 0u);
    EXPECT_EQ(rest.in_flight, 0u);
    EXPECT_EQ(rest.overdue, 0u);
    EXPECT_EQ(fault.Snapshot(now).active, 0u);
    EXPECT_EQ(kill.Snapshot(now).on, 0u);
  }

  SteppingClock clock;
  std::atomic<bool> outage{false};
  const Journal journal = *Journal::Create({.capacity = 256});
  const std::array<RetryPolicy, 3> retries = {
      *RetryPolicy::Create({.base = 50us, .cap = 1ms}),
      *RetryPolicy::Create({.max_attempts = 4, .jitter = Jitter::kEqual, .base = 20us}),
      *RetryPolicy::Create({.max_attempts = 2, .base = 100us, .max_elapsed = 5ms}),
  };
  const Rules rules;
  const KillSwitch kill;
  const RateLimiter call_limiter;
  const RateLimiter limiter;
  const Bulkhead call_bulkhead;
  const AdaptiveLimit adaptive;
  const Bulkhead bulkhead;
  const RetryBudget budget;
  const CircuitBreaker breaker;
  const Throttle throttle;
  const FaultInjector fault;
  const Pipeline pipeline;
};

// One call's dependency: answers by chance, and writes down what that must come to.
class Answering {
 public:
  Answering(World& world, model::Dice& dice, Ledger& ledger, bool idempotent)
      : world_(world), dice_(dice), ledger_(ledger), idempotent_(idempotent) {}

  absl::Status operator()(Attempt& attempt) {
    ++ledger_[Count::kRuns];
    world_.clock.Advance(dice_.Between(0, 100) * HF_US);
    if (!world_.rules.calm && dice_.Chance(1)) throw std::runtime_error("the dependency throws");
    hf_outcome outcome{};
    if (attempt.fault() == 0) {
      outcome = Outcome();
      attempt.set_outcome(outcome);
    }
    WriteDown(outcome);
    return MakeStatus(outcome.code, HF_R_NONE, "by chance");
  }

 private:
  hf_outcome Outcome() {
    // An adaptive limiter takes this to heart for seconds.
    if (dice_.Below(20000) == 0) return {HF_RESOURCE_EXHAUSTED, 0, 0, 0, 200 * HF_US};
    if (world_.outage.load(std::memory_order_relaxed) && dice_.Chance(60)) {
      return OutcomeOfCode(HF_UNAVAILABLE);
    }
    const uint64_t roll = dice_.Below(100);
    if (roll < 80) return {};
    if (roll < 86) return OutcomeOfCode(HF_UNAVAILABLE);
    if (roll < 90) return OutcomeOfCode(HF_ABORTED);
    if (roll < 92) return OutcomeOfCode(HF_NOT_FOUND);
    if (roll < 94) return {HF_UNAVAILABLE, 0, HF_EFFECT_NOT_STARTED, 0, 0};
    if (roll < 96) return {HF_OK, HF_VERDICT_SLOW, 0, 0, 0};
    if (roll < 98) return {HF_OK, HF_VERDICT_IGNORED, 0, 0, 0};
    return {HF_UNAVAILABLE, 0, 0, 0, HF_INFINITE};
  }

  void WriteDown(const hf_outcome& outcome) {
    if (outcome.verdict == HF_VERDICT_IGNORED) return;
    const bool failed = outcome.code == HF_UNAVAILABLE || outcome.code == HF_RESOURCE_EXHAUSTED;
    ++ledger_[Count::kRecorded];
    ++ledger_[failed                               ? Count::kFailed
              : outcome.verdict == HF_VERDICT_SLOW ? Count::kSlow
                                                   : Count::kSucceeded];
    if (outcome.effect == HF_EFFECT_NOT_STARTED) return;
    const bool again = outcome.code == HF_RESOURCE_EXHAUSTED || outcome.code == HF_ABORTED;
    if (again || (idempotent_ && outcome.code == HF_UNAVAILABLE)) ++ledger_[Count::kCharged];
  }

  World& world_;
  model::Dice& dice_;
  Ledger& ledger_;
  const bool idempotent_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_STRESS_WORLD_H_
