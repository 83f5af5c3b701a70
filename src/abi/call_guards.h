// SPDX-License-Identifier: Apache-2.0
// The real guards of a call: engine/call_guards.h over the handles of a pipeline.
#ifndef HOLDFAST_ABI_CALL_GUARDS_H_
#define HOLDFAST_ABI_CALL_GUARDS_H_

#include <holdfast/c/call.h>

#include <cstdint>

#include "abi/breaker.h"
#include "abi/bulkhead.h"
#include "abi/context.h"
#include "abi/pipeline.h"
#include "abi/retry.h"
#include "engine/call_guards.h"

namespace holdfast::abi {

class RealGuards {
 public:
  RealGuards(const hf_pipeline& pipeline, const engine::CallState& state)
      : pipeline_(pipeline), state_(state) {}

  engine::CallLimits limits() const { return pipeline_.limits(); }
  engine::BackoffPolicy RetryPolicyAfter(hf_code code) const {
    return pipeline_.RetryPolicyAfter(code);
  }
  hf_effect EffectAfter(hf_code code) const { return pipeline_.EffectAfter(code); }

  bool Allows(hf_time, hf_rejection*) { return true; }

  hf_code BreakerAcquire(hf_time now, hf_permit* permit, hf_rejection* why, hf_events* events) {
    if (pipeline_.breaker == nullptr) return HF_OK;
    const engine::Admission admission = pipeline_.breaker->machine.Acquire(now);
    permit->generation = admission.permit.generation;
    permit->kind = admission.permit.kind;
    permit->stamp = admission.permit.stamp;
    *events |= admission.events;
    if (admission.why.code != HF_OK) *why = admission.why;
    return admission.why.code;
  }

  void BreakerRecord(hf_permit* permit, hf_verdict verdict, hf_time now, hf_events* events) {
    if (permit->kind == HF_PERMIT_NONE) return;
    *events |= pipeline_.breaker->machine.Record(*permit, verdict, now).events;
    permit->kind = HF_PERMIT_NONE;
  }

  bool ThrottleAdmits(uint64_t, hf_time, hf_rejection*) { return true; }
  void ThrottleRecord(hf_verdict, hf_time) {}

  hf_code LimiterTake(engine::CallLevel, engine::CallReservation*, hf_time, hf_time, hf_time*,
                      hf_rejection*) {
    return HF_OK;
  }
  void LimiterCancel(engine::CallLevel, engine::CallReservation*, hf_time) {}
  void LimiterLearn(const hf_outcome&, hf_time) {}

  hf_code BulkheadEnter(engine::CallLevel level, engine::CallState& state, hf_time now,
                        hf_permit* permit, hf_time* until, hf_rejection* why) {
    hf_bulkhead* const bulkhead = BulkheadOf(level);
    if (bulkhead == nullptr) return HF_OK;
    if (now < state.deadline && bulkhead->engine.TakeFree()) {  // needs no place in the queue
      permit->generation = bulkhead->identity;
      permit->kind = HF_PERMIT_NORMAL;
      return HF_OK;
    }
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

  void BulkheadSettle(engine::CallLevel level, hf_permit* permit, hf_time, hf_verdict,
                      hf_time now) {
    if (permit->kind == HF_PERMIT_NONE) return;
    permit->kind = HF_PERMIT_NONE;
    BulkheadOf(level)->Release(now);
  }

  engine::Fault FaultDraw(engine::CallState&, hf_time) { return {}; }
  void FaultDone(uint64_t*, hf_time) {}

  bool BudgetCharge(hf_time) {
    return pipeline_.budget == nullptr || pipeline_.budget->tokens.OnFailure();
  }
  void BudgetReward() {
    if (pipeline_.budget != nullptr) pipeline_.budget->tokens.OnSuccess();
  }

  // The context's where it was told how many there are, else this call's own.
  bool TakeRetry(uint32_t* left) {
    hf_context* const context = Context();
    const bool told = context != nullptr && context->ledger->retries_told;
    if (!told) {
      if (*left == 0) return false;
      --*left;
    }
    return context == nullptr || context->TakeRetry();
  }

  void NoteRetried(uint32_t* left, uint32_t count) {
    *left -= std::min(*left, count);
    if (hf_context* const context = Context(); context != nullptr) context->NoteRetried(count);
  }

  uint32_t RetriesLeft() const {
    if (state_.context == nullptr || !state_.context->ledger->retries_told) {
      return state_.retries_left;
    }
    return static_cast<uint32_t>(std::max(0, state_.context->ledger->retries_left.load()));
  }

 private:
  hf_context* Context() const {
    if (state_.context != nullptr) return state_.context;
    return (state_.flags & HF_CALL_CURRENT_CONTEXT) != 0 ? hf_context_current() : nullptr;
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
