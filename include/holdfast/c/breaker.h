/* SPDX-License-Identifier: Apache-2.0 */
/* Circuit breaker: stops calling what does not answer, and finds out by itself when it does again.
 *
 *   state      event                                             next
 *   CLOSED     record, and a threshold is reached                OPEN       generation + 1
 *   OPEN       acquire at now >= opened_at + open_for            HALF_OPEN  generation + 1
 *   HALF_OPEN  `probes` results in, failure rate >= threshold    OPEN       generation + 1
 *   HALF_OPEN  `probes` results in, failure rate below           CLOSED     generation + 1
 *   HALF_OPEN  all probes out, none back for probe_lease         HALF_OPEN  generation + 1
 *   any        hf_breaker_force                                  FORCED_OPEN, DISABLED, CLOSED;
 *                                                                generation + 1
 *
 * Each permit carries the generation that gave it. A result of an older generation changes nothing:
 * a straggler admitted while closed never votes on a probe. An ignored result gives the probe back.
 * A lost probe cannot wedge the breaker: its slot returns after probe_lease.
 * Rates compare with >=. Time comes from `now`; a step back is read as no time passed, a negative
 * `now` as 0.
 */
#ifndef HOLDFAST_C_BREAKER_H_
#define HOLDFAST_C_BREAKER_H_

#include <holdfast/c/outcome.h>

HF_BEGIN_DECLS

typedef struct hf_breaker hf_breaker;

typedef int32_t hf_window;
#define HF_WINDOW_COUNT 1 /* the last window_calls results; the default */
#define HF_WINDOW_TIME 2  /* the results of the last window_time */

typedef int32_t hf_breaker_state;
#define HF_BREAKER_CLOSED 1
#define HF_BREAKER_OPEN 2
#define HF_BREAKER_HALF_OPEN 3
#define HF_BREAKER_FORCED_OPEN 4 /* refuses all until forced otherwise */
#define HF_BREAKER_DISABLED 5    /* admits all, counts nothing */

typedef struct hf_breaker_options {
  uint32_t struct_size, abi_level;
  hf_window window;        /* default count */
  uint32_t window_calls;   /* count window: 1..4096; default 100 */
  hf_duration window_time; /* time window: 10 ms..1 h; default 10 s */
  uint32_t window_buckets; /* time window: 1..64; default 10; it moves in steps of time/buckets */
  uint32_t
      minimum_calls; /* results needed before a rate counts; 1..1e6; default 20, at most the count window */
  double failure_rate;           /* opens at >= this; above 0, at most 1; default 0.5 */
  uint32_t consecutive_failures; /* opens at this many in a row; default 0: off */
  uint32_t probes;               /* results that half-open asks for; 1..1000; default 3 */
  hf_duration open_for;          /* 1 ms..24 h; default 5 s */
  hf_duration probe_lease;       /* 1 ms..24 h; default 30 s */
} hf_breaker_options;

/* A right to make one attempt; give it back exactly once. Fixed layout. */
typedef struct hf_permit {
  uint64_t generation;
  uint32_t kind;  /* 0: none held */
  uint32_t stamp; /* the giver's own note, to be handed back as it is */
} hf_permit;
#define HF_PERMIT_NONE 0u
#define HF_PERMIT_NORMAL 1u
#define HF_PERMIT_PROBE 2u

/* What a step changed, so that events are values and no callback runs under a lock. */
typedef uint32_t hf_events;
#define HF_EVENT_BREAKER_OPENED 1u
#define HF_EVENT_BREAKER_HALF_OPENED 2u
#define HF_EVENT_BREAKER_CLOSED 4u
#define HF_EVENT_PROBE_LOST 8u      /* a probe lease ran out */
#define HF_EVENT_STRAGGLER 16u      /* a result of an older generation was left out */
#define HF_EVENT_BUDGET_REFUSED 32u /* used by call.h */
#define HF_EVENT_LATE_RESULT 64u    /* used by call.h: the attempt outlived its timeout */
#define HF_EVENT_QUEUED 128u        /* used by call.h: waited in a bulkhead */

typedef struct hf_breaker_snapshot {
  uint32_t struct_size; /* set by the caller */
  hf_breaker_state state;
  uint64_t generation;
  uint32_t calls;       /* in the window */
  uint32_t failures;    /* in the window */
  uint32_t consecutive; /* failures in a row */
  uint32_t probes_out;
  hf_time open_until; /* 0 unless open */
  uint64_t opened;    /* how often it has opened */
  uint64_t refused;   /* calls refused */
} hf_breaker_snapshot;

/* Creates a breaker, closed.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.1 */
HF_API hf_code hf_breaker_new(const hf_breaker_options* options, hf_breaker** out,
                              hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_breaker_ref(hf_breaker* breaker) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_breaker_unref(hf_breaker* breaker) HF_NOEXCEPT;

/* Asks for a permit.
 * Contract: OK fills *permit, to be given back by one hf_breaker_record. Otherwise permit->kind is
 *   NONE and *why (nullable) tells the reason and when to come back. *events (nullable) is written.
 * Ownership: the caller's memory. Threads: any, no allocation; lock-free while closed and
 *   when refused; probes and changes of state take a short lock.
 * Errors: UNAVAILABLE: HF_R_BREAKER_OPEN, _PROBING, _FORCED_OPEN. INVALID_ARGUMENT: NULL. Since: 0.1 */
HF_API hf_code hf_breaker_acquire(hf_breaker* breaker, hf_time now, hf_permit* permit,
                                  hf_rejection* why, hf_events* events) HF_NOEXCEPT;

/* Gives a permit back with what the attempt showed.
 * Contract: verdict SUCCESS, FAILURE, SLOW or IGNORED. IGNORED refunds: neither success nor failure.
 *   *permit becomes NONE. *events (nullable) is written.
 * Ownership: the caller's memory. Threads: any, no allocation. Errors: INVALID_ARGUMENT: NULL, a
 *   verdict outside the set (the permit stays held), a permit that is NONE, was returned before, or
 *   that this breaker cannot have given. Since: 0.1 */
HF_API hf_code hf_breaker_record(hf_breaker* breaker, hf_permit* permit, hf_verdict verdict,
                                 hf_time now, hf_events* events) HF_NOEXCEPT;

/* Puts the breaker into FORCED_OPEN, DISABLED or (fresh, with empty windows) CLOSED.
 * Contract: holds until forced again. Ownership: none. Threads: any.
 * Errors: INVALID_ARGUMENT: NULL or another state. Since: 0.1 */
HF_API hf_code hf_breaker_force(hf_breaker* breaker, hf_breaker_state state,
                                hf_time now) HF_NOEXCEPT;

/* Copies the state at `now`; changes nothing.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any;
 *   fields are each exact, together only when nobody else is using the breaker.
 * Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_breaker_read(const hf_breaker* breaker, hf_time now,
                               hf_breaker_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_BREAKER_H_ */
