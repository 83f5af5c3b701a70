// SPDX-License-Identifier: Apache-2.0
// The world that an action script is played in.
#ifndef HOLDFAST_TESTS_DRIVER_STAGE_H_
#define HOLDFAST_TESTS_DRIVER_STAGE_H_

#include <gtest/gtest.h>
#include <holdfast/call_options.h>
#include <holdfast/context.h>
#include <holdfast/hedge.h>
#include <holdfast/pipeline.h>
#include <holdfast/testing/action_log.h>
#include <holdfast/testing/scripted.h>
#include <holdfast/testing/virtual_clock.h>

#include <optional>
#include <vector>

#include "driver/crowd.h"
#include "driver/script.h"

namespace holdfast::driver_test {

using testing::ActionLog;
using testing::ScriptedAttempts;
using testing::VirtualClock;

// A world as a script wants it, before the call.
class Stage {
 public:
  explicit Stage(const Script& script)
      : dependency(clock, script.beats),
        log(clock),
        script_(script),
        crowd_(script_.bulkhead, clock),
        call_crowd_(script_.call_bulkhead, clock) {
    PipelineOptions options{.timeout = script.timeout, .attempt_timeout = script.attempt_timeout};
    if (script.hedged) {
      hedge_ = HedgePolicy::Create().value();
      options.hedge = hedge_.raw();
    } else if (script.max_attempts > 0) {
      options.retry = RetryPolicy::Create({.max_attempts = script.max_attempts,
                                           .jitter = script.jitter,
                                           .max_elapsed = script.max_elapsed})
                          .value();
    }
    if (script.budget_tokens > 0) {
      options.budget = budget = RetryBudget::Create({.max_tokens = script.budget_tokens}).value();
    }
    options.bulkhead = bulkhead = crowd_.bulkhead();
    options.call_bulkhead = call_bulkhead = call_crowd_.bulkhead();
    options.breaker = breaker = MakeBreaker();
    options.throttle = throttle = MakeThrottle();
    options.limiter = limiter = MakeLimiter(script.limiter);
    options.call_limiter = call_limiter = MakeLimiter(script.call_limiter);
    options.kill_switch = kill_switch = MakeKillSwitch();
    options.fault = fault = MakeFault();
    if (script.flaw != Flaw::kNoPipeline) pipeline = Pipeline::Create(options).value();
    request_ = MakeRequest();
    if (script.retries_left != 0) {
      context_ = Context::Create({.retries = script.retries_left}).value();
    }
  }

  // The call that the script means, for any driver.
  CallOptions Options(CallReport* report) {
    hf_time deadline = 0;
    if (script_.deadline_after.count() > 0) deadline = clock.Now() + script_.deadline_after.count();
    if (script_.flaw == Flaw::kDeadline) deadline = -1;
    return {.timeout = script_.call_timeout,
            .deadline = deadline,
            .idempotent = script_.idempotent,
            .context = context_.raw(),
            .facts = &facts_,
            .request = request_ ? &*request_ : nullptr,
            .cost = script_.cost,
            .report = report,
            .observer = &log,
            .clock = &clock,
            .seed = script_.seed};
  }

  // After the call: what the driver did, and that it left nothing behind.
  void Check(const CallReport& report) {
    EXPECT_EQ(log.text(), script_.actions);
    EXPECT_EQ(clock.elapsed(), script_.elapsed) << testing::Text(clock.elapsed());
    EXPECT_EQ(log.events() & script_.events, script_.events);
    EXPECT_EQ(report.events, log.events());
    EXPECT_EQ(dependency.played(), dependency.beats());
    EXPECT_EQ(report.attempts, script_.attempts.value_or(script_.beats.size()));
    CheckNothingIsHeld();
  }

  // Of what the guards give out, nothing is out but what others keep for good.
  void CheckNothingIsHeld() {
    if (bulkhead) CheckEmpty(bulkhead, crowd_);
    if (call_bulkhead) CheckEmpty(call_bulkhead, call_crowd_);
    if (breaker) {
      EXPECT_EQ(breaker.Snapshot(clock.Now()).probes_out, 0u);
    }
    if (fault) {
      EXPECT_EQ(fault.Snapshot(clock.Now()).active, 0u);
    }
  }

  const Script& script() const { return script_; }
  const Context& context() const { return context_; }

  VirtualClock clock;
  ScriptedAttempts dependency;
  ActionLog log;
  RetryBudget budget;
  CircuitBreaker breaker;
  Throttle throttle;
  Bulkhead bulkhead;
  Bulkhead call_bulkhead;
  RateLimiter limiter;
  RateLimiter call_limiter;
  KillSwitch kill_switch;
  FaultInjector fault;
  Pipeline pipeline;

