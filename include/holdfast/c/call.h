/* SPDX-License-Identifier: Apache-2.0 */
/* A guarded call as a session: the machine says what to do, the driver does it and says what happened.
 *
 *   hf_call_start -> action; while action.kind is not FINISH: do it, hf_call_resume -> action
 *
 *   action     the driver does                                  and resumes with
 *   ATTEMPT    runs the attempt, to be over by `until`          its outcome
 *   SLEEP      waits until `until`                              NULL
 *   WAIT       waits for the waker, or until `until`            NULL
 *   FINISH     returns; the session holds nothing any more      -
 *
 * The order is fixed: kill switch, deadline, the call's own rate limit and bulkhead, retry under the
 * budget, then per attempt: breaker, throttle, rate limit, bulkhead, injected fault, attempt timeout. The
 * kill switch is asked again before each retry, and after a wait for a rate limit or a bulkhead. No permit
 * of an attempt is held while sleeping or waiting, but by an injected delay. A refusal is not an attempt and
 * costs no token; the breaker's is waited for only if retries are left and its retry_after fits before the
 * deadline, any other ends the call. Each wait for a breaker uses up one of max_attempts, so an open breaker
 * cannot hold a call for ever.
 * An attempt is repeated only if its effect is RETRYABLE or NOT_STARTED, or AMBIGUOUS and the call is
 * declared idempotent. The budget is charged before the sleep, and whoever stops the call, `code` stays
 * that of the last attempt: the original error.
 * Layers add, they do not multiply: three layers of three attempts each would make 27 of one call. So a
 * call has one allowance of retries (tree_retries of its policy) for itself and all layers below it. Each
 * attempt carries on what is left of it (hf_action.retries), the layer below takes from that, no more than
 * its own policy allows, and says in the end how many it made (hf_action.retries of its FINISH), which the
 * layer above hands in as hf_outcome.retried, of a success too. With none left a failure is passed up:
 * HF_R_RETRIED_ELSEWHERE. Inside one process a context keeps the allowance, so that calls side by side
 * share it. What never left is not counted.
 * An attempt that returns after `until` is a failure to the breaker, yet a success stays a success to
 * the caller, because it happened.
 */
#ifndef HOLDFAST_C_CALL_H_
#define HOLDFAST_C_CALL_H_

#include <holdfast/c/bulkhead.h>
#include <holdfast/c/context.h>
#include <holdfast/c/fault.h>
#include <holdfast/c/kill_switch.h>
#include <holdfast/c/limiter.h>
#include <holdfast/c/match.h>
#include <holdfast/c/retry.h>
#include <holdfast/c/throttle.h>

HF_BEGIN_DECLS

typedef struct hf_pipeline hf_pipeline;
typedef struct hf_hedge hf_hedge; /* hedge.h */

typedef struct hf_pipeline_options {
  uint32_t struct_size, abi_level;
  hf_retry* retry;   /* each nullable: that guard is left out; a reference is taken */
  hf_budget* budget; /* needs retry */
  hf_breaker* breaker;
  hf_bulkhead* bulkhead;
  hf_duration timeout;         /* for the whole call, besides its deadline; default none */
  hf_duration attempt_timeout; /* for each attempt; default none */
  hf_bulkhead* call_bulkhead;  /* before the whole call, its retries included */
  hf_kill_switch* kill_switch; /* before everything, and again before each attempt */
  hf_throttle* throttle;       /* an alternative to the breaker, or besides it */
  hf_fault* fault;             /* injected last before the attempt */
  hf_limiter* limiter;         /* one token for each attempt; its max_wait is waited */
  hf_limiter* call_limiter;    /* one token for the whole call, its retries included */
  hf_hedge* hedge; /* instead of retry: for hf_hedge_call_start only, others refuse it */
} hf_pipeline_options;

/* Creates a pipeline.
 * Contract: options NULL: no guard at all. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field; HF_R_BAD_OPTIONS: a budget without retry.
 *   RESOURCE_EXHAUSTED. Since: 0.1 */
HF_API hf_code hf_pipeline_new(const hf_pipeline_options* options, hf_pipeline** out,
                               hf_error* error) HF_NOEXCEPT;
/* Gives a pipeline new timeouts and a new retry policy.
 * Contract: the guards must be those that the pipeline was made with, each is updated by itself. A call
 *   under way follows the new policy from its next decision on, and keeps its timeouts. Ownership: none.
 * Threads: any. Errors: INVALID_ARGUMENT naming the field, HF_R_CHANGED_SHAPE for another guard; the old
 *   rules stay then. Since: 0.2 */
