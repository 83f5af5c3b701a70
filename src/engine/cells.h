// SPDX-License-Identifier: Apache-2.0
// Storage that an engine is written over, so that one algorithm serves a model test and a busy server.
//
//   PlainCells    here: one thread, plain variables, a lock that is nothing
//   AtomicCells   abi/atomic_cells.h: std::atomic, sequentially consistent, and std::mutex
//
// A storage offers Cell<T> {Load, Store, Add, CompareExchange} and Mutex {Lock, Unlock}. An engine keeps
// the lock for rare transitions, and publishes what it did there with one Store, made last.
#ifndef HOLDFAST_ENGINE_CELLS_H_
#define HOLDFAST_ENGINE_CELLS_H_

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