 private:
  CircuitBreaker MakeBreaker() {
    if (script_.breaker_open_for.count() == 0) return {};
    const bool ramps = script_.breaker_is == BreakerIs::kRamping;
    const CircuitBreaker made =
        CircuitBreaker::Create({.consecutive_failures = 2,
                                .probes = 1,
                                .open_for = script_.breaker_open_for,
                                .ramp_for = ramps ? Duration{10s} : Duration{0},
                                .ramp_from = 0.01})
            .value();
    switch (script_.breaker_is) {
      case BreakerIs::kClosed:
        break;
      case BreakerIs::kOpen:
        FailTwice(made, clock.Now());
        break;
      case BreakerIs::kForcedOpen:
        EXPECT_TRUE(made.Force(BreakerState::kForcedOpen, clock.Now()).ok());
        break;
      case BreakerIs::kProbing:
        FailTwice(made, clock.Now() - script_.breaker_open_for.count());
        others_probe_.emplace(made.TryAcquire(clock.Now()).value());
        clock.After(script_.breaker_open_for,
                    [this] { others_probe_->Record(HF_VERDICT_SUCCESS, clock.Now()); });
        break;
      case BreakerIs::kRamping:
        FailTwice(made, clock.Now() - script_.breaker_open_for.count());
        made.TryAcquire(clock.Now()).value().Record(HF_VERDICT_SUCCESS, clock.Now());
        EXPECT_TRUE(made.TryAcquire(clock.Now()).ok()) << "the first in a hundred";
        break;
    }
    return made;
  }

  static void FailTwice(const CircuitBreaker& breaker, hf_time at) {
    for (int i = 0; i < 2; ++i) breaker.TryAcquire(at).value().Record(HF_VERDICT_FAILURE, at);
  }

  Throttle MakeThrottle() {
    if (!script_.throttled) return {};
    const Throttle made = Throttle::Create({.window = 10s, .min_rate = 1}).value();
    for (int i = 0; i < 40; ++i) made.Record(HF_VERDICT_FAILURE, clock.Now() - HF_MS);
    return made;
  }

  RateLimiter MakeLimiter(const Gate& gate) {
    if (gate.limit == 0) return {};
    const RateLimiter made =
        RateLimiter::Create({.permits = gate.limit, .max_wait = gate.max_wait}).value();
    if (gate.taken > 0) {
      EXPECT_TRUE(made.TryAcquire(gate.taken, clock).ok());
    }
    return made;
  }

  KillSwitch MakeKillSwitch() {
    if (!script_.killed && script_.killed_after.count() == 0) return {};
    const KillSwitch made = KillSwitch::Create().value();
    const auto kill = [this, made] {
      const uint64_t token = made.Arm({.match = {.operation = "charge"},
                                       .owner = "ann",
                                       .reason = "double charges",
                                       .expiry = 600s},
                                      clock.Now())
                                 .value();
      EXPECT_TRUE(made.Fire(token, clock.Now()).ok());
    };
    if (script_.killed) kill();
    if (script_.killed_after.count() > 0) clock.After(script_.killed_after, kill);
    return made;
  }

  FaultInjector MakeFault() {
    if (!script_.fault) return {};
    FaultInjector made =
        FaultInjector::Create(
            {.rules = {&*script_.fault, 1}, .expiry = 1h, .max_total = script_.faults})
            .value();
    EXPECT_TRUE(made.Start(clock.Now()).ok());
    return made;
  }

  std::optional<hf_bulkhead_request> MakeRequest() {
    const Flaw flaw = script_.flaw;
    if (!script_.least_critical && flaw < Flaw::kRequestSize) return std::nullopt;
    hf_bulkhead_request made = BulkheadRequest{.criticality = Criticality::kSheddable}.Raw();
    if (flaw == Flaw::kRequestSize) made.struct_size = 1;
    if (flaw == Flaw::kRequestLevel) made.abi_level = HF_ABI_LEVEL + 1;
    if (flaw == Flaw::kRequestPartition) made.partition = HF_BULKHEAD_PARTITIONS;
    return made;
  }

  static void CheckEmpty(const Bulkhead& guard, const Crowd& crowd) {
    EXPECT_EQ(guard.Snapshot().in_flight, crowd.stays());
    EXPECT_EQ(guard.Snapshot().waiting, 0u);
  }

  const Script script_;  // its own: a script written in place would be gone after the constructor
  const Facts facts_{.operation = "charge"};
  Crowd crowd_;
  Crowd call_crowd_;
  std::optional<BreakerPermit> others_probe_;
  std::optional<hf_bulkhead_request> request_;
  HedgePolicy hedge_;
  Context context_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_STAGE_H_
