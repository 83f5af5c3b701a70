// SPDX-License-Identifier: Apache-2.0
// RetryPolicy: how often and how long apart. RetryBudget: how many retries a dependency may be sent.
//
// Both are cheap handles over shared, thread-safe objects: copy them freely. A pipeline (pipeline.h) uses
// them for you; by hand, a loop asks the budget first, then sleeps for the policy's delay.
// Algorithms: c/retry.h. Cap first, jitter second (AWS Architecture Blog, "Exponential Backoff And
// Jitter"); budget as in gRPC's retry throttling (proposal A6).
#ifndef HOLDFAST_RETRY_H_
#define HOLDFAST_RETRY_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/retry.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace holdfast::inline v0_5 {

// How a computed delay d is spread out, so that callers who failed together do not come back together.
enum class Jitter : hf_jitter {
  kFull = HF_JITTER_FULL,                    // uniform in [0, d]
  kEqual = HF_JITTER_EQUAL,                  // uniform in [d/2, d]
  kAround = HF_JITTER_AROUND,                // uniform in [d * (1 - spread), d * (1 + spread)]
  kDecorrelated = HF_JITTER_DECORRELATED,    // uniform in [base, 3 * the delay before], at most cap
  kDecorrelated2 = HF_JITTER_DECORRELATED2,  // Polly's smooth curve: no clumps, median near d
  kNone = HF_JITTER_NONE,                    // d; for tests, or a caller that is alone
};

// How d grows from one attempt to the next, up to the cap.
enum class Growth : hf_growth {
  kExponential = HF_GROWTH_EXPONENTIAL,  // base * multiplier^(n-1)
  kLinear = HF_GROWTH_LINEAR,            // base * n
};

// What is different after an attempt that ended with `code`: a throttled peer wants longer delays than a
// reset connection. Zero in any field: as the policy has it.
struct RetryRule {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  hf_effect effect = HF_EFFECT_DERIVE;  // read the code so, where the driver knows no better
  uint32_t max_attempts = 0;
  Duration base{0};
  Duration cap{0};
};

// Zero in any field is its default.
struct RetryOptions {
  uint32_t max_attempts = 3;  // the first included; 1..1000
  Jitter jitter = Jitter::kFull;
  Duration base = std::chrono::milliseconds(100);  // 1 us..1 h: the delay before the second attempt
  Duration cap = Duration{0};    // base..24 h: no delay is longer; default 10 s, or base if longer
  double multiplier = 2;         // 1..100: how much longer each delay is than the one before
  Duration min_attempt_time{0};  // stop early if less than this would be left after the delay
  Duration max_elapsed{0};       // no retry begins later than this; default never
  Growth growth = Growth::kExponential;
  uint32_t tree_retries =
      0;                // of a call and all layers below it (call.h); default 2 * the most attempts
  double spread = 0.2;  // of Jitter::kAround: 0.001..1
  std::span<const RetryRule> rules = {};  // at most 16, one for each code
};

