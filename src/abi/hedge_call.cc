// SPDX-License-Identifier: Apache-2.0
// The hedged call session (c/hedge.h): engine/hedge_call.h over the real guards.
//
// The session holds one reference on its policy and one on its pipeline from start to finish, and is
// recognised by its first word (abi/session.h). An answer other than OK leaves it as it was, and *next
// says why: FINISH where nothing is under way, else what is still pending.
#include "engine/hedge_call.h"

#include <holdfast/c/hedge.h>

#include <new>

#include "abi/breaker.h"
#include "abi/bulkhead.h"
#include "abi/guard.h"
#include "abi/hedge.h"
#include "abi/kill_switch.h"
#include "abi/limiter.h"
#include "abi/pipeline.h"
#include "abi/retry.h"
#include "abi/session.h"

namespace abi = holdfast::abi;
namespace engine = holdfast::engine;

namespace {

constexpr uint64_t kHedgeCallTag = 0x6865646765730001;
constexpr uint32_t kKnownFlags = HF_CALL_IDEMPOTENT;

struct Session {
  Session(hf_hedge* of, hf_pipeline* through) : hedge(of), pipeline(through) {}

  uint64_t tag = 0;
  const hf_facts* facts = nullptr;
  hf_hedge* hedge;
  hf_pipeline* pipeline;  // nullable
  engine::HedgeCallState state;
};
// At least 40 % of the published size stays free for guards to come.
static_assert(sizeof(Session) * 10 <= sizeof(hf_hedge_call) * 6);
static_assert(alignof(Session) <= alignof(hf_hedge_call));

class RealGuards {
 public:
  RealGuards(const hf_pipeline* pipeline, const hf_facts* facts)
      : facts_(facts),
        limits_(pipeline == nullptr ? engine::CallLimits{} : pipeline->limits()),
        budget_(pipeline == nullptr ? nullptr : pipeline->budget.get()),
        breaker_(pipeline == nullptr ? nullptr : pipeline->breaker.get()),
        bulkhead_(pipeline == nullptr ? nullptr : pipeline->bulkhead.get()),
        kill_switch_(pipeline == nullptr ? nullptr : pipeline->kill_switch.get()),
        limiter_(pipeline == nullptr ? nullptr : pipeline->limiter.get()) {}

  const engine::CallLimits& limits() const { return limits_; }

  hf_code Enter(hf_time now, engine::HedgePermits* permits, hf_rejection* why, hf_events* events) {
    *permits = engine::HedgePermits{};
    constexpr hf_facts kUnknown{};
    const hf_facts& facts = facts_ != nullptr ? *facts_ : kUnknown;
    if (kill_switch_ != nullptr && kill_switch_->engine.Check(facts, now, why) != HF_OK) {
      return why->code;
    }
    if (breaker_ != nullptr) {
      const engine::Admission admission = breaker_->Acquire(now);
      *events |= admission.events;
      if (admission.why.code != HF_OK) {
        *why = admission.why;
        return why->code;
      }
      permits->breaker = admission.permit;
    }
    hf_code code = Pay(now, why);
    if (code == HF_OK && bulkhead_ != nullptr) {
      code = hf_bulkhead_try_acquire(bulkhead_, now, &permits->bulkhead, why);
      if (code != HF_OK) Refund(now);
    }
    // A refusal must not keep a probe from others who could use it.
    if (code != HF_OK) Leave(permits, HF_VERDICT_IGNORED, now, events);
    return code;
  }

  void Leave(engine::HedgePermits* permits, hf_verdict verdict, hf_time now, hf_events* events) {
    if (permits->breaker.kind != HF_PERMIT_NONE) {
      *events |= breaker_->Record(permits->breaker, verdict, now).events;
      permits->breaker.kind = HF_PERMIT_NONE;
    }
    if (permits->bulkhead.kind != HF_PERMIT_NONE) {
      hf_bulkhead_release(bulkhead_, &permits->bulkhead, now);
    }
  }

  // Of the attempt that was entered last, which is not made.
  void LeaveUnused(engine::HedgePermits* permits, hf_time now, hf_events* events) {
    Refund(now);
    Leave(permits, HF_VERDICT_IGNORED, now, events);
  }

  bool BudgetCharge() { return budget_ == nullptr || budget_->tokens.OnFailure(); }

  // A retry is charged for the failure that was. A hedge has none to be charged for, so one that is
  // refused costs nothing: the question comes before the charge, whose own answer decides.
  bool BudgetHedge() {
    if (budget_ == nullptr) return true;
    const engine::MilliTokens left = budget_->tokens.Tokens();
    const engine::MilliTokens max = budget_->tokens.policy().max;
    return 2 * left > max + 2 * engine::kOneToken && budget_->tokens.OnFailure();
  }

  void BudgetReward() {
    if (budget_ != nullptr) budget_->tokens.OnSuccess();
  }

 private:
  // One token, now or not at all.
  hf_code Pay(hf_time now, hf_rejection* why) {
    if (limiter_ == nullptr) return HF_OK;
    if (limiter_->engine.Take(1, now, now, &paid_) == engine::LimiterAnswer::kGranted) return HF_OK;
    *why = {HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED,
            paid_.at == HF_INFINITE ? HF_INFINITE : paid_.at - now};
    return why->code;
  }
  void Refund(hf_time now) {
    if (limiter_ != nullptr) limiter_->engine.Cancel(paid_, now);
  }

