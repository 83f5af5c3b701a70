// SPDX-License-Identifier: Apache-2.0
// A guarded call as a pure machine: (state, event, now) -> (state, action). c/call.h is its contract.
//
//   gates, in order     before the call: kill switch, deadline, rate limit, bulkhead
//                       before each attempt: deadline, kill switch, breaker, throttle, rate limit,
//                       bulkhead, injected fault
//                       after a wait for a rate limit or a bulkhead: deadline, kill switch, breaker
//
//   phase       event                       next
//   FINISHED    Start                       ATTEMPTING, PACING, WAITING, SLEEPING, DELAYED or FINISHED
//   PACING      Resume, now >= until        the gates behind the rate limit; earlier: the same action
//   WAITING     Resume, permit granted      the gates behind the bulkhead; queued: the same action
//   DELAYED     Resume, now >= until        ATTEMPTING, or as an outcome that came too late
//   ATTEMPTING  Resume(outcome)             SLEEPING or FINISHED; both permits are back first
//   SLEEPING    Resume, now >= until        the gates before an attempt, one round on
//   any         Abort                       FINISHED, nothing held
//
// A round ends in an attempt, in a refusal by the breaker (which may be slept over) or in a refusal by
// another guard (final). Rounds are bounded by max_attempts, so an open breaker cannot hold a call for
// ever. Who waits behind a breaker gives its permit back and asks again after, so that no probe is held up
// by a queue.
//
// Invariants: an attempt's permits are held in ATTEMPTING and DELAYED only, a reservation in PACING and
// WAITING only, a place in a queue in WAITING only; the call's own permit until FINISHED. `until` never
// passes the deadline. Time never runs backwards: an earlier `now` is read as the latest one seen.
// Locking: none, one thread at a time. Memory: CallState, nothing else.
#ifndef HOLDFAST_ENGINE_CALL_H_
#define HOLDFAST_ENGINE_CALL_H_

#include <holdfast/c/call.h>

#include <algorithm>
#include <cstdint>

#include "engine/call_again.h"
#include "engine/call_guards.h"
#include "engine/call_hold.h"
#include "engine/call_state.h"
#include "engine/duration.h"
#include "engine/outcome.h"

namespace holdfast::engine {

// One step. Lives on the stack for its length.
template <CallGuards Guards>
class CallStep : private CallAgain<Guards> {
  using Hold = CallHold<Guards>;
  using Again = CallAgain<Guards>;
  using Hold::events_;
  using Hold::guards_;
  using Hold::state_;

 public:
  CallStep(CallState& state, Guards& guards, hf_time now) : Again(state, guards) {
    state_.now = std::max(state_.now, now);
  }

  // Needs a fresh state with attempt_timeout, seed, waker, flags and the like set. deadline 0: none.
  hf_action Start(hf_time deadline, hf_duration timeout) {
    state_.started = state_.now;
    state_.deadline =
        std::min(deadline == 0 ? HF_INFINITE : deadline, AddSaturating(state_.now, timeout));
    if (hf_rejection why{}; !guards_.Allows(state_.now, &why)) return FinishRefused(why);
    if (state_.now >= state_.deadline) return FinishByDeadline();
    return Pace<CallLevel::kCall>();
  }

  // Needs CallAccepts(state, outcome).
  hf_action Resume(const hf_outcome* outcome) {
    switch (state_.phase) {
      case CallPhase::kAttempting:
        return OnOutcome(state_.fault == 0 ? *outcome : state_.injection.outcome);
      case CallPhase::kWaiting:
        return OnWoken();
      default:
        return state_.now < state_.until ? PendingAction(state_) : OnTime();
    }
  }

  void Abort() {
    if (state_.phase == CallPhase::kWaiting) {
      guards_.BulkheadLeave(state_.level, state_, state_.now);
    }
    Hold::Release();
    state_.phase = CallPhase::kFinished;
  }

 private:
  using Again::AfterRetryableFailure;
  using Again::NoteRetriedBelow;
  using Again::OnBreakerRefusal;
  using Hold::Finish;
  using Hold::FinishByDeadline;
  using Hold::FinishFailed;
  using Hold::FinishRefused;
  using Hold::GiveBackAttempt;
  using Hold::GiveBackBreaker;
  using Hold::Pend;
  using Hold::PermitOf;

  // --- the gates ------------------------------------------------------------------------------------
  hf_action BeginRound() {
    if (state_.now >= state_.deadline) return FinishByDeadline();
    hf_rejection why{};
    if (state_.rounds > 0 && !guards_.Allows(state_.now, &why)) return FinishRefused(why);
    ++state_.rounds;
    if (!EnterBreaker(&why)) return OnBreakerRefusal(why);
    if (!guards_.ThrottleAdmits(state_.seed + state_.rounds, state_.now, &why)) {
      return FinishRefused(why);
    }
    return Pace<CallLevel::kAttempt>();
  }

  template <CallLevel level>
  hf_action Pace() {
    hf_rejection why{};
    hf_time until = 0;
    state_.level = level;
    const hf_code code =
        guards_.LimiterTake(level, &state_.reservation, state_.deadline, state_.now, &until, &why);
    if (code == HF_OK) return Crowd<level>();
    if (code != HF_UNAVAILABLE) return FinishRefused(why);
    GiveBackBreaker();
    return Pend(CallPhase::kPacing, until);
  }

