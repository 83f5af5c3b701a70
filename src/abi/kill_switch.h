// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_kill_switch, for the shells that compose it.
#ifndef HOLDFAST_ABI_KILL_SWITCH_H_
#define HOLDFAST_ABI_KILL_SWITCH_H_

#include <holdfast/c/kill_switch.h>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "engine/kill_switch.h"

struct hf_kill_switch final : holdfast::abi::RefCounted {
  hf_kill_switch(const holdfast::engine::KillSwitchPolicy& policy, hf_journal* journal,
                 uint64_t object)
      : engine(policy) {
    engine.journal().Connect(journal, object);
  }

  holdfast::engine::KillSwitch<holdfast::abi::AtomicCells> engine;
};

#endif  // HOLDFAST_ABI_KILL_SWITCH_H_
