// SPDX-License-Identifier: Apache-2.0
// A guarded call as a pure machine: (state, event, now) -> (state, action). c/call.h is its contract.
//
//   phase       event                       next
//   FINISHED    Start                       ATTEMPTING, WAITING, SLEEPING or FINISHED
//   ATTEMPTING  Resume(outcome)             SLEEPING or FINISHED; both permits are back first
//   SLEEPING    Resume, now >= until        as Start, one round on; earlier: the same action
//   WAITING     Resume, permit granted      ATTEMPTING, SLEEPING or FINISHED; queued: the same action
//   any         Abort                       FINISHED, nothing held
//
// A round ends in an attempt, in a refusal by the breaker (which may be slept over) or in a refusal by
// the bulkhead (final). Rounds are bounded by max_attempts, so an open breaker cannot hold a call for
// ever.
//
// Invariants: permits are held in ATTEMPTING only, a place in the queue in WAITING only. `until` never
// passes the deadline. Time never runs backwards: an earlier `now` is read as the latest one seen.
// Locking: none, one thread at a time. Memory: CallState, nothing else.
//
// The guards are a template parameter, so that the shell puts the real handles there and the model
// test naive ones. Guards has:
//   const CallRules& rules() const
//   hf_code BreakerAcquire(hf_time now, hf_permit*, hf_rejection*, hf_events*)   no breaker: OK
//   void BreakerRecord(hf_permit*, hf_verdict, hf_time now, hf_events*)
//   hf_code BulkheadEnter(hf_bulkhead_wait*, const hf_waker&, hf_time deadline, hf_time now,
//                         hf_permit*, hf_time* until, hf_rejection*)             no bulkhead: OK
//   hf_code BulkheadPoll(hf_bulkhead_wait*, hf_time now, hf_permit*, hf_rejection*)
//   void BulkheadLeave(hf_bulkhead_wait*, hf_time now)
//   void BulkheadRelease(hf_permit*, hf_time now)
//   bool BudgetCharge()                                                          no budget: true
//   void BudgetReward()
// Record and Release are called for a permit that is NONE as well, and do nothing then.
#ifndef HOLDFAST_ENGINE_CALL_H_
#define HOLDFAST_ENGINE_CALL_H_

#include <holdfast/c/call.h>

#include <algorithm>
#include <cstdint>

#include "engine/backoff.h"
#include "engine/call_state.h"
#include "engine/duration.h"
#include "engine/outcome.h"

namespace holdfast::engine {

// One step. Lives on the stack for its length.
template <class Guards>
class CallStep {
 public:
  CallStep(CallState& state, Guards& guards, hf_time now) : state_(state), guards_(guards) {
    state_.now = std::max(state_.now, now);
  }

  // Needs a fresh state with seed, waker and flags set. deadline 0: none.
  hf_action Start(hf_time deadline) {
    state_.deadline = std::min(deadline == 0 ? HF_INFINITE : deadline,
                               AddSaturating(state_.now, guards_.rules().timeout));
    return BeginRound();
  }

  // Needs CallAccepts(state, outcome).
  hf_action Resume(const hf_outcome* outcome) {
    switch (state_.phase) {
      case CallPhase::kAttempting:
        return OnOutcome(*outcome);
      case CallPhase::kWaiting:
        return OnWoken();
      default:
        return state_.now < state_.until ? PendingAction(state_) : BeginRound();
    }
  }

  void Abort() {
    if (state_.phase == CallPhase::kWaiting) guards_.BulkheadLeave(&state_.wait, state_.now);
    GiveBack(HF_VERDICT_IGNORED);
    state_.phase = CallPhase::kFinished;
  }

 private:
  hf_action BeginRound() {
    if (state_.now >= state_.deadline) return FinishByDeadline();
    ++state_.rounds;
    hf_rejection why{};
    if (!EnterBreaker(&why)) return OnBreakerRefusal(why);
    hf_time until = 0;
    const hf_code code = guards_.BulkheadEnter(&state_.wait, state_.waker, state_.deadline,
                                               state_.now, &state_.bulkhead_permit, &until, &why);
    if (code == HF_OK) return Attempt();
    // Neither a queue nor a refusal may keep a probe from others who could use it.
    GiveBack(HF_VERDICT_IGNORED);
    if (code != HF_UNAVAILABLE) return FinishRefused(why);
    events_ |= HF_EVENT_QUEUED;
    return Pend(CallPhase::kWaiting, until);
  }

  hf_action OnWoken() {
    hf_rejection why{};
    const hf_code code =
        guards_.BulkheadPoll(&state_.wait, state_.now, &state_.bulkhead_permit, &why);
    if (code == HF_UNAVAILABLE) return PendingAction(state_);
    if (code != HF_OK) return FinishRefused(why);
    if (state_.now >= state_.deadline) {
      GiveBack(HF_VERDICT_IGNORED);
      return FinishByDeadline();
    }
    if (EnterBreaker(&why)) return Attempt();
    GiveBack(HF_VERDICT_IGNORED);
    return OnBreakerRefusal(why);
  }

