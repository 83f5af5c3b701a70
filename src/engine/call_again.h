// SPDX-License-Identifier: Apache-2.0
// Whether a guarded call (engine/call.h) tries again, and when.
//
//   after                     again, if
//   a retryable failure       attempts, budget, time and the allowance of retries are left, and the peer did
//                             not ask to be left alone
//   the breaker's refusal     attempts and time are left, and it tells when it may open
//
// Invariants: the budget is charged once for each failure that reached the dependency, before anything
// else can refuse. The allowance is taken from last, so that a retry that is not made takes nothing.
// Locking and memory: as engine/call.h.
#ifndef HOLDFAST_ENGINE_CALL_AGAIN_H_
#define HOLDFAST_ENGINE_CALL_AGAIN_H_

#include <holdfast/c/call.h>

#include <algorithm>
#include <cstdint>

#include "engine/backoff.h"
#include "engine/call_guards.h"
#include "engine/call_hold.h"
#include "engine/call_state.h"
#include "engine/duration.h"

namespace holdfast::engine {

template <CallGuards Guards>
class CallAgain : protected CallHold<Guards> {
  using Hold = CallHold<Guards>;

 protected:
  using Hold::events_;
  using Hold::FinishFailed;
  using Hold::FinishRefused;
  using Hold::GiveBackAttempt;
  using Hold::guards_;
  using Hold::Pend;
  using Hold::state_;

  CallAgain(CallState& state, Guards& guards) : Hold(state, guards) {}

  hf_action OnBreakerRefusal(const hf_rejection& why) {
    const BackoffPolicy policy = guards_.RetryPolicyAfter(state_.last_code);
    if (state_.rounds >= policy.max_attempts) return FinishRefused(why);
    const hf_duration delay = std::max(NextDelay(policy), why.retry_after);
    if (WhyNoTime(policy, delay) != HF_R_NONE) return FinishRefused(why);
    GiveBackAttempt(HF_VERDICT_IGNORED);
    return Pend(CallPhase::kSleeping, state_.now + delay);
  }

  hf_action AfterRetryableFailure(const hf_outcome& outcome) {
    const BackoffPolicy policy = guards_.RetryPolicyAfter(outcome.code);
    // What never left cost the dependency nothing.
    const bool never_sent = outcome.effect == HF_EFFECT_NOT_STARTED;
    const bool allowed = never_sent || guards_.BudgetCharge(state_.now);
    if (outcome.retry_after == HF_INFINITE) return FinishFailed(HF_R_PUSHED_BACK);
    if (state_.rounds >= policy.max_attempts) return FinishFailed(HF_R_ATTEMPTS_EXHAUSTED);
    if (!allowed) {
      events_ |= HF_EVENT_BUDGET_REFUSED;
      return FinishFailed(HF_R_BUDGET_EXHAUSTED);
    }
    const hf_duration delay = HonourRetryAfter(NextDelay(policy), outcome.retry_after);
    if (const hf_reason why = WhyNoTime(policy, delay); why != HF_R_NONE) return FinishFailed(why);
    if (!never_sent && !TakeRetry()) return FinishFailed(HF_R_RETRIED_ELSEWHERE);
    return Pend(CallPhase::kSleeping, state_.now + delay);
  }

  [[gnu::cold]] void NoteRetriedBelow(uint32_t count) {
    guards_.NoteRetried(&state_.retries_left, count);
    state_.retried += std::min(count, UINT32_MAX - state_.retried);
  }

 private:
  hf_duration NextDelay(const BackoffPolicy& policy) {
    state_.previous_delay = BackoffDelay(policy, state_.rounds, state_.previous_delay, state_.seed);
    return state_.previous_delay;
  }

  // A delay up to the very deadline leaves no time at all, whatever min_attempt_time says.
  hf_reason WhyNoTime(const BackoffPolicy& policy, hf_duration delay) const {
    const hf_time then = AddSaturating(state_.now, delay);
    if (then >= state_.deadline ||
        !FitsDeadline(state_.now, delay, policy.min_attempt_time, state_.deadline)) {
      return HF_R_DEADLINE;
    }
    return then - state_.started > policy.max_elapsed ? HF_R_ELAPSED : HF_R_NONE;
  }

  bool TakeRetry() {
    if (!guards_.TakeRetry(&state_.retries_left)) return false;
    ++state_.retried;
    return true;
  }
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_AGAIN_H_
