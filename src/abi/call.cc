// SPDX-License-Identifier: Apache-2.0
// The call session (c/call.h): engine/call.h over the real guards.
//
// The session holds one reference on its pipeline from start to finish, and is recognised by its first
// word (abi/session.h). An answer other than OK leaves it as it was, and *next says why: FINISH where
// nothing is under way, else the action that is still pending.
#include "engine/call.h"

#include <holdfast/c/call.h>

#include <algorithm>
#include <cstddef>
#include <new>

#include "abi/call_guards.h"
#include "abi/guard.h"
#include "abi/pipeline.h"
#include "abi/plain_guards.h"
#include "abi/session.h"
#include "engine/match.h"

namespace abi = holdfast::abi;
namespace engine = holdfast::engine;

namespace holdfast::abi {
template <>
inline constexpr uint32_t kFirstSize<hf_call_options> = offsetof(hf_call_options, retries) + 4;
}  // namespace holdfast::abi

namespace {

constexpr uint64_t kCallTag = 0x63616c6c73730001;
constexpr uint32_t kKnownFlags = HF_CALL_IDEMPOTENT | HF_CALL_BORROWED | HF_CALL_CURRENT_CONTEXT;

struct Session {
  explicit Session(hf_pipeline* of) : pipeline(of) {}

  uint64_t tag = 0;
  hf_pipeline* pipeline;
  engine::CallState state;
};
// A fifth of the published size stays free for guards to come.
static_assert(sizeof(Session) * 10 <= sizeof(hf_call) * 8);
static_assert(alignof(Session) <= alignof(hf_call));

// This call's allowance: its own, or what the layers above left if that is less.
uint32_t RetriesFor(uint32_t own, int32_t left) {
  if (left == 0) return own;
  return left < 0 ? 0 : std::min(own, static_cast<uint32_t>(left));
}

Session* Enter(hf_call* call) {
  if (call == nullptr || !abi::IsLive(call, kCallTag)) return nullptr;
  return std::launder(reinterpret_cast<Session*>(call));
}

void Close(hf_call* call, Session* session) {
  abi::MarkOver(call);
  if ((session->state.flags & HF_CALL_BORROWED) == 0) hf_pipeline_unref(session->pipeline);
}

// INVALID_ARGUMENT; *next is `pending`, with the reason.
hf_code Refuse(hf_action* next, hf_reason reason, hf_action pending) {
  pending.code = HF_INVALID_ARGUMENT;
  pending.reason = reason;
  *next = pending;
  return HF_INVALID_ARGUMENT;
}

// Calls take(step), with the step over the guards that the pipeline has.
template <typename Take>
auto WithStep(const hf_pipeline& pipeline, engine::CallState& state, hf_time now,
              const Take& take) {
  if (pipeline.is_plain) {
    abi::PlainGuards guards(pipeline, state);
    return take(engine::CallStep(state, guards, now));
  }
  abi::RealGuards guards(pipeline, state);
  return take(engine::CallStep(state, guards, now));
}

// *next is what `take` returns, made in place: copied, an action just written field by field would stall
// the processor, which costs as much as a permit.
template <typename Take>
void Answer(hf_action* next, const hf_pipeline& pipeline, engine::CallState& state, hf_time now,
            const Take& take) {
  ::new (static_cast<void*>(next)) hf_action(WithStep(pipeline, state, now, take));
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
  if (options->retries < HF_NO_RETRIES) return RefuseFinished(next, HF_R_OUT_OF_RANGE);
  if ((options->flags & ~kKnownFlags) != 0 || options->reserved0 != 0) {
    return RefuseFinished(next, HF_R_UNSUPPORTED_FIELD);
  }
  if (options->facts != nullptr && !engine::FactsAreValid(*options->facts)) {
    return RefuseFinished(next, HF_R_NULL_ARGUMENT);
  }
  if (pipeline->hedge != nullptr) return RefuseFinished(next, HF_R_HEDGE_UNSUPPORTED);
  Session* const session = ::new (static_cast<void*>(call)) Session(pipeline);
  engine::CallState& state = session->state;
  state.seed = options->seed;
  state.waker = options->waker;
  state.flags = options->flags;
  state.facts = options->facts;
  state.context = options->context;
  state.request = options->request;
  state.cost = options->cost != 0 ? options->cost : 1;
  const engine::CallLimits limits = pipeline->limits();
  state.attempt_timeout = limits.attempt_timeout;
  state.retries_left = RetriesFor(limits.tree_retries, options->retries);
  Answer(next, *pipeline, state, now,
         [&](auto step) { return step.Start(options->deadline, limits.timeout); });
  if (next->kind == HF_DO_FINISH) return HF_OK;
  if ((state.flags & HF_CALL_BORROWED) == 0) hf_pipeline_ref(pipeline);
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
    hf_action pending = engine::PendingAction(session->state);
    if (pending.kind == HF_DO_ATTEMPT) {
      pending.retries = abi::RealGuards(*session->pipeline, session->state).RetriesLeft();
    }
    return Refuse(next, WhyNotAccepted(session->state, outcome), pending);
  }
  Answer(next, *session->pipeline, session->state, now,
         [&](auto step) { return step.Resume(outcome); });
  if (next->kind == HF_DO_FINISH) Close(call, session);
  return HF_OK;
}

void hf_call_abort(hf_call* call, hf_time now) noexcept {
  Session* const session = Enter(call);
  if (session == nullptr) return;
  WithStep(*session->pipeline, session->state, now, [](auto step) { step.Abort(); });
  Close(call, session);
}
