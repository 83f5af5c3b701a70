// SPDX-License-Identifier: Apache-2.0
// c/adaptive.h over engine/adaptive_sampler.h.
#include "abi/adaptive.h"

#include <algorithm>

namespace holdfast::abi {
namespace {

using engine::AdaptivePolicy;

constexpr uint32_t kMost = 1000000;

// The defaults that differ from algorithm to algorithm.
void ApplyAlgorithm(hf_adaptive_algorithm algorithm, AdaptivePolicy* policy) {
  policy->algorithm = algorithm;
  if (algorithm == HF_ADAPTIVE_VEGAS) policy->max_limit = 1000;
  if (algorithm == HF_ADAPTIVE_GRADIENT2) policy->smoothing = 0.2;
  if (algorithm == HF_ADAPTIVE_GRADIENT2 || algorithm == HF_ADAPTIVE_AIMD) policy->min_limit = 20;
}

// A default gives way to what was asked for; two bounds that were both asked for are checked later.
void ApplyBounds(const hf_adaptive_options& given, AdaptivePolicy* policy) {
  if (given.max_limit != 0) {
    policy->max_limit = given.max_limit;
    policy->min_limit = std::min(policy->min_limit, given.max_limit);
  }
  if (given.min_limit != 0) {
    policy->min_limit = given.min_limit;
    if (given.max_limit == 0) policy->max_limit = std::max(policy->max_limit, given.min_limit);
  }
  policy->initial_limit =
      given.initial_limit != 0
          ? given.initial_limit
          : std::min(std::max(policy->initial_limit, policy->min_limit), policy->max_limit);
}

template <typename T>
void Apply(T given, T* field) {
  if (given != 0) *field = given;
}

void ApplyRest(const hf_adaptive_options& given, AdaptivePolicy* policy) {
  policy->guarded = (given.flags & HF_ADAPTIVE_NO_GUARD) == 0;
  Apply(given.min_samples, &policy->min_samples);
  Apply(given.window, &policy->window);
  Apply(given.min_rtt, &policy->min_rtt);
  Apply(given.smoothing, &policy->smoothing);
  Apply(given.drop_rate, &policy->drop_rate);
  Apply(given.backoff, &policy->backoff);
  Apply(given.timeout, &policy->timeout);
  Apply(given.tolerance, &policy->tolerance);
  Apply(given.max_factor, &policy->max_factor);
  Apply(given.queue_size, &policy->queue_size);
  Apply(given.long_window, &policy->long_window);
  Apply(given.baseline_windows, &policy->baseline_windows);
  Apply(given.probe_multiplier, &policy->probe_multiplier);
  Apply(given.guard_windows, &policy->guard_windows);
}

// One field against its range; the first that is outside is the answer.
class Checks {
 public:
  explicit Checks(hf_error* error) : error_(error) {}

  void Range(std::string_view field, int64_t value, int64_t lowest, int64_t highest) {
    if (code_ == HF_OK) code_ = CheckRange(error_, field, value, lowest, highest);
  }
  void Real(std::string_view field, double value, double lowest, double highest) {
    if (code_ == HF_OK) code_ = CheckReal(error_, field, value, lowest, highest);
  }
  // Both ends left out, the upper one on request.
  void Share(std::string_view field, double value, bool may_be_one) {
    if (code_ != HF_OK) return;
    if (value > 0 && (value < 1 || (may_be_one && value == 1))) return;  // not for not-a-number
    code_ = FailField(error_, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field,
                      may_be_one ? "must be above 0 and at most 1" : "must be above 0 and below 1");
  }
  hf_code code() const { return code_; }

