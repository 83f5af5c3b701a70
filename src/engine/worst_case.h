// SPDX-License-Identifier: Apache-2.0
// How many attempts a guarded call (engine/call.h) can make, and for how long it can last.
//
// Round n begins within [earliest, latest] after the call's start, and can begin anywhere in it, since an
// attempt may take any time up to its timeout and a peer may ask for any delay up to the clamp:
//
//   earliest(1) = 0           earliest(n + 1) = earliest(n) + shortest delay
//   latest(1) = call_wait     latest(n + 1) = min(last_start, latest(n) + attempt_wait + the longer of
//                                               attempt_timeout + longest delay + retry_after's allowance
//                                               and breaker_wait)
//   last_start = min(max_elapsed, deadline - max(1, min_attempt_time))
//
// There is a round n + 1 if max_attempts of some code is above n and earliest(n + 1) <= last_start. The
// call is over at min(deadline, latest start + attempt_wait + attempt_timeout).
// The delays are those of the code that makes them shortest or longest, round by round.
// Memory: values. Locking: none.
#ifndef HOLDFAST_ENGINE_WORST_CASE_H_
#define HOLDFAST_ENGINE_WORST_CASE_H_

#include <holdfast/c/base.h>

#include <cstdint>
#include <optional>

#include "engine/backoff.h"
#include "engine/call_state.h"

namespace holdfast::engine {

// The longest waits for anything but the backoff. HF_INFINITE: no limit.
struct CallWaits {
  hf_duration deadline = HF_INFINITE;  // of the whole call
  hf_duration attempt_timeout = HF_INFINITE;
  hf_duration call_wait = 0;     // for the gates before the call
  hf_duration attempt_wait = 0;  // for the gates before an attempt
  std::optional<hf_duration> breaker_wait = {};
};

struct WorstCase {
  uint32_t attempts;
  hf_duration time;
};

WorstCase WorstCaseOf(const CallRules& rules, const CallWaits& waits);

// How many attempts can begin if each takes `each`, and no gate and no peer makes it wait.
uint32_t AttemptsThatFit(const CallRules& rules, hf_duration deadline, hf_duration each);

// The most attempts that any code allows.
uint32_t MostAttempts(const CallRules& rules);

// The longest ceiling of a delay that a call can come to; 0 if it makes one attempt.
hf_duration LongestCeiling(const CallRules& rules);

// Several attempts at once, as engine/hedge_call.h makes them: the next one at a failure at the latest, or
// when the peer wants it.
WorstCase WorstHedgedCase(uint32_t max_attempts, const CallWaits& waits);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WORST_CASE_H_
