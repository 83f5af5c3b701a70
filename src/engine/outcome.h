// SPDX-License-Identifier: Apache-2.0
// What a code says about an attempt, one table for all drivers:
//
//   codes                                                              verdict   effect
//   OK                                                                 success   final
//   CANCELLED                                                          ignored   ambiguous
//   INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED
//   FAILED_PRECONDITION OUT_OF_RANGE UNIMPLEMENTED UNAUTHENTICATED     success   final
//   ABORTED                                                            success   retryable
//   RESOURCE_EXHAUSTED                                                 failure   retryable
//   UNKNOWN DEADLINE_EXCEEDED INTERNAL UNAVAILABLE DATA_LOSS           failure   ambiguous
//
// Invariant: a derived effect is never NOT_STARTED; only the driver can know that.
#ifndef HOLDFAST_ENGINE_OUTCOME_H_
#define HOLDFAST_ENGINE_OUTCOME_H_

#include <holdfast/c/outcome.h>

#include <array>
#include <cstddef>

namespace holdfast::engine {

// Every field within its set, retry_after not negative. DERIVE is within the sets.
inline bool OutcomeIsValid(const hf_outcome& outcome) {
  const auto is_within = [](int32_t value, uint32_t highest) {
    return static_cast<uint32_t>(value) <= highest;
  };
  return is_within(outcome.code, HF_UNAUTHENTICATED) &&
         is_within(outcome.verdict, HF_VERDICT_IGNORED) &&
         is_within(outcome.effect, HF_EFFECT_NOT_STARTED) && outcome.retry_after >= 0;
}

// What follows from a code alone.
struct Derived {
  hf_verdict verdict;
  hf_effect effect;
};

inline constexpr Derived kAnswered = {HF_VERDICT_SUCCESS, HF_EFFECT_FINAL};
inline constexpr Derived kUnclear = {HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS};

// Indexed by code.
inline constexpr std::array<Derived, HF_UNAUTHENTICATED + 1> kDerivedByCode = {{
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

// What a code says of health, unless more is known: `given` if it is not DERIVE.
inline hf_verdict DerivedVerdict(hf_code code, hf_verdict given) {
  return given != HF_VERDICT_DERIVE ? given : kDerivedByCode[static_cast<size_t>(code)].verdict;
}

// The outcome with verdict and effect filled where they are DERIVE. Needs a valid outcome.
// Inline: returned through memory, its fields would be read back wider than they were written, which waits.
inline hf_outcome DeriveOutcome(const hf_outcome& outcome) {
  const Derived& derived = kDerivedByCode[static_cast<size_t>(outcome.code)];
  hf_outcome result = outcome;
  if (result.verdict == HF_VERDICT_DERIVE) result.verdict = derived.verdict;
  if (result.effect == HF_EFFECT_DERIVE) result.effect = derived.effect;
  return result;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_OUTCOME_H_
