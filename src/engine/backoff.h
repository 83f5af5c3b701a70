// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: first the cap, then the jitter, so that a delay at the cap
// is still spread out.
//
//   ceiling d_n    min(cap, base * multiplier^(n-1)), or min(cap, base * n) if growth is linear
//                  n = failed attempts so far, from 1
//   FULL           uniform in [0, d_n]
//   EQUAL          uniform in [d_n / 2, d_n]
//   AROUND         uniform in [d_n * (1 - spread), min(cap, d_n * (1 + spread))]
//   DECORRELATED   uniform in [base, min(cap, 3 * previous)], previous starts as base
//   DECORRELATED2  base / 1.4 * (x(n-1 + r_n) - x(n-2 + r_(n-1))), x(t) = 2^t * tanh(sqrt(4t)), x(<0) = 0;
//                  what is above the cap is drawn anew, uniform in [cap / 2, cap]
//   NONE           d_n
//
// Invariants: every delay is in [0, cap]. Equal (policy, attempt, previous, seed) give equal delays, on
// every machine: powers are made of multiplications, which IEEE 754 fixes to the bit, not of pow().
// Memory: values. Locking: none.
#ifndef HOLDFAST_ENGINE_BACKOFF_H_
#define HOLDFAST_ENGINE_BACKOFF_H_

#include <holdfast/c/retry.h>

#include <cstdint>

namespace holdfast::engine {

// hf_retry_options with defaults filled in and ranges checked: base >= 1, cap >= base, multiplier >= 1,
// 0.001 <= spread <= 1. Its rules are in engine/retry_rules.h.
struct BackoffPolicy {
  uint32_t max_attempts = 3;
  hf_jitter jitter = HF_JITTER_FULL;
  hf_duration base = 100 * HF_MS;
  hf_duration cap = 10 * HF_S;
  double multiplier = 2;
  hf_duration min_attempt_time = 0;
  hf_duration max_elapsed = HF_INFINITE;
  hf_growth growth = HF_GROWTH_EXPONENTIAL;
  uint32_t tree_retries = 6;
  double spread = 0.2;
};

// What a peer may add to the computed delay by asking for more.
inline constexpr hf_duration kRetryAfterAllowance = 5 * HF_S;

// d_n for n >= 1.
hf_duration BackoffCeiling(const BackoffPolicy& policy, uint32_t attempt);

// The delay after failed attempt n >= 1; `previous` is the delay before it, 0 if there was none.
hf_duration BackoffDelay(const BackoffPolicy& policy, uint32_t attempt, hf_duration previous,
                         uint64_t seed);

// What BackoffDelay can answer, over all seeds, if the delay before was at most `previous_highest`.
struct DelayRange {
  hf_duration lowest;
  hf_duration highest;
};
DelayRange BackoffRange(const BackoffPolicy& policy, uint32_t attempt,
                        hf_duration previous_highest);

// The computed delay after listening to the peer, who can lengthen it by the allowance, never shorten
// it: max(delay, min(retry_after, allowance + delay)).
hf_duration HonourRetryAfter(hf_duration delay, hf_duration retry_after);

// Whether, after `delay`, at least min_attempt_time is left before the deadline (0: none).
bool FitsDeadline(hf_time now, hf_duration delay, hf_duration min_attempt_time, hf_time deadline);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BACKOFF_H_