HF_API hf_code hf_pipeline_update(hf_pipeline* pipeline, const hf_pipeline_options* options,
                                  hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_pipeline_ref(hf_pipeline* pipeline) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_pipeline_unref(hf_pipeline* pipeline) HF_NOEXCEPT;

typedef struct hf_call_options {
  uint32_t struct_size, abi_level; /* abi_level bounds the actions this caller can be given */
  uint64_t seed;                   /* fresh from the operating system for each call; 0 is refused */
  hf_time deadline;                /* 0: none */
  hf_waker waker;                  /* for WAIT; fn NULL: the driver polls at `until` */
  uint32_t flags;                  /* HF_CALL_* */
  int32_t
      retries; /* what the layers above left; 0: not told, or the context knows; HF_NO_RETRIES */
  const hf_facts* facts; /* what kill switches and faults match; nullable; borrowed until the end */
  const hf_bulkhead_request*
      request;         /* who asks of the bulkheads; nullable; its deadline is not looked at;
                                       * borrowed until the end */
  uint32_t cost;       /* tokens of each rate limit; default 1 */
  uint32_t reserved0;  /* must be 0 */
  hf_context* context; /* keeps the allowance of retries; nullable; borrowed until the end */
} hf_call_options;
#define HF_CALL_IDEMPOTENT 1u /* an attempt that may have happened may be made again */
#define HF_CALL_BORROWED \
  2u /* the caller keeps the pipeline alive until the end: no reference is taken */
#define HF_CALL_CURRENT_CONTEXT \
  4u /* without a context: the one that is current where a retry is decided */

#define HF_EVENT_FAULT 256u /* a fault was injected into the attempt */

/* The session: the caller's memory, pinned from start to finish or abort. */
typedef struct hf_call {
  uint64_t opaque[64];
} hf_call;

typedef int32_t hf_do;
#define HF_DO_ATTEMPT 1
#define HF_DO_SLEEP 2
#define HF_DO_WAIT 3
#define HF_DO_FINISH 4
#define HF_DO_STORE 5     /* idempotency.h */
#define HF_DO_RUN 6       /* idempotency.h */
#define HF_DO_RECONCILE 7 /* idempotency.h */

/* What to do next, and what just happened. Fixed layout. */
typedef struct hf_action {
  hf_do kind;
  hf_code code;     /* FINISH: OK, the last attempt's code, or the refusal's if none was made */
  hf_reason reason; /* FINISH: NONE on success, else who stopped the call */
  uint32_t attempt; /* ATTEMPT: its number from 1; FINISH: how many were made */
  hf_time until;    /* see the table; 0: no limit (ATTEMPT, WAIT) */
  hf_duration retry_after; /* FINISH: when to come back; 0: unknown */
  hf_events events;        /* what this step changed, HF_EVENT_* */
  uint32_t retries; /* ATTEMPT: what is left for the layers below; FINISH: how many were made,
                            * the layers below included */
  uint64_t fault;   /* ATTEMPT: not 0: do not make it, answer with this canned result (fault.h) */
  uint64_t reserved1;
} hf_action;

/* Begins a call.
 * Contract: ends by FINISH or hf_call_abort. Takes a reference on the pipeline until then.
 * Ownership: *call pinned. Threads: one at a time per call; no allocation.
 * Errors: INVALID_ARGUMENT with nothing begun: NULL, HF_R_ZERO_SEED, negative now or deadline,
 *   unknown flags, facts with a size and no data. Since: 0.1 */
HF_API hf_code hf_call_start(hf_call* call, hf_pipeline* pipeline, const hf_call_options* options,
                             hf_time now, hf_action* next) HF_NOEXCEPT;

/* Goes on.
 * Contract: outcome after ATTEMPT, NULL after SLEEP and WAIT; a step that comes early gets the same
 *   action again, and so does one that is refused, with code and reason (FINISH if nothing is under way). Ownership: *outcome borrowed. Threads: one at a time per call; no allocation; may spin
 *   while a wake-up is under way. Errors: INVALID_ARGUMENT with the session as it was: a bad outcome,
 *   an outcome missing or unasked for; HF_R_BAD_STATE: finished or never started. Since: 0.1 */
HF_API hf_code hf_call_resume(hf_call* call, const hf_outcome* outcome, hf_time now,
                              hf_action* next) HF_NOEXCEPT;

/* Ends a call early, wherever it is.
 * Contract: gives back every permit (the breaker's as IGNORED) and the place in the queue; idempotent,
 *   fine on a finished or a zeroed session. Ownership: *call is the caller's again. Threads: one at a
 *   time per call. Errors: none. Since: 0.1 */
HF_API void hf_call_abort(hf_call* call, hf_time now) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_CALL_H_ */