// Immutable. Thread-safe.
class RetryPolicy {
 public:
  using Options = RetryOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<RetryPolicy> Create(const Options& options = {}) {
    hf_retry_options raw = HF_INIT(hf_retry_options);
    raw.max_attempts = options.max_attempts;
    raw.jitter = static_cast<hf_jitter>(options.jitter);
    raw.base = options.base.count();
    raw.cap = options.cap.count();
    raw.multiplier = options.multiplier;
    raw.min_attempt_time = options.min_attempt_time.count();
    raw.max_elapsed = options.max_elapsed.count();
    raw.growth = static_cast<hf_growth>(options.growth);
    raw.tree_retries = options.tree_retries;
    raw.spread = options.spread;
    std::array<hf_retry_rule, 16> rules{};
    for (size_t i = 0; i < std::min(rules.size(), options.rules.size()); ++i) {
      const RetryRule& rule = options.rules[i];
      rules[i] = {static_cast<hf_code>(rule.code),
                  rule.effect,
                  rule.max_attempts,
                  0,
                  rule.base.count(),
                  rule.cap.count()};
    }
    raw.rules = rules.data();
    raw.rule_count = static_cast<uint32_t>(options.rules.size());
    hf_retry* created = nullptr;
    hf_error error;
    if (hf_retry_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return RetryPolicy(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  RetryPolicy() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // The delay after failed attempt `attempt`, from 1. The same arguments give the same delay, within
  // [0, cap]. `seed` is a fresh random number per call, not 0; `previous` is the delay before, 0 at first.
  // Errors: kInvalidArgument.
  absl::StatusOr<Duration> Delay(uint32_t attempt, uint64_t seed, Duration previous) const {
    hf_duration before = previous.count();
    hf_duration delay = 0;
    const hf_code code = hf_retry_delay(raw(), attempt, seed, &before, &delay);
    if (code != HF_OK) {
      return seed == 0 ? MakeStatus(code, HF_R_ZERO_SEED, "seed: must not be 0")
                       : MakeStatus(code, HF_R_OUT_OF_RANGE, "attempt or previous: out of range");
    }
    return Duration{delay};
  }

  // The C object, borrowed.
  hf_retry* raw() const { return handle_.get(); }

 private:
  explicit RetryPolicy(hf_retry* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  Handle<hf_retry, hf_retry_ref, hf_retry_unref> handle_;
};

// Zero in any field is its default.
struct RetryBudgetOptions {
  double max_tokens = 100;  // 1..1000, rounded to 0.001; starts full
  double ratio = 0.1;       // 0.001..max_tokens, rounded to 0.001: tokens a success gives back
  hf_journal* journal =
      nullptr;          // where its events go; borrowed, a reference is taken. Not by Update
  uint64_t object = 0;  // the number they carry
};

struct RetryBudgetSnapshot {
  double tokens = 0;  // 0..max_tokens
  double max_tokens = 0;
  double ratio = 0;
  uint64_t allowed = 0;  // retries and hedges
  uint64_t refused = 0;
};

// A token bucket, one per dependency and shared by all its callers: a retryable failure takes one token,
// a success gives `ratio` back, a retry is allowed while more than half is left. Thread-safe.
class RetryBudget {
 public:
  using Options = RetryBudgetOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<RetryBudget> Create(const Options& options = {}) {
    const hf_budget_options raw = Raw(options);
    hf_budget* created = nullptr;
    hf_error error;
    if (hf_budget_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return RetryBudget(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  RetryBudget() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Takes a new configuration and keeps the share of tokens that is left: 3 of 4 become 7.5 of 10.
  // Errors: kInvalidArgument naming the field; the old configuration stays.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_budget_options given = Raw(options);
    hf_error error;
    const hf_code code = hf_budget_update(raw(), &given, now, &error);
    return code == HF_OK ? absl::OkStatus() : MakeStatus(error);
  }

  RetryBudgetSnapshot Snapshot() const {
    hf_budget_snapshot now{};
    now.struct_size = sizeof(now);
    if (hf_budget_read(raw(), &now) != HF_OK) return {};
    return {now.tokens, now.max_tokens, now.ratio, now.allowed, now.refused};
  }

  // Charges a retryable failure, before any sleep. True: a retry is allowed.
  [[nodiscard]] bool OnFailure() const { return hf_budget_on_failure(raw()) == HF_OK; }
  void OnSuccess() const { hf_budget_on_success(raw()); }
  // Between 0 and max_tokens.
  double Tokens() const { return hf_budget_tokens(raw()); }

  // The C object, borrowed.
  hf_budget* raw() const { return handle_.get(); }

 private:
  friend struct internal::Keyed<RetryBudget>;

  static hf_budget_options Raw(const Options& options) {
    hf_budget_options raw = HF_INIT(hf_budget_options);
    raw.max_tokens = options.max_tokens;
    raw.ratio = options.ratio;
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  explicit RetryBudget(hf_budget* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  Handle<hf_budget, hf_budget_ref, hf_budget_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RETRY_H_