 private:
  hf_error* const error_;
  hf_code code_ = HF_OK;
};

hf_code Check(const AdaptivePolicy& policy, hf_error* error) {
  Checks checks(error);
  checks.Range("min_limit", policy.min_limit, 1, kMost);
  checks.Range("max_limit", policy.max_limit, policy.min_limit, kMost);
  checks.Range("initial_limit", policy.initial_limit, policy.min_limit, policy.max_limit);
  checks.Range("min_samples", policy.min_samples, 1, kMost);
  checks.Range("window", policy.window, HF_MS, 60 * HF_S);
  checks.Range("min_rtt", policy.min_rtt, 1, HF_S);
  checks.Share("smoothing", policy.smoothing, true);
  checks.Share("drop_rate", policy.drop_rate, false);
  checks.Share("backoff", policy.backoff, false);
  checks.Range("timeout", policy.timeout, HF_US, 3600 * HF_S);
  checks.Real("tolerance", policy.tolerance, 1, 10);
  checks.Real("max_factor", policy.max_factor, 1, 1000);
  checks.Range("queue_size", policy.queue_size, 1, kMost);
  checks.Range("long_window", policy.long_window, 1, kMost);
  checks.Range("baseline_windows", policy.baseline_windows, 1, kMost);
  checks.Range("probe_multiplier", policy.probe_multiplier, 1, kMost);
  checks.Range("guard_windows", policy.guard_windows, engine::Correlation::kFewest,
               engine::Correlation::kMost);
  return checks.code();
}

}  // namespace

hf_code ReadPolicy(const hf_adaptive_options& given, engine::AdaptivePolicy* policy,
                   hf_error* error) {
  const hf_adaptive_algorithm algorithm =
      given.algorithm != 0 ? given.algorithm : HF_ADAPTIVE_TREND;
  hf_code code = CheckRange(error, "algorithm", algorithm, HF_ADAPTIVE_TREND, HF_ADAPTIVE_AIMD);
  if (code != HF_OK) return code;
  if ((given.flags & ~HF_ADAPTIVE_NO_GUARD) != 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_UNSUPPORTED_FIELD, "flags",
                     "has a bit that is not known");
  }
  code = CheckReserved(error, "reserved0", given.reserved0);
  if (code != HF_OK) return code;
  *policy = engine::AdaptivePolicy();
  ApplyAlgorithm(algorithm, policy);
  ApplyBounds(given, policy);
  ApplyRest(given, policy);
  return Check(*policy, error);
}

}  // namespace holdfast::abi

namespace abi = holdfast::abi;

hf_code hf_adaptive_new(const hf_adaptive_options* options, hf_adaptive** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_adaptive_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  holdfast::engine::AdaptivePolicy policy;
  code = abi::ReadPolicy(given, &policy, error);
  if (code != HF_OK) return code;
  code = abi::NewHandle(out, error, policy);
  if (code == HF_OK) (*out)->sampler.journal().Connect(given.journal, given.object);
  return code;
}

void hf_adaptive_ref(hf_adaptive* adaptive) noexcept { abi::Ref(adaptive); }
void hf_adaptive_unref(hf_adaptive* adaptive) noexcept { abi::Unref(adaptive); }

hf_code hf_adaptive_on_sample(hf_adaptive* adaptive, hf_duration rtt, uint32_t in_flight,
                              uint32_t dropped, hf_time now, uint32_t* limit) noexcept {
  if (limit != nullptr) *limit = 0;
  if (adaptive == nullptr || rtt < 0 || dropped > 1) return HF_INVALID_ARGUMENT;
  uint32_t changed;
  adaptive->Add(rtt, in_flight, dropped != 0, now, &changed);
  if (limit != nullptr) *limit = adaptive->Limit();
  return HF_OK;
}

hf_code hf_adaptive_update(hf_adaptive* adaptive, const hf_adaptive_options* options, hf_time now,
                           hf_error* error) noexcept {
  if (adaptive == nullptr) return abi::FailNull(error, "adaptive");
  hf_adaptive_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  holdfast::engine::AdaptivePolicy policy;
  code = abi::ReadPolicy(given, &policy, error);
  if (code != HF_OK) return code;
  uint32_t changed;
  adaptive->sampler.Update(policy, now, &changed);
  return abi::Succeed(error);
}

hf_code hf_adaptive_read(const hf_adaptive* adaptive, hf_adaptive_snapshot* out) noexcept {
  if (adaptive == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(adaptive->sampler.Read(), out);
}
