/* SPDX-License-Identifier: Apache-2.0 */
/* Explain: what a pipeline does to a call at worst, and what in its configuration works against itself.
 *
 * An explanation is worked out from the configuration alone: no call is made, no guard is touched.
 *
 *   worst case   what no call exceeds, whatever its attempts do, as long as its driver keeps `until`. It
 *                is reached where jitter is none: attempts that take all of their time, peers that ask
 *                for as much as the clamp of retry.h lets them.
 *   warnings     each with the two numbers it was derived from. A configuration that merely differs from
 *                the usual one gets none.
 *
 * A call is one that begins here: under a context or a caller that was told what is left of retries
 * (call.h), theirs is the allowance instead.
 * What a pipeline cannot know is asked for in the options. What is not told is not judged.
 */
#ifndef HOLDFAST_C_EXPLAIN_H_
#define HOLDFAST_C_EXPLAIN_H_

#include <holdfast/c/call.h>
#include <holdfast/c/hedge.h>

HF_BEGIN_DECLS

#define HF_EXPLAIN_IDEMPOTENT 1u     /* the calls are declared idempotent */
#define HF_EXPLAIN_NOT_IDEMPOTENT 2u /* they are not; neither: not told */

typedef struct hf_explain_options {
  uint32_t struct_size, abi_level;
  hf_duration deadline; /* what callers give, from the start of a call; default none */
  hf_duration latency;  /* of an attempt, the 99th percentile; default 0: not known */
  uint32_t flags;       /* HF_EXPLAIN_*, not both */
  /* How many attempts the layers above make of one call, at most, and those below of one attempt: for
   * several layers the product. 1..1e6; default 1. */
  uint32_t attempts_above;
  uint32_t attempts_below;
  uint32_t reserved0;
  hf_hedge*
      hedge; /* nullable: of a call hedged by it, where the retry policy has no say; borrowed */
} hf_explain_options;

/* A guard of the pipeline, with its numbers: those not named are 0. An open set. */
typedef uint32_t hf_stage_kind;
#define HF_STAGE_KILL_SWITCH 1u
#define HF_STAGE_TIMEOUT 2u       /* the earlier of `timeout` and the options' `deadline` */
#define HF_STAGE_CALL_LIMITER 3u  /* as LIMITER */
#define HF_STAGE_CALL_BULKHEAD 4u /* as BULKHEAD */
#define HF_STAGE_RETRY 5u         /* max_attempts (the most of all rules), base, cap */
#define HF_STAGE_HEDGE 6u         /* max_attempts, the shortest delay, max_rate in thousandths */
#define HF_STAGE_BUDGET 7u        /* max_tokens and ratio in thousandths */
#define HF_STAGE_BREAKER 8u       /* failure_rate in thousandths, open_for, probes */
#define HF_STAGE_THROTTLE 9u      /* success_rate in thousandths, window */
#define HF_STAGE_LIMITER 10u      /* permits, period, max_wait */
#define HF_STAGE_BULKHEAD 11u     /* limit, queue, max_wait (0 without a queue) */
#define HF_STAGE_FAULT 12u
#define HF_STAGE_ATTEMPT_TIMEOUT 13u /* attempt_timeout */

typedef struct hf_stage {
  hf_stage_kind kind;
  uint32_t reserved0;
  int64_t numbers[3];
} hf_stage;

typedef int32_t hf_severity;
#define HF_SEVERITY_NOTE 1    /* a field has no effect, or less than it seems */
#define HF_SEVERITY_WARNING 2 /* works badly, most of all when it is needed */
#define HF_SEVERITY_ERROR 3   /* a guard can never do what it is there for */

