/* SPDX-License-Identifier: Apache-2.0 */
/* Retry policy, and the token budget that keeps retries from becoming a storm.
 *
 * Delay before attempt n+1, for n = 1, 2, ...: first the cap, then the jitter, so that a delay at the
 * cap is still spread out (most libraries randomise first, and march in step once capped):
 *   d_n          = min(cap, base * multiplier^(n-1))            never overflows, any n
 *                  min(cap, base * n) if growth is linear
 *   full         : uniform in [0, d_n]                          AWS, "Exponential Backoff And Jitter"
 *   equal        : d_n/2 + uniform in [0, d_n/2]
 *   around       : uniform in [d_n * (1 - spread), min(cap, d_n * (1 + spread))]    gRPC A6: 0.2
 *   decorrelated : uniform in [base, min(cap, 3 * previous)],   previous starts as base
 *   decorrelated2: base * (x(n-1+r_n) - x(n-2+r_(n-1))) / 1.4,  x(t) = 2^t * tanh(sqrt(4t)), each r
 *                  uniform in [0, 1); above cap: uniform in [cap/2, cap]    Polly v8: smooth, median near d_n
 *   none         : d_n                                          for tests and for a single caller
 * A peer's retry_after is honoured up to max(d, min(retry_after, 5 s + d)), d the computed delay, so
 * that a hostile or broken value cannot park a caller (the AWS clamp). HF_INFINITE asks not to be tried
 * again, and is honoured as it is.
 */
#ifndef HOLDFAST_C_RETRY_H_
#define HOLDFAST_C_RETRY_H_

#include <holdfast/c/journal.h>
#include <holdfast/c/outcome.h>

HF_BEGIN_DECLS

typedef int32_t hf_jitter;
#define HF_JITTER_FULL 1 /* the default */
#define HF_JITTER_EQUAL 2
#define HF_JITTER_DECORRELATED 3
#define HF_JITTER_NONE 4
#define HF_JITTER_AROUND 5
#define HF_JITTER_DECORRELATED2 6

typedef int32_t hf_growth;
#define HF_GROWTH_EXPONENTIAL 1 /* the default */
#define HF_GROWTH_LINEAR 2

typedef struct hf_retry hf_retry;   /* an immutable policy */
typedef struct hf_budget hf_budget; /* shared tokens */

/* What differs for attempts that end with one code: a throttled peer wants longer delays than a reset
 * connection. Fixed layout. */
typedef struct hf_retry_rule {
  hf_code code; /* not OK; at most one rule each */
  hf_effect
      effect; /* instead of what the code says, where the driver knows no better; 0: as it is */
  uint32_t max_attempts; /* of the call, if its last attempt ended so; 1..1000; 0: the policy's */
  uint32_t reserved0;    /* must be 0 */
  hf_duration base;      /* 1 us..1 h; 0: the policy's */
  hf_duration cap;       /* base..24 h; 0: the policy's, or base if that is longer */
} hf_retry_rule;

typedef struct hf_retry_options {
  uint32_t struct_size, abi_level;
  uint32_t max_attempts; /* the first included; 1..1000; default 3 */
  hf_jitter jitter;      /* default full */
  hf_duration base;      /* 1 us..1 h; default 100 ms */
  hf_duration cap;       /* base..24 h; default 10 s, or base if that is longer */
  double multiplier;     /* 1..100; default 2 */
  hf_duration
      min_attempt_time;    /* stop if less than this would be left after the delay; default 0 */
  hf_duration max_elapsed; /* no retry begins later than this after the call; default HF_INFINITE */
  hf_growth growth;        /* default exponential */
  uint32_t tree_retries;   /* of a call that begins here, all layers below together, never sent ones
                            * left out; 1..10000; default 2 * max_attempts, or of
                            * the rule with more attempts. See call.h */
  double spread;           /* jitter around: 0.001..1; default 0.2 */
  const hf_retry_rule* rules; /* borrowed until hf_retry_new returns */
  uint32_t rule_count;        /* 0..16 */
  uint32_t reserved0;         /* must be 0 */
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
  double max_tokens;   /* 1..1000, rounded to 0.001; default 100 */
  double ratio;        /* 0.001..max_tokens, rounded to 0.001; default 0.1 */
  hf_journal* journal; /* nullable; a reference is taken. Not changed by an update */
  uint64_t object;     /* the number its events carry */
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

/* Gives a budget a new configuration.
 * Contract: keeps the share of tokens left, as gRPC does: 3 of 4 become 7.5 of 10. Ownership: none.
 * Threads: any; a charge at the same time is kept. Errors: INVALID_ARGUMENT naming the field, and the old
 *   configuration stays. Since: 0.2 */
HF_API hf_code hf_budget_update(hf_budget* budget, const hf_budget_options* options, hf_time now,
                                hf_error* error) HF_NOEXCEPT;

typedef struct hf_budget_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t reserved0;
  double tokens;     /* 0..max_tokens */
  double max_tokens; /* as configured */
  double ratio;
  uint64_t allowed; /* retries and hedges */
  uint64_t refused;
} hf_budget_snapshot;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any; fields
 *   are each exact. Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_budget_read(const hf_budget* budget, hf_budget_snapshot* out) HF_NOEXCEPT;

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
