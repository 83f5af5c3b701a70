// SPDX-License-Identifier: Apache-2.0
// A place in a queue, in the memory of the one who waits, and the two lists it can be on.
//
// Invariants: a waiter is on at most one list; its links mean nothing when it is on none.
// Locking: a WaiterList is its owner's to guard. A WakeList is the property of the one step that
// filled it. Memory: the waiters', nothing is allocated.
#ifndef HOLDFAST_ENGINE_WAITER_H_
#define HOLDFAST_ENGINE_WAITER_H_

#include <holdfast/c/base.h>

#include <cstdint>

namespace holdfast::engine {

enum class WaiterState : uint32_t {
  kIdle,
  kQueued,
  kWakingGranted,  // on a WakeList: its waker is about to run, or runs
  kWakingExpired,
  kWakingDropped,
  kGranted,
  kExpired,
  kDropped,
};

// What a waiter is once its waker has run. Needs one of the three waking states.
constexpr WaiterState AfterWaking(WaiterState state) {
  if (state == WaiterState::kWakingGranted) return WaiterState::kGranted;
  return state == WaiterState::kWakingExpired ? WaiterState::kExpired : WaiterState::kDropped;
}

constexpr bool IsWaking(WaiterState state) {
  return state >= WaiterState::kWakingGranted && state <= WaiterState::kWakingDropped;
}

struct Waiter {
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
  hf_waker waker{};
  hf_time deadline = HF_INFINITE;
  hf_time since = 0;    // when it came
  uint64_t ticket = 0;  // in order of arrival
  uint32_t stamp = 0;   // of the permit it was granted
  WaiterState state = WaiterState::kIdle;
  uint8_t criticality = 0;  // 0 is the greatest
  uint8_t partition = 0;
  uint8_t user = 0;  // slot
};

class WaiterList {
 public:
  Waiter* front() const { return first_; }
  Waiter* back() const { return last_; }

  void Append(Waiter& waiter) {
    waiter.previous = last_;
    waiter.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
  }

  // Needs a waiter that is on this list.
  void Remove(Waiter& waiter) {
    (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// Whom to wake, in order. Their memory stays theirs to us until WakeDone, so Pop before that.
class WakeList {
 public:
  bool empty() const { return first_ == nullptr; }

  void Append(Waiter& waiter) {
    waiter.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
  }

  // The next one, or NULL.
  Waiter* Pop() {
    Waiter* const waiter = first_;
    if (waiter != nullptr) first_ = waiter->next;
    return waiter;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WAITER_H_
