/* SPDX-License-Identifier: Apache-2.0 */
/* Hedging: where an attempt takes unusually long, a second one is sent, and the first success wins.
 *
 *   hf_hedge       the policy of a dependency, shared by its calls: when to hedge, and how many
 *   hf_hedge_call  one call as a session, with several attempts in flight at once
 *
 *   hf_hedge_call_start -> action; until action.kind is FINISH: cancel what action.cancel says, then
 *
 *   action     the driver does                                   and goes on with
 *   ATTEMPT    starts attempt `attempt`, to be over by `until`   hf_hedge_call_on_time, at once
 *   WAIT       waits for any attempt's end, or until `until`     .._on_outcome or .._on_time
 *   FINISH     returns the result of `attempt`; it is over       -
 *
 *   event                       next
 *   success                     FINISH, whoever it is; all others are cancelled (losers)
 *   a final outcome, ignored    FINISH; all others are cancelled
 *   any other failure           the next attempt at once, or after retry_after; none allowed: the
 *                               others in flight decide, and if there are none, FINISH at once
 *   delay after the last one    the next attempt
 *   an attempt's own timeout    it is cancelled, and counts as a failure
 *   the deadline                FINISH; all in flight are cancelled
 *
 * An attempt after the first is sent only if the call is declared idempotent, max_attempts are not made
 * yet, as much time is left as half of the attempts need (the median), no peer has asked for more than
 * 5 s or for ever (retry_after), the cap, the pipeline's guards and its budget allow it. Who refuses one
 * stops all that would follow in this call. No attempt waits for a guard, not even in the bulkhead's
 * queue; where the first is refused the call ends with the refusal. The pipeline's retry policy has no say
 * here; its budget pays for both, one token for each failure and each hedge.
 *
 * Each attempt holds its own permits. A loser's go back as IGNORED in the step that says to cancel it, so
 * a hedged call never counts twice, and what a loser still reports changes nothing. At the deadline the
 * oldest attempt counts as a failure, the others as IGNORED.
 *
 * What is learnt is the latency of a call's first attempt, or its age when it is cut off: by the hedge that
 * won, its own timeout or the deadline. A delay that does not end before the deadline sends no hedge.
 */
#ifndef HOLDFAST_C_HEDGE_H_
#define HOLDFAST_C_HEDGE_H_

#include <holdfast/c/call.h>
#include <holdfast/c/journal.h>

HF_BEGIN_DECLS

typedef int32_t hf_hedge_mode;
#define HF_HEDGE_QUANTILE 1 /* the delay is a quantile of recent latencies; the default */
#define HF_HEDGE_FIXED 2    /* the delay is `delay` */

typedef struct hf_hedge_options {
  uint32_t struct_size, abi_level;
  hf_hedge_mode mode;
  uint32_t max_attempts; /* the first included; 2..8; default 2 */
  uint32_t min_samples;  /* latencies known before the quantile counts; 1..1e6; default 100 */
  uint32_t burst;        /* hedges beyond max_rate at once; 1..1000; default 10; see max_rate */
  double quantile;       /* 0.5..0.999, rounded to 1e-6; default 0.95 */
  hf_duration delay;     /* fixed: required. quantile: until min_samples are known; 0: no hedge
                            until then. 1 us..1 h */
  hf_duration min_delay; /* quantile: no shorter; 1 us..1 h; default 1 ms */
  hf_duration max_delay; /* quantile: no longer; min_delay..1 h; default 1 h */
  hf_duration window;    /* 100 ms..10 min; default 30 s: latencies of the last one to two windows
                            count */
  double max_rate;       /* hedges per call; 0.001..7, rounded to 0.001; default 0.05. Of n calls in
                            a row at most burst + max_rate * n hedges are sent */
  hf_journal* journal;   /* nullable; a reference is taken */
  uint64_t object;       /* its number in the journal */
} hf_hedge_options;

typedef struct hf_hedge_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t updates;
  uint64_t calls;       /* whose first attempt was sent */
  uint64_t hedges;      /* attempts sent after the first */
  uint64_t won;         /* calls that succeeded by another attempt than the first */
  uint64_t capped;      /* hedges not sent: by max_rate, */
  uint64_t over_budget; /* by the budget, */
  uint64_t refused;     /* by a guard of the pipeline, */
  uint64_t too_late;    /* because less than `expected` was left, or the deadline came, */
  uint64_t pushed_back; /* because the peer asked for more than 5 s */
  uint64_t samples;     /* latencies in the windows */
  hf_duration delay;    /* that a call begins with now; 0: it would not hedge */
  hf_duration expected; /* the median; 0: fewer than min_samples are known */
} hf_hedge_snapshot;

