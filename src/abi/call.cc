// SPDX-License-Identifier: Apache-2.0
// The call session (c/call.h): engine/call.h over the real guards.
//
// The session holds one reference on its pipeline from start to finish, and is recognised by its first
// word (abi/session.h). An answer other than OK leaves it as it was, and *next says why: FINISH where
// nothing is under way, else the action that is still pending.
#include "engine/call.h"

#include <holdfast/c/call.h>

#include <new>

#include "abi/breaker.h"
#include "abi/bulkhead.h"
#include "abi/guard.h"
#include "abi/pipeline.h"
#include "abi/retry.h"
#include "abi/session.h"

namespace abi = holdfast::abi;
namespace engine = holdfast::engine;

namespace {

constexpr uint64_t kCallTag = 0x63616c6c73730001;
constexpr uint32_t kKnownFlags = HF_CALL_IDEMPOTENT;

struct Session {
  explicit Session(hf_pipeline* of) : pipeline(of) {}

  uint64_t tag = 0;
  hf_pipeline* pipeline;
  engine::CallState state;
};
// At least 40 % of the published size stays free for guards to come.
static_assert(sizeof(Session) * 10 <= sizeof(hf_call) * 6);
static_assert(alignof(Session) <= alignof(hf_call));

class RealGuards {
 public:
  explicit RealGuards(const hf_pipeline& pipeline) : pipeline_(pipeline) {}

  const engine::CallRules& rules() const { return pipeline_.rules; }

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

  hf_code BulkheadEnter(hf_bulkhead_wait* wait, const hf_waker& waker, hf_time deadline,
                        hf_time now, hf_permit* permit, hf_time* until, hf_rejection* why) {
    hf_bulkhead* const bulkhead = pipeline_.bulkhead;
    if (bulkhead == nullptr) return HF_OK;
    if (now < deadline && bulkhead->engine.TakeFree()) {  // needs no place in the queue
      permit->generation = bulkhead->identity;
      permit->kind = HF_PERMIT_NORMAL;
      return HF_OK;
    }
    const hf_time bound = deadline == HF_INFINITE ? 0 : deadline;
    return hf_bulkhead_wait_start(bulkhead, wait, &waker, bound, now, permit, until, why);
  }

  hf_code BulkheadPoll(hf_bulkhead_wait* wait, hf_time now, hf_permit* permit, hf_rejection* why) {
    return hf_bulkhead_wait_poll(pipeline_.bulkhead, wait, now, permit, why);
  }

  void BulkheadLeave(hf_bulkhead_wait* wait, hf_time now) {
    hf_bulkhead_wait_cancel(pipeline_.bulkhead, wait, now);
  }

  void BulkheadRelease(hf_permit* permit, hf_time now) {
    if (permit->kind == HF_PERMIT_NONE) return;
    permit->kind = HF_PERMIT_NONE;
    pipeline_.bulkhead->Release(now);
  }

  bool BudgetCharge() {
    return pipeline_.budget == nullptr || pipeline_.budget->tokens.OnFailure();
  }

  void BudgetReward() {
    if (pipeline_.budget != nullptr) pipeline_.budget->tokens.OnSuccess();
  }

 private:
  const hf_pipeline& pipeline_;
};

using Step = engine::CallStep<RealGuards>;

Session* Enter(hf_call* call) {
  if (call == nullptr || !abi::IsLive(call, kCallTag)) return nullptr;
  return std::launder(reinterpret_cast<Session*>(call));
}

void Close(hf_call* call, Session* session) {
  abi::MarkOver(call);
  hf_pipeline_unref(session->pipeline);
}

// INVALID_ARGUMENT; *next is `pending`, with the reason.
hf_code Refuse(hf_action* next, hf_reason reason, hf_action pending) {
  pending.code = HF_INVALID_ARGUMENT;
  pending.reason = reason;
  *next = pending;
  return HF_INVALID_ARGUMENT;
}

// *next is what `step` returns, made in place: copied, an action just written field by field would
// stall the processor, which costs as much as a permit.
template <typename MakeStep>
void Answer(hf_action* next, const MakeStep& step) {
  ::new (static_cast<void*>(next)) hf_action(step());
}

hf_reason WhyNotAccepted(const engine::CallState& state, const hf_outcome* outcome) {
  if (outcome == nullptr) return HF_R_NULL_ARGUMENT;
  return state.phase == engine::CallPhase::kAttempting ? HF_R_OUT_OF_RANGE : HF_R_BAD_STATE;
}

hf_code RefuseFinished(hf_action* next, hf_reason reason) {
  hf_action finish{};
  finish.kind = HF_DO_FINISH;
  return Refuse(next, reason, finish);
}

}  // namespace

hf_code hf_call_start(hf_call* call, hf_pipeline* pipeline, const hf_call_options* options,
                      hf_time now, hf_action* next) noexcept {
  if (call != nullptr) abi::MarkOver(call);
  if (next == nullptr) return HF_INVALID_ARGUMENT;
  if (call == nullptr || pipeline == nullptr || options == nullptr) {
    return RefuseFinished(next, HF_R_NULL_ARGUMENT);
  }
  // The layout of today's callers needs no copy; any other is brought to it.
  hf_call_options copied;
  if (options->struct_size != sizeof(hf_call_options) || options->abi_level != HF_ABI_LEVEL) {
    hf_error error;
    if (abi::CopyIn(options, &copied, &error) != HF_OK) return RefuseFinished(next, error.reason);
    options = &copied;
  }
  if (options->seed == 0) return RefuseFinished(next, HF_R_ZERO_SEED);
  if (now < 0 || options->deadline < 0) return RefuseFinished(next, HF_R_OUT_OF_RANGE);
  if ((options->flags & ~kKnownFlags) != 0 || options->reserved0 != 0) {
    return RefuseFinished(next, HF_R_UNSUPPORTED_FIELD);
  }
  Session* const session = ::new (static_cast<void*>(call)) Session(pipeline);
  engine::CallState& state = session->state;
  state.seed = options->seed;
  state.waker = options->waker;
  state.flags = options->flags;
  RealGuards guards(*pipeline);
  Answer(next, [&] { return Step(state, guards, now).Start(options->deadline); });
  if (next->kind == HF_DO_FINISH) return HF_OK;
  hf_pipeline_ref(pipeline);
  abi::MarkLive(call, kCallTag);
  return HF_OK;
}

hf_code hf_call_resume(hf_call* call, const hf_outcome* outcome, hf_time now,
                       hf_action* next) noexcept {
  if (next == nullptr) return HF_INVALID_ARGUMENT;
  Session* const session = Enter(call);
  if (session == nullptr) {
    return RefuseFinished(next, call == nullptr ? HF_R_NULL_ARGUMENT : HF_R_BAD_STATE);
  }
  if (!engine::CallAccepts(session->state, outcome)) {
    return Refuse(next, WhyNotAccepted(session->state, outcome),
                  engine::PendingAction(session->state));
  }
  RealGuards guards(*session->pipeline);
  Answer(next, [&] { return Step(session->state, guards, now).Resume(outcome); });
  if (next->kind == HF_DO_FINISH) Close(call, session);
  return HF_OK;
}

void hf_call_abort(hf_call* call, hf_time now) noexcept {
  Session* const session = Enter(call);
  if (session == nullptr) return;
  RealGuards guards(*session->pipeline);
  Step(session->state, guards, now).Abort();
  Close(call, session);
}
