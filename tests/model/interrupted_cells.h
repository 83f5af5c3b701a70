// SPDX-License-Identifier: Apache-2.0
// A storage for one thread that runs a rival's whole step before the k-th access to a cell: two threads
// without threads, for every k. A lock is no hindrance here: use rivals that need none, or main steps that
// take none.
#ifndef HOLDFAST_TESTS_MODEL_INTERRUPTED_CELLS_H_
#define HOLDFAST_TESTS_MODEL_INTERRUPTED_CELLS_H_

#include <functional>
#include <utility>

#include "engine/cells.h"

namespace holdfast::model {

struct InterruptedCells {
  static inline int accesses_left = -1;  // until the rival runs; -1: there is none
  static inline std::function<void()> rival;

  // Runs `main` with the rival before its k-th access. False if it has fewer.
  static bool Interrupt(int k, const std::function<void()>& main,
                        const std::function<void()>& step) {
    accesses_left = k;
    rival = step;
    main();
    const bool ran = accesses_left < 0;
    accesses_left = -1;
    rival = nullptr;
    return ran;
  }

  static void Touch() {
    if (accesses_left < 0) return;
    if (accesses_left-- == 0) std::exchange(rival, nullptr)();
  }

  template <typename T>
  class Cell : public engine::PlainCells::Cell<T> {
    using Base = engine::PlainCells::Cell<T>;

   public:
    using Base::Base;
    T Load() const {
      Touch();
      return Base::Load();
    }
    void Store(T value) {
      Touch();
      Base::Store(value);
    }
    T Add(T amount) {
      Touch();
      return Base::Add(amount);
    }
    bool CompareExchange(T& expected, T desired) {
      Touch();
      return Base::CompareExchange(expected, desired);
    }
  };

  using Mutex = engine::PlainCells::Mutex;
  using Journal = engine::PlainCells::Journal;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_INTERRUPTED_CELLS_H_
