// SPDX-License-Identifier: Apache-2.0
// Bulkhead: at most `limit` at once, at most `queue` waiting.
//
//   event        waiting == 0                         waiting > 0
//   TakeFree     in_flight + 1 below the limit        no: nobody passes a waiter
//   Acquire      as TakeFree, else queue, or refused  queue, or refused
//   GiveBack     in_flight - 1                        in_flight - 1, then Serve
//   SetLimit     the limit                            the limit, then Serve
//   Serve        -                                    while in_flight < limit: one waiter enters
//
//   waiter       IDLE -> QUEUED -> WAKING_GRANTED -> GRANTED -> IDLE      handed a permit
//                          |  |`-> WAKING_EXPIRED -> EXPIRED -> IDLE      passed over, too late
//                          |  `--> WAKING_DROPPED -> DROPPED -> IDLE      the queue stands (codel.h)
//                          `-----> IDLE                                   left, or too late by itself
//
// WAKING lasts while the shell runs the waker, with no lock held: poll and cancel must be asked again
// until it is over, so that a waker never runs after they have answered. A waiter without a waker
// skips it. Whom to wake is an answer (WakeList), never a call made from here.
//
// Invariants, between steps: what enters finds in_flight < limit, or its partition below its guarantee
// (shares.h). A smaller limit takes nothing back: in_flight sinks to it by itself. Nobody waits while
// in_flight < limit. A granted waiter that leaves passes its permit on.
//
// Locking: while nobody waits, the word alone decides. TakeFree adds first and looks then, for an
// addition costs two threads a quarter of a compare-and-exchange; what was one too many is taken back.
// For these few instructions another may find full what is not. Therefore the one who failed first sets
// CROWDED: newcomers then look before they enter and are never one too many, until one enters below half
// the limit. So between two grants no thread can be misled more than once by each of the others, and
// nobody is kept out for good. Whoever lowers in_flight, be it to take back, serves those who wait.
// With waiting > 0 nobody enters but under the lock, which also guards all the rest. Shares and the
// refusal for want of time need the lock always (GUARDED).
// Memory: about 2.5 KiB; waiters are the callers'; nothing is allocated.
#ifndef HOLDFAST_ENGINE_BULKHEAD_H_
#define HOLDFAST_ENGINE_BULKHEAD_H_

#include <holdfast/c/base.h>

#include <cstdint>

#include "engine/bulkhead_policy.h"
#include "engine/cells.h"
#include "engine/lobby.h"
#include "engine/waiter.h"

namespace holdfast::engine {

template <typename Storage>
class Bulkhead {
 public:
  using Word = Occupancy::Word;
  // What the first half of TakeFree leaves to the second.
  enum class Entry { kDone, kLook, kTakeBack };

  explicit Bulkhead(const BulkheadPolicy& policy)
      : gate_(Gate::For(policy)), lobby_(policy, word_) {}

  // Takes a permit if one is free, nobody waits and nothing but the limit is to be asked. False is no
  // answer yet: Acquire has it. In halves, of which the first is all that most calls need.
  bool TakeFree(hf_time now, uint32_t* stamp, WakeList* wake) {
    const Entry entry = TryEnter(stamp);
    return entry == Entry::kDone || FinishEnter(entry, now, stamp, wake);
  }
  Entry TryEnter(uint32_t* stamp) {
    const Gate::Word gate = gate_.Load();
    if (!Gate::IsOpen(gate)) [[unlikely]]
      return Entry::kLook;
    const Word before = word_.Add(Occupancy::kOneIn);
    if (!Occupancy::HasRoom(before, Gate::Limit(gate))) [[unlikely]]
      return Entry::kTakeBack;
    *stamp = Claim::Uncounted(Occupancy::InFlight(before) + 1);
    return Entry::kDone;
  }
  bool FinishEnter(Entry entry, hf_time now, uint32_t* stamp, WakeList* wake) {
    if (entry == Entry::kLook) return TakeLooking(stamp);
    TakeBack(now, wake);
    return false;
  }

