// SPDX-License-Identifier: Apache-2.0
// c/outcome.h over engine/outcome.h.
#include "engine/outcome.h"

#include <holdfast/c/outcome.h>

hf_code hf_outcome_derive(hf_outcome* outcome) noexcept {
  if (outcome == nullptr || !holdfast::engine::OutcomeIsValid(*outcome)) return HF_INVALID_ARGUMENT;
  *outcome = holdfast::engine::DeriveOutcome(*outcome);
  return HF_OK;
}
