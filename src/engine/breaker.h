// SPDX-License-Identifier: Apache-2.0
// The circuit breaker's state machine.
//
//   state        event                                              next
//   CLOSED       record: rate >= threshold, or a run of failures    OPEN
//   OPEN         acquire at now >= open_until                       HALF_OPEN, this one probes
//   HALF_OPEN    `probes` results, rate >= threshold                OPEN
//   HALF_OPEN    `probes` results, rate below                       CLOSED, windows empty
//   HALF_OPEN    acquire, all probes out, lease over                HALF_OPEN, this one probes
//   any          Force                                              FORCED_OPEN, DISABLED, CLOSED
//
// Invariants: each row above is generation + 1. A permit of another generation changes nothing. No
//   sequence of events leaves HALF_OPEN stuck.
// Locking: one word holds (generation, state). CLOSED: acquire is one load, record a few lock-free
//   steps in the windows, which know their generation. OPEN and a full HALF_OPEN refuse by loads.
//   Probes and transitions take the lock, look at the word again, and publish the new word last;
//   they are marked cold, which keeps the hot path short.
// Memory: fixed, about 1.7 KiB, no heap.
#ifndef HOLDFAST_ENGINE_BREAKER_H_
#define HOLDFAST_ENGINE_BREAKER_H_

#include <holdfast/c/breaker.h>

#include <algorithm>
#include <cstdint>

#include "engine/breaker_policy.h"
#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/health.h"
#include "engine/probes.h"

namespace holdfast::engine {

// The answer to an acquire: a permit, or why.code is not OK.
struct Admission {
  hf_permit permit;
  hf_rejection why;
  hf_events events;
};

// The answer to a record. Not accepted: this breaker never gave that permit.
struct Settlement {
  bool accepted;
  hf_events events;
};

template <typename Storage>
class Breaker {
 public:
  explicit Breaker(const BreakerPolicy& policy)
      : policy_(policy), probes_(policy.probes, policy.probe_lease), health_(policy_) {
    Close(/*generation=*/1);
  }

  Admission Acquire(hf_time now) {
    const uint64_t word = word_.Load();
    if (Admits(StateOf(word))) return Admit(GenerationOf(word), HF_PERMIT_NORMAL, 0);
    return AcquireUnlessRefused(word, now);
  }

  Settlement Record(const hf_permit& permit, hf_verdict verdict, hf_time now) {
    const uint64_t word = word_.Load();
    const hf_breaker_state state = StateOf(word);
    if (permit.generation != GenerationOf(word)) return {IsOlder(permit, word), HF_EVENT_STRAGGLER};
    if (permit.kind != KindGivenIn(state)) return {false, 0};
    if (state == HF_BREAKER_HALF_OPEN) return RecordProbe(permit.generation, verdict, now);
    if (state == HF_BREAKER_DISABLED || verdict == HF_VERDICT_IGNORED) return {true, 0};
    return RecordNormal(permit.generation, verdict == HF_VERDICT_FAILURE, NotBefore(now, 0));
  }

  // `state` is FORCED_OPEN, DISABLED or CLOSED.
  void Force(hf_breaker_state state, hf_time now) {
    const ScopedLock lock(mutex_);
    newest_ = NotBefore(now, newest_);
    const uint64_t next = GenerationOf(word_.Load()) + 1;
    if (state == HF_BREAKER_CLOSED) {
      Close(next);
    } else {
      Publish(next, state);
    }
  }

  hf_breaker_snapshot Read(hf_time now) const {
    const uint64_t word = word_.Load();
    const WindowTotals totals = health_.Totals(NotBefore(now, 0));
    hf_breaker_snapshot snapshot{};
    snapshot.state = StateOf(word);
    snapshot.generation = GenerationOf(word);
    snapshot.calls = totals.calls;
    snapshot.failures = totals.failures;
    snapshot.consecutive = health_.Run();
    if (snapshot.state == HF_BREAKER_HALF_OPEN) snapshot.probes_out = probes_.Out();
    if (snapshot.state == HF_BREAKER_OPEN) snapshot.open_until = open_until_.Load();
    snapshot.opened = opened_.Load();
    snapshot.refused = refused_.Load();
    return snapshot;
  }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  // --- the word: generation | state -----------------------------------------------------------------
  static constexpr int kStateBits = 3;
  static uint64_t GenerationOf(uint64_t word) { return word >> kStateBits; }
  static hf_breaker_state StateOf(uint64_t word) {
    return static_cast<hf_breaker_state>(word & ((1u << kStateBits) - 1));
  }
  static uint32_t TagOf(uint64_t generation) { return static_cast<uint32_t>(generation); }
  void Publish(uint64_t generation, hf_breaker_state state) {
    word_.Store(generation << kStateBits | static_cast<uint64_t>(state));
  }

  static bool Admits(hf_breaker_state state) {
    return state == HF_BREAKER_CLOSED || state == HF_BREAKER_DISABLED;
  }
  static uint32_t KindGivenIn(hf_breaker_state state) {
    if (Admits(state)) return HF_PERMIT_NORMAL;
    return state == HF_BREAKER_HALF_OPEN ? HF_PERMIT_PROBE : HF_PERMIT_NONE;
  }
  // False: no earlier generation gave it, so it may be another object's, which would lose it here.
  [[gnu::cold]] static bool IsOlder(const hf_permit& permit, uint64_t word) {
    return permit.generation - 1 < GenerationOf(word) - 1 && permit.kind - 1 < HF_PERMIT_PROBE;
  }