  // After TakeFree. kGranted, kQueued if there is a `place`, or refused: kFull, kOverShare, kNoTime,
  // kTimedOut, kNoPartition.
  BulkheadAnswer Acquire(const BulkheadRequest& request, Waiter* place, const hf_waker& waker,
                         hf_time now, BulkheadTerms* terms) {
    if (place != nullptr) *place = Waiter{.waker = waker};
    if (now >= request.deadline) return lobby_.Refuse(BulkheadAnswer::kTimedOut, now);
    const bool guarded = (gate_.Load() & Gate::kGuarded) != 0;
    if (place == nullptr && !guarded && request.partition == 0) {
      return lobby_.Refuse(BulkheadAnswer::kFull, now);
    }
    const ScopedLock lock(mutex_);
    return lobby_.Admit(request, place, now, terms);
  }

  // kGranted, kQueued, kTimedOut, kOverloaded, kWaking or kNotWaiting. A grant counts even if polled
  // too late.
  BulkheadAnswer WaitPoll(Waiter& waiter, hf_time now, BulkheadTerms* terms) {
    const ScopedLock lock(mutex_);
    switch (waiter.state) {
      case WaiterState::kIdle:
        return BulkheadAnswer::kNotWaiting;
      case WaiterState::kQueued:
        if (now < waiter.deadline) return BulkheadAnswer::kQueued;
        lobby_.Unqueue(waiter, WaiterState::kIdle);
        return lobby_.Refuse(BulkheadAnswer::kTimedOut, now);
      case WaiterState::kGranted:
        waiter.state = WaiterState::kIdle;
        terms->stamp = waiter.stamp;
        return BulkheadAnswer::kGranted;
      case WaiterState::kExpired:
        waiter.state = WaiterState::kIdle;
        return BulkheadAnswer::kTimedOut;
      case WaiterState::kDropped:
        waiter.state = WaiterState::kIdle;
        // By then it is known whether the queue still stands.
        terms->retry_after = lobby_.policy.codel.interval;
        return BulkheadAnswer::kOverloaded;
      default:
        return BulkheadAnswer::kWaking;
    }
  }

  // kNotWaiting (the waiter is free) or kWaking.
  BulkheadAnswer WaitCancel(Waiter& waiter, hf_time now, WakeList* wake) {
    const ScopedLock lock(mutex_);
    if (IsWaking(waiter.state)) return BulkheadAnswer::kWaking;
    if (waiter.state == WaiterState::kQueued) lobby_.Unqueue(waiter, WaiterState::kIdle);
    if (waiter.state == WaiterState::kGranted && lobby_.GiveBack(Claim::Of(waiter.stamp))) {
      lobby_.Serve(now, wake);
    }
    waiter.state = WaiterState::kIdle;
    return BulkheadAnswer::kNotWaiting;
  }

  // Gives the permit of that stamp back. False if nothing was in flight, which is then left as it is.
  // In halves likewise.
  bool GiveBack(uint32_t stamp, hf_time now, WakeList* wake) {
    Word before = 0;
    return TryLeave(stamp, &before) || FinishLeave(stamp, before, now, wake);
  }
  bool TryLeave(uint32_t stamp, Word* before) {
    if (Claim::IsCounted(stamp)) [[unlikely]]
      return false;
    *before = word_.Add(0 - Occupancy::kOneIn);
    return Occupancy::InFlight(*before) != 0 && Occupancy::Waiting(*before) == 0;
  }
  bool FinishLeave(uint32_t stamp, Word before, hf_time now, WakeList* wake) {
    if (Claim::IsCounted(stamp)) return LeaveCounted(Claim::Of(stamp), now, wake);
    if (Occupancy::InFlight(before) == 0) {
      ServeIfRoom(word_.Add(Occupancy::kOneIn) + Occupancy::kOneIn, now, wake);
      return false;
    }
    ServeIfRoom(before - Occupancy::kOneIn, now, wake);
    return true;
  }

  // How a call went, besides giving its permit back. One that ended before it started teaches nothing.
  void Learn(hf_time started, hf_verdict verdict, hf_time now) {
    const bool timed = (gate_.Load() & Gate::kTimed) != 0;
    if (timed && verdict != HF_VERDICT_IGNORED && now >= started) lobby_.Learn(now - started);
  }

