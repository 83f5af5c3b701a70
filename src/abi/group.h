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

// A breaker's place in a group, or in none. Asked on refusals and changes of state only.
class Membership {
 public:
  Membership() = default;
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  ~Membership() {
    if (group_ == nullptr) return;
    group_->engine.Leave(member_);
    Unref(group_);
  }

  // Before the breaker is shared. False if it is in a group.
  bool Join(hf_group* group) {
    if (group_ != nullptr) return false;
    group->AddRef();
    group->engine.Join();
    group_ = group;
    return true;
  }
  bool IsIn() const { return group_ != nullptr; }

  // Needs IsIn(). What becomes of a refusal; `admits()` tells whether the breaker admits by now.
  template <typename Admits>
  [[gnu::cold]] engine::Admission Judge(engine::Admission refusal, hf_time now,
                                        const Admits& admits) {
    const hf_reason reason = refusal.why.reason;
    if (reason != HF_R_BREAKER_OPEN && reason != HF_R_BREAKER_PROBING) return refusal;
    const bool was_ejected = member_.Load() == static_cast<uint32_t>(engine::Ejection::kEjected);
    if (!group_->engine.Refuses(member_, now)) {
      return {{0, HF_PERMIT_OVERRIDDEN, 0}, {HF_OK, HF_R_NONE, 0}, refusal.events};
    }
    // It may have closed before it was ejected, and then nobody else would take that back.
    if (!was_ejected && admits()) Closed();
    return refusal;
  }
  // The breaker closed, or somebody decided about it.
  [[gnu::cold]] void Closed() {
    if (group_ != nullptr) group_->engine.Closed(member_);
  }

 private:
  hf_group* group_ = nullptr;
  engine::Group<AtomicCells>::Member member_{0};
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_GROUP_H_
