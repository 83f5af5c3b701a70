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

// By the table, for a code other than OK.
hf_verdict VerdictOfError(hf_code code);

// What a code says of health, unless more is known: `given` if it is not DERIVE.
inline hf_verdict DerivedVerdict(hf_code code, hf_verdict given) {
  if (given != HF_VERDICT_DERIVE) return given;
  return code == HF_OK ? HF_VERDICT_SUCCESS : VerdictOfError(code);
}

// The outcome with verdict and effect filled where they are DERIVE. Needs a valid outcome.
hf_outcome DeriveOutcome(const hf_outcome& outcome);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_OUTCOME_H_
