/* SPDX-License-Identifier: Apache-2.0 */
/* Adaptive limit: how many calls at once a dependency takes, found out from the calls themselves.
 *
 * It holds no permits: feed it what each call showed, and put the limit it answers with into a bulkhead or
 * into a semaphore of your own. Samples are gathered over a window; L is the limit, rtt the window's mean,
 * in_flight its highest, lg = max(1, floor(log10 L)), queue = ceil(L * (1 - baseline / rtt)):
 *   algorithm    the next L, if in_flight is at least half of it (trend: always)        baseline
 *   AIMD         L + 1; rtt > timeout: L * backoff                                      none
 *   VEGAS        queue <= lg: L + 6lg; < 3lg: L + lg; > 6lg: L - lg; else L             least rtt since a probe
 *   GRADIENT2    L * g + queue_size, g = clamp(tolerance * baseline / rtt, 0.5, 1)      slow average
 *   TREND        queue < 3lg: L + lg; > 6lg, or L > max_factor * in_flight: L - lg      short average
 *   drops        AIMD: L * backoff, VEGAS and TREND: L - lg, GRADIENT2: g = 0.5, no queue
 * then L + smoothing * (next - L), within [min_limit, max_limit].
 *
 * The guard. Where queueing has crept into the baseline, all of these drift up for ever. So the last windows'
 * throughput and rtt are held against their in_flight: if it is all but certain (two standard errors) that
 * ten percent more load brings less than five percent more throughput and more than two and a half percent
 * more rtt, a full window takes L down by max(lg, L/20), whatever the algorithm says, and no baseline
 * rises. A limit that stands at its maximum while nothing varies also takes a step down now and then, to see.
 *
 * Sources: Netflix concurrency-limits (AIMD, Vegas, Gradient2), failsafe-go (trend). The guard's test is ours.
 */
#ifndef HOLDFAST_C_ADAPTIVE_H_
#define HOLDFAST_C_ADAPTIVE_H_

#include <holdfast/c/journal.h>

HF_BEGIN_DECLS

typedef struct hf_adaptive hf_adaptive;

typedef int32_t hf_adaptive_algorithm;
#define HF_ADAPTIVE_TREND 1 /* the default */
#define HF_ADAPTIVE_GRADIENT2 2
#define HF_ADAPTIVE_VEGAS 3
#define HF_ADAPTIVE_AIMD 4

#define HF_ADAPTIVE_NO_GUARD 1u /* flag: the algorithm alone, drift and all */

typedef struct hf_adaptive_options {
  uint32_t struct_size, abi_level;
  hf_adaptive_algorithm algorithm;
  uint32_t flags;         /* HF_ADAPTIVE_*; default 0 */
  uint32_t min_limit;     /* 1..1e6; default 1; GRADIENT2 and AIMD: 20, at most max_limit */
  uint32_t max_limit;     /* min_limit..1e6; default 200, VEGAS: 1000, at least min_limit */
  uint32_t initial_limit; /* min_limit..max_limit; default 20, or the bound nearest to it */
  uint32_t min_samples;   /* a window lasts until it has as many; 1..1e6; default 10 */
  hf_duration window;     /* 1 ms..60 s, or twice the least rtt if longer; default 1 s */
  hf_duration min_rtt;    /* faster samples say nothing of the load; 1 ns..1 s; default 100 us */
  double smoothing;       /* above 0, at most 1; default 1, GRADIENT2: 0.2 */
  double drop_rate;       /* a window with more drops is overload; above 0, below 1; default 0.01 */
  double backoff;         /* AIMD: above 0, below 1; default 0.9 */
  hf_duration timeout;    /* AIMD: 1 us..1 h; default 5 s */
  double tolerance;       /* GRADIENT2: 1..10; default 1.5 */
  double max_factor;      /* TREND: 1..1000; default 5 */
  uint32_t queue_size;    /* GRADIENT2: 1..1e6; default 4 */
  uint32_t long_window;   /* GRADIENT2: windows that the baseline averages; 1..1e6; default 600 */
  uint32_t baseline_windows; /* TREND: likewise; 1..1e6; default 10 */
  uint32_t probe_multiplier; /* VEGAS: a new baseline every 0.5..1 * this * L windows; default 30 */
  uint32_t guard_windows;    /* the guard's memory; 10..64; default 20 */
  uint32_t reserved0;        /* must be 0 */
  hf_journal* journal;       /* nullable; a reference is taken. Events: LIMIT, UPDATED */
  uint64_t object;           /* this limit's number in the journal */
} hf_adaptive_options;

typedef struct hf_adaptive_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t limit;
  hf_duration baseline; /* 0: none yet, or AIMD */
  hf_duration rtt;      /* the mean of the newest window */
  uint64_t samples;     /* in windows judged or set aside, drops included */
  uint64_t drops;
  uint64_t windows;   /* judged */
  uint64_t set_aside; /* too few samples in too long a time */
  uint64_t guarded;   /* windows in which the guard took the limit down */
  uint32_t in_flight; /* the highest of the newest window */
  uint32_t saturated; /* 1: at the newest window the guard held that more load brings nothing */
} hf_adaptive_snapshot;

/* Creates a limit at initial_limit.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_adaptive_new(const hf_adaptive_options* options, hf_adaptive** out,
                               hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_adaptive_ref(hf_adaptive* adaptive) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_adaptive_unref(hf_adaptive* adaptive) HF_NOEXCEPT;

/* Tells what one call showed.
 * Contract: rtt is how long it took, in_flight how many were under way when it began, itself included.
 *   dropped 1: it was refused for overload or timed out (its rtt is not used); 0: it was answered. Do not
 *   tell of a call that its caller gave up. *limit (nullable) is the limit to enforce from now on. A `now`
 *   before the newest is read as no time passed.
 * Ownership: the caller's memory. Threads: any, no allocation; two atomic additions, and a short lock
 *   once per window.
 * Errors: INVALID_ARGUMENT: NULL, rtt negative, dropped neither 0 nor 1. Since: 0.2 */
HF_API hf_code hf_adaptive_on_sample(hf_adaptive* adaptive, hf_duration rtt, uint32_t in_flight,
                                     uint32_t dropped, hf_time now, uint32_t* limit) HF_NOEXCEPT;

/* Changes the configuration.
 * Contract: limit, baselines and the open window are kept; the limit moves into the new bounds. Another
 *   algorithm starts from the limit, without a baseline. initial_limit is checked, and not used; journal and
 *   object are ignored. A bulkhead that it belongs to follows with the next call that settles there.
 *   On an error nothing changes. Ownership: borrowed for the call. Threads: any; a short lock.
 * Errors: INVALID_ARGUMENT naming the field. Since: 0.2 */
HF_API hf_code hf_adaptive_update(hf_adaptive* adaptive, const hf_adaptive_options* options,
                                  hf_time now, hf_error* error) HF_NOEXCEPT;

/* Copies the state.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any; a short
 *   lock. Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_adaptive_read(const hf_adaptive* adaptive, hf_adaptive_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_ADAPTIVE_H_ */
