// SPDX-License-Identifier: Apache-2.0
// A lock of four bytes, for objects of which there may be a million: std::mutex has forty.
//
//   word   0 free | 1 held | 2 held, and somebody may be asleep
//
// The three-state lock of Drepper's "Futexes Are Tricky". Not recursive, not fair.
#ifndef HOLDFAST_ABI_SMALL_MUTEX_H_
#define HOLDFAST_ABI_SMALL_MUTEX_H_

#include <atomic>
#include <cstdint>

#include "abi/atomic_cells.h"

namespace holdfast::abi {

class SmallMutex {
 public:
  void Lock() {
    int32_t seen = kFree;
    if (word_.compare_exchange_strong(seen, kHeld, std::memory_order_acquire)) return;
    while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
      word_.wait(kContended, std::memory_order_relaxed);
    }
  }

  void Unlock() {
    if (word_.exchange(kFree, std::memory_order_release) == kContended) word_.notify_one();
  }

 private:
  static constexpr int32_t kFree = 0, kHeld = 1, kContended = 2;
  std::atomic<int32_t> word_{kFree};
};

// AtomicCells with small locks.
struct SmallCells : AtomicCells {
  using Mutex = SmallMutex;
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_SMALL_MUTEX_H_