  // Whoever is inside stays; whoever waits is served if there is room now.
  void SetLimit(uint32_t limit, hf_time now, WakeList* wake) {
    const ScopedLock lock(mutex_);
    if (limit == lobby_.policy.limit) return;
    lobby_.journal.Write(HF_EVENT_KIND_LIMIT, now, HF_R_NONE, lobby_.policy.limit, limit);
    lobby_.policy.limit = limit;
    gate_.Store(Gate::For(lobby_.policy));
    lobby_.Serve(now, wake);
  }

  // Those inside stay, those who wait keep their places and deadlines.
  void Update(const BulkheadPolicy& policy, hf_time now, WakeList* wake) {
    const ScopedLock lock(mutex_);
    lobby_.journal.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, ++updates_);
    lobby_.policy = policy;
    gate_.Store(Gate::For(policy));
    lobby_.Serve(now, wake);
  }

  // A waiter's waker, from a WakeList, has run: it may go, and is not to be touched after this.
  void WakeDone(Waiter& waiter) {
    const ScopedLock lock(mutex_);
    waiter.state = AfterWaking(waiter.state);
  }

  hf_bulkhead_snapshot Read() const {
    const ScopedLock lock(mutex_);
    const Word word = word_.Load();
    hf_bulkhead_snapshot now{};
    now.in_flight = Occupancy::InFlight(word);
    now.waiting = Occupancy::Waiting(word);
    lobby_.Read(&now);
    return now;
  }

  BulkheadPolicy Policy() const { return ScopedLock(mutex_), lobby_.policy; }  // copied under it
  uint32_t Limit() const { return Gate::Limit(gate_.Load()); }
  uint32_t InFlight() const { return Occupancy::InFlight(word_.Load()); }
  uint32_t Waiting() const { return Occupancy::Waiting(word_.Load()); }
  // To be connected before it is shared.
  typename Storage::Journal& journal() { return lobby_.journal; }

 private:
  // --- full, crowded, or somebody waits ---------------------------------------------------------------
  bool TakeLooking(uint32_t* stamp) {
    Gate::Word gate = gate_.Load();
    if ((gate & Gate::kGuarded) != 0) return false;
    Word word = word_.Load();
    do {
      if (!Occupancy::HasRoom(word, Gate::Limit(gate))) return false;
    } while (!word_.CompareExchange(word, word + Occupancy::kOneIn));
    *stamp = Claim::Uncounted(Occupancy::InFlight(word) + 1);
    // Another's change of the gate wins.
    if (Occupancy::InFlight(word) < Gate::Limit(gate) / 2) {
      gate_.CompareExchange(gate, gate & ~Gate::kCrowded);
    }
    return true;
  }

  void TakeBack(hf_time now, WakeList* wake) {
    Gate::Word gate = gate_.Load();
    while (Gate::IsOpen(gate) && !gate_.CompareExchange(gate, gate | Gate::kCrowded)) {
    }
    ServeIfRoom(word_.Add(0 - Occupancy::kOneIn) - Occupancy::kOneIn, now, wake);
  }

  void ServeIfRoom(Word word, hf_time now, WakeList* wake) {
    if (Occupancy::Waiting(word) == 0 || Occupancy::InFlight(word) >= Limit()) return;
    const ScopedLock lock(mutex_);
    lobby_.Serve(now, wake);
  }

  bool LeaveCounted(Claim claim, hf_time now, WakeList* wake) {
    const ScopedLock lock(mutex_);
    if (!lobby_.GiveBack(claim)) return false;
    lobby_.Serve(now, wake);
    return true;
  }

  // Apart by two cache lines, for they come in pairs: the gate is read by all, the word written by all.
  alignas(128) typename Storage::template Cell<Gate::Word> gate_;
  alignas(128) typename Storage::template Cell<Word> word_;
  alignas(128) mutable typename Storage::Mutex mutex_;
  Lobby<Storage> lobby_;  // under mutex_
  int64_t updates_ = 0;   // under mutex_
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BULKHEAD_H_
