// SPDX-License-Identifier: Apache-2.0
// The attempts of a hedged call that are in flight, what they hold, and what they leave behind.
//
//   attempt     event                        next        verdict to the guards   learnt, of attempt 1
//   -           Enter, Launch                IN FLIGHT   -                       -
//   IN FLIGHT   Land, with its outcome       landed      the outcome's           its latency, if it answered
//   IN FLIGHT   Land, with a timeout         landed      FAILURE                 its age
//   IN FLIGHT   CutOff, its time is up       CUT OFF     FAILURE                 its age
//   IN FLIGHT   CancelAll                    landed      IGNORED, or the         its age
//                                                        oldest's as given
//   CUT OFF     Forget, it reports at last   landed      -                       -
//
// An age is less than the latency would have been. A loser's is at least the delay, which is as good
// (engine/hedge.h). One that ran out of time may be younger, and is learnt all the same: without it the
// slow ones would be missing as soon as the delay is beyond the deadline.
//
// Invariants: an attempt holds permits exactly while it is in flight. Of those that are cancelled together
//   one at most counts: a call that was slow once is not counted once for each hedge.
// Locking: none. Memory: HedgeCallState. Guards: see engine/hedge_call.h.
#ifndef HOLDFAST_ENGINE_HEDGE_FLIGHT_H_
#define HOLDFAST_ENGINE_HEDGE_FLIGHT_H_

#include <holdfast/c/hedge.h>

#include <algorithm>
#include <cstdint>

#include "engine/call_state.h"
#include "engine/duration.h"
#include "engine/hedge_state.h"

namespace holdfast::engine {

template <class Policy, class Guards>
class HedgeFlight {
 public:
  HedgeFlight(HedgeCallState& state, Policy& policy, Guards& guards)
      : state_(state), policy_(policy), guards_(guards) {}

  // What this step has cancelled and changed.
  uint32_t cancelled() const { return cancelled_; }
  hf_events events() const { return events_; }
  void Tell(hf_events events) { events_ |= events; }

  // The next attempt's permits; false: refused, and nothing is held.
  bool Enter(hf_rejection* why) {
    return guards_.Enter(state_.now, &Next().permits, why, &events_) == HF_OK;
  }
  // Entered, and not to be launched after all.
  void LeaveAgain() { guards_.LeaveUnused(&Next().permits, state_.now, &events_); }
  // Needs Enter. Returns when it is to be over.
  hf_time Launch() {
    HedgeAttempt& attempt = Next();
    attempt.started = state_.now;
    attempt.until =
        std::min(state_.deadline, AddSaturating(state_.now, guards_.limits().attempt_timeout));
    ++state_.attempts;
    state_.in_flight |= AttemptBit(state_.attempts);
    return attempt.until;
  }

  // The verdict that its outcome came to.
  hf_verdict Land(uint32_t number, const hf_outcome& given, const hf_outcome& derived) {
    const HedgeAttempt& attempt = state_.made[number - 1];
    const hf_verdict verdict = JudgeVerdict(given, attempt.until, state_.now);
    if (state_.now > attempt.until) events_ |= HF_EVENT_LATE_RESULT;
    const bool ran_out = verdict == HF_VERDICT_FAILURE && state_.now >= attempt.until;
    const bool tells = number == 1 && (IsAnswer(derived.verdict) || ran_out);
    if (tells) policy_.Learn(Age(number), state_.now);
    GiveBack(number, verdict);
    return verdict;
  }

  // Those in flight whose own time is up.
  uint32_t Late() const {
    uint32_t late = 0;
    for (uint32_t left = state_.in_flight; left != 0; left &= left - 1) {
      const uint32_t number = OldestOf(left);
      if (state_.now >= state_.made[number - 1].until) late |= AttemptBit(number);
    }
    return late;
  }
  void CutOff(uint32_t number) {
    LearnAge(number);
    GiveBack(number, HF_VERDICT_FAILURE);
    state_.cut_off |= AttemptBit(number);
    cancelled_ |= AttemptBit(number);
  }
  bool IsCutOff(uint32_t number) const { return (state_.cut_off & AttemptBit(number)) != 0; }
  void Forget(uint32_t number) {
    state_.cut_off &= ~AttemptBit(number);
    events_ |= HF_EVENT_LATE_RESULT;
  }

  void CancelAll(hf_verdict of_the_oldest) {
    cancelled_ |= state_.in_flight;
    hf_verdict verdict = of_the_oldest;
    while (state_.in_flight != 0) {
      const uint32_t number = OldestOf(state_.in_flight);
      LearnAge(number);
      GiveBack(number, verdict);
      verdict = HF_VERDICT_IGNORED;
    }
  }

  // As CancelAll, by the caller's own wish, which says nothing of the dependency.
  void Abandon() {
    while (state_.in_flight != 0) GiveBack(OldestOf(state_.in_flight), HF_VERDICT_IGNORED);
  }

 private:
  HedgeAttempt& Next() { return state_.made[state_.attempts]; }
  hf_duration Age(uint32_t number) const { return state_.now - state_.made[number - 1].started; }

  static bool IsAnswer(hf_verdict verdict) {
    return verdict == HF_VERDICT_SUCCESS || verdict == HF_VERDICT_SLOW;
  }

  void LearnAge(uint32_t number) {
    if (number == 1) policy_.Learn(Age(number), state_.now);
  }

  void GiveBack(uint32_t number, hf_verdict verdict) {
    state_.in_flight &= ~AttemptBit(number);
    guards_.Leave(&state_.made[number - 1].permits, verdict, state_.now, &events_);
  }

  HedgeCallState& state_;
  Policy& policy_;
  Guards& guards_;
  uint32_t cancelled_ = 0;
  hf_events events_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEDGE_FLIGHT_H_
