// SPDX-License-Identifier: Apache-2.0
// Bulkhead: at most `limit` at once, at most `queue` waiting, first come first served.
//
//   one word {in_flight, waiting}; a queue of waiters in their callers' memory
//   event        waiting == 0                         waiting > 0
//   TryAcquire   in_flight + 1 below the limit        refused: nobody passes a waiter
//   WaitStart    as TryAcquire, else queue, or FULL   queue, or FULL
//   Release      in_flight - 1                        to the first waiter in time; none: in_flight - 1
//
//   waiter       IDLE -> QUEUED -> WAKING_GRANTED -> GRANTED -> IDLE      handed a permit
//                          |  `-> WAKING_EXPIRED -> EXPIRED -> IDLE      passed over, too late
//                          `----> IDLE                                    left, or too late by itself
//
// WAKING lasts while the shell runs the waker, with no lock held: poll and cancel must be asked again
// until it is over, so that a waker never runs after they have answered. A waiter without a waker
// skips it. Whom to wake is an answer (WakeList), never a call made from here.
//
// Invariants: in_flight <= limit. waiting > 0 only if in_flight == limit. A permit is handed over, not
// given back and taken again, so nobody can slip in between. A granted waiter that leaves passes its
// permit on.
// Locking: with waiting == 0 the word alone decides, by compare-and-exchange. With waiting > 0 it is
// written under the lock only, as is each Waiter. Memory: waiters are the callers'; nothing is allocated.
#ifndef HOLDFAST_ENGINE_BULKHEAD_H_
#define HOLDFAST_ENGINE_BULKHEAD_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/waiter.h"

namespace holdfast::engine {

struct BulkheadPolicy {
  uint32_t limit = 64;
  uint32_t queue = 0;
  hf_duration max_wait = HF_S;
};

enum class BulkheadAnswer {
  kGranted,
  kQueued,      // WaitStart: has a place; WaitPoll: still has it
  kFull,        // no permit and no place
  kTimedOut,    // the waiter's deadline has passed
  kWaking,      // a wake-up is under way: ask again
  kNotWaiting,  // the waiter is not in this queue
};

template <typename Storage>
class Bulkhead {
 public:
  explicit Bulkhead(const BulkheadPolicy& policy) : policy_(policy) {}

  // Takes a permit if one is free and nobody waits. Not counted as refused: the caller may yet queue.
  bool TakeFree() {
    Word word = word_.Load();
    while (Waiting(word) == 0 && InFlight(word) < policy_.limit) {
      if (word_.CompareExchange(word, word + 1)) return true;
    }
    return false;
  }

  // kGranted or kFull.
  BulkheadAnswer TryAcquire() {
    if (TakeFree()) return BulkheadAnswer::kGranted;
    refused_.Add(1);
    return BulkheadAnswer::kFull;
  }

  // kGranted, kQueued (*until is when it times out), kFull or kTimedOut. deadline HF_INFINITE: none.
  BulkheadAnswer WaitStart(Waiter& waiter, const hf_waker& waker, hf_time deadline, hf_time now,
                           hf_time* until) {
    waiter.state = WaiterState::kIdle;
    if (now >= deadline) {
      timed_out_.Add(1);
      return BulkheadAnswer::kTimedOut;
    }
    if (TakeFree()) return BulkheadAnswer::kGranted;
    const ScopedLock lock(mutex_);
    const BulkheadAnswer admission = TakeFreeOrPlace();
    if (admission != BulkheadAnswer::kQueued) return admission;
    *until = std::min(deadline, AddSaturating(now, policy_.max_wait));
    waiter.waker = waker;
    waiter.deadline = *until;
    waiter.state = WaiterState::kQueued;
    waiters_.Append(waiter);
    return BulkheadAnswer::kQueued;
  }

  // kGranted, kQueued, kTimedOut, kWaking or kNotWaiting. A grant counts even if polled too late.
  BulkheadAnswer WaitPoll(Waiter& waiter, hf_time now) {
    const ScopedLock lock(mutex_);
    switch (waiter.state) {
      case WaiterState::kGranted:
        waiter.state = WaiterState::kIdle;
        return BulkheadAnswer::kGranted;
      case WaiterState::kExpired:
        waiter.state = WaiterState::kIdle;
        return BulkheadAnswer::kTimedOut;
      case WaiterState::kQueued:
        if (now < waiter.deadline) return BulkheadAnswer::kQueued;
        Leave(waiter);
        timed_out_.Add(1);
        return BulkheadAnswer::kTimedOut;
      case WaiterState::kIdle:
        return BulkheadAnswer::kNotWaiting;
      default:
        return BulkheadAnswer::kWaking;
    }
  }

