// SPDX-License-Identifier: Apache-2.0
#include "engine/outcome.h"

#include <array>
#include <cstddef>

namespace holdfast::engine {
namespace {

struct Derived {
  hf_verdict verdict;
  hf_effect effect;
};

constexpr Derived kAnswered = {HF_VERDICT_SUCCESS, HF_EFFECT_FINAL};
constexpr Derived kUnclear = {HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS};

// Indexed by code.
constexpr std::array<Derived, HF_UNAUTHENTICATED + 1> kByCode = {{
    kAnswered,                                  // OK
    {HF_VERDICT_IGNORED, HF_EFFECT_AMBIGUOUS},  // CANCELLED
    kUnclear,                                   // UNKNOWN
    kAnswered,                                  // INVALID_ARGUMENT
    kUnclear,                                   // DEADLINE_EXCEEDED
    kAnswered,                                  // NOT_FOUND
    kAnswered,                                  // ALREADY_EXISTS
    kAnswered,                                  // PERMISSION_DENIED
    {HF_VERDICT_FAILURE, HF_EFFECT_RETRYABLE},  // RESOURCE_EXHAUSTED
    kAnswered,                                  // FAILED_PRECONDITION
    {HF_VERDICT_SUCCESS, HF_EFFECT_RETRYABLE},  // ABORTED
    kAnswered,                                  // OUT_OF_RANGE
    kAnswered,                                  // UNIMPLEMENTED
    kUnclear,                                   // INTERNAL
    kUnclear,                                   // UNAVAILABLE
    kUnclear,                                   // DATA_LOSS
    kAnswered,                                  // UNAUTHENTICATED
}};

}  // namespace

hf_verdict VerdictOfError(hf_code code) { return kByCode[static_cast<size_t>(code)].verdict; }

hf_outcome DeriveOutcome(const hf_outcome& outcome) {
  const Derived& derived = kByCode[static_cast<size_t>(outcome.code)];
  hf_outcome result = outcome;
  if (result.verdict == HF_VERDICT_DERIVE) result.verdict = derived.verdict;
  if (result.effect == HF_EFFECT_DERIVE) result.effect = derived.effect;
  return result;
}

}  // namespace holdfast::engine
