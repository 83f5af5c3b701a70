// SPDX-License-Identifier: Apache-2.0
// The action scripts that every driver must follow: what the world does, and what a driver must then be
// seen to do, action by action, and in what time.
//
// A driver's test builds a Stage for each of Scripts(), runs its own kind of call on it, and compares
// (CheckStage). Scripts use no jitter, so that the delays can be read.
#ifndef HOLDFAST_TESTS_DRIVER_SCRIPTS_H_
#define HOLDFAST_TESTS_DRIVER_SCRIPTS_H_

#include <gtest/gtest.h>
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
using testing::Fails;
using testing::NeverStarts;
using testing::ScriptedAttempts;
using testing::Succeeds;
using testing::Throttles;
using testing::VirtualClock;

struct Script {
  std::string name;
  std::vector<Beat> beats;
  std::string actions;  // ActionLog::text()
  Duration elapsed{0};
  hf_events events = 0;  // those that must have been seen

  // The pipeline; what is 0 is left out.
  uint32_t max_attempts = 3;
  double budget_tokens = 0;
  Duration breaker_open_for{0};  // opens at 2 failures in a row, closes after one probe
  bool breaker_is_open = false;
  uint32_t bulkhead_limit = 0;
  uint32_t bulkhead_queue = 0;
  Duration max_wait{0};
  uint32_t permits_taken = 0;     // by others, before the call
  Duration permit_comes_back{0};  // one of them, this long after the start; 0: never
  Duration attempt_timeout{0};
  // The call.
  Duration timeout{0};
  bool idempotent = true;
};

inline std::vector<Script> Scripts() {
  return {
      {.name = "SuccessAtOnce",
       .beats = {Succeeds(5ms)},
       .actions = "ATTEMPT 1; FINISH OK",
       .elapsed = 5ms},
      {.name = "RetriesUntilSuccess",
       .beats = {Fails(HF_UNAVAILABLE, 10ms), Fails(HF_UNAVAILABLE, 10ms), Succeeds(10ms)},
       .actions = "ATTEMPT 1; SLEEP 100ms; ATTEMPT 2; SLEEP 200ms; ATTEMPT 3; FINISH OK",
       .elapsed = 330ms},
      {.name = "AttemptsRunOut",
       .beats = {Fails(HF_UNAVAILABLE), Fails(HF_INTERNAL), Fails(HF_DATA_LOSS)},
       .actions = "ATTEMPT 1; SLEEP 100ms; ATTEMPT 2; SLEEP 200ms; ATTEMPT 3; "
                  "FINISH DATA_LOSS attempts_exhausted",
       .elapsed = 300ms},
      {.name = "AFinalAnswerIsNotRetried",
       .beats = {Fails(HF_NOT_FOUND)},
       .actions = "ATTEMPT 1; FINISH NOT_FOUND not_retryable"},
      {.name = "WhatMayHaveHappenedIsNotRepeatedUnlessDeclaredIdempotent",
       .beats = {Fails(HF_UNAVAILABLE)},
       .actions = "ATTEMPT 1; FINISH UNAVAILABLE not_idempotent",
       .idempotent = false},
      {.name = "WhatNeverStartedIsRepeatedAnyway",
       .beats = {NeverStarts(), Succeeds()},
       .actions = "ATTEMPT 1; SLEEP 100ms; ATTEMPT 2; FINISH OK",
       .elapsed = 100ms,
       .idempotent = false},
      {.name = "ThePeersRetryAfterIsHonoured",
       .beats = {Throttles(700ms), Succeeds()},
       .actions = "ATTEMPT 1; SLEEP 700ms; ATTEMPT 2; FINISH OK",
       .elapsed = 700ms},
      {.name = "AHostileRetryAfterIsClamped",
       .beats = {Throttles(1h), Succeeds()},
       .actions = "ATTEMPT 1; SLEEP 5100ms; ATTEMPT 2; FINISH OK",
       .elapsed = 5100ms},
      {.name = "NoSleepIntoTheDeadline",
       .beats = {Fails(HF_UNAVAILABLE, 50ms)},
       .actions = "ATTEMPT 1; FINISH UNAVAILABLE deadline",
       .elapsed = 50ms,
       .timeout = 150ms},
      {.name = "TheBudgetRefusesARetry",
       .beats = {Fails(HF_UNAVAILABLE)},
       .actions = "ATTEMPT 1; FINISH UNAVAILABLE budget_exhausted",
       .events = HF_EVENT_BUDGET_REFUSED,
       .budget_tokens = 2},
      {.name = "AnOpenBreakerIsWaitedForIfThereIsTime",
       .beats = {Succeeds()},
       .actions = "SLEEP 300ms; ATTEMPT 1; FINISH OK",
       .elapsed = 300ms,
       .events = HF_EVENT_BREAKER_HALF_OPENED | HF_EVENT_BREAKER_CLOSED,
       .breaker_open_for = 300ms,
       .breaker_is_open = true},
      {.name = "AnOpenBreakerRefusesIfThereIsNone",
       .beats = {},
       .actions = "FINISH UNAVAILABLE breaker_open",
       .breaker_open_for = 300ms,
       .breaker_is_open = true,
       .timeout = 300ms},
      {.name = "ABreakerThatOpensUnderwayKeepsTheLastError",
       .beats = {Fails(HF_UNAVAILABLE), Fails(HF_INTERNAL)},
       .actions = "ATTEMPT 1; SLEEP 100ms; ATTEMPT 2; SLEEP 200ms; FINISH INTERNAL breaker_open",
       .elapsed = 300ms,
       .events = HF_EVENT_BREAKER_OPENED,
       .breaker_open_for = 10s},
      {.name = "AFullBulkheadRefusesAtOnce",
       .beats = {},
       .actions = "FINISH RESOURCE_EXHAUSTED bulkhead_full",
       .bulkhead_limit = 1,
       .permits_taken = 1},
      {.name = "AQueuedCallGoesOnWhenItIsItsTurn",
       .beats = {Succeeds(5ms)},
       .actions = "WAIT 1s; ATTEMPT 1; FINISH OK",
       .elapsed = 45ms,
       .events = HF_EVENT_QUEUED,
       .bulkhead_limit = 1,
       .bulkhead_queue = 1,
       .permits_taken = 1,
       .permit_comes_back = 40ms},
      {.name = "AQueuedCallGivesUpAfterMaxWait",
       .beats = {},
       .actions = "WAIT 60ms; FINISH DEADLINE_EXCEEDED bulkhead_timeout",
       .elapsed = 60ms,
       .events = HF_EVENT_QUEUED,
       .bulkhead_limit = 1,
       .bulkhead_queue = 1,
       .max_wait = 60ms,
       .permits_taken = 1},
      {.name = "ALateSuccessIsStillASuccess",
       .beats = {Succeeds(80ms)},
       .actions = "ATTEMPT 1; FINISH OK",
       .elapsed = 80ms,
       .events = HF_EVENT_LATE_RESULT,
       .attempt_timeout = 50ms},
      {.name = "ALateCancellationIsATimeoutAndRetried",
       .beats = {Fails(HF_CANCELLED, 50ms), Succeeds()},
       .actions = "ATTEMPT 1; SLEEP 100ms; ATTEMPT 2; FINISH OK",
       .elapsed = 150ms,
       .attempt_timeout = 50ms},
      {.name = "ACancellationByTheCallerEndsTheCall",
       .beats = {Fails(HF_CANCELLED, 10ms)},
       .actions = "ATTEMPT 1; FINISH CANCELLED not_retryable",
       .elapsed = 10ms,
       .attempt_timeout = 50ms},
  };
}

