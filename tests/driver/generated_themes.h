// SPDX-License-Identifier: Apache-2.0
// The themes of generated scripts. Each brings one thing into play, a little differently at each turn, and
// leaves the rest of a script as it is, so that two may be played together.
#ifndef HOLDFAST_TESTS_DRIVER_GENERATED_THEMES_H_
#define HOLDFAST_TESTS_DRIVER_GENERATED_THEMES_H_

#include <cstddef>
#include <iterator>

#include "driver/script.h"
#include "model/dice.h"

namespace holdfast::driver_test {

struct Theme {
  const char* name;
  void (*apply)(Script& script, int turn, model::Dice& dice);
};

inline Duration Millis(model::Dice& dice, int64_t lowest, int64_t highest) {
  return Duration{dice.Between(lowest, highest) * HF_MS};
}

inline void Plain(Script& script, int turn, model::Dice&) {
  script.max_attempts = 1 + static_cast<uint32_t>(turn) % 4;
}

inline void NotIdempotent(Script& script, int, model::Dice&) { script.idempotent = false; }

inline void Jittered(Script& script, int turn, model::Dice&) {
  constexpr Jitter kJitters[] = {Jitter::kFull, Jitter::kEqual, Jitter::kAround,
                                 Jitter::kDecorrelated, Jitter::kDecorrelated2};
  script.jitter = kJitters[static_cast<size_t>(turn) % std::size(kJitters)];
  script.max_attempts = 4;
}

inline void Budget(Script& script, int turn, model::Dice&) {
  script.budget_tokens = 2 + turn % 4;
  script.max_attempts = 4;
}

inline void BreakerUnderway(Script& script, int, model::Dice& dice) {
  script.breaker_open_for = Millis(dice, 50, 700);
  script.max_attempts = 4;
}

inline void BreakerBefore(Script& script, int turn, model::Dice& dice) {
  constexpr BreakerIs kStates[] = {BreakerIs::kOpen, BreakerIs::kProbing, BreakerIs::kForcedOpen,
                                   BreakerIs::kRamping};
  script.breaker_is = kStates[turn % 4];
  script.breaker_open_for = Millis(dice, 50, 400);
  script.max_attempts = 1 + static_cast<uint32_t>(turn / 4 + turn % 2) % 4;
}

// Others have all of it, and come back, or do not.
inline Gate Crowded(int turn, model::Dice& dice) {
  Gate gate{.limit = 1, .queue = 4, .taken = 1};
  gate.max_wait = turn % 3 == 2 ? Millis(dice, 20, 60) : Duration{2s};
  if (turn % 3 != 2) gate.comes_back = Millis(dice, 10, 90);
  if (turn % 2 == 1 && turn % 3 != 2) gate.ahead = 1;
  return gate;
}

inline void Queued(Script& script, int turn, model::Dice& dice) {
  script.bulkhead = Crowded(turn, dice);
  script.max_attempts = 3;
}

inline void CallQueued(Script& script, int turn, model::Dice& dice) {
  script.call_bulkhead = Crowded(turn, dice);
}

// Another one takes the place each time that it is free.
inline void Rivalled(Script& script, int, model::Dice& dice) {
  script.bulkhead = {.limit = 1, .queue = 4, .max_wait = 2s, .rival_at = 1ms};
  script.bulkhead.comes_back = Millis(dice, 130, 350);
  script.max_attempts = 4;
}

// The queue stands, so that who has waited for longest is dropped; or served last come, first.
inline void Standing(Script& script, int turn, model::Dice& dice) {
  constexpr BulkheadOrder kOrders[] = {BulkheadOrder::kCodel, BulkheadOrder::kCodelLifo,
                                       BulkheadOrder::kLifo};
  script.bulkhead = {.limit = 1,
                     .queue = 8,
                     .max_wait = 3s,
                     .taken = 1,
                     .comes_back = Millis(dice, 55, 65),
                     .ahead = 3,
                     .order = kOrders[turn % 3]};
}

inline void Full(Script& script, int turn, model::Dice&) {
  Gate& gate = turn % 2 == 0 ? script.bulkhead : script.call_bulkhead;
  gate = {.limit = 2, .taken = 2};
  if (turn % 4 < 2) gate = {.limit = 4, .taken = 2, .last_share = 0.5};
  script.least_critical = turn % 4 < 2;
}

inline void NoTime(Script& script, int turn, model::Dice&) {
  Gate& gate = turn % 2 == 0 ? script.bulkhead : script.call_bulkhead;
  gate = {.limit = 2, .taken = 1, .latency = 200ms};
  script.call_timeout = turn % 3 == 0 ? 250ms : 150ms;
}

inline Gate Metered(int turn, model::Dice& dice) {
  Gate gate{.limit = 10, .taken = 10};
  if (turn % 3 == 1) gate = {.limit = 1};
  if (turn % 3 == 2) gate.max_wait = Millis(dice, 50, 99);
  return gate;
}

inline void RateLimited(Script& script, int turn, model::Dice& dice) {
  script.limiter = Metered(turn, dice);
  script.cost = turn % 3 == 0 ? 1 + static_cast<uint32_t>(turn) : 1;
}

inline void CallRateLimited(Script& script, int turn, model::Dice& dice) {
  script.call_limiter = Metered(turn % 3 == 1 ? 0 : turn, dice);
}

inline void Killed(Script& script, int turn, model::Dice& dice) {
  script.killed = turn % 3 == 0;
  if (turn % 3 != 0) script.killed_after = Millis(dice, 5, 150);
}

inline void Faulty(Script& script, int turn, model::Dice& dice) {
  constexpr FaultKind kKinds[] = {FaultKind::kDelay, FaultKind::kError, FaultKind::kResult};
  FaultRule rule{.kind = kKinds[turn % 3], .rate = 1};
  const bool late = turn / 3 % 3 != 0 || rule.kind == FaultKind::kDelay;
  if (late) rule.delay_min = turn / 3 % 3 == 2 ? Duration{90ms} : Millis(dice, 5, 40);
  if (rule.kind != FaultKind::kDelay) {
    constexpr absl::StatusCode kCodes[] = {absl::StatusCode::kUnavailable,
                                           absl::StatusCode::kResourceExhausted,
                                           absl::StatusCode::kNotFound};
    rule.code = kCodes[dice.Below(3)];
  }
  if (rule.kind == FaultKind::kResult) rule.result = 7 + static_cast<uint64_t>(turn);
  script.fault = rule;
  script.faults = 1 + static_cast<uint32_t>(dice.Below(2));
}

inline void Throttled(Script& script, int turn, model::Dice&) {
  script.throttled = true;
  script.max_attempts = 1 + static_cast<uint32_t>(turn) % 4;
}

inline void Impatient(Script& script, int turn, model::Dice&) {
  script.attempt_timeout = 50ms;
  script.minds_time = turn % 2 == 1;
  script.max_attempts = 2 + static_cast<uint32_t>(turn) % 3;
}

// Each way to say until when.
inline void Hurried(Script& script, int turn, model::Dice& dice) {
  const Duration time = Millis(dice, 30, 450);
  script.minds_time = turn % 3 == 1;
  if (turn % 4 == 0) script.timeout = time;
  if (turn % 4 == 1) script.call_timeout = time;
  if (turn % 4 == 1 && turn > 1) script.deadline_after = time + 40ms;
  if (turn % 4 == 2) script.deadline_after = time;
  if (turn % 8 == 2) script.call_timeout = time + 50ms;
  if (turn % 8 == 6) script.call_timeout = time - 10ms;
  if (turn % 4 == 3) script.call_timeout = turn % 8 == 3 ? -1ns : 1ns;
  script.max_attempts = 4;
}

inline void RetriesOver(Script& script, int, model::Dice& dice) {
  script.max_elapsed = Millis(dice, 50, 400);
  script.max_attempts = 4;
}

inline void Layered(Script& script, int turn, model::Dice&) {
  constexpr int32_t kLeft[] = {HF_NO_RETRIES, 1, 2, 30};
  script.retries_left = kLeft[turn % 4];
  script.max_attempts = 4;
}

inline void Flawed(Script& script, int turn, model::Dice&) {
  constexpr Flaw kFlaws[] = {Flaw::kNoPipeline, Flaw::kDeadline, Flaw::kRequestSize,
                             Flaw::kRequestLevel, Flaw::kRequestPartition};
  script.hedged = turn % 6 == 5;
  if (turn % 6 < 5) script.flaw = kFlaws[turn % 6];
  if (turn % 6 >= 2) script.bulkhead = {.limit = 4};
}

// Those that go with any other come first.
inline constexpr Theme kThemes[] = {
    {"Plain", Plain},
    {"NotIdempotent", NotIdempotent},
    {"Jittered", Jittered},
    {"Budget", Budget},
    {"BreakerUnderway", BreakerUnderway},
    {"BreakerBefore", BreakerBefore},
    {"Queued", Queued},
    {"CallQueued", CallQueued},
    {"Rivalled", Rivalled},
    {"RateLimited", RateLimited},
    {"CallRateLimited", CallRateLimited},
    {"Killed", Killed},
    {"Faulty", Faulty},
    {"Throttled", Throttled},
    {"Impatient", Impatient},
    {"Hurried", Hurried},
    {"RetriesOver", RetriesOver},
    {"Layered", Layered},
    {"Standing", Standing},
    {"Full", Full},
    {"NoTime", NoTime},
    {"Flawed", Flawed},
};
inline constexpr size_t kMixable = 18;

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_GENERATED_THEMES_H_
