// SPDX-License-Identifier: Apache-2.0
// The decisions of a call that need no guard.
#include "engine/call_state.h"

#include "engine/outcome.h"

namespace holdfast::engine {

hf_verdict JudgeVerdict(const hf_outcome& given, const hf_outcome& derived, hf_time until,
                        hf_time now) {
  if (given.verdict == HF_VERDICT_IGNORED) return HF_VERDICT_IGNORED;
  if (now > until) return HF_VERDICT_FAILURE;
  // Cooperative work that sees its time run out answers CANCELLED at that very moment: the
  // dependency was too slow, whoever spoke first.
  if (now == until && derived.verdict == HF_VERDICT_IGNORED) return HF_VERDICT_FAILURE;
  return derived.verdict;
}

hf_reason WhyNotAgain(hf_effect effect, uint32_t flags) {
  switch (effect) {
    case HF_EFFECT_RETRYABLE:
    case HF_EFFECT_NOT_STARTED:
      return HF_R_NONE;
    case HF_EFFECT_AMBIGUOUS:
      return (flags & HF_CALL_IDEMPOTENT) != 0 ? HF_R_NONE : HF_R_NOT_IDEMPOTENT;
    default:
      return HF_R_NOT_RETRYABLE;
  }
}

bool CallAccepts(const CallState& state, const hf_outcome* outcome) {
  if (state.phase != CallPhase::kAttempting) return outcome == nullptr;
  return outcome != nullptr && OutcomeIsValid(*outcome);
}

hf_action PendingAction(const CallState& state) {
  hf_action action{};
  action.attempt = state.attempts;
  action.until = state.until == HF_INFINITE ? 0 : state.until;
  switch (state.phase) {
    case CallPhase::kAttempting:
      action.kind = HF_DO_ATTEMPT;
      break;
    case CallPhase::kSleeping:
      action.kind = HF_DO_SLEEP;
      break;
    default:
      action.kind = HF_DO_WAIT;
      break;
  }
  return action;
}

}  // namespace holdfast::engine
