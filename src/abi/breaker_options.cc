// SPDX-License-Identifier: Apache-2.0
// hf_breaker_options -> engine::BreakerPolicy: defaults and ranges.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "abi/breaker.h"

namespace holdfast::abi {
namespace {

constexpr hf_duration kMinBucketedTime = 10 * HF_MS;
constexpr hf_duration kHour = 3600 * HF_S;
constexpr uint32_t kMaxMinimumCalls = 1000000;
constexpr uint32_t kMaxProbes = 1000;
constexpr uint32_t kMaxPeers = 1000;
constexpr hf_duration kMinWait = HF_MS;
constexpr hf_duration kMaxWait = 24 * kHour;
constexpr double kMaxMultiplier = 100;
constexpr hf_duration kDefaultCap = 600 * HF_S;
constexpr double kDefaultSlowRate = 0.5;  // with slow_after

template <typename T>
void Take(T given, T* field) {
  if (given != 0) *field = given;
}

// A field of 0 leaves the default, which may depend on what comes before it.
engine::BreakerPolicy Complete(const hf_breaker_options& options) {
  engine::BreakerPolicy policy;
  Take(options.window, &policy.window);
  Take(options.window_calls, &policy.window_calls);
  Take(options.window_time, &policy.window_time);
  Take(options.window_buckets, &policy.window_buckets);
  Take(options.minimum_calls, &policy.minimum_calls);
  Take(options.failure_rate, &policy.failure_rate);
  policy.consecutive_failures = options.consecutive_failures;
  Take(options.probes, &policy.probes);
  Take(options.open_for, &policy.open_for);
  Take(options.probe_lease, &policy.probe_lease);
  policy.slow_after = options.slow_after;
  policy.slow_rate = options.slow_after != 0 ? kDefaultSlowRate : 0;
  Take(options.slow_rate, &policy.slow_rate);
  policy.probe_success_rate = options.probe_success_rate;
  Take(options.lost_probe, &policy.lost_probe);
  Take(options.open_multiplier, &policy.open_multiplier);
  policy.open_cap = std::max(kDefaultCap, policy.open_for);
  Take(options.open_cap, &policy.open_cap);
  Take(options.healthy_for, &policy.healthy_for);
  policy.open_jitter = options.open_jitter;
  policy.seed = options.seed;
  policy.ramp_for = options.ramp_for;
  Take(options.ramp_from, &policy.ramp_from);
  policy.veto_calls = std::max(policy.minimum_calls / 4, 1u);
  Take(options.veto_calls, &policy.veto_calls);
  policy.veto_rate = policy.failure_rate / 2;
  Take(options.veto_rate, &policy.veto_rate);
  Take(options.peer_ttl, &policy.peer_ttl);
  return policy;
}

class Check {
 public:
  explicit Check(hf_error* error) : error_(error) {}

  Check& Range(std::string_view field, int64_t value, int64_t lowest, int64_t highest) {
    if (code_ == HF_OK) code_ = CheckRange(error_, field, value, lowest, highest);
    return *this;
  }
  Check& RangeOrZero(std::string_view field, int64_t value, int64_t lowest, int64_t highest) {
    return value == 0 ? *this : Range(field, value, lowest, highest);
  }
  // Above 0, at most 1; false for not-a-number, too.
  Check& Rate(std::string_view field, double value) {
    if (code_ == HF_OK && !(value > 0 && value <= 1)) {
      code_ = FailField(error_, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field,
                        "must be above 0 and at most 1");
    }
    return *this;
  }
  Check& RateOrZero(std::string_view field, double value) {
    return value == 0 ? *this : Rate(field, value);
  }
  Check& Real(std::string_view field, double value, double lowest, double highest) {
    if (code_ == HF_OK) code_ = CheckReal(error_, field, value, lowest, highest);
    return *this;
  }
  hf_code code() const { return code_; }

 private:
  hf_error* const error_;
  hf_code code_ = HF_OK;
};

}  // namespace

hf_code BreakerPolicyOf(const hf_breaker_options& options, engine::BreakerPolicy* out,
                        hf_error* error) {
  const engine::BreakerPolicy policy = Complete(options);
  const hf_code code =
      Check(error)
          .Range("window", policy.window, HF_WINDOW_COUNT, HF_WINDOW_TIME)
          .Range("window_calls", policy.window_calls, 1, engine::kMaxWindowCalls)
          .Range("window_time", policy.window_time, kMinBucketedTime, kHour)
          .Range("window_buckets", policy.window_buckets, 1, engine::kMaxWindowBuckets)
          .Range("minimum_calls", policy.minimum_calls, 1, kMaxMinimumCalls)
          .Rate("failure_rate", policy.failure_rate)
          .Range("probes", policy.probes, 1, kMaxProbes)
          .Range("open_for", policy.open_for, kMinWait, kMaxWait)
          .Range("probe_lease", policy.probe_lease, kMinWait, kMaxWait)
          .RangeOrZero("slow_after", policy.slow_after, kMinWait, kHour)
          .RateOrZero("slow_rate", policy.slow_rate)
          .RateOrZero("probe_success_rate", policy.probe_success_rate)
          .Range("lost_probe", policy.lost_probe, HF_LOST_PROBE_REFUND, HF_LOST_PROBE_FAILURE)
          .RangeOrZero("shards", options.shards, 1, engine::kMaxLanes)
          .Real("open_multiplier", policy.open_multiplier, 1, kMaxMultiplier)
          .Range("open_cap", policy.open_cap, policy.open_for, kMaxWait)
          .Range("healthy_for", policy.healthy_for, kMinWait, kMaxWait)
          .Real("open_jitter", policy.open_jitter, 0, 1)
          .RangeOrZero("ramp_for", policy.ramp_for, kMinWait, kMaxWait)
          .Rate("ramp_from", policy.ramp_from)
          .Range("peers", options.peers, 0, kMaxPeers)
          .Range("veto_calls", policy.veto_calls, 1, kMaxMinimumCalls)
          .Rate("veto_rate", policy.veto_rate)
          .Range("peer_ttl", policy.peer_ttl, kMinWait, kMaxWait)
          .code();
  if (code != HF_OK) return code;
  if (policy.open_jitter > 0 && policy.seed == 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_ZERO_SEED, "seed",
                     "open_jitter needs one: a fleet must not come back in step");
  }
  *out = policy;
  if (policy.window == HF_WINDOW_COUNT) {
    out->minimum_calls = std::min(policy.minimum_calls, policy.window_calls);
  }
  return HF_OK;
}

}  // namespace holdfast::abi
