/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt did: a verdict for breakers, and an effect for retries and stores.
 *
 * The two are different questions. A refused card is a healthy dependency (success) with a final
 * effect. A reset after the bytes were sent is a failure, with an ambiguous effect: it may have
 * happened. Only the driver knows more than the code does; where it does not, leave the fields 0 and
 * the library derives them from the code, by one table for all drivers (docs/primitives/outcome.md).
 */
#ifndef HOLDFAST_C_OUTCOME_H_
#define HOLDFAST_C_OUTCOME_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

/* The verdict, for the health of the dependency. */
typedef int32_t hf_verdict;
#define HF_VERDICT_DERIVE 0  /* from the code */
#define HF_VERDICT_SUCCESS 1 /* it answered as it should, even if the answer is no */
#define HF_VERDICT_FAILURE 2
#define HF_VERDICT_SLOW \
  3 /* it answered, too late to be healthy; counts as success until a breaker asks */
#define HF_VERDICT_IGNORED \
  4 /* says nothing about health (caller cancelled): permits are refunded */

/* The effect, for whether it may be done again. */
typedef int32_t hf_effect;
#define HF_EFFECT_DERIVE 0      /* from the code */
#define HF_EFFECT_FINAL 1       /* it happened, or is refused for good: replay it, do not retry */
#define HF_EFFECT_RETRYABLE 2   /* it did not happen, and may later: 429 received, deadlock */
#define HF_EFFECT_AMBIGUOUS 3   /* it may have happened: timeout after sending, process death */
#define HF_EFFECT_NOT_STARTED 4 /* it never left, or the peer proved that it never began */

/* Fixed layout. */
typedef struct hf_outcome {
  hf_code code;
  hf_verdict verdict;
  hf_effect effect;
  uint32_t retried; /* by the layers below, for this attempt: they count against this call's own */
  hf_duration
      retry_after; /* what the peer asked for; 0: nothing; HF_INFINITE: not to be tried again.
                            * Clamped, see retry.h */
} hf_outcome;

/* Fills verdict and effect from the code where they are DERIVE.
 * Contract: code | verdict | effect: OK | success | final. CANCELLED | ignored | ambiguous.
 *   INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED FAILED_PRECONDITION OUT_OF_RANGE
 *   UNIMPLEMENTED UNAUTHENTICATED | success | final. ABORTED | success | retryable.
 *   RESOURCE_EXHAUSTED | failure | retryable. UNKNOWN DEADLINE_EXCEEDED INTERNAL UNAVAILABLE DATA_LOSS |
 *   failure | ambiguous.
 * Ownership: writes *outcome. Threads: any. Errors: INVALID_ARGUMENT for a code, verdict or effect
 *   outside its set or a negative retry_after; then *outcome is as it was. Since: 0.1 */
HF_API hf_code hf_outcome_derive(hf_outcome* outcome) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_OUTCOME_H_ */
