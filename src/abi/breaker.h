// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_breaker, for the shells that compose it.
#ifndef HOLDFAST_ABI_BREAKER_H_
#define HOLDFAST_ABI_BREAKER_H_

#include <holdfast/c/breaker.h>

#include "abi/atomic_cells.h"
#include "abi/group.h"
#include "abi/guard.h"
#include "abi/kept.h"
#include "engine/breaker.h"

struct hf_breaker final : holdfast::abi::Kept {
  explicit hf_breaker(const holdfast::engine::BreakerPolicy& policy) : machine(policy) {}

  // What everybody asks: the machine, and its group where the machine refuses.
  holdfast::engine::Admission Acquire(hf_time now) {
    const holdfast::engine::Admission admission = machine.Acquire(now);
    if (admission.why.code == HF_OK || !membership.IsIn()) return admission;
    return membership.Judge(admission, now, [&] { return Admits(now); });
  }
  holdfast::engine::Settlement Record(const hf_permit& permit, hf_verdict verdict, hf_time now) {
    if (permit.kind == HF_PERMIT_OVERRIDDEN) return {membership.IsIn(), 0};
    const holdfast::engine::Settlement settled = machine.Record(permit, verdict, now);
    if ((settled.events & HF_EVENT_BREAKER_CLOSED) != 0) membership.Closed();
    return settled;
  }
  void Force(hf_breaker_state state, hf_time now) {
    machine.Force(state, now);
    membership.Closed();
  }
  bool Admits(hf_time now) const {
    const hf_breaker_state state = machine.Read(now).state;
    return state != HF_BREAKER_OPEN && state != HF_BREAKER_HALF_OPEN;
  }

  holdfast::engine::Breaker<holdfast::abi::AtomicCells> machine;
  holdfast::abi::Membership membership;
};

namespace holdfast::abi {

// Options to policy: defaults filled in, ranges checked; the error names the field.
hf_code ReadBreakerPolicy(const hf_breaker_options* given, engine::BreakerPolicy* policy,
                          hf_error* error);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_BREAKER_H_