  // --- acquire ----------------------------------------------------------------------------------------
  // Whether nothing but a refusal can come of asking now.
  bool Refuses(hf_breaker_state state, hf_time now) const {
    if (state == HF_BREAKER_OPEN) return now < open_until_.Load();
    // The lease first: a probe that comes back renews it before it makes room.
    if (state == HF_BREAKER_HALF_OPEN) return !probes_.LeaseIsOver(now) && probes_.IsFull();
    return state == HF_BREAKER_FORCED_OPEN;
  }

  static Admission Admit(uint64_t generation, uint32_t kind, hf_events events) {
    return {{generation, kind, 0}, {HF_OK, HF_R_NONE, 0}, events};
  }

  [[gnu::cold]] Admission AcquireUnlessRefused(uint64_t word, hf_time now) {
    // The word again: a refusal is right only if all that it was made of is of one generation.
    if (Refuses(StateOf(word), now) && word_.Load() == word) return Refuse(StateOf(word), now);
    const ScopedLock lock(mutex_);
    newest_ = NotBefore(now, newest_);
    return AcquireLocked(word_.Load());
  }

  Admission Refuse(hf_breaker_state state, hf_time now) {
    refused_.Add(1);
    const hf_time seen = NotBefore(now, 0);
    hf_rejection why{HF_UNAVAILABLE, HF_R_BREAKER_FORCED_OPEN, HF_INFINITE};
    if (state == HF_BREAKER_OPEN) {
      why.reason = HF_R_BREAKER_OPEN;
      why.retry_after = std::min(TimeUntil(open_until_.Load(), seen), policy_.open_for);
    } else if (state == HF_BREAKER_HALF_OPEN) {
      // A probe is usually back long before its lease is over.
      why.reason = HF_R_BREAKER_PROBING;
      why.retry_after = std::min(probes_.LeaseLeft(seen), policy_.open_for / 10);
    }
    // 0 would read as "unknown".
    why.retry_after = std::max<hf_duration>(why.retry_after, 1);
    return {{}, why, 0};
  }

  Admission AcquireLocked(uint64_t word) {
    const uint64_t generation = GenerationOf(word);
    if (Admits(StateOf(word))) return Admit(generation, HF_PERMIT_NORMAL, 0);
    if (Refuses(StateOf(word), newest_)) return Refuse(StateOf(word), newest_);
    if (StateOf(word) == HF_BREAKER_OPEN) {
      return StartProbing(generation + 1, HF_EVENT_BREAKER_HALF_OPENED);
    }
    if (probes_.IsFull()) return StartProbing(generation + 1, HF_EVENT_PROBE_LOST);
    probes_.Admit(newest_);
    return Admit(generation, HF_PERMIT_PROBE, 0);
  }

  Admission StartProbing(uint64_t generation, hf_events events) {
    probes_.Start(newest_);
    Publish(generation, HF_BREAKER_HALF_OPEN);
    return Admit(generation, HF_PERMIT_PROBE, events);
  }

  // --- record -----------------------------------------------------------------------------------------
  Settlement RecordNormal(uint64_t generation, bool failed, hf_time now) {
    if (health_.NeedsAdvance(now) && !Advance(generation, now)) return {true, HF_EVENT_STRAGGLER};
    const Diagnosis diagnosis = health_.Record(TagOf(generation), failed);
    if (diagnosis.stale) return {true, HF_EVENT_STRAGGLER};
    return {true, diagnosis.trips ? Trip(generation, now) : 0};
  }

  // False if the breaker has left that generation.
  [[gnu::cold]] bool Advance(uint64_t generation, hf_time now) {
    const ScopedLock lock(mutex_);
    if (GenerationOf(word_.Load()) != generation) return false;
    health_.Advance(TagOf(generation), now);
    return true;
  }

  [[gnu::cold]] hf_events Trip(uint64_t generation, hf_time now) {
    const ScopedLock lock(mutex_);
    if (GenerationOf(word_.Load()) != generation) return 0;  // another thread was first
    newest_ = NotBefore(now, newest_);
    return Open(generation + 1);
  }

  [[gnu::cold]] Settlement RecordProbe(uint64_t generation, hf_verdict verdict, hf_time now) {
    const ScopedLock lock(mutex_);
    if (GenerationOf(word_.Load()) != generation) return {true, HF_EVENT_STRAGGLER};
    if (probes_.Out() == 0) return {false, 0};
    newest_ = NotBefore(now, newest_);
    if (verdict == HF_VERDICT_IGNORED) {
      probes_.Refund(newest_);
      return {true, 0};
    }
    probes_.Count(verdict == HF_VERDICT_FAILURE, newest_);
    if (!probes_.IsComplete()) return {true, 0};
    const bool still_failing = RateReached(policy_, probes_.failures(), policy_.probes);
    if (still_failing) return {true, Open(generation + 1)};
    Close(generation + 1);
    return {true, HF_EVENT_BREAKER_CLOSED};
  }

  // --- transitions, under the lock --------------------------------------------------------------------
  hf_events Open(uint64_t generation) {
    open_until_.Store(AddSaturating(newest_, policy_.open_for));
    opened_.Add(1);
    Publish(generation, HF_BREAKER_OPEN);
    return HF_EVENT_BREAKER_OPENED;
  }

  void Close(uint64_t generation) {
    health_.Reset(TagOf(generation), newest_);
    Publish(generation, HF_BREAKER_CLOSED);
  }

  const BreakerPolicy policy_;
  Cell<uint64_t> word_;
  Cell<hf_time> open_until_;
  ProbeRound<Storage> probes_;
  hf_time newest_ = 0;  // under the lock: the newest `now` of a probe or a transition
  Cell<uint64_t> opened_;
  typename Storage::Mutex mutex_;
  // Written by every record, so kept away from the word that every acquire reads.
  alignas(64) Health<Storage> health_;
  Cell<uint64_t> refused_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BREAKER_H_
