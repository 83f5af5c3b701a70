// SPDX-License-Identifier: Apache-2.0
// The real guards of a call: engine/call_guards.h over the handles of a pipeline.
#ifndef HOLDFAST_ABI_CALL_GUARDS_H_
#define HOLDFAST_ABI_CALL_GUARDS_H_

#include <holdfast/c/call.h>

#include <algorithm>
#include <cstdint>

#include "abi/breaker.h"
#include "abi/bulkhead.h"
#include "abi/context.h"
#include "abi/fault.h"
#include "abi/kill_switch.h"
#include "abi/limiter.h"
#include "abi/pipeline.h"
#include "abi/retry.h"
#include "abi/throttle.h"
#include "engine/call_guards.h"

namespace holdfast::abi {

class RealGuards {
 public:
  RealGuards(const hf_pipeline& pipeline, const engine::CallState& state)
      : pipeline_(pipeline), state_(state) {}

  engine::BackoffPolicy RetryPolicyAfter(hf_code code) const {
    return pipeline_.RetryPolicyAfter(code);
  }
  hf_effect EffectAfter(hf_code code) const { return pipeline_.EffectAfter(code); }

  bool Allows(hf_time now, hf_rejection* why) {
    if (pipeline_.kill_switch == nullptr) return true;
    return pipeline_.kill_switch->engine.Check(Facts(), now, why) == HF_OK;
  }

  hf_code BreakerAcquire(hf_time now, hf_permit* permit, hf_rejection* why, hf_events* events) {
    if (pipeline_.breaker == nullptr) return HF_OK;
    const engine::Admission admission = pipeline_.breaker->Acquire(now);
    permit->generation = admission.permit.generation;
    permit->kind = admission.permit.kind;
    permit->stamp = admission.permit.stamp;
    *events |= admission.events;
    if (admission.why.code != HF_OK) *why = admission.why;
    return admission.why.code;
  }

  void BreakerRecord(hf_permit* permit, hf_verdict verdict, hf_time now, hf_events* events) {
    if (permit->kind == HF_PERMIT_NONE) return;
    const hf_events changed = pipeline_.breaker->Record(*permit, verdict, now).events;
    permit->kind = HF_PERMIT_NONE;
    if (changed == 0) [[likely]] {
      return;
    }
    *events |= changed;
    // Faults that go so far have gone too far.
    if ((changed & HF_EVENT_BREAKER_OPENED) != 0 && pipeline_.fault != nullptr) {
      pipeline_.fault->engine.Stop(HF_R_BREAKER_OPEN, now);
    }
  }

  bool ThrottleAdmits(uint64_t seed, hf_time now, hf_rejection* why) {
    if (pipeline_.throttle == nullptr) return true;
    *why = pipeline_.throttle->Admit(seed, now);
    return why->code == HF_OK;
  }
  void ThrottleRecord(hf_verdict verdict, hf_time now) {
    if (pipeline_.throttle != nullptr) pipeline_.throttle->Record(verdict, now);
  }

  hf_code LimiterTake(engine::CallLevel level, engine::CallReservation* reservation,
                      hf_time deadline, hf_time now, hf_time* until, hf_rejection* why) {
    hf_limiter* const limiter = LimiterOf(level);
    if (limiter == nullptr) return HF_OK;
    engine::Ticket ticket;
    const engine::LimiterAnswer answer = limiter->engine.Take(state_.cost, deadline, now, &ticket);
    if (answer == engine::LimiterAnswer::kLimited || answer == engine::LimiterAnswer::kTooDear) {
      const hf_duration after = ticket.at == HF_INFINITE ? HF_INFINITE : ticket.at - now;
      *why = {HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, after};
      return why->code;
    }
    *reservation = {ticket.position, ticket.at, ticket.cost};
    *until = ticket.at;
    return answer == engine::LimiterAnswer::kGranted ? HF_OK : HF_UNAVAILABLE;
  }
  void LimiterCancel(engine::CallLevel level, engine::CallReservation* reservation, hf_time now) {
    if (reservation->cost == 0) return;
    LimiterOf(level)->engine.Cancel({reservation->position, reservation->at, reservation->cost},
                                    now);
    reservation->cost = 0;
  }
  void LimiterLearn(hf_code code, hf_time now) {
    if (pipeline_.limiter == nullptr) return;
    pipeline_.limiter->engine.OnOutcome(code == HF_RESOURCE_EXHAUSTED, now);
  }

  hf_code BulkheadEnter(engine::CallLevel level, engine::CallState& state, hf_time now,
                        hf_permit* permit, hf_time* until, hf_rejection* why) {
    hf_bulkhead* const bulkhead = BulkheadOf(level);
    if (bulkhead == nullptr) return HF_OK;
    if (state.request != nullptr)
      return EnterAs(*state.request, bulkhead, state, now, permit, until, why);
    if (now < state.deadline && bulkhead->TakeFree(now, permit)) return HF_OK;  // needs no place
    const hf_time bound = state.deadline == HF_INFINITE ? 0 : state.deadline;
    return hf_bulkhead_wait_start(bulkhead, &state.wait, &state.waker, bound, now, permit, until,
                                  why);
  }