// A world as a script wants it, before the call.
class Stage {
 public:
  explicit Stage(const Script& script)
      : dependency(clock, script.beats), log(clock), script_(script) {
    PipelineOptions options{.timeout = script.timeout, .attempt_timeout = script.attempt_timeout};
    if (script.max_attempts > 0) {
      options.retry =
          RetryPolicy::Create({.max_attempts = script.max_attempts, .jitter = Jitter::kNone})
              .value();
    }
    if (script.budget_tokens > 0) {
      options.budget = RetryBudget::Create({.max_tokens = script.budget_tokens}).value();
    }
    if (script.breaker_open_for.count() > 0) {
      breaker = CircuitBreaker::Create(
                    {.consecutive_failures = 2, .probes = 1, .open_for = script.breaker_open_for})
                    .value();
    }
    if (script.breaker_is_open) {
      for (int i = 0; i < 2; ++i) {
        breaker.TryAcquire(clock.Now()).value().Record(HF_VERDICT_FAILURE, clock.Now());
      }
    }
    if (script.bulkhead_limit > 0) {
      bulkhead = Bulkhead::Create({.limit = script.bulkhead_limit,
                                   .queue = script.bulkhead_queue,
                                   .max_wait = script.max_wait})
                     .value();
    }
    for (uint32_t i = 0; i < script.permits_taken; ++i) {
      others_.push_back(bulkhead.TryAcquire(clock).value());
    }
    if (script.permit_comes_back.count() > 0) {
      clock.After(script.permit_comes_back, [this] { others_.pop_back(); });
    }
    options.breaker = breaker;
    options.bulkhead = bulkhead;
    pipeline = Pipeline::Create(options).value();
  }

  // After the call: what the driver did, and that it left nothing behind.
  void Check() {
    EXPECT_EQ(log.text(), script_.actions);
    EXPECT_EQ(clock.elapsed(), script_.elapsed) << testing::Text(clock.elapsed());
    EXPECT_EQ(log.events() & script_.events, script_.events);
    EXPECT_EQ(dependency.played(), dependency.beats());
    if (bulkhead) {
      EXPECT_EQ(bulkhead.Snapshot().in_flight, others_.size());
      EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
    }
    if (breaker) {
      EXPECT_EQ(breaker.Snapshot(clock.Now()).probes_out, 0u);
    }
  }

  VirtualClock clock;
  ScriptedAttempts dependency;
  ActionLog log;
  CircuitBreaker breaker;
  Bulkhead bulkhead;
  Pipeline pipeline;

 private:
  const Script& script_;
  std::vector<BulkheadPermit> others_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_SCRIPTS_H_
