// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_breaker, for the shells that compose it.
#ifndef HOLDFAST_ABI_BREAKER_H_
#define HOLDFAST_ABI_BREAKER_H_

#include <holdfast/c/breaker.h>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "abi/kept.h"
#include "engine/breaker.h"

struct hf_breaker final : holdfast::abi::Kept {
  explicit hf_breaker(const holdfast::engine::BreakerPolicy& policy) : machine(policy) {}
  holdfast::engine::Breaker<holdfast::abi::AtomicCells> machine;
};

namespace holdfast::abi {

// Options to policy: defaults filled in, ranges checked; the error names the field.
hf_code ReadBreakerPolicy(const hf_breaker_options* given, engine::BreakerPolicy* policy,
                          hf_error* error);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_BREAKER_H_
