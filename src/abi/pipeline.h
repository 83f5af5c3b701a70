// SPDX-License-Identifier: Apache-2.0
// The pipeline as a handle: the guards of a call, fixed, and the rules among them, which an update swaps.
//
// Locking: what every call reads is in atomics behind a version (a reader that meets an update reads
// again); what only a failure reads is under a mutex, held for a copy.
#ifndef HOLDFAST_ABI_PIPELINE_H_
#define HOLDFAST_ABI_PIPELINE_H_

#include <holdfast/c/call.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "abi/guard.h"
#include "abi/held.h"
#include "engine/call_state.h"

struct hf_pipeline final : holdfast::abi::RefCounted {
  hf_pipeline(const holdfast::engine::CallRules& rules, const hf_pipeline_options& options);

  holdfast::engine::CallLimits limits() const {
    for (;;) {
      const uint32_t before = version_.load(std::memory_order_acquire);
      const holdfast::engine::CallLimits limits{timeout_.load(std::memory_order_acquire),
                                                attempt_timeout_.load(std::memory_order_acquire),
                                                tree_retries_.load(std::memory_order_acquire)};
      if (before % 2 == 0 && version_.load(std::memory_order_relaxed) == before) return limits;
    }
  }

  holdfast::engine::BackoffPolicy RetryPolicyAfter(hf_code code) const {
    const std::lock_guard lock(mutex_);
    return rules_.rules.Applied(rules_.backoff, code);
  }

  hf_effect EffectAfter(hf_code code) const {
    const std::lock_guard lock(mutex_);
    return rules_.rules.At(code).effect;
  }

  holdfast::engine::CallRules rules() const {
    const std::lock_guard lock(mutex_);
    return rules_;
  }

  void Update(const holdfast::engine::CallRules& rules);

  // Each may be empty.
  const holdfast::abi::Held<hf_budget> budget;
  const holdfast::abi::Held<hf_breaker> breaker;
  const holdfast::abi::Held<hf_bulkhead> bulkhead;
  const holdfast::abi::Held<hf_bulkhead> call_bulkhead;
  const holdfast::abi::Held<hf_kill_switch> kill_switch;
  const holdfast::abi::Held<hf_throttle> throttle;
  const holdfast::abi::Held<hf_fault> fault;
  const holdfast::abi::Held<hf_limiter> limiter;
  const holdfast::abi::Held<hf_limiter> call_limiter;
  const holdfast::abi::Held<hf_hedge> hedge;
  const bool is_plain;  // has none but retry, budget, breaker and bulkhead

 private:
  std::atomic<uint32_t> version_{0};  // odd while an update writes
  std::atomic<hf_duration> timeout_;
  std::atomic<hf_duration> attempt_timeout_;
  std::atomic<uint32_t> tree_retries_;
  mutable std::mutex mutex_;
  holdfast::engine::CallRules rules_;  // under the mutex
};

#endif  // HOLDFAST_ABI_PIPELINE_H_
