// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_fault, for the shells that compose it.
#ifndef HOLDFAST_ABI_FAULT_H_
#define HOLDFAST_ABI_FAULT_H_

#include <holdfast/c/fault.h>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "engine/fault.h"

struct hf_fault final : holdfast::abi::RefCounted {
  hf_fault(const holdfast::engine::FaultPolicy& policy, hf_journal* journal, uint64_t object);

  holdfast::engine::Fault<holdfast::abi::AtomicCells> engine;
};

#endif  // HOLDFAST_ABI_FAULT_H_
