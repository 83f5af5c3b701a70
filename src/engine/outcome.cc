// SPDX-License-Identifier: Apache-2.0
#include "engine/outcome.h"

namespace holdfast::engine {
namespace {

bool Within(int32_t value, int32_t lowest, int32_t highest) {
  return value >= lowest && value <= highest;
}

}  // namespace

bool OutcomeIsValid(const hf_outcome& outcome) {
  return Within(outcome.code, HF_OK, HF_UNAUTHENTICATED) &&
         Within(outcome.verdict, HF_VERDICT_DERIVE, HF_VERDICT_IGNORED) &&
         Within(outcome.effect, HF_EFFECT_DERIVE, HF_EFFECT_NOT_STARTED) &&
         outcome.retry_after >= 0;
}

}  // namespace holdfast::engine
