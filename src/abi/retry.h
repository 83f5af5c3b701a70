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

struct hf_retry final : holdfast::abi::RefCounted {
  explicit hf_retry(const holdfast::engine::BackoffPolicy& given) : policy(given) {}
  const holdfast::engine::BackoffPolicy policy;
};

struct hf_budget final : holdfast::abi::Kept {
  explicit hf_budget(const holdfast::engine::BudgetPolicy& policy) : tokens(policy) {}
  holdfast::engine::Budget<holdfast::abi::AtomicCells> tokens;
};

namespace holdfast::abi {

// Options to policy: defaults filled in, ranges checked; the error names the field.
hf_code ReadBudgetPolicy(const hf_budget_options* given, engine::BudgetPolicy* policy,
                         hf_error* error);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_RETRY_H_
