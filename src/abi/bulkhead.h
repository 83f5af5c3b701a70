// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_bulkhead, for the shells that compose it.
#ifndef HOLDFAST_ABI_BULKHEAD_H_
#define HOLDFAST_ABI_BULKHEAD_H_

#include <holdfast/c/bulkhead.h>

#include <atomic>
#include <cstdint>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "engine/bulkhead.h"

struct hf_bulkhead final : holdfast::abi::RefCounted {
  explicit hf_bulkhead(const holdfast::engine::BulkheadPolicy& policy);

  // The permit that says so.
  hf_permit Permit() const { return hf_permit{identity, HF_PERMIT_NORMAL, 0}; }

  // Gives one permit back; false if none is out. Wakes whom it goes to, with no lock held.
  bool Release(hf_time now) {
    holdfast::engine::WakeList waiters;
    const bool any = engine.Release(now, &waiters);
    if (!waiters.empty()) Wake(&waiters);
    return any;
  }

  void Wake(holdfast::engine::WakeList* waiters);

  holdfast::engine::Bulkhead<holdfast::abi::AtomicCells> engine;
  const uint64_t identity;  // unlike that of any other bulkhead, or a breaker's generation
  std::atomic<int> wakes_ended{
      0};  // one more after each waker; pollers of a waking waiter sleep on it
};

#endif  // HOLDFAST_ABI_BULKHEAD_H_