/* What is wrong: `found` and `against`, in this order. Durations in nanoseconds. An open set. */
typedef uint32_t hf_warning_kind;
#define HF_WARNING_RETRIES_DO_NOT_FIT 1u /* attempts that can begin if all are slow; max_attempts */
#define HF_WARNING_BACKOFF_BEYOND_TIMEOUT 2u /* the longest delay; the deadline */
#define HF_WARNING_ATTEMPT_TIMEOUT_UNUSED 3u /* attempt_timeout; the deadline, which is shorter */
#define HF_WARNING_RETRY_WITHOUT_BUDGET 4u   /* max_attempts; 0 */
#define HF_WARNING_RETRY_WITHOUT_TIMEOUT 5u  /* max_attempts; 0 */
#define HF_WARNING_RETRY_WITHOUT_ATTEMPT_TIMEOUT 6u /* max_attempts; the deadline */
#define HF_WARNING_RETRY_WITHOUT_BRAKE 7u           /* max_attempts; 0: no breaker, no throttle */
#define HF_WARNING_RETRY_NOT_IDEMPOTENT 8u          /* max_attempts; 0 */
#define HF_WARNING_NO_JITTER 9u                     /* max_attempts; base */
#define HF_WARNING_BUDGET_ALLOWS_NONE 10u           /* max_tokens; 2000, both in thousandths */
#define HF_WARNING_TREE_STOPS_RETRIES 11u           /* 1 + tree_retries; max_attempts */
#define HF_WARNING_TREE_UNUSED 12u /* 1 + tree_retries; the product of all layers, which is less */
#define HF_WARNING_HEDGE_NOT_IDEMPOTENT 13u      /* the hedge's max_attempts; 1 */
#define HF_WARNING_HEDGE_BEYOND_TIMEOUT 14u      /* the shortest delay; the deadline */
#define HF_WARNING_HEDGE_BEYOND_ATTEMPT 15u      /* the shortest delay; attempt_timeout */
#define HF_WARNING_OPEN_FOR_BEYOND_TIMEOUT 16u   /* open_for; the deadline */
#define HF_WARNING_OPEN_FOR_BELOW_ATTEMPT 17u    /* open_for; how long an attempt takes at most */
#define HF_WARNING_PROBE_LEASE_BELOW_ATTEMPT 18u /* probe_lease; the same */
#define HF_WARNING_SLOW_AFTER_BEYOND_ATTEMPT 19u /* slow_after; the same */
#define HF_WARNING_QUEUE_BEYOND_TIMEOUT 20u      /* max_wait of `stage`; the deadline */
#define HF_WARNING_QUEUE_WITHOUT_TIMEOUT 21u     /* queue of `stage`; its max_wait */
#define HF_WARNING_LIMITER_BEYOND_TIMEOUT 22u    /* max_wait of `stage`; the deadline */
#define HF_WARNING_LIMITER_BELOW_BULKHEAD 23u    /* in flight at its rate and `latency`; limit */
#define HF_WARNING_BULKHEAD_UNUSED 24u           /* call_bulkhead's limit; bulkhead's */
#define HF_WARNING_SAME_BULKHEAD 25u /* limit; 0: call_bulkhead and bulkhead are one object */
#define HF_WARNING_SAME_LIMITER 26u  /* permits; 0: call_limiter and limiter are one object */

typedef struct hf_warning {
  hf_warning_kind kind;
  hf_severity severity;
  hf_stage_kind stage; /* whose field it is */
  uint32_t reserved0;
  int64_t found;
  int64_t against;
} hf_warning;

#define HF_STAGES 16
#define HF_WARNINGS 32

typedef struct hf_explanation {
  uint32_t struct_size;         /* set by the caller */
  uint32_t worst_attempts;      /* never sent ones included */
  uint32_t worst_sent;          /* that reach the dependency: the load factor at first */
  uint32_t worst_breaker_waits; /* sleeps over a refusal; each uses up one of worst_attempts */
  uint32_t slow_attempts; /* made if each takes all of its time, and delays are the shortest */
  uint32_t stage_count;
  uint32_t warning_count;
  uint32_t reserved0;
  hf_duration deadline;    /* the earlier of both; HF_INFINITE: none */
  hf_duration worst_time;  /* from start to FINISH; HF_INFINITE: no limit */
  double steady_load;      /* attempts per call that the budget, or the hedge's cap, lets through in
                               * the long run */
  uint64_t layers_product; /* attempts_above * worst_sent * attempts_below; ends at UINT64_MAX */
  uint64_t
      tree_attempts; /* the same, if every layer passes on what is left (call.h) and none allows
                               * more than this one */
  hf_stage stages[HF_STAGES]; /* in the order a call meets them */
  hf_warning warnings[HF_WARNINGS];
} hf_explanation;

/* Explains a pipeline.
 * Contract: options NULL means all defaults. Describes the configuration of this moment; nothing changes.
 *   Writes at most out->struct_size bytes. Ownership: *options borrowed, *out the caller's memory.
 * Threads: any; a short lock per guard, no allocation.
 * Errors: INVALID_ARGUMENT naming the field (error is nullable), *out untouched; HF_R_BAD_OPTIONS: both
 *   flags. Since: 0.2 */
HF_API hf_code hf_pipeline_explain(const hf_pipeline* pipeline, const hf_explain_options* options,
                                   hf_explanation* out, hf_error* error) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_EXPLAIN_H_ */
