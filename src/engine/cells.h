// SPDX-License-Identifier: Apache-2.0
// Storage that an engine is written over, so that one algorithm serves a model test and a busy server.
//
//   PlainCells    here: one thread, plain variables, a lock that is nothing
//   AtomicCells   abi/atomic_cells.h: std::atomic, sequentially consistent, and std::mutex
//
// A storage offers Cell<T> {Load, Store, Add, CompareExchange}, Mutex {Lock, Unlock} and Journal {Write}.
// An engine keeps the lock for rare transitions, and publishes what it did there with one Store, made
// last. What changed it writes into its journal before it lets go of the lock, so that the order of the
// events is that of the changes; a Journal without a reader forgets.
#ifndef HOLDFAST_ENGINE_CELLS_H_
#define HOLDFAST_ENGINE_CELLS_H_

#include <holdfast/c/journal.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast::engine {

struct PlainCells {
  template <typename T>
  class Cell {
   public:
    Cell() = default;
    explicit Cell(T value) : value_(value) {}

    T Load() const { return value_; }
    void Store(T value) { value_ = value; }

    // Returns the value before.
    T Add(T amount) {
      const T before = value_;
      value_ += amount;
      return before;
    }

    // Stores `desired` if the cell holds `expected`, else loads the cell into `expected`.
    bool CompareExchange(T& expected, T desired) {
      if (value_ != expected) {
        expected = value_;
        return false;
      }
      value_ = desired;
      return true;
    }

   private:
    T value_{};
  };

  class Mutex {
   public:
    void Lock() {}
    void Unlock() {}
  };

  // Remembers the last few, for tests.
  class Journal {
   public:
    void Write(hf_event_kind kind, hf_time now, hf_reason reason, int64_t before, int64_t after) {
      events_[written_ % events_.size()] = {0, written_ + 1, now, kind, reason, before, after};
      ++written_;
    }

    uint64_t written() const { return written_; }
    // The newest but `back`; needs back < written() and back < 16.
    const hf_event& Newest(size_t back = 0) const {
      return events_[(written_ - 1 - back) % events_.size()];
    }

   private:
    std::array<hf_event, 16> events_{};
    uint64_t written_ = 0;
  };
};

template <typename Mutex>
class ScopedLock {
 public:
  explicit ScopedLock(Mutex& mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~ScopedLock() { mutex_.Unlock(); }
  ScopedLock(const ScopedLock&) = delete;
  ScopedLock& operator=(const ScopedLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CELLS_H_
