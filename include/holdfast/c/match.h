/* SPDX-License-Identifier: Apache-2.0 */
/* Matching: which calls a rule means, told from what the caller says about the call.
 *
 *   pattern     means
 *   ""          any call, whether it has the fact or not
 *   "charge"    exactly that, byte for byte
 *   "charge*"   whatever begins with it
 *   "*"         any call, as ""
 *
 * A rule means a call if all four of its patterns do. A '*' elsewhere than at the end is refused rather
 * than taken literally: a rule that quietly means nothing is worse than none. Facts are compared, never
 * kept; there is no folding of case and no other wildcard. A rule is compiled when it is made, and
 * nothing is allocated when it is matched.
 */
#ifndef HOLDFAST_C_MATCH_H_
#define HOLDFAST_C_MATCH_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

/* The longest pattern in bytes, without its '*'. Facts have no limit. */
#define HF_MATCH_MAX 128u

/* The patterns of a rule; borrowed, each may be empty. Fixed layout. */
typedef struct hf_match {
  hf_str operation;
  hf_str tenant;
  hf_str correlation_id;
  hf_str target; /* the peer, address or dependency that the call goes to */
} hf_match;

/* What is known of a call; borrowed, each may be empty. Fixed layout. */
typedef struct hf_facts {
  hf_str operation;
  hf_str tenant;
  hf_str correlation_id;
  hf_str target;
} hf_facts;

/* Whether a rule means a call: to try a rule before it is used.
 * Contract: OK: it does. NOT_FOUND: it does not. Ownership: both borrowed. Threads: any, no allocation.
 * Errors: INVALID_ARGUMENT naming the field: NULL, a string with a size and no data, a pattern longer
 *   than HF_MATCH_MAX or with a '*' before its end (HF_R_MALFORMED); error is nullable. Since: 0.2 */
HF_API hf_code hf_match_fits(const hf_match* match, const hf_facts* facts,
                             hf_error* error) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_MATCH_H_ */