  const hf_facts* const facts_;  // nullable
  const engine::CallLimits limits_;
  engine::Ticket paid_;      // for the attempt that was entered last
  hf_budget* const budget_;  // each nullable
  hf_breaker* const breaker_;
  hf_bulkhead* const bulkhead_;
  hf_kill_switch* const kill_switch_;
  hf_limiter* const limiter_;
};

using Policy = engine::Hedge<abi::AtomicCells>;
using Step = engine::HedgeStep<Policy, RealGuards>;

Session* Enter(hf_hedge_call* call) {
  if (call == nullptr || !abi::IsLive(call, kHedgeCallTag)) return nullptr;
  return std::launder(reinterpret_cast<Session*>(call));
}

void Close(hf_hedge_call* call, Session* session) {
  abi::MarkOver(call);
  hf_pipeline_unref(session->pipeline);
  hf_hedge_unref(session->hedge);
}

// Whether it has a guard that a hedged call has no place for. A retry policy has no say, and does no harm.
bool HasOtherGuards(const hf_pipeline& pipeline) {
  return pipeline.throttle != nullptr || pipeline.fault != nullptr ||
         pipeline.call_limiter != nullptr || pipeline.call_bulkhead != nullptr;
}

hf_code Refuse(hf_hedge_action* next, hf_reason reason) {
  next->code = HF_INVALID_ARGUMENT;
  next->reason = reason;
  return HF_INVALID_ARGUMENT;
}

hf_code RefuseFinished(hf_hedge_action* next, hf_reason reason) {
  *next = hf_hedge_action{};
  next->kind = HF_DO_FINISH;
  return Refuse(next, reason);
}

// HF_R_NONE if the session takes this report.
hf_reason WhyNotAccepted(const engine::HedgeCallState& state, uint32_t attempt,
                         const hf_outcome* outcome) {
  if (outcome == nullptr) return HF_R_NULL_ARGUMENT;
  if (!engine::HedgeCallAwaits(state, attempt)) return HF_R_BAD_STATE;
  return engine::OutcomeIsValid(*outcome) ? HF_R_NONE : HF_R_OUT_OF_RANGE;
}

hf_code RefuseUnknown(const hf_hedge_call* call, hf_hedge_action* next) {
  return RefuseFinished(next, call == nullptr ? HF_R_NULL_ARGUMENT : HF_R_BAD_STATE);
}

// *next is what `step` returns, made in place (see abi/call.cc).
template <typename MakeStep>
hf_code Answer(hf_hedge_call* call, Session* session, hf_time now, hf_hedge_action* next,
               const MakeStep& make_step) {
  RealGuards guards(session->pipeline, session->facts);
  Step step(session->state, session->hedge->engine, guards, now);
  ::new (static_cast<void*>(next)) hf_hedge_action(make_step(step));
  if (next->kind == HF_DO_FINISH) Close(call, session);
  return HF_OK;
}

}  // namespace

hf_code hf_hedge_call_start(hf_hedge_call* call, hf_hedge* hedge, hf_pipeline* pipeline,
                            const hf_hedge_call_options* options, hf_time now,
                            hf_hedge_action* next) noexcept {
  if (call != nullptr) abi::MarkOver(call);
  if (next == nullptr) return HF_INVALID_ARGUMENT;
  if (hedge == nullptr && pipeline != nullptr) hedge = pipeline->hedge;
  if (call == nullptr || hedge == nullptr || options == nullptr) {
    return RefuseFinished(next, HF_R_NULL_ARGUMENT);
  }
  hf_hedge_call_options given;
  hf_error error;
  if (abi::CopyIn(options, &given, &error) != HF_OK) return RefuseFinished(next, error.reason);
  if (now < 0 || given.deadline < 0) return RefuseFinished(next, HF_R_OUT_OF_RANGE);
  if ((given.flags & ~kKnownFlags) != 0 || given.reserved0 != 0) {
    return RefuseFinished(next, HF_R_UNSUPPORTED_FIELD);
  }
  if (given.facts != nullptr && !engine::FactsAreValid(*given.facts)) {
    return RefuseFinished(next, HF_R_NULL_ARGUMENT);
  }
  if (pipeline != nullptr && HasOtherGuards(*pipeline)) {
    return RefuseFinished(next, HF_R_BAD_OPTIONS);
  }
  Session* const session = ::new (static_cast<void*>(call)) Session(hedge, pipeline);
  session->state.flags = given.flags;
  session->facts = given.facts;
  hf_hedge_ref(hedge);
  hf_pipeline_ref(pipeline);
  abi::MarkLive(call, kHedgeCallTag);
  return Answer(call, session, now, next, [&](Step& step) { return step.Start(given.deadline); });
}

hf_code hf_hedge_call_on_outcome(hf_hedge_call* call, uint32_t attempt, const hf_outcome* outcome,
                                 hf_time now, hf_hedge_action* next) noexcept {
  if (next == nullptr) return HF_INVALID_ARGUMENT;
  Session* const session = Enter(call);
  if (session == nullptr) return RefuseUnknown(call, next);
  const hf_reason why_not = WhyNotAccepted(session->state, attempt, outcome);
  if (why_not != HF_R_NONE) {
    *next = engine::PendingHedgeAction(session->state);
    return Refuse(next, why_not);
  }
  return Answer(call, session, now, next,
                [&](Step& step) { return step.OnOutcome(attempt, *outcome); });
}

hf_code hf_hedge_call_on_time(hf_hedge_call* call, hf_time now, hf_hedge_action* next) noexcept {
  if (next == nullptr) return HF_INVALID_ARGUMENT;
  Session* const session = Enter(call);
  if (session == nullptr) return RefuseUnknown(call, next);
  return Answer(call, session, now, next, [](Step& step) { return step.OnTime(); });
}

void hf_hedge_call_abort(hf_hedge_call* call, hf_time now) noexcept {
  Session* const session = Enter(call);
  if (session == nullptr) return;
  RealGuards guards(session->pipeline, session->facts);
  Step(session->state, session->hedge->engine, guards, now).Abort();
  Close(call, session);
}
