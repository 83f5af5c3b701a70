// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_hedge, for the shells that compose it.
#ifndef HOLDFAST_ABI_HEDGE_H_
#define HOLDFAST_ABI_HEDGE_H_

#include <holdfast/c/hedge.h>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "engine/hedge.h"

struct hf_hedge final : holdfast::abi::RefCounted {
  hf_hedge(const holdfast::engine::HedgeRules& rules, hf_journal* journal, uint64_t object)
      : engine(rules) {
    engine.journal().Connect(journal, object);
  }
  holdfast::engine::Hedge<holdfast::abi::AtomicCells> engine;
};

#endif  // HOLDFAST_ABI_HEDGE_H_
