// SPDX-License-Identifier: Apache-2.0
// What a guarded call asks of its guards. They are a template parameter of the machine, so that the shell
// puts the real handles there (abi/call_guards.h) and the model test naive ones.
//
//   question                            answers
//   Allows(now, &why)                   false: a kill switch is on
//   BreakerAcquire(now, &permit, ...)   OK, or the refusal's code
//   ThrottleAdmits(seed, now, &why)     false: left alone by chance
//   LimiterTake(level, ..., &at, &why)  OK; UNAVAILABLE: reserved, go on at `at`; or the refusal's code
//   BulkheadEnter(level, ...)           OK; UNAVAILABLE: queued until `until`; or the refusal's code
//   BulkheadPoll(level, ...)            the same
//   FaultDraw(&state, now)              true: state.injection is to be put into this attempt
//   BudgetCharge(now), BudgetReward()   true: a retry is allowed
//   TakeRetry(&left)                    true: the layers above and below leave one to this one
//   RetriesLeft()                       for the layers below
//
// A guard that the pipeline does not have answers OK. What gives back (Record, Settle, Cancel, Done) is
// also called for what is not held, and does nothing then.
#ifndef HOLDFAST_ENGINE_CALL_GUARDS_H_
#define HOLDFAST_ENGINE_CALL_GUARDS_H_

#include <holdfast/c/call.h>

#include <concepts>
#include <cstdint>

#include "engine/call_state.h"

namespace holdfast::engine {

template <class G>
concept CallGuards =
    requires(G g, CallState& state, CallLevel level, hf_permit* permit, hf_rejection* why,
             hf_events* events, hf_time now, hf_time* until, hf_verdict verdict) {
      { g.RetryPolicyAfter(hf_code{}) } -> std::same_as<BackoffPolicy>;
      { g.EffectAfter(hf_code{}) } -> std::same_as<hf_effect>;
      { g.Allows(now, why) } -> std::same_as<bool>;
      { g.BreakerAcquire(now, permit, why, events) } -> std::same_as<hf_code>;
      g.BreakerRecord(permit, verdict, now, events);
      { g.ThrottleAdmits(uint64_t{}, now, why) } -> std::same_as<bool>;
      g.ThrottleRecord(verdict, now);
      { g.LimiterTake(level, &state.reservation, now, now, until, why) } -> std::same_as<hf_code>;
      g.LimiterCancel(level, &state.reservation, now);
      g.LimiterLearn(hf_code{}, now);
      { g.BulkheadEnter(level, state, now, permit, until, why) } -> std::same_as<hf_code>;
      { g.BulkheadPoll(level, state, now, permit, why) } -> std::same_as<hf_code>;
      g.BulkheadLeave(level, state, now);
      g.BulkheadSettle(level, permit, now, verdict, now);
      { g.FaultDraw(state, now) } -> std::same_as<bool>;
      g.FaultDone(&state.fault_ticket, now);
      { g.BudgetCharge(now) } -> std::same_as<bool>;
      g.BudgetReward();
      { g.TakeRetry(&state.retries_left) } -> std::same_as<bool>;
      g.NoteRetried(&state.retries_left, uint32_t{});
      { g.RetriesLeft() } -> std::same_as<uint32_t>;
    };

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CALL_GUARDS_H_
