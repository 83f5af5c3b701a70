// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_retry and hf_budget, for the shells that compose them.
#ifndef HOLDFAST_ABI_RETRY_H_
#define HOLDFAST_ABI_RETRY_H_

#include <holdfast/c/retry.h>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "abi/kept.h"
#include "engine/backoff.h"
#include "engine/budget.h"
#include "engine/retry_rules.h"

struct hf_retry final : holdfast::abi::RefCounted {
  hf_retry(const holdfast::engine::BackoffPolicy& given,
           const holdfast::engine::RetryRules& given_rules)
      : policy(given), rules(given_rules) {}
  const holdfast::engine::BackoffPolicy policy;
  const holdfast::engine::RetryRules rules;
};

struct hf_budget final : holdfast::abi::Kept {
  hf_budget(const holdfast::engine::BudgetPolicy& policy, const hf_budget_options& options);
  holdfast::engine::Budget<holdfast::abi::AtomicCells> tokens;
};

namespace holdfast::abi {

// Options as they are known here, and as a policy: defaults filled in, ranges checked; the error names the
// field.
hf_code ReadBudget(const hf_budget_options* given, hf_budget_options* known,
                   engine::BudgetPolicy* policy, hf_error* error);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_RETRY_H_