  hf_code BulkheadPoll(engine::CallLevel level, engine::CallState& state, hf_time now,
                       hf_permit* permit, hf_rejection* why) {
    return hf_bulkhead_wait_poll(BulkheadOf(level), &state.wait, now, permit, why);
  }

  void BulkheadLeave(engine::CallLevel level, engine::CallState& state, hf_time now) {
    hf_bulkhead_wait_cancel(BulkheadOf(level), &state.wait, now);
  }

  void BulkheadSettle(engine::CallLevel level, hf_permit* permit, hf_time started,
                      hf_verdict verdict, hf_time now) {
    if (permit->kind == HF_PERMIT_NONE) return;
    permit->kind = HF_PERMIT_NONE;
    BulkheadOf(level)->Settle(permit->stamp, started, verdict, now);
  }

  bool FaultDraw(engine::CallState& state, hf_time now) {
    return pipeline_.fault != nullptr && DrawFault(state, now);
  }
  void FaultDone(uint64_t* ticket, hf_time) {
    if (*ticket == 0) return;
    hf_fault_decision decision{};
    decision.ticket = *ticket;
    pipeline_.fault->engine.Done(&decision);
    *ticket = 0;
  }

  bool BudgetCharge(hf_time) {
    return pipeline_.budget == nullptr || pipeline_.budget->tokens.OnFailure();
  }
  void BudgetReward() {
    if (pipeline_.budget != nullptr) pipeline_.budget->tokens.OnSuccess();
  }

  // One of this call's own, and one of the context's where that was told how many there are: whatever the
  // layers above allow, this one and those below it stay within the policy of this one.
  bool TakeRetry(uint32_t* left) {
    if (*left == 0) return false;
    hf_context* const context = Context();
    if (context != nullptr && !context->TakeRetry()) return false;
    --*left;
    return true;
  }

  void NoteRetried(uint32_t* left, uint32_t count) {
    *left -= std::min(*left, count);
    if (hf_context* const context = Context(); context != nullptr) context->NoteRetried(count);
  }

  uint32_t RetriesLeft() const {
    const hf_context* const context = Context();
    if (context == nullptr || !context->ledger->retries_told) return state_.retries_left;
    const int32_t told = std::max(0, context->ledger->retries_left.load());
    return std::min(state_.retries_left, static_cast<uint32_t>(told));
  }

 private:
  // The caller's request may be of another size: what is passed on is of today's.
  [[gnu::noinline]] static hf_code EnterAs(const hf_bulkhead_request& given, hf_bulkhead* bulkhead,
                                           engine::CallState& state, hf_time now, hf_permit* permit,
                                           hf_time* until, hf_rejection* why) {
    hf_bulkhead_request request;
    hf_error error;
    if (const hf_code code = CopyIn(&given, &request, &error); code != HF_OK) {
      return Reject(why, code, error.reason);
    }
    request.struct_size = sizeof(request);
    request.deadline = state.deadline == HF_INFINITE ? 0 : state.deadline;
    return hf_bulkhead_acquire(bulkhead, &request, &state.wait, &state.waker, now, permit, until,
                               why);
  }

  [[gnu::noinline]] bool DrawFault(engine::CallState& state, hf_time now) {
    using Kind = engine::Injection::Kind;
    hf_fault_decision drawn{};
    if (!pipeline_.fault->engine.Draw(state.seed, state.attempts, Facts(), now, &drawn)) {
      return false;
    }
    state.fault_ticket = drawn.ticket;
    state.injection.until = drawn.delay_until;
    state.injection.outcome = drawn.outcome;
    state.injection.result = drawn.result;
    state.injection.kind = drawn.kind == HF_FAULT_ERROR    ? Kind::kOutcome
                           : drawn.kind == HF_FAULT_RESULT ? Kind::kResult
                                                           : Kind::kDelay;
    return true;
  }

  const hf_facts& Facts() const {
    static constexpr hf_facts kNone{};
    return state_.facts != nullptr ? *state_.facts : kNone;
  }

  hf_context* Context() const {
    if (state_.context != nullptr) return state_.context;
    return (state_.flags & HF_CALL_CURRENT_CONTEXT) != 0 ? hf_context_current() : nullptr;
  }

  hf_limiter* LimiterOf(engine::CallLevel level) const {
    return level == engine::CallLevel::kCall ? pipeline_.call_limiter : pipeline_.limiter;
  }

  hf_bulkhead* BulkheadOf(engine::CallLevel level) const {
    return level == engine::CallLevel::kCall ? pipeline_.call_bulkhead : pipeline_.bulkhead;
  }

  const hf_pipeline& pipeline_;
  const engine::CallState& state_;
};
static_assert(engine::CallGuards<RealGuards>);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_CALL_GUARDS_H_
