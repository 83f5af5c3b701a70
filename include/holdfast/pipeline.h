// SPDX-License-Identifier: Apache-2.0
// Pipeline: the guards of a dependency, composed once and used by every call to it.
//
//   auto pipeline = Pipeline::Create({.retry = *RetryPolicy::Create(), .breaker = breaker,
//                                     .bulkhead = bulkhead, .timeout = 2s, .attempt_timeout = 500ms});
//
// The order is fixed: kill switch, deadline, the call's own rate limit and bulkhead, retry under the budget,
// then per attempt breaker, throttle, rate limit, bulkhead, injected fault, attempt timeout (c/call.h). Each guard also works alone, for those who want another order.
#ifndef HOLDFAST_PIPELINE_H_
#define HOLDFAST_PIPELINE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/breaker.h>
#include <holdfast/bulkhead.h>
#include <holdfast/c/call.h>
#include <holdfast/fault.h>
#include <holdfast/handle.h>
#include <holdfast/kill_switch.h>
#include <holdfast/limiter.h>
#include <holdfast/retry.h>
#include <holdfast/status.h>
#include <holdfast/throttle.h>

namespace holdfast::inline v0_5 {

class Explanation;      // explain.h
struct ExplainOptions;  // explain.h

// An empty guard is left out. The pipeline shares what it is given: several pipelines may have one
// breaker, which then sees them all.
struct PipelineOptions {
  RetryPolicy retry = {};   // empty: one attempt
  RetryBudget budget = {};  // needs retry, or a hedge
  CircuitBreaker breaker = {};
  Bulkhead bulkhead = {};
  Duration timeout{0};          // for the whole call, besides its own deadline; 0: none
  Duration attempt_timeout{0};  // for each attempt; 0: none
  Bulkhead call_bulkhead = {};  // before the whole call, its retries included
  KillSwitch kill_switch = {};
  Throttle throttle = {};  // an alternative to the breaker, or besides it
  FaultInjector fault = {};
  RateLimiter limiter = {};       // one token for each attempt
  RateLimiter call_limiter = {};  // one token for the whole call, its retries included
  hf_hedge* hedge =
      nullptr;  // instead of retry, borrowed: for HedgeCall (hedge.h); Call refuses it
};

// A cheap handle over an immutable, thread-safe object.
class Pipeline {
 public:
  using Options = PipelineOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<Pipeline> Create(const Options& options = {}) {
    const hf_pipeline_options raw = Raw(options);
    hf_pipeline* created = nullptr;
    hf_error error;
    if (hf_pipeline_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Pipeline(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  Pipeline() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Swaps in new timeouts and a new retry policy; calls under way keep their timeouts and follow the policy
  // from their next decision on. The guards must be those it was created with: each is updated by itself.
  // Errors: kInvalidArgument naming the field; the old rules stay.
  absl::Status Update(const Options& options) const {
    const hf_pipeline_options given = Raw(options);
    hf_error error;
    const hf_code code = hf_pipeline_update(raw(), &given, &error);
    return code == HF_OK ? absl::OkStatus() : MakeStatus(error);
  }

  // What it does at worst, and what in it works against itself. Needs <holdfast/explain.h>.
  absl::StatusOr<Explanation> Explain() const;
  absl::StatusOr<Explanation> Explain(const ExplainOptions& options) const;

  // The C object, borrowed.
  hf_pipeline* raw() const { return handle_.get(); }

 private:
  static hf_pipeline_options Raw(const Options& options) {
    hf_pipeline_options raw = HF_INIT(hf_pipeline_options);
    raw.retry = options.retry.raw();
    raw.budget = options.budget.raw();
    raw.breaker = options.breaker.raw();
    raw.bulkhead = options.bulkhead.raw();
    raw.timeout = options.timeout.count();
    raw.attempt_timeout = options.attempt_timeout.count();
    raw.call_bulkhead = options.call_bulkhead.raw();
    raw.kill_switch = options.kill_switch.raw();
    raw.throttle = options.throttle.raw();
    raw.fault = options.fault.raw();
    raw.limiter = options.limiter.raw();
    raw.call_limiter = options.call_limiter.raw();
    raw.hedge = options.hedge;
    return raw;
  }

  explicit Pipeline(hf_pipeline* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  Handle<hf_pipeline, hf_pipeline_ref, hf_pipeline_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_PIPELINE_H_
