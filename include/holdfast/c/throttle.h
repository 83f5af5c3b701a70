/* SPDX-License-Identifier: Apache-2.0 */
/* Throttle: a client that leaves an overloaded dependency alone, by chance, in proportion to how much it fails.
 *
 * Over the last `window`, n is what the caller wanted: results recorded and calls refused here; s is the
 * successes among them. A call is refused with probability
 *   p = min(max_rejection, max(0, (n - s / success_rate) / (n + 1)) ^ (1 / aggression))
 * and with none at all while n is below min_rate. (Google, "Site Reliability Engineering", chapter 21,
 * client-side throttling, where K = 1 / success_rate; floor, cap and aggression as in Envoy's admission
 * control.) A call counts when its result is known, so calls under way count neither way.
 *
 * Why refused calls count in n: if a dependency accepts a calls per second of r wanted, what is sent then
 * settles at a / success_rate. Left out, it would settle at sqrt(r * a / success_rate): the more is wanted,
 * the more is sent. The price is paid on recovery, where what gets through grows by a factor of
 * 1 / success_rate per window: at 0.5 a trickle of a tenth is whole again after four windows, at 0.9 after 22.
 *
 * max_rejection below 1 keeps a trickle going, which is how recovery is found; no state is ever stuck. p is
 * worked out anew at most 32 times per step of the window.
 */
#ifndef HOLDFAST_C_THROTTLE_H_
#define HOLDFAST_C_THROTTLE_H_

#include <holdfast/c/journal.h>
#include <holdfast/c/outcome.h>

HF_BEGIN_DECLS

typedef struct hf_throttle hf_throttle;

typedef struct hf_throttle_options {
  uint32_t struct_size, abi_level;
  hf_duration window;   /* 10 ms..1 h; default 30 s */
  uint32_t buckets;     /* the window moves in steps of window/buckets; 1..64; default 10 */
  uint32_t reserved0;   /* must be 0 */
  double success_rate;  /* refuses nothing at or above this rate; 0.01..1; default 0.5: K = 2 */
  double aggression;    /* above 1: refuses more at the same rate; 0.1..100; default 1 */
  double max_rejection; /* 0.01..0.99; default 0.9 */
  double min_rate;      /* per second, over the whole window; 0.001..1e9; default 5 */
  hf_journal* journal;  /* nullable; a reference is taken. Events: REFUSED, LIMIT, UPDATED */
  uint64_t object;      /* this throttle's number in the journal */
} hf_throttle_options;

typedef struct hf_throttle_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t reserved0;
  double rejection;  /* p */
  uint64_t requests; /* n */
  uint64_t accepts;  /* s */
  uint64_t refused;  /* ever */
} hf_throttle_snapshot;

/* Creates a throttle that has seen nothing.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_throttle_new(const hf_throttle_options* options, hf_throttle** out,
                               hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_throttle_ref(hf_throttle* throttle) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_throttle_unref(hf_throttle* throttle) HF_NOEXCEPT;

/* Asks whether to send one call.
 * Contract: OK: send it, and record what it showed, once. The same seed against the same p gives the same
 *   answer, so each attempt needs a fresh one. A `now` before the newest is read as no time passed.
 * Ownership: *why (nullable) is written. Threads: any, no allocation, lock-free but for a short lock at
 *   most 32 times per step.
 * Errors: UNAVAILABLE HF_R_THROTTLED: nothing was sent; retry_after is when the window moves, before which
 *   another try only adds to n. INVALID_ARGUMENT: NULL, seed 0 (HF_R_ZERO_SEED). Since: 0.2 */
HF_API hf_code hf_throttle_admit(hf_throttle* throttle, uint64_t seed, hf_time now,
                                 hf_rejection* why) HF_NOEXCEPT;

/* Tells what an admitted call showed.
 * Contract: SUCCESS and SLOW count in n and s, FAILURE in n alone, IGNORED in neither. Not to be called for
 *   a call that was refused, which is counted already. Ownership: none. Threads: any, no allocation; one
 *   atomic addition, and the lock of admit.
 * Errors: INVALID_ARGUMENT: NULL, a verdict outside the set. Since: 0.2 */
HF_API hf_code hf_throttle_record(hf_throttle* throttle, hf_verdict verdict,
                                  hf_time now) HF_NOEXCEPT;

/* Changes the configuration.
 * Contract: the counts are kept; if window or buckets change, they all count as of now. journal and object
 *   are ignored. On an error nothing changes. Ownership: borrowed for the call. Threads: any; a short lock.
 * Errors: INVALID_ARGUMENT naming the field. Since: 0.2 */
HF_API hf_code hf_throttle_update(hf_throttle* throttle, const hf_throttle_options* options,
                                  hf_time now, hf_error* error) HF_NOEXCEPT;

/* Copies the state at `now`.
 * Contract: changes nothing; writes at most out->struct_size bytes. Ownership: the caller's memory.
 *   Threads: any; a short lock. Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_throttle_read(hf_throttle* throttle, hf_time now,
                                hf_throttle_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_THROTTLE_H_ */
