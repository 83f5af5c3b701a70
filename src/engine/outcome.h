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
bool OutcomeIsValid(const hf_outcome& outcome);

// The outcome with verdict and effect filled where they are DERIVE. Needs a valid outcome.
hf_outcome DeriveOutcome(const hf_outcome& outcome);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_OUTCOME_H_