  // kNotWaiting (the waiter is free) or kWaking.
  BulkheadAnswer WaitCancel(Waiter& waiter, hf_time now, WakeList* wake) {
    const ScopedLock lock(mutex_);
    switch (waiter.state) {
      case WaiterState::kWakingGranted:
      case WaiterState::kWakingExpired:
        return BulkheadAnswer::kWaking;
      case WaiterState::kQueued:
        Leave(waiter);
        break;
      case WaiterState::kGranted:
        waiter.state = WaiterState::kIdle;
        PassOn(now, wake);
        break;
      default:
        waiter.state = WaiterState::kIdle;
        break;
    }
    return BulkheadAnswer::kNotWaiting;
  }

  // False if nothing was in flight, which is then left as it is.
  bool Release(hf_time now, WakeList* wake) {
    Word word = word_.Load();
    while (Waiting(word) == 0) {
      if (InFlight(word) == 0) return false;
      if (word_.CompareExchange(word, word - 1)) return true;
    }
    const ScopedLock lock(mutex_);
    return PassOn(now, wake);
  }

  // The shell has run the waker of a waiter from a WakeList: poll and cancel may answer. The waiter is
  // not to be touched after this.
  void WakeDone(Waiter& waiter) {
    const ScopedLock lock(mutex_);
    waiter.state = AfterWaking(waiter.state);
  }

  uint32_t InFlight() const { return InFlight(word_.Load()); }
  uint32_t Waiting() const { return Waiting(word_.Load()); }
  uint64_t Refused() const { return refused_.Load(); }
  uint64_t TimedOut() const { return timed_out_.Load(); }
  const BulkheadPolicy& policy() const { return policy_; }

 private:
  using Word = uint64_t;  // waiting in the upper half, in_flight in the lower
  static constexpr Word kOneWaiting = Word{1} << 32;

  static uint32_t InFlight(Word word) { return static_cast<uint32_t>(word); }
  static uint32_t Waiting(Word word) { return static_cast<uint32_t>(word >> 32); }

  // Under the lock. A permit that came free since, or a place, or neither: one decision on one word.
  BulkheadAnswer TakeFreeOrPlace() {
    Word word = word_.Load();
    for (;;) {
      const bool free = Waiting(word) == 0 && InFlight(word) < policy_.limit;
      if (!free && Waiting(word) >= policy_.queue) {
        refused_.Add(1);
        return BulkheadAnswer::kFull;
      }
      if (word_.CompareExchange(word, word + (free ? 1 : kOneWaiting))) {
        return free ? BulkheadAnswer::kGranted : BulkheadAnswer::kQueued;
      }
    }
  }

  // Under the lock; the waiter is QUEUED.
  void Leave(Waiter& waiter) {
    waiters_.Remove(waiter);
    waiter.state = WaiterState::kIdle;
    word_.Add(Word{0} - kOneWaiting);
  }

  // Under the lock. One permit goes to the first waiter in time, or back. False if there was none.
  bool PassOn(hf_time now, WakeList* wake) {
    while (Waiter* first = waiters_.front()) {
      waiters_.Remove(*first);
      const bool in_time = now < first->deadline;
      first->state = in_time ? WaiterState::kWakingGranted : WaiterState::kWakingExpired;
      if (first->waker.fn != nullptr) {
        wake->Append(*first);
      } else {
        first->state = AfterWaking(first->state);
      }
      word_.Add(Word{0} - kOneWaiting);
      if (in_time) return true;
      timed_out_.Add(1);
    }
    // The queue is empty, so the lock alone does not rule: others come and go without it.
    Word word = word_.Load();
    while (InFlight(word) > 0) {
      if (word_.CompareExchange(word, word - 1)) return true;
    }
    return false;
  }

  const BulkheadPolicy policy_;
  typename Storage::template Cell<Word> word_;
  typename Storage::template Cell<uint64_t> refused_;
  typename Storage::template Cell<uint64_t> timed_out_;
  typename Storage::Mutex mutex_;
  WaiterList waiters_;  // under mutex_
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BULKHEAD_H_