/* Creates a policy, with no latency known.
 * Contract: options NULL means all defaults. About 5 KiB, fixed. Ownership: *out holds one reference.
 * Threads: any. Errors: INVALID_ARGUMENT naming the field; HF_R_BAD_OPTIONS: fixed without a delay.
 *   RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_hedge_new(const hf_hedge_options* options, hf_hedge** out,
                            hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_hedge_ref(hf_hedge* hedge) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_hedge_unref(hf_hedge* hedge) HF_NOEXCEPT;

/* Replaces the configuration.
 * Contract: latencies and counts stay, the tokens of the cap keep their share of burst; a call keeps what
 *   it began with. `journal` and `object` are left as they were. options NULL means all defaults. On an
 *   error nothing changes. Ownership: *options borrowed. Threads: any; a short lock, no allocation.
 * Errors: as hf_hedge_new; NULL; negative now. Since: 0.2 */
HF_API hf_code hf_hedge_update(hf_hedge* hedge, const hf_hedge_options* options, hf_time now,
                               hf_error* error) HF_NOEXCEPT;

/* Copies the state at `now`; changes nothing.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any, a short
 *   lock; fields are each exact, together only when nobody else is using the policy.
 * Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_hedge_read(const hf_hedge* hedge, hf_time now,
                             hf_hedge_snapshot* out) HF_NOEXCEPT;

typedef struct hf_hedge_call_options {
  uint32_t struct_size, abi_level;
  hf_time deadline; /* 0: none */
  uint32_t flags;   /* HF_CALL_*; without HF_CALL_IDEMPOTENT one attempt is made */
  uint32_t reserved0;
  const hf_facts* facts; /* what kill switches match; nullable; borrowed until the end */
} hf_hedge_call_options;

/* The session: the caller's memory, pinned from start to finish or abort. */
typedef struct hf_hedge_call {
  uint64_t opaque[160];
} hf_hedge_call;

/* What to do next, and what just happened. Fixed layout. */
typedef struct hf_hedge_action {
  hf_do kind;       /* HF_DO_ATTEMPT, HF_DO_WAIT, HF_DO_FINISH */
  hf_code code;     /* FINISH: OK, the last failure's code, or the refusal's if none was made */
  hf_reason reason; /* FINISH: NONE on success, else who stopped the call */
  uint32_t
      attempt; /* ATTEMPT: its number from 1. FINISH: whose result is the call's; 0: nobody's */
  uint32_t attempts;       /* made so far */
  uint32_t cancel;         /* first of all, whatever `kind`: cancel attempt n for each bit n - 1 */
  hf_time until;           /* see the table; 0: no limit (ATTEMPT, WAIT) */
  hf_duration retry_after; /* FINISH: when to come back; 0: unknown */
  hf_events events;        /* what this step changed, HF_EVENT_* */
  uint32_t reserved0;
  uint64_t reserved1[2];
} hf_hedge_action;

/* Begins a call.
 * Contract: ends by FINISH or hf_hedge_call_abort. Takes a reference on policy and pipeline until then;
 *   pipeline NULL: no guards; hedge NULL: the pipeline's. Ownership: *call pinned. Threads: one at a time per
 *   call; no allocation. Errors: INVALID_ARGUMENT with nothing begun: NULL, negative now or deadline, unknown
 *   flags, facts with a size and no bytes; HF_R_BAD_OPTIONS: a pipeline with throttle, fault, call_limiter
 *   or call_bulkhead. Since: 0.2 */
HF_API hf_code hf_hedge_call_start(hf_hedge_call* call, hf_hedge* hedge, hf_pipeline* pipeline,
                                   const hf_hedge_call_options* options, hf_time now,
                                   hf_hedge_action* next) HF_NOEXCEPT;

/* Attempt `attempt` has ended.
 * Contract: each attempt reports once, in any order; one that was cancelled may, and changes nothing.
 *   Ownership: *outcome borrowed. Threads: one at a time per call; no allocation.
 * Errors: INVALID_ARGUMENT with the session as it was, *next what is pending: NULL, a bad outcome;
 *   HF_R_BAD_STATE: finished, never started, or this attempt never sent or reported. Since: 0.2 */
HF_API hf_code hf_hedge_call_on_outcome(hf_hedge_call* call, uint32_t attempt,
                                        const hf_outcome* outcome, hf_time now,
                                        hf_hedge_action* next) HF_NOEXCEPT;

/* An attempt was started, or time has passed.
 * Contract: fine at any time; early, it answers WAIT again. Ownership: *next is written. Threads: one at a
 *   time per call; no allocation. Errors: INVALID_ARGUMENT: NULL; HF_R_BAD_STATE: finished or never
 *   started. Since: 0.2 */
HF_API hf_code hf_hedge_call_on_time(hf_hedge_call* call, hf_time now,
                                     hf_hedge_action* next) HF_NOEXCEPT;

/* Ends a call early, wherever it is. The driver cancels what it has in flight by itself.
 * Contract: gives back every permit, the breaker's as IGNORED; idempotent, fine on a finished or a zeroed
 *   session. Ownership: *call is the caller's again. Threads: one at a time per call. Errors: none.
 *   Since: 0.2 */
HF_API void hf_hedge_call_abort(hf_hedge_call* call, hf_time now) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_HEDGE_H_ */
