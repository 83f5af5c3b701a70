// SPDX-License-Identifier: Apache-2.0
// What a guarded call remembers between two steps, and the decisions that need no guard.
//
// The machine itself is engine/call.h. Everything here is a value or a pure function of values.
// Locking: none. Memory: CallState lives in the caller's hf_call.
#ifndef HOLDFAST_ENGINE_CALL_STATE_H_
#define HOLDFAST_ENGINE_CALL_STATE_H_

#include <holdfast/c/call.h>

#include <cstdint>

#include "engine/backoff.h"
#include "engine/outcome.h"
#include "engine/retry_rules.h"

namespace holdfast::engine {

// What a pipeline fixes for all of its calls. HF_INFINITE: no limit.
struct CallLimits {
  hf_duration timeout = HF_INFINITE;
  hf_duration attempt_timeout = HF_INFINITE;
  uint32_t tree_retries = 6;
};

struct CallRules {
  BackoffPolicy backoff{.max_attempts = 1};  // one attempt: no retry policy
  RetryRules rules{};
  CallLimits limits{};
};

// Where a rate limit or a bulkhead stands: before the whole call, or before each attempt.
enum class CallLevel : uint32_t { kCall, kAttempt };

enum class CallPhase : uint32_t {
  kFinished,
  kAttempting,
  kSleeping,  // between two rounds
  kPacing,    // for the rate limit's moment
  kWaiting,   // in the queue of a bulkhead
  kDelayed,   // by an injected fault, with the attempt's permits held
};

// A fault to inject into an attempt (engine/fault.h), once its delay is over.
struct Injection {
  enum class Kind : uint32_t {
    kDelay,    // and nothing else: the attempt is made
    kOutcome,  // the attempt is not made: it ends so
    kResult,   // the attempt is not made: the driver gives a canned answer
  };
  Kind kind;
  hf_time until;       // of the delay
  hf_outcome outcome;  // OUTCOME, RESULT: what the attempt counts as
  uint64_t result;     // RESULT: which canned answer
};

// What a rate limit has set aside for an attempt that has yet to begin. The limiter's own words.
struct CallReservation {
  uint64_t position;
  hf_time at;
  uint32_t cost = 0;  // 0: none
};

// What has no initialiser is written before it is read: zeroing all of it would cost as much as a permit.
struct CallState {
  hf_bulkhead_wait wait;  // meaningful in WAITING only
  Injection injection;    // in DELAYED, and in ATTEMPTING if `fault` is not 0
  hf_waker waker;         // these are the caller's, as hf_call_options has them
  const hf_facts* facts;
  const hf_bulkhead_request* request;
  hf_context* context;
  hf_duration attempt_timeout;  // the pipeline's, when the call began
  uint64_t seed;
  uint32_t flags;
  uint32_t cost;
  hf_time started;
  hf_time deadline;  // HF_INFINITE: none
  hf_time until;     // of the pending action
  hf_time attempt_started;
  hf_time attempt_until;
  hf_permit breaker_permit{};
  hf_permit bulkhead_permit{};
  hf_permit call_permit{};           // of the bulkhead before the whole call
  CallReservation reservation;       // of a rate limit, while PACING or WAITING
  uint64_t fault_ticket = 0;         // a delay that counts as active
  uint64_t fault = 0;                // the canned answer asked for
  hf_time now = 0;                   // the latest seen
  hf_duration previous_delay = 0;    // for decorrelated jitter
  hf_duration last_retry_after = 0;  // what the last attempt's peer asked for
  hf_code last_code = HF_OK;         // of the last attempt
  CallPhase phase = CallPhase::kFinished;
  CallLevel level = CallLevel::kCall;  // of PACING and WAITING
  uint32_t rounds = 0;
  uint32_t attempts = 0;
  uint32_t retries_left = 0;  // for this call and the layers below it, unless a context keeps them
  uint32_t retried = 0;       // by this call and the layers below it
};

// The verdict for the breaker, from what was given and how long it took. Late is a failure, and so is a
// cancellation that the attempt's own timeout explains; an explicit IGNORED stays what it is.
inline hf_verdict JudgeVerdict(const hf_outcome& given, hf_time until, hf_time now) {
  if (given.verdict == HF_VERDICT_IGNORED) return HF_VERDICT_IGNORED;
  if (now > until) return HF_VERDICT_FAILURE;
  const hf_verdict verdict = DerivedVerdict(given.code, given.verdict);
  // Cooperative work that sees its time run out answers CANCELLED at that very moment: the
  // dependency was too slow, whoever spoke first.
  if (now == until && verdict == HF_VERDICT_IGNORED) return HF_VERDICT_FAILURE;
  return verdict;
}

// HF_R_NONE if a failed attempt with this effect may be made again, else why not.
hf_reason WhyNotAgain(hf_effect effect, uint32_t flags);

// True if the state waits for just this: an outcome (valid) or none.
inline bool CallAccepts(const CallState& state, const hf_outcome* outcome) {
  if (state.phase != CallPhase::kAttempting) return outcome == nullptr;
  return outcome != nullptr && OutcomeIsValid(*outcome);
}

// The action that the state waits for, again. Needs a phase other than FINISHED.
inline hf_action PendingAction(const CallState& state) {
  hf_action action{};
  action.attempt = state.attempts;
  action.until = state.until == HF_INFINITE ? 0 : state.until;
  if (state.phase == CallPhase::kAttempting) {
    action.kind = HF_DO_ATTEMPT;
    action.fault = state.fault;
  } else {
    action.kind = state.phase == CallPhase::kWaiting ? HF_DO_WAIT : HF_DO_SLEEP;
  }
  return action;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_STATE_H_
