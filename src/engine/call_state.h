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

namespace holdfast::engine {

// What a pipeline fixes for all of its calls. HF_INFINITE: no limit.
struct CallRules {
  BackoffPolicy backoff{.max_attempts = 1};  // one attempt: no retry policy
  hf_duration timeout = HF_INFINITE;
  hf_duration attempt_timeout = HF_INFINITE;
};

enum class CallPhase : uint32_t { kFinished, kAttempting, kSleeping, kWaiting };

struct CallState {
  hf_bulkhead_wait wait;  // meaningful in WAITING only
  hf_waker waker{};
  hf_permit breaker_permit{};
  hf_permit bulkhead_permit{};
  uint64_t seed = 0;
  hf_time now = 0;                   // the latest seen
  hf_time deadline = HF_INFINITE;    // HF_INFINITE: none
  hf_time until = HF_INFINITE;       // of the pending action
  hf_duration previous_delay = 0;    // for decorrelated jitter
  hf_duration last_retry_after = 0;  // what the last attempt's peer asked for
  hf_code last_code = HF_OK;         // of the last attempt
  CallPhase phase = CallPhase::kFinished;
  uint32_t rounds = 0;
  uint32_t attempts = 0;
  uint32_t flags = 0;
};

// The verdict for the breaker, from what was given and how long it took: `derived` is `given` with
// everything filled in. Late is a failure, and so is a cancellation that the attempt's own timeout
// explains; an explicit IGNORED stays what it is.
inline hf_verdict JudgeVerdict(const hf_outcome& given, const hf_outcome& derived, hf_time until,
                               hf_time now) {
  if (given.verdict == HF_VERDICT_IGNORED) return HF_VERDICT_IGNORED;
  if (now > until) return HF_VERDICT_FAILURE;
  // Cooperative work that sees its time run out answers CANCELLED at that very moment: the
  // dependency was too slow, whoever spoke first.
  if (now == until && derived.verdict == HF_VERDICT_IGNORED) return HF_VERDICT_FAILURE;
  return derived.verdict;
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
  switch (state.phase) {
    case CallPhase::kAttempting:
      action.kind = HF_DO_ATTEMPT;
      break;
    case CallPhase::kSleeping:
      action.kind = HF_DO_SLEEP;
      break;
    default:
      action.kind = HF_DO_WAIT;
      break;
  }
  return action;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_STATE_H_
