// SPDX-License-Identifier: Apache-2.0
// What a step of a guarded call (engine/call.h) holds and gives back, and how it answers.
//
//   attempt   breaker and bulkhead permits, the fault's place, the rate limit's reservation
//   call      the permit of the bulkhead before the whole call
//
// Invariant: after any of the Finish functions nothing is held.
// Locking and memory: as engine/call.h.
#ifndef HOLDFAST_ENGINE_CALL_HOLD_H_
#define HOLDFAST_ENGINE_CALL_HOLD_H_

#include <holdfast/c/call.h>

#include <algorithm>

#include "engine/call_guards.h"
#include "engine/call_state.h"

namespace holdfast::engine {

template <CallGuards Guards>
class CallHold {
 protected:
  CallHold(CallState& state, Guards& guards) : state_(state), guards_(guards) {}

  hf_permit* PermitOf(CallLevel level) {
    return level == CallLevel::kCall ? &state_.call_permit : &state_.bulkhead_permit;
  }

  // The breaker's alone, before a wait: it may be a probe that others could use.
  void GiveBackBreaker() {
    guards_.BreakerRecord(&state_.breaker_permit, HF_VERDICT_IGNORED, state_.now, &events_);
  }

  void GiveBackAttempt(hf_verdict verdict) {
    guards_.FaultDone(&state_.fault_ticket, state_.now);
    state_.fault = 0;
    guards_.BreakerRecord(&state_.breaker_permit, verdict, state_.now, &events_);
    guards_.BulkheadSettle(CallLevel::kAttempt, &state_.bulkhead_permit, state_.attempt_started,
                           verdict, state_.now);
    guards_.LimiterCancel(state_.level, &state_.reservation, state_.now);
  }

  void GiveBackCall(hf_verdict verdict) {
    guards_.BulkheadSettle(CallLevel::kCall, &state_.call_permit, state_.started, verdict,
                           state_.now);
  }

  void Release() {
    GiveBackAttempt(HF_VERDICT_IGNORED);
    GiveBackCall(HF_VERDICT_IGNORED);
  }

  // No action lasts beyond the call's deadline.
  hf_action Pend(CallPhase phase, hf_time until) {
    state_.phase = phase;
    state_.until = std::min(until, state_.deadline);
    hf_action action = PendingAction(state_);
    action.events = events_;
    return action;
  }

  hf_action FinishByDeadline() {
    GiveBackAttempt(HF_VERDICT_IGNORED);
    return Finish(state_.attempts > 0 ? state_.last_code : HF_DEADLINE_EXCEEDED, HF_R_DEADLINE,
                  state_.last_retry_after, HF_VERDICT_IGNORED);
  }

  // After an attempt, whose permits are back.
  hf_action FinishFailed(hf_reason reason) {
    return Finish(state_.last_code, reason, state_.last_retry_after, HF_VERDICT_FAILURE);
  }

  hf_action FinishRefused(const hf_rejection& why) {
    GiveBackAttempt(HF_VERDICT_IGNORED);
    return Finish(state_.attempts > 0 ? state_.last_code : why.code, why.reason, why.retry_after,
                  HF_VERDICT_IGNORED);
  }

  hf_action Finish(hf_code code, hf_reason reason, hf_duration retry_after, hf_verdict verdict) {
    GiveBackCall(verdict);
    state_.phase = CallPhase::kFinished;
    return hf_action{.kind = HF_DO_FINISH,
                     .code = code,
                     .reason = reason,
                     .attempt = state_.attempts,
                     .until = 0,
                     .retry_after = retry_after,
                     .events = events_,
                     .retries = state_.retried,
                     .fault = 0,
                     .reserved1 = 0};
  }

  CallState& state_;
  Guards& guards_;
  hf_events events_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_HOLD_H_
