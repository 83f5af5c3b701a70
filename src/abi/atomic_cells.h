// SPDX-License-Identifier: Apache-2.0
// The storage of engines that threads share (see engine/cells.h).
//
// All orders are sequentially consistent. An engine that writes one cell and then reads another that
// its rival writes first needs exactly that (each of the two must see at least one of the writes), and
// on the hot path, which only loads and read-modify-writes, it costs nothing over acquire and release
// on x86-64.
#ifndef HOLDFAST_ABI_ATOMIC_CELLS_H_
#define HOLDFAST_ABI_ATOMIC_CELLS_H_

#include <atomic>
#include <mutex>

#include "abi/journal.h"

namespace holdfast::abi {

struct AtomicCells {
  template <typename T>
  class Cell {
   public:
    Cell() = default;
    explicit Cell(T value) : value_(value) {}

    T Load() const { return value_.load(); }
    void Store(T value) { value_.store(value); }
    T Add(T amount) { return value_.fetch_add(amount); }
    bool CompareExchange(T& expected, T desired) {
      return value_.compare_exchange_weak(expected, desired);
    }

   private:
    static_assert(std::atomic<T>::is_always_lock_free);
    std::atomic<T> value_{};
  };

  class Mutex {
   public:
    void Lock() { mutex_.lock(); }
    void Unlock() { mutex_.unlock(); }

   private:
    std::mutex mutex_;
  };

  using Journal = Pen;
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_ATOMIC_CELLS_H_
