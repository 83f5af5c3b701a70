/* SPDX-License-Identifier: Apache-2.0 */
/* Retry policy, and the token budget that keeps retries from becoming a storm.
 *
 * Delay before attempt n+1, for n = 1, 2, ...: first the cap, then the jitter, so that a delay at the
 * cap is still spread out (most libraries randomise first, and march in step once capped):
 *   d_n          = min(cap, base * multiplier^(n-1))            never overflows, any n
 *   full         : uniform in [0, d_n]                          AWS, "Exponential Backoff And Jitter"
 *   equal        : d_n/2 + uniform in [0, d_n/2]
 *   decorrelated : uniform in [base, min(cap, 3 * previous)],   previous starts as base
 *   none         : d_n                                          for tests and for a single caller
 * A peer's retry_after is honoured up to max(d, min(retry_after, 5 s + d)), d the computed delay, so
 * that a hostile or broken value cannot park a caller (the AWS clamp).
 */
#ifndef HOLDFAST_C_RETRY_H_
#define HOLDFAST_C_RETRY_H_

#include <holdfast/c/outcome.h>

HF_BEGIN_DECLS

typedef int32_t hf_jitter;
#define HF_JITTER_FULL 1 /* the default */
#define HF_JITTER_EQUAL 2
#define HF_JITTER_DECORRELATED 3
#define HF_JITTER_NONE 4

typedef struct hf_retry hf_retry;   /* an immutable policy */
typedef struct hf_budget hf_budget; /* shared tokens */

typedef struct hf_retry_options {
  uint32_t struct_size, abi_level;
  uint32_t max_attempts; /* the first included; 1..1000; default 3 */
  hf_jitter jitter;      /* default full */
  hf_duration base;      /* 1 us..1 h; default 100 ms */
  hf_duration cap;       /* base..24 h; default 10 s, or base if that is longer */
  double multiplier;     /* 1..100; default 2 */
  hf_duration
      min_attempt_time; /* stop if less than this would be left after the delay; default 0 */
} hf_retry_options;

/* Creates a policy.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field (error is nullable), RESOURCE_EXHAUSTED. Since: 0.1 */
HF_API hf_code hf_retry_new(const hf_retry_options* options, hf_retry** out,
                            hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_retry_ref(hf_retry* retry) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_retry_unref(hf_retry* retry) HF_NOEXCEPT;

/* The delay after failed attempt n, for those who loop by hand.
 * Contract: attempt >= 1; *previous is 0 at first, and is updated (decorrelated jitter needs it). The
 *   same (policy, attempt, *previous, seed) gives the same delay. The result is within [0, cap].
 * Ownership: *previous and *delay are written. Threads: any.
 * Errors: INVALID_ARGUMENT: NULL, attempt 0, seed 0 (HF_R_ZERO_SEED), *previous negative. Since: 0.1 */
HF_API hf_code hf_retry_delay(const hf_retry* retry, uint32_t attempt, uint64_t seed,
                              hf_duration* previous, hf_duration* delay) HF_NOEXCEPT;

/* A token bucket over attempts, as in gRPC's retry throttling (proposal A6): it starts full; a
 * retryable failure takes one token, a success gives `ratio` back; a retry is allowed while more than
 * half of max_tokens is left. In a full outage retries fade out after max_tokens/2 failures, whatever
 * the number of callers; in steady state at most `ratio` of the calls are retried. */
typedef struct hf_budget_options {
  uint32_t struct_size, abi_level;
  double max_tokens; /* 1..1000, rounded to 0.001; default 100 */
  double ratio;      /* 0.001..max_tokens, rounded to 0.001; default 0.1 */
} hf_budget_options;

/* Creates a budget.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.1 */
HF_API hf_code hf_budget_new(const hf_budget_options* options, hf_budget** out,
                             hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_budget_ref(hf_budget* budget) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_budget_unref(hf_budget* budget) HF_NOEXCEPT;

/* Takes one token for a retryable failure, and tells whether a retry is allowed.
 * Contract: charged at once, before any delay, atomically; never below 0. Ownership: none.
 * Threads: any. Errors: OK: retry allowed. RESOURCE_EXHAUSTED: not. INVALID_ARGUMENT: NULL. Since: 0.1 */
HF_API hf_code hf_budget_on_failure(hf_budget* budget) HF_NOEXCEPT;
/* Gives `ratio` tokens back for a success.
 * Contract: never above max_tokens. Ownership: none. Threads: any.
 * Errors: INVALID_ARGUMENT: NULL. Since: 0.1 */
HF_API hf_code hf_budget_on_success(hf_budget* budget) HF_NOEXCEPT;
/* The tokens left.
 * Contract: 0..max_tokens; 0 if budget is NULL. Ownership: none. Threads: any. Errors: none. Since: 0.1 */
HF_API double hf_budget_tokens(const hf_budget* budget) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_RETRY_H_ */
