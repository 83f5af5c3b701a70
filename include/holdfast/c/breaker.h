/* SPDX-License-Identifier: Apache-2.0 */
/* Circuit breaker: stops calling what does not answer, and finds out by itself when it does again.
 *
 *   state      event                                             next
 *   CLOSED     a threshold is reached (result, overdue call, peer)  OPEN       generation + 1
 *   OPEN       acquire at now >= open_until                      HALF_OPEN  generation + 1
 *   HALF_OPEN  `probes` results in, and they are bad             OPEN       generation + 1
 *   HALF_OPEN  `probes` results in, and they are good            CLOSED     generation + 1, ramping
 *   HALF_OPEN  all probes out, none back for probe_lease         by lost_probe: HALF_OPEN anew, or the
 *                                                                lost ones are bad results; generation + 1
 *   any        hf_breaker_force                                  FORCED_OPEN, DISABLED, CLOSED,
 *                                                                METRICS_ONLY; generation + 1
 *   any        hf_breaker_restore                                what was saved; generation + 1
 *
 * Each permit carries the generation that gave it. A result of an older generation changes nothing:
 * a straggler admitted while closed never votes on a probe. An ignored result gives the probe back.
 * A lost probe cannot wedge the breaker. A call that is under way for slow_after counts as slow while
 * it hangs, and once: when it comes back, as the result that it is.
 * Rates compare with >=. Time comes from `now`; a step back is read as no time passed, a negative
 * `now` as 0.
 */
#ifndef HOLDFAST_C_BREAKER_H_
#define HOLDFAST_C_BREAKER_H_

#include <holdfast/c/journal.h>
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
#define HF_BREAKER_FORCED_OPEN 4  /* refuses all until forced otherwise */
#define HF_BREAKER_DISABLED 5     /* admits all, counts nothing */
#define HF_BREAKER_METRICS_ONLY 6 /* admits all and counts, but never opens */

/* What becomes of a round whose probes do not come back. */
typedef int32_t hf_lost_probe;
#define HF_LOST_PROBE_REFUND 1  /* a new round, as if they had never been; the default */
#define HF_LOST_PROBE_FAILURE 2 /* each of them failed, and the round is over */

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
  /* since 0.2 */
  hf_duration slow_after; /* 1 ms..1 h: results and hangs from there on are slow; default 0: a
                                verdict must say so, and hangs go unseen */
  double slow_rate; /* opens at >= this share of slow ones; above 0, at most 1; default 0.5, or
                                off without slow_after */
  double
      probe_success_rate; /* closes at >= this share of probes neither failed nor slow; above 0, at
                                most 1; default: below failure_rate and slow_rate */
  hf_lost_probe lost_probe; /* default refund */
  uint32_t shards;          /* copies of what results write: 1..16, rounded down to a power of two;
                                default 8; about 1 KiB each. Ignored by update */
  double open_multiplier;   /* of open_for, per trip in a row; 1..100; default 1 */
  hf_duration open_cap;     /* open_for..24 h; default 10 min, at least open_for */
  hf_duration healthy_for;  /* closed for this long, the next trip is the first again; 1 ms..24 h;
                                default 1 min */
  double open_jitter;       /* share of the (capped) open time drawn off it; 0..1; default 0 */
  uint64_t seed;            /* of the jitter, one per instance; needed if open_jitter > 0 */
  hf_duration
      ramp_for;     /* from ramp_from to all calls after closing; 1 ms..24 h; default 0: at once */
  double ramp_from; /* share of calls admitted at first; above 0, at most 1; default 0.1 */
  uint32_t peers;   /* whose counts hf_breaker_merge can hold; 0..1000; default 0. Ignored by
                                update */
  uint32_t veto_calls;  /* own results that outweigh the fleet; 1..1e6; default minimum_calls / 4 */
  double veto_rate;     /* and the own failure rate below which they do; above 0, at most 1;
                                default half of failure_rate */
  hf_duration peer_ttl; /* counts of a peer are forgotten after this; 1 ms..24 h; default 10 s */
  hf_journal* journal;  /* nullable; kept by reference, ignored by update */
  uint64_t object;      /* this breaker's number in the journal; ignored by update */
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
  /* since 0.2 */
  uint32_t slow;      /* in the window */
  uint32_t overdue;   /* under way for slow_after or longer; not yet in the window */
  uint32_t in_flight; /* known only with slow_after; 0 unless closed or metrics-only */
  uint32_t trips;     /* in a row, which is what the open time grows with */
  double admitted;    /* share of calls admitted now: 1 closed, less while ramping, else 0 */
} hf_breaker_snapshot;

