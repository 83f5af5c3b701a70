// SPDX-License-Identifier: Apache-2.0
// What a retry policy makes different for attempts that end with one code.
//
// Invariant: a rule of zeros changes nothing. Memory: values, one rule per code. Locking: none.
#ifndef HOLDFAST_ENGINE_RETRY_RULES_H_
#define HOLDFAST_ENGINE_RETRY_RULES_H_

#include <holdfast/c/retry.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/backoff.h"

namespace holdfast::engine {

struct RetryRule {
  hf_effect effect = HF_EFFECT_DERIVE;  // DERIVE: what the code says
  uint32_t max_attempts = 0;            // 0: the policy's; so for base and cap
  hf_duration base = 0;
  hf_duration cap = 0;
};

class RetryRules {
 public:
  RetryRule& At(hf_code code) { return rules_[static_cast<size_t>(code)]; }
  const RetryRule& At(hf_code code) const { return rules_[static_cast<size_t>(code)]; }

  // The policy for what follows an attempt that ended with `code`.
  BackoffPolicy Applied(BackoffPolicy policy, hf_code code) const {
    const RetryRule& rule = At(code);
    if (rule.max_attempts != 0) policy.max_attempts = rule.max_attempts;
    if (rule.base != 0) policy.base = rule.base;
    if (rule.cap != 0) policy.cap = rule.cap;
    policy.cap = std::max(policy.cap, policy.base);
    return policy;
  }

  // How many attempts a call may make, whatever they end with.
  uint32_t MostAttempts(const BackoffPolicy& policy) const {
    uint32_t most = policy.max_attempts;
    for (const RetryRule& rule : rules_) most = std::max(most, rule.max_attempts);
    return most;
  }

 private:
  std::array<RetryRule, HF_UNAUTHENTICATED + 1> rules_{};
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_RETRY_RULES_H_
