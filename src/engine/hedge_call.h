// SPDX-License-Identifier: Apache-2.0
// A hedged call as a pure machine: (state, event, now) -> (state, action). c/hedge.h is its contract.
//
//   event                     in flight after it       what follows
//   Start                     {1}, or nothing          ATTEMPT 1, or FINISH refused
//   success of n              nothing                  FINISH n
//   final or ignored, of n    nothing                  FINISH n
//   failure of n              without n                due now, or after retry_after; not paid again
//   n's own timeout           without n                as a failure; n is cut off
//   hedge_at                  and attempts + 1         ATTEMPT, next one due after `delay`; or stopped
//   the deadline              nothing                  FINISH; what was due later than it was too late
//   a report of one cut off   the same                 the same
//   Abort                     nothing                  -
//
// After each of them: what is due is sent; with nothing in flight and nothing due before the deadline the
// call is over, at once. So whoever refuses an attempt can never leave a call waiting for nothing.
//
// Invariants: once stopped, no attempt follows. Time never runs backwards. What is in flight, and the
//   verdicts it ends with, are the flight's (engine/hedge_flight.h).
// Locking: none, one thread at a time. Memory: HedgeCallState, nothing else.
//
// The policy is Hedge (engine/hedge.h). The guards are a template parameter; Guards has:
//   CallLimits limits() const                               of which timeout and attempt_timeout count
//   hf_code Enter(hf_time now, HedgePermits*, hf_rejection*, hf_events*)
//                         all permits at once, or none of them; never waits
//   void Leave(HedgePermits*, hf_verdict, hf_time now, hf_events*)
//   void LeaveUnused(HedgePermits*, hf_time now, hf_events*)   in the step of Enter: no attempt is made
//   bool BudgetCharge()   one failure; true: an attempt may follow      no budget: true
//   bool BudgetHedge()    one hedge, charged only if true               no budget: true
//   void BudgetReward()
#ifndef HOLDFAST_ENGINE_HEDGE_CALL_H_
#define HOLDFAST_ENGINE_HEDGE_CALL_H_

#include <holdfast/c/hedge.h>

#include <algorithm>
#include <cstdint>

#include "engine/backoff.h"
#include "engine/call_state.h"
#include "engine/duration.h"
#include "engine/hedge.h"
#include "engine/hedge_flight.h"
#include "engine/hedge_state.h"
#include "engine/outcome.h"

namespace holdfast::engine {

// One step. Lives on the stack for its length.
template <class Policy, class Guards>
class HedgeStep {
 public:
  HedgeStep(HedgeCallState& state, Policy& policy, Guards& guards, hf_time now)
      : state_(state), policy_(policy), guards_(guards), flight_(state, policy, guards) {
    state_.now = std::max(state_.now, now);
  }

  // Needs a fresh state with flags set. deadline 0: none.
  hf_hedge_action Start(hf_time deadline) {
    state_.deadline = std::min(deadline == 0 ? HF_INFINITE : deadline,
                               AddSaturating(state_.now, guards_.limits().timeout));
    if (state_.now >= state_.deadline) return Finish(HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0, 0);
    hf_rejection why{};
    if (!flight_.Enter(&why)) return Finish(why.code, why.reason, why.retry_after, 0);
    const HedgeTerms terms = policy_.BeginCall(state_.now);
    state_.delay = terms.delay;
    // What may not be done twice is not hedged.
    state_.max_attempts = (state_.flags & HF_CALL_IDEMPOTENT) != 0 ? terms.max_attempts : 1;
    return Send();
  }

  hf_hedge_action OnTime() { return Next(); }

  // Needs HedgeCallAwaits(state, attempt) and a valid outcome.
  hf_hedge_action OnOutcome(uint32_t attempt, const hf_outcome& given) {
    if (flight_.IsCutOff(attempt)) {
      flight_.Forget(attempt);
      return Next();
    }
    const hf_outcome outcome = DeriveOutcome(given);
    const hf_verdict verdict = flight_.Land(attempt, given, outcome);
    if (outcome.code == HF_OK) {
      if (verdict != HF_VERDICT_IGNORED) guards_.BudgetReward();
      if (attempt > 1) policy_.NoteWon();
      return Finish(HF_OK, HF_R_NONE, 0, attempt);
    }
    Remember(outcome.code, outcome.retry_after, attempt);
    if (verdict == HF_VERDICT_IGNORED || outcome.effect == HF_EFFECT_FINAL) {
      return FinishFailed(HF_R_NOT_RETRYABLE);
    }
    AfterFailure(outcome.effect, outcome.retry_after);
    return Next();
  }

  void Abort() { flight_.Abandon(); }

 private:
  // What is to be done now.
  hf_hedge_action Next() {
    if (state_.now >= state_.deadline) return FinishByDeadline();
    CutOffTheLate();
    if (MayFollow() && state_.now >= state_.hedge_at && Enter()) return Send();
    if (state_.in_flight != 0) return Wait();
    if (!MayFollow()) return FinishStopped();
    // Only a peer's pushback leaves nothing in flight and an attempt to come.
    return state_.hedge_at < state_.deadline ? Wait() : FinishFailed(HF_R_DEADLINE);
  }

  // --- sending ----------------------------------------------------------------------------------------
  bool MayFollow() const {
    return state_.stop_reason == HF_R_NONE && state_.attempts < state_.max_attempts;
  }

