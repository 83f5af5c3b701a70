// SPDX-License-Identifier: Apache-2.0
// The decisions of a call that need no guard.
#include "engine/call_state.h"

#include "engine/outcome.h"

namespace holdfast::engine {

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

}  // namespace holdfast::engine