/* What a peer has in its window: calls, failures and slow of its snapshot. */
typedef struct hf_breaker_counts {
  uint32_t struct_size; /* set by the caller */
  uint32_t calls;
  uint32_t failures;
  uint32_t slow;
} hf_breaker_counts;

/* A breaker at rest: no instants, because a steady clock is good for one process only. Plain bytes, which
 * may be stored as they are. */
typedef struct hf_breaker_saved {
  uint32_t struct_size; /* set by the caller */
  hf_breaker_state state;
  hf_duration open_left;  /* OPEN: until it may probe; 0 for a breaker saved while it probed */
  hf_duration ramp_left;  /* CLOSED: until all calls are admitted */
  hf_duration closed_for; /* CLOSED: how long already */
  uint32_t trips;
  uint32_t consecutive;
  uint32_t calls;
  uint32_t failures;
  uint32_t slow;
  uint32_t reserved0;
  uint64_t opened;
} hf_breaker_saved;

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
 * Errors: UNAVAILABLE: HF_R_BREAKER_OPEN, _PROBING, _RAMPING, _FORCED_OPEN. INVALID_ARGUMENT: NULL.
 * Since: 0.1 */
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

/* Puts the breaker into FORCED_OPEN, DISABLED or (fresh, with empty windows) CLOSED or METRICS_ONLY.
 * Contract: holds until forced again. Ownership: none. Threads: any.
 * Errors: INVALID_ARGUMENT: NULL or another state. Since: 0.1 */
HF_API hf_code hf_breaker_force(hf_breaker* breaker, hf_breaker_state state,
                                hf_time now) HF_NOEXCEPT;

/* Another configuration, at once.
 * Contract: keeps state, permits, trips and runs, and the window as far as the new one holds it: of a
 *   count window the newest results, of a time window the steps that are still inside; from one kind to the
 *   other it starts empty. An open time or lease that runs is kept. A closed breaker that is over a new
 *   threshold opens. Ownership: options are copied; shards, peers, journal and object are ignored.
 * Threads: any; a short lock. Errors: INVALID_ARGUMENT naming the field: all is as it was. Since: 0.2 */
HF_API hf_code hf_breaker_update(hf_breaker* breaker, const hf_breaker_options* options,
                                 hf_time now, hf_error* error) HF_NOEXCEPT;

/* Takes the counts of another instance into account, instead of what it told before.
 * Contract: counts are what is in the peer's window, not what is new in it: telling them twice changes
 *   nothing. If own and live peers' counts together reach failure_rate, a closed breaker opens, unless its
 *   own results veto (veto_calls, veto_rate), or it closed less than peer_ttl ago. *events is nullable.
 * Ownership: counts are copied. Threads: any; a short lock, and nothing to wait for.
 * Errors: INVALID_ARGUMENT: NULL, struct_size, failures or slow above calls, no peers configured.
 *   RESOURCE_EXHAUSTED: all places for peers hold live counts. Since: 0.2 */
HF_API hf_code hf_breaker_merge(hf_breaker* breaker, uint64_t peer, const hf_breaker_counts* counts,
                                hf_time now, hf_events* events) HF_NOEXCEPT;

/* Writes what hf_breaker_restore needs; changes nothing.
 * Contract: writes at most out->struct_size bytes. Permits are not saved. Ownership: the caller's memory.
 * Threads: any; a short lock. Errors: INVALID_ARGUMENT: NULL, struct_size. Since: 0.2 */
HF_API hf_code hf_breaker_save(hf_breaker* breaker, hf_time now, hf_breaker_saved* out) HF_NOEXCEPT;

/* Puts a breaker into a saved state, under its own configuration.
 * Contract: permits that are out become stragglers. Saved results count as of `now`; at most what the
 *   window holds, in proportion; a threshold they reach opens it. Ownership: saved is only read.
 * Threads: any; a short lock.
 * Errors: INVALID_ARGUMENT naming the field; then all is as it was. Since: 0.2 */
HF_API hf_code hf_breaker_restore(hf_breaker* breaker, const hf_breaker_saved* saved, hf_time now,
                                  hf_error* error) HF_NOEXCEPT;

/* Copies the state at `now`; changes nothing.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any;
 *   fields are each exact, together only when nobody else is using the breaker.
 * Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_breaker_read(const hf_breaker* breaker, hf_time now,
                               hf_breaker_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_BREAKER_H_ */
