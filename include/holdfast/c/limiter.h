/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limiter: at most `permits` tokens a `period`, with up to `burst` saved up for a rush.
 *
 *   event     enough tokens            enough before deadline and max_wait    otherwise
 *   try       takes them               -                                      refused, says when
 *   reserve   takes them               takes them: a debt, says when to go    refused at once, says when
 *   cancel    gives them back. Exactly, if nothing was taken since. Otherwise as far as they, what was taken
 *             since, and what has flowed in and not been used come to no more than one burst: what others
 *             were promised with them in place is not put at risk, and nothing is minted.
 *
 * Over any time T at most burst + rate * T are admitted, wherever it begins: there are no windows at whose
 * edge two bursts meet. (Only when an update or a recovering send rate raises the rate while reservations wait:
 * these keep their times, and newcomers may join them.) Arithmetic is exact: rates do not drift, and `retry_after` is when the tokens are
 * there. With a burst above 256 a full bucket may for a moment show up to 1/256 of it less, never more.
 *
 *   warm_up    after the start, and after being full for warm_up, the bucket holds burst / cold_factor and
 *              the rate grows from rate / cold_factor to rate, in 64 steps, within warm_up of the first ask
 *   adaptive   tell outcomes by hf_limiter_on_outcome: once the server throttles, the rate is what it
 *              bears (CUBIC, as in the AWS SDKs' adaptive mode), up to the configured one, and the bucket
 *              holds a second of it, or the dearest cost asked for since.
 *
 * Time comes from `now`; a step back is read as no time passed. While a machine sleeps, CLOCK_MONOTONIC
 * stands still, and no tokens come in.
 */
#ifndef HOLDFAST_C_LIMITER_H_
#define HOLDFAST_C_LIMITER_H_

#include <holdfast/c/journal.h>

HF_BEGIN_DECLS

typedef struct hf_limiter hf_limiter;

#define HF_LIMITER_ADAPTIVE 1u

typedef struct hf_limiter_options {
  uint32_t struct_size, abi_level;
  uint32_t permits;     /* tokens a period; 1..1e9, at most one a nanosecond; default 100 */
  uint32_t burst;       /* 1..1e9; default permits */
  hf_duration period;   /* 1 ns..24 h; default 1 s */
  hf_duration max_wait; /* the longest wait of a reservation; 1 ns..24 h; default 1 s */
  hf_duration warm_up;  /* 1 ms..1 h; default 0: none */
  uint32_t cold_factor; /* 2..100; default 3 */
  uint32_t flags;       /* HF_LIMITER_*; default 0 */
  hf_journal* journal;  /* nullable; a reference is taken. An update ignores it, and object */
  uint64_t object;      /* how its events are marked */
} hf_limiter_options;

/* Tokens taken, now or for later. A value: copy it, but cancel one copy only. Fixed layout. */
typedef struct hf_reservation {
  uint64_t limiter;  /* who gave it */
  uint64_t position; /* the giver's own note */
  hf_time at;        /* when to proceed */
  uint32_t cost;     /* 0: none held */
  uint32_t reserved0;
} hf_reservation;

typedef struct hf_limiter_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t reserved;    /* reservations that had to wait */
  double rate;          /* tokens a second, now */
  double tokens;        /* now; negative: a debt that reservations have made */
  uint64_t granted;     /* tokens taken and not given back; modulo 2^48 */
  uint64_t refused;     /* asks */
  uint64_t refunded;    /* tokens given back by cancels */
} hf_limiter_snapshot;

/* Creates a limiter, full (with a warm-up: cold).
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_limiter_new(const hf_limiter_options* options, hf_limiter** out,
                              hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_limiter_ref(hf_limiter* limiter) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_limiter_unref(hf_limiter* limiter) HF_NOEXCEPT;

/* Takes `cost` tokens at once, or none.
 * Contract: never passes a reservation that waits. *why (nullable) is written if refused; its
 *   retry_after is exact if nobody else takes. Ownership: the caller's memory. Threads: any, no
 *   allocation; one atomic addition while tokens are plenty, else a short lock.
 * Errors: RESOURCE_EXHAUSTED HF_R_RATE_LIMITED; INVALID_ARGUMENT: NULL, a negative now, a cost of 0 or
 *   above burst. Since: 0.2 */
HF_API hf_code hf_limiter_try_acquire(hf_limiter* limiter, uint32_t cost, hf_time now,
                                      hf_rejection* why) HF_NOEXCEPT;

/* Takes `cost` tokens, perhaps for later.
 * Contract: OK: proceed at *at (nullable), now or later, or cancel *out. Refused at once, not after a
 *   wait, if that would come to more than max_wait or not end before `deadline` (0: none). Otherwise as
 *   try_acquire; *out then holds nothing. Ownership: the caller's memory. Threads: as try_acquire.
 * Errors: as try_acquire; DEADLINE_EXCEEDED HF_R_DEADLINE if the deadline has passed. Since: 0.2 */
HF_API hf_code hf_limiter_reserve(hf_limiter* limiter, uint32_t cost, hf_time deadline, hf_time now,
                                  hf_reservation* out, hf_time* at, hf_rejection* why) HF_NOEXCEPT;

/* Gives back a reservation that was not made use of: see the rule at the top.
 * Contract: *reservation then holds nothing; one that holds nothing is OK. Ownership: the caller's memory.
 * Threads: any, a short lock, no allocation. Errors: INVALID_ARGUMENT: NULL, another limiter's, or one
 *   that this limiter cannot have given. Since: 0.2 */
HF_API hf_code hf_limiter_cancel(hf_limiter* limiter, hf_reservation* reservation,
                                 hf_time now) HF_NOEXCEPT;

/* Tells an adaptive limiter how a call ended.
 * Contract: throttled 1: the server refused because of too many calls, 0: anything else. Of no effect
 *   unless HF_LIMITER_ADAPTIVE. Ownership: none. Threads: any, a short lock, no allocation.
 * Errors: INVALID_ARGUMENT: NULL, another value, a negative now. Since: 0.2 */
HF_API hf_code hf_limiter_on_outcome(hf_limiter* limiter, uint32_t throttled,
                                     hf_time now) HF_NOEXCEPT;

/* Swaps the configuration in.
 * Contract: tokens are scaled by the ratio of the bursts, a debt stays a debt, reservations keep their
 *   times, counts go on. Refused: nothing changes. Ownership: options borrowed. Threads: any.
 * Errors: as hf_limiter_new; FAILED_PRECONDITION HF_R_CHANGED_SHAPE for another `flags`, or a warm_up
 *   where there was neither one nor HF_LIMITER_ADAPTIVE. Since: 0.2 */
HF_API hf_code hf_limiter_update(hf_limiter* limiter, const hf_limiter_options* options,
                                 hf_time now, hf_error* error) HF_NOEXCEPT;

/* Copies the state at `now`; changes nothing.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any, a short
 *   lock. Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_limiter_read(const hf_limiter* limiter, hf_time now,
                               hf_limiter_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_LIMITER_H_ */
