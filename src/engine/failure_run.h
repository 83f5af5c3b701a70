// SPDX-License-Identifier: Apache-2.0
// Failures in a row.
//
// Invariant: a result of another era changes nothing; while nothing fails, a success only reads.
// Locking: lock-free; Reset under the breaker's lock. Memory: one word, tag | length.
#ifndef HOLDFAST_ENGINE_FAILURE_RUN_H_
#define HOLDFAST_ENGINE_FAILURE_RUN_H_

#include "engine/window.h"

namespace holdfast::engine {

template <typename Storage>
class FailureRun {
 public:
  void Reset(uint16_t tag, uint32_t length) { word_.Store(EmptyWord(tag) | length); }

  // The length of the run afterwards.
  uint32_t Record(uint16_t tag, bool failed) {
    const uint64_t word = word_.Load();
    return failed || word != EmptyWord(tag) ? Change(word, tag, failed) : 0;
  }

  uint32_t Length() const { return static_cast<uint32_t>(word_.Load()); }

 private:
  [[gnu::cold, gnu::noinline]] uint32_t Change(uint64_t word, uint16_t tag, bool failed) {
    uint64_t run;
    do {
      if (TagOf(word) != tag) return 0;
      const uint64_t length = word & kUntagged;
      run = failed ? length + (length != UINT32_MAX) : 0;
    } while (!word_.CompareExchange(word, EmptyWord(tag) | run));
    return static_cast<uint32_t>(run);
  }

  typename Storage::template Cell<uint64_t> word_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_FAILURE_RUN_H_