  template <CallLevel level>
  hf_action Crowd() {
    hf_rejection why{};
    hf_time until = 0;
    const hf_code code =
        guards_.BulkheadEnter(level, state_, state_.now, PermitOf(level), &until, &why);
    if (code == HF_OK) return Behind<level>();
    if (code != HF_UNAVAILABLE) return FinishRefused(why);
    GiveBackBreaker();
    events_ |= HF_EVENT_QUEUED;
    return Pend(CallPhase::kWaiting, until);
  }

  // All gates of the level are passed.
  template <CallLevel level>
  hf_action Behind() {
    state_.reservation.cost = 0;
    if constexpr (level == CallLevel::kCall) return BeginRound();
    return Launch();
  }

  hf_action OnTime() {
    if (state_.phase == CallPhase::kSleeping) return BeginRound();
    if (state_.phase == CallPhase::kDelayed) return AfterDelay();
    if (state_.now >= state_.deadline) return FinishByDeadline();
    hf_rejection why{};
    if (!StillAllows(&why)) return FinishRefused(why);
    if (state_.level == CallLevel::kCall) return Crowd<CallLevel::kCall>();
    return EnterBreaker(&why) ? Crowd<CallLevel::kAttempt>() : OnBreakerRefusal(why);
  }

  hf_action OnWoken() {
    hf_rejection why{};
    const hf_code code =
        guards_.BulkheadPoll(state_.level, state_, state_.now, PermitOf(state_.level), &why);
    if (code == HF_UNAVAILABLE) return PendingAction(state_);
    if (code != HF_OK) return FinishRefused(why);
    if (state_.now >= state_.deadline) return FinishByDeadline();
    if (!StillAllows(&why)) return FinishRefused(why);
    if (state_.level == CallLevel::kCall) return Behind<CallLevel::kCall>();
    return EnterBreaker(&why) ? Behind<CallLevel::kAttempt>() : OnBreakerRefusal(why);
  }

  // A kill switch may have been thrown during a wait.
  bool StillAllows(hf_rejection* why) { return guards_.Allows(state_.now, why); }

  bool EnterBreaker(hf_rejection* why) {
    return guards_.BreakerAcquire(state_.now, &state_.breaker_permit, why, &events_) == HF_OK;
  }

  // --- the attempt ----------------------------------------------------------------------------------
  hf_action Launch() {
    ++state_.attempts;
    state_.attempt_started = state_.now;
    state_.attempt_until =
        std::min(state_.deadline, AddSaturating(state_.now, state_.attempt_timeout));
    return guards_.FaultDraw(state_, state_.now) ? Inject() : Attempt();
  }

  hf_action Attempt() {
    hf_action action = Pend(CallPhase::kAttempting, state_.attempt_until);
    action.retries = guards_.RetriesLeft();
    return action;
  }

  [[gnu::cold]] hf_action Inject() {
    events_ |= HF_EVENT_FAULT;
    if (state_.injection.until <= state_.now) return AfterDelay();
    return Pend(CallPhase::kDelayed, std::min(state_.injection.until, state_.attempt_until));
  }

  [[gnu::cold]] hf_action AfterDelay() {
    guards_.FaultDone(&state_.fault_ticket, state_.now);
    if (state_.now >= state_.attempt_until) {
      hf_outcome too_late{};
      too_late.code = HF_DEADLINE_EXCEEDED;
      too_late.effect = HF_EFFECT_NOT_STARTED;
      return OnOutcome(too_late);
    }
    if (state_.injection.kind == Injection::Kind::kOutcome) {
      return OnOutcome(state_.injection.outcome);
    }
    if (state_.injection.kind == Injection::Kind::kResult) state_.fault = state_.injection.result;
    return Attempt();
  }

  // Reads the outcome field by field: a copy of what was just written in parts would stall.
  hf_action OnOutcome(const hf_outcome& given) {
    const hf_verdict verdict = JudgeVerdict(given, state_.attempt_until, state_.now);
    if (state_.now > state_.attempt_until) events_ |= HF_EVENT_LATE_RESULT;
    GiveBackAttempt(verdict);
    guards_.ThrottleRecord(verdict, state_.now);
    guards_.LimiterLearn(given.code, state_.now);
    state_.last_code = given.code;
    if (given.retried != 0) NoteRetriedBelow(given.retried);
    if (given.code != HF_OK) return OnFailure(given, verdict);
    if (verdict != HF_VERDICT_IGNORED) guards_.BudgetReward();
    return Finish(HF_OK, HF_R_NONE, 0, verdict);
  }

  [[gnu::noinline]] hf_action OnFailure(const hf_outcome& given, hf_verdict verdict) {
    hf_outcome outcome = given;
    if (given.effect == HF_EFFECT_DERIVE) outcome.effect = guards_.EffectAfter(given.code);
    outcome = DeriveOutcome(outcome);
    state_.last_retry_after = outcome.retry_after;
    if (verdict == HF_VERDICT_IGNORED) return FinishFailed(HF_R_NOT_RETRYABLE);
    const hf_reason why_not = WhyNotAgain(outcome.effect, state_.flags);
    if (why_not != HF_R_NONE) {
      return FinishFailed(outcome.retry_after == HF_INFINITE ? HF_R_PUSHED_BACK : why_not);
    }
    return AfterRetryableFailure(outcome);
  }
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_H_
