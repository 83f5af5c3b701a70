// SPDX-License-Identifier: Apache-2.0
// AtomicCells for engines that keep a copy of what is written often per lane (see engine/window.h).
//
// A thread's lane is a number of its own, the same for all objects, handed out in turn and moved on when the
// thread meets another one there: threads that run at the same time thus spread by themselves, without a
// list of threads or a destructor, and nothing is allocated. Read with one instruction (initial-exec).
// Mutex: 4 bytes instead of 40. It is held for the length of a transition; who finds it taken sleeps.
#ifndef HOLDFAST_ABI_LANED_CELLS_H_
#define HOLDFAST_ABI_LANED_CELLS_H_

#include <atomic>
#include <cstdint>

#include "abi/atomic_cells.h"

namespace holdfast::abi {

// One more than the lane, 0 before the first use.
extern constinit thread_local uint32_t lane_plus_one __attribute__((tls_model("initial-exec")));
uint32_t TakeLane() noexcept;

struct LanedCells : AtomicCells {
  static uint32_t Lane() {
    const uint32_t lane = lane_plus_one;
    return lane != 0 ? lane - 1 : TakeLane();
  }
  static void MoveLane() { ++lane_plus_one; }

  class Mutex {
   public:
    void Lock() {
      uint32_t before = kFree;
      if (word_.compare_exchange_strong(before, kTaken, std::memory_order_acquire)) return;
      // Once somebody has had to wait, whoever lets go wakes one.
      while (word_.exchange(kAwaited, std::memory_order_acquire) != kFree) word_.wait(kAwaited);
    }
    void Unlock() {
      if (word_.exchange(kFree, std::memory_order_release) == kAwaited) word_.notify_one();
    }

   private:
    static constexpr uint32_t kFree = 0, kTaken = 1, kAwaited = 2;
    std::atomic<uint32_t> word_{kFree};
  };
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_LANED_CELLS_H_