  hf_action OnOutcome(const hf_outcome& given) {
    const hf_outcome outcome = DeriveOutcome(given);
    const hf_verdict verdict = JudgeVerdict(given, outcome, state_.until, state_.now);
    if (state_.now > state_.until) events_ |= HF_EVENT_LATE_RESULT;
    GiveBack(verdict);
    state_.last_code = outcome.code;
    state_.last_retry_after = outcome.retry_after;
    if (outcome.code == HF_OK) {
      if (verdict != HF_VERDICT_IGNORED) guards_.BudgetReward();
      return Finish(HF_OK, HF_R_NONE, 0);
    }
    if (verdict == HF_VERDICT_IGNORED) return FinishFailed(HF_R_NOT_RETRYABLE);
    const hf_reason why_not = WhyNotAgain(outcome.effect, state_.flags);
    if (why_not != HF_R_NONE) return FinishFailed(why_not);
    return AfterRetryableFailure(outcome);
  }

  hf_action AfterRetryableFailure(const hf_outcome& outcome) {
    // What never left cost the dependency nothing.
    const bool allowed = outcome.effect == HF_EFFECT_NOT_STARTED || guards_.BudgetCharge();
    if (!RoundsLeft()) return FinishFailed(HF_R_ATTEMPTS_EXHAUSTED);
    if (!allowed) {
      events_ |= HF_EVENT_BUDGET_REFUSED;
      return FinishFailed(HF_R_BUDGET_EXHAUSTED);
    }
    const hf_duration delay = HonourRetryAfter(NextDelay(), outcome.retry_after);
    if (!FitsBeforeDeadline(delay)) return FinishFailed(HF_R_DEADLINE);
    return Pend(CallPhase::kSleeping, state_.now + delay);
  }

  hf_action OnBreakerRefusal(const hf_rejection& why) {
    if (!RoundsLeft()) return FinishRefused(why);
    const hf_duration delay = std::max(NextDelay(), why.retry_after);
    if (!FitsBeforeDeadline(delay)) return FinishRefused(why);
    return Pend(CallPhase::kSleeping, state_.now + delay);
  }

  bool EnterBreaker(hf_rejection* why) {
    return guards_.BreakerAcquire(state_.now, &state_.breaker_permit, why, &events_) == HF_OK;
  }

  void GiveBack(hf_verdict verdict) {
    guards_.BreakerRecord(&state_.breaker_permit, verdict, state_.now, &events_);
    guards_.BulkheadRelease(&state_.bulkhead_permit, state_.now);
  }

  bool RoundsLeft() const { return state_.rounds < guards_.rules().backoff.max_attempts; }

  hf_duration NextDelay() {
    state_.previous_delay =
        BackoffDelay(guards_.rules().backoff, state_.rounds, state_.previous_delay, state_.seed);
    return state_.previous_delay;
  }

  bool FitsBeforeDeadline(hf_duration delay) const {
    // A delay up to the very deadline leaves no time at all, whatever min_attempt_time says.
    return AddSaturating(state_.now, delay) < state_.deadline &&
           FitsDeadline(state_.now, delay, guards_.rules().backoff.min_attempt_time,
                        state_.deadline);
  }

  hf_action Attempt() {
    ++state_.attempts;
    return Pend(
        CallPhase::kAttempting,
        std::min(state_.deadline, AddSaturating(state_.now, guards_.rules().attempt_timeout)));
  }

  hf_action Pend(CallPhase phase, hf_time until) {
    state_.phase = phase;
    state_.until = until;
    hf_action action = PendingAction(state_);
    action.events = events_;
    return action;
  }

  hf_action FinishByDeadline() {
    return Finish(state_.attempts > 0 ? state_.last_code : HF_DEADLINE_EXCEEDED, HF_R_DEADLINE,
                  state_.last_retry_after);
  }

  hf_action FinishFailed(hf_reason reason) {
    return Finish(state_.last_code, reason, state_.last_retry_after);
  }

  hf_action FinishRefused(const hf_rejection& why) {
    return Finish(state_.attempts > 0 ? state_.last_code : why.code, why.reason, why.retry_after);
  }

  hf_action Finish(hf_code code, hf_reason reason, hf_duration retry_after) {
    state_.phase = CallPhase::kFinished;
    return hf_action{.kind = HF_DO_FINISH,
                     .code = code,
                     .reason = reason,
                     .attempt = state_.attempts,
                     .until = 0,
                     .retry_after = retry_after,
                     .events = events_,
                     .reserved0 = 0,
                     .reserved1 = {}};
  }

  CallState& state_;
  Guards& guards_;
  hf_events events_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_H_
