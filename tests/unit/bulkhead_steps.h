// SPDX-License-Identifier: Apache-2.0
// A bulkhead's steps as a shell combines them, for tests of the engine.
#ifndef HOLDFAST_TESTS_UNIT_BULKHEAD_STEPS_H_
#define HOLDFAST_TESTS_UNIT_BULKHEAD_STEPS_H_

#include <cstdint>

#include "engine/bulkhead.h"

namespace holdfast::engine {

using Answer = BulkheadAnswer;

inline void Ignore(void*) {}
inline constexpr hf_waker kWaker{&Ignore, nullptr};
inline constexpr hf_waker kNoWaker{};

// Leaves what a step answered besides in `terms`, and whom it wakes in `wake`.
template <typename Storage>
class Stepped : public Bulkhead<Storage> {
 public:
  using Bulkhead<Storage>::Bulkhead;

  Answer Take(const BulkheadRequest& request, hf_time now = 0) {
    return Enter(request, nullptr, kNoWaker, now);
  }
  Answer TryAcquire() { return Take({}); }
  Answer Queue(const BulkheadRequest& request, Waiter& waiter, hf_time now = 0) {
    return Enter(request, &waiter, kNoWaker, now);
  }
  Answer WaitStart(Waiter& waiter, const hf_waker& waker, hf_time deadline, hf_time now,
                   hf_time* until) {
    const Answer answer = Enter({.deadline = deadline}, &waiter, waker, now);
    *until = terms.until;
    return answer;
  }
  Answer WaitPoll(Waiter& waiter, hf_time now) {
    return Bulkhead<Storage>::WaitPoll(waiter, now, &terms);
  }
  bool Release(hf_time now, WakeList* woken) { return this->GiveBack(0, now, woken); }
  bool Release(hf_time now = 0) { return this->GiveBack(0, now, &wake); }
  // Of a permit whose stamp the caller kept.
  bool Return(uint32_t stamp, hf_time now = 0) { return this->GiveBack(stamp, now, &wake); }
  void Limit(uint32_t limit, hf_time now = 0) { this->SetLimit(limit, now, &wake); }

  BulkheadTerms terms;
  WakeList wake;

 private:
  Answer Enter(const BulkheadRequest& request, Waiter* place, const hf_waker& waker, hf_time now) {
    terms = {};
    if (place != nullptr) *place = Waiter{};
    if (request.partition == 0 && now < request.deadline &&
        this->TakeFree(now, &terms.stamp, &wake)) {
      return Answer::kGranted;
    }
    return this->Acquire(request, place, waker, now, &terms);
  }
};

using Plain = Stepped<PlainCells>;

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_BULKHEAD_STEPS_H_