  // True: the next attempt holds its permits and is paid for. False: stopped.
  bool Enter() {
    if (TimeUntil(state_.deadline, state_.now) < policy_.Expected()) {
      return Stop(HedgeRefusal::kTooLate, HF_R_DEADLINE, 0);
    }
    if (!policy_.cap().Take()) return Stop(HedgeRefusal::kCap, HF_R_RATE_LIMITED, 0);
    hf_rejection why{};
    if (!flight_.Enter(&why)) {
      policy_.cap().Return();
      return Stop(HedgeRefusal::kGuard, why.reason, why.retry_after);
    }
    // Last, because the budget takes nothing back.
    if (!state_.is_paid && !guards_.BudgetHedge()) {
      flight_.LeaveAgain();
      policy_.cap().Return();
      return StopByBudget();
    }
    policy_.NoteSent(state_.attempts + 1, state_.now);
    return true;
  }

  // The permits are in their place.
  hf_hedge_action Send() {
    const hf_time until = flight_.Launch();
    state_.is_paid = false;
    state_.hedge_at = MayFollow() ? AddSaturating(state_.now, state_.delay) : HF_INFINITE;
    hf_hedge_action action = Answer(HF_DO_ATTEMPT);
    action.attempt = state_.attempts;
    action.until = until == HF_INFINITE ? 0 : until;
    return action;
  }

  // No attempt is to follow.
  bool Stop(HedgeRefusal refusal, hf_reason reason, hf_duration retry_after) {
    if (!MayFollow()) return false;
    policy_.NoteRefused(refusal, reason, state_.attempts + 1, state_.now);
    state_.stop_reason = reason;
    state_.stop_retry_after = retry_after;
    state_.hedge_at = HF_INFINITE;
    return false;
  }

  bool StopByBudget() {
    if (MayFollow()) flight_.Tell(HF_EVENT_BUDGET_REFUSED);
    return Stop(HedgeRefusal::kBudget, HF_R_BUDGET_EXHAUSTED, 0);
  }

  // --- failures ---------------------------------------------------------------------------------------
  void Remember(hf_code code, hf_duration retry_after, uint32_t attempt) {
    state_.last_code = code;
    state_.last_retry_after = retry_after;
    state_.last_attempt = attempt;
  }

  void AfterFailure(hf_effect effect, hf_duration retry_after) {
    if (WhyNotAgain(effect, state_.flags) != HF_R_NONE) return;  // it was the only attempt
    // What never left cost the dependency nothing.
    const bool allowed = effect == HF_EFFECT_NOT_STARTED || guards_.BudgetCharge();
    if (retry_after > kRetryAfterAllowance) {
      Stop(HedgeRefusal::kPushedBack, HF_R_PUSHED_BACK, retry_after);
    } else if (!allowed) {
      StopByBudget();
    }
    state_.not_before = std::max(state_.not_before, AddSaturating(state_.now, retry_after));
    if (!MayFollow()) return;
    state_.is_paid = true;
    state_.hedge_at = std::max(state_.now, state_.not_before);
  }

  void CutOffTheLate() {
    for (uint32_t late = flight_.Late(); late != 0; late &= late - 1) {
      flight_.CutOff(OldestOf(late));
      Remember(HF_DEADLINE_EXCEEDED, 0, 0);
      AfterFailure(HF_EFFECT_AMBIGUOUS, 0);
    }
  }

  // --- the end of the call ----------------------------------------------------------------------------
  hf_hedge_action FinishByDeadline() {
    if (MayFollow() && state_.hedge_at != HF_INFINITE) {
      policy_.NoteRefused(HedgeRefusal::kTooLate, HF_R_DEADLINE, state_.attempts + 1, state_.now);
    }
    const hf_code code = state_.last_code == HF_OK ? HF_DEADLINE_EXCEEDED : state_.last_code;
    flight_.CancelAll(HF_VERDICT_FAILURE);
    return Finish(code, HF_R_DEADLINE, state_.last_retry_after, state_.last_attempt);
  }

  hf_hedge_action FinishStopped() {
    if (state_.stop_reason == HF_R_NONE) {
      const bool once = (state_.flags & HF_CALL_IDEMPOTENT) == 0;
      return FinishFailed(once ? HF_R_NOT_IDEMPOTENT : HF_R_ATTEMPTS_EXHAUSTED);
    }
    const hf_duration retry_after = std::max(state_.stop_retry_after, state_.last_retry_after);
    return Finish(state_.last_code, state_.stop_reason, retry_after, state_.last_attempt);
  }

  hf_hedge_action FinishFailed(hf_reason reason) {
    return Finish(state_.last_code, reason, state_.last_retry_after, state_.last_attempt);
  }

  hf_hedge_action Finish(hf_code code, hf_reason reason, hf_duration retry_after,
                         uint32_t attempt) {
    flight_.CancelAll(HF_VERDICT_IGNORED);
    hf_hedge_action action = Answer(HF_DO_FINISH);
    action.code = code;
    action.reason = reason;
    action.attempt = attempt;
    action.retry_after = retry_after;
    return action;
  }

  hf_hedge_action Wait() {
    hf_hedge_action action = PendingHedgeAction(state_);
    action.cancel = flight_.cancelled();
    action.events = flight_.events();
    return action;
  }

  hf_hedge_action Answer(hf_do kind) const {
    hf_hedge_action action{};
    action.kind = kind;
    action.attempts = state_.attempts;
    action.cancel = flight_.cancelled();
    action.events = flight_.events();
    return action;
  }

  HedgeCallState& state_;
  Policy& policy_;
  Guards& guards_;
  HedgeFlight<Policy, Guards> flight_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEDGE_CALL_H_
