// SPDX-License-Identifier: Apache-2.0
// What an action script can say, and the world that it is played in.
#ifndef HOLDFAST_TESTS_DRIVER_STAGE_H_
#define HOLDFAST_TESTS_DRIVER_STAGE_H_

#include <gtest/gtest.h>
#include <holdfast/call_options.h>
#include <holdfast/context.h>
#include <holdfast/pipeline.h>
#include <holdfast/testing/action_log.h>
#include <holdfast/testing/scripted.h>
#include <holdfast/testing/virtual_clock.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::driver_test {

using namespace std::chrono_literals;  // NOLINT: durations are the vocabulary of scripts
using testing::ActionLog;
using testing::Beat;
using testing::ScriptedAttempts;
using testing::VirtualClock;

// A guard that gives something out, of which others have taken some before the call.
struct Gate {
  uint32_t limit = 0;  // 0: there is no such guard
  uint32_t queue = 0;  // of a bulkhead
  Duration max_wait{0};
  uint32_t taken = 0;      // by others, before the call
  Duration comes_back{0};  // of a bulkhead: one of them, this long after the start; 0: never
};

struct Script {
  std::string name;
  std::vector<Beat> beats;
  std::string actions;  // ActionLog::text()
  Duration elapsed{0};
  hf_events events = 0;  // those that must have been seen
  std::optional<uint32_t> attempts =
      {};  // reported, where they are not the beats: a fault took their place

  // The pipeline; what is 0 is left out.
  uint32_t max_attempts = 3;
  Duration max_elapsed{0};
  double budget_tokens = 0;
  Duration breaker_open_for{0};  // opens at 2 failures in a row, closes after one probe
  bool breaker_is_open = false;
  Gate bulkhead = {};
  Gate call_bulkhead = {};
  Gate limiter = {};  // tokens a second, saved up to as many
  Gate call_limiter = {};
  std::optional<FaultRule> fault = {};  // once, at the first attempt
  bool killed = false;                  // what the call does is stopped
  Duration killed_after{0};             // the same, this long after the start
  Duration attempt_timeout{0};
  // The call.
  Duration timeout{0};
  bool idempotent = true;
  int32_t retries_left = 0;  // to it by the layers above, as a context says; 0: not told
};

// A world as a script wants it, before the call.
class Stage {
 public:
  explicit Stage(const Script& script)
      : dependency(clock, script.beats), log(clock), script_(script) {
    PipelineOptions options{.timeout = script.timeout, .attempt_timeout = script.attempt_timeout};
    if (script.max_attempts > 0) {
      options.retry = RetryPolicy::Create({.max_attempts = script.max_attempts,
                                           .jitter = Jitter::kNone,
                                           .max_elapsed = script.max_elapsed})
                          .value();
    }
    if (script.budget_tokens > 0) {
      options.budget = RetryBudget::Create({.max_tokens = script.budget_tokens}).value();
    }
    bulkhead = MakeBulkhead(script.bulkhead);
    call_bulkhead = MakeBulkhead(script.call_bulkhead);
    options.breaker = breaker = MakeBreaker();
    options.bulkhead = bulkhead;
    options.call_bulkhead = call_bulkhead;
    options.limiter = MakeLimiter(script.limiter);
    options.call_limiter = MakeLimiter(script.call_limiter);
    options.kill_switch = MakeKillSwitch();
    options.fault = fault = MakeFault();
    pipeline = Pipeline::Create(options).value();
    if (script.retries_left != 0) {
      context_ = Context::Create({.retries = script.retries_left}).value();
    }
  }

  // The call that the script means, for any driver.
  CallOptions Options(CallReport* report) {
    return {.idempotent = script_.idempotent,
            .context = context_.raw(),
            .facts = &facts_,
            .report = report,
            .observer = &log,
            .clock = &clock};
  }

  // After the call: what the driver did, and that it left nothing behind.
  void Check(const CallReport& report) {
    EXPECT_EQ(log.text(), script_.actions);
    EXPECT_EQ(clock.elapsed(), script_.elapsed) << testing::Text(clock.elapsed());
    EXPECT_EQ(log.events() & script_.events, script_.events);
    EXPECT_EQ(report.events, log.events());
    EXPECT_EQ(dependency.played(), dependency.beats());
    EXPECT_EQ(report.attempts, script_.attempts.value_or(script_.beats.size()));
    if (bulkhead) CheckEmpty(bulkhead, script_.bulkhead);
    if (call_bulkhead) CheckEmpty(call_bulkhead, script_.call_bulkhead);
    if (breaker) {
      EXPECT_EQ(breaker.Snapshot(clock.Now()).probes_out, 0u);
    }
    if (fault) {
      EXPECT_EQ(fault.Snapshot(clock.Now()).active, 0u);
    }
  }

  VirtualClock clock;
  ScriptedAttempts dependency;
  ActionLog log;
  CircuitBreaker breaker;
  Bulkhead bulkhead;
  Bulkhead call_bulkhead;
  FaultInjector fault;
  Pipeline pipeline;

 private:
  CircuitBreaker MakeBreaker() {
    if (script_.breaker_open_for.count() == 0) return {};
    const CircuitBreaker made =
        CircuitBreaker::Create(
            {.consecutive_failures = 2, .probes = 1, .open_for = script_.breaker_open_for})
            .value();
    for (int i = 0; i < 2 && script_.breaker_is_open; ++i) {
      made.TryAcquire(clock.Now()).value().Record(HF_VERDICT_FAILURE, clock.Now());
    }
    return made;
  }

  Bulkhead MakeBulkhead(const Gate& gate) {
    if (gate.limit == 0) return {};
    const Bulkhead made =
        Bulkhead::Create({.limit = gate.limit, .queue = gate.queue, .max_wait = gate.max_wait})
            .value();
    for (uint32_t i = 0; i < gate.taken; ++i) others_.push_back(made.TryAcquire(clock).value());
    if (gate.comes_back.count() > 0) {
      clock.After(gate.comes_back, [this] { others_.pop_back(); });
    }
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
        FaultInjector::Create({.rules = {&*script_.fault, 1}, .expiry = 1h, .max_total = 1})
            .value();
    EXPECT_TRUE(made.Start(clock.Now()).ok());
    return made;
  }

  static void CheckEmpty(const Bulkhead& guard, const Gate& gate) {
    EXPECT_EQ(guard.Snapshot().in_flight, gate.taken - (gate.comes_back.count() > 0 ? 1 : 0));
    EXPECT_EQ(guard.Snapshot().waiting, 0u);
  }

  const Script script_;  // its own: a script written in place would be gone after the constructor
  const Facts facts_{.operation = "charge"};
  std::vector<BulkheadPermit> others_;
  Context context_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_STAGE_H_
