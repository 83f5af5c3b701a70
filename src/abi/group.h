// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_group, and what a breaker keeps of it.
#ifndef HOLDFAST_ABI_GROUP_H_
#define HOLDFAST_ABI_GROUP_H_

#include <holdfast/c/group.h>

#include <cstdint>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "engine/breaker.h"
#include "engine/group.h"

struct hf_group final : holdfast::abi::RefCounted {
  explicit hf_group(const holdfast::engine::GroupPolicy& policy) : engine(policy) {}

  holdfast::engine::Group<holdfast::abi::AtomicCells> engine;
};

namespace holdfast::abi {

// What a breaker keeps of its group, besides a way to it.
using GroupCell = engine::Group<AtomicCells>::Member;

// What becomes of a refusal; `admits()` tells whether the breaker admits by now.
template <typename Admits>
engine::Admission JudgeInGroup(hf_group& group, GroupCell& cell, const engine::Admission& refusal,
                               hf_time now, const Admits& admits) {
  const hf_reason reason = refusal.why.reason;
  if (reason != HF_R_BREAKER_OPEN && reason != HF_R_BREAKER_PROBING) return refusal;
  const bool was_ejected = cell.Load() == static_cast<uint32_t>(engine::Ejection::kEjected);
  if (!group.engine.Refuses(cell, now)) {
    return {{0, HF_PERMIT_OVERRIDDEN, 0}, {HF_OK, HF_R_NONE, 0}, refusal.events};
  }
  // It may have closed before it was ejected, and then nobody else would take that back.
  if (!was_ejected && admits()) group.engine.Closed(cell);
  return refusal;
}

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_GROUP_H_
