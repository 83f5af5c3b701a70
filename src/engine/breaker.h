// SPDX-License-Identifier: Apache-2.0
// The circuit breaker's state machine.
//
//   state        event                                              next
//   CLOSED       record, or a tick of time: a threshold is reached  OPEN
//   CLOSED       merge: the fleet's rate is reached, and no veto    OPEN
//   OPEN         acquire at now >= open_until                       HALF_OPEN, this one probes
//   HALF_OPEN    `probes` results, bad                              OPEN
//   HALF_OPEN    `probes` results, good                             CLOSED, windows empty, ramping
//   HALF_OPEN    acquire, all probes out, lease over                HALF_OPEN, this one probes; or, if lost
//                                                                   probes are failures, as `probes` results
//   any          Force                                              FORCED_OPEN, DISABLED, CLOSED,
//                                                                   METRICS_ONLY
//   any          Restore                                            what was saved
//
// Ramping is CLOSED, but for what it admits; its end is no change of state. METRICS_ONLY leaves by Force and
// Restore only. No other pair of states has a way between them.
// Invariants: each row above is generation + 1. A permit of another generation changes nothing. No
//   sequence of events leaves HALF_OPEN stuck.
// Locking: one word holds (generation, state). CLOSED: acquire is one load, record a few lock-free
//   steps in the windows, which know their era. OPEN, ramping and a full HALF_OPEN refuse by loads.
//   Probes and transitions take the lock, look at the word again, and publish the new word last;
//   they are marked cold, which keeps the hot path short.
// Memory: fixed, no heap; the windows are in cells given at construction (Capacity::Cells of them). What
//   operators and peers do is in breaker_desk.h.
#ifndef HOLDFAST_ENGINE_BREAKER_H_
#define HOLDFAST_ENGINE_BREAKER_H_

#include <holdfast/c/breaker.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "engine/breaker_policy.h"
#include "engine/breaker_word.h"
#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/fleet.h"
#include "engine/health.h"
#include "engine/open_time.h"
#include "engine/probes.h"
#include "engine/ramp.h"

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
  using Word = typename Storage::template Cell<uint64_t>;

  // Closed. `policy`, `cells` (room.Cells() of them, which room.Holds the policy) and `fleet` outlive it.
  Breaker(LivePolicy<Storage>& policy, const Capacity& room, Word* cells, Fleet* fleet = nullptr)
      : health_(policy, cells, room), fleet_(fleet) {
    Close(health_.policy().Load(), /*generation=*/1, HF_BREAKER_CLOSED, /*ramps=*/false);
  }

  // Connects the journal, before the breaker is shared.
  typename Storage::Journal& journal() { return journal_; }
  BreakerPolicy Policy() const { return health_.policy().Load(); }

  // What Acquire looks at first, and its answer if that admits at once: for who asks others about the rest.
  BreakerWord Look() const { return BreakerWord(word_.Load()); }
  static Admission AdmitAtOnce(BreakerWord word) { return Admit(word, HF_PERMIT_NORMAL, 0, 0); }

  Admission Acquire(hf_time now) {
    const BreakerWord word = Look();
    if (word.AdmitsAtOnce()) [[likely]] {
      return AdmitAtOnce(word);
    }
    return word.Admits() ? AcquireWatched(now) : AcquireUnlessRefused(word, now);
  }

  // Flattened: as four functions in each other it would spend a fifth of its time on saving registers.
  [[gnu::flatten]] Settlement Record(const hf_permit& permit, hf_verdict verdict, hf_time now) {
    now = NotBefore(now, 0);
    for (bool left = false;; left = true) {
      const BreakerWord word(word_.Load());
      if (permit.generation != word.generation()) [[unlikely]] {
        return {IsOlder(permit, word), HF_EVENT_STRAGGLER};
      }
      if (permit.kind != word.KindGiven()) return {false, 0};
      if (!word.Counts()) return RecordElsewhere(word, permit, verdict, now);
      const bool hung = word.ages() && LeaveFlight(word, permit, left, now);
      if (verdict == HF_VERDICT_IGNORED) return {true, 0};
      if (health_.NeedsAdvance(word, now)) Advance(word, now);
      const bool slow = (hung || verdict == HF_VERDICT_SLOW) && word.judges_slow();
      const Result result{verdict == HF_VERDICT_FAILURE, slow};
      const Diagnosis found = health_.Record(word, result, now);
      if (found == Diagnosis::kFine) [[likely]] {
        return {true, 0};
      }
      if (found != Diagnosis::kStale) return {true, Trip(word, now, found)};
      // Another generation, which is seen at once; or another shape, in which it is still to be counted.
    }
  }

  // --- breaker_desk.h ---------------------------------------------------------------------------------
  // FORCED_OPEN, DISABLED, METRICS_ONLY or CLOSED.
  void Force(hf_breaker_state state, hf_time now);
  // Stores `policy` and follows it; needs Holds(policy).
  hf_events Update(const BreakerPolicy& policy, hf_time now);
  // What Update does once its policy is stored, for breakers that share one.
  hf_events Follow(hf_time now);
  bool HasPeers() const { return fleet_ != nullptr && !fleet_->IsEmpty(); }
  // False if there is no place for that peer.
  bool Merge(uint64_t peer, const WindowTotals& totals, hf_time now, hf_events* events);
  hf_breaker_saved Save(hf_time now);
  void Restore(const hf_breaker_saved& saved, hf_time now);
  hf_breaker_snapshot Read(hf_time now) const;

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  // False: no earlier generation gave it, so it may be another object's, which would lose it here.
  [[gnu::cold]] static bool IsOlder(const hf_permit& permit, BreakerWord word) {
    return permit.generation - 1 < word.generation() - 1 && permit.kind - 1 < HF_PERMIT_PROBE;
  }

  // --- acquire ----------------------------------------------------------------------------------------
  static Admission Admit(BreakerWord word, uint32_t kind, uint32_t stamp, hf_events events) {
    // Kind and stamp as one: written apart and read together they would be waited for.
    const auto second = std::bit_cast<uint64_t>(std::array<uint32_t, 2>{kind, stamp});
    const std::array<uint64_t, 2> halves = {word.generation(), second};
    return {std::bit_cast<hf_permit>(halves), {HF_OK, HF_R_NONE, 0}, events};
  }

  // Admits, but has an eye on the calls under way or on how many it admits.
  Admission AcquireWatched(hf_time now) {
    for (;;) {
      const BreakerWord word(word_.Load());
      if (!word.Admits()) return AcquireUnlessRefused(word, now);
      if (word.ages() && word.state() == HF_BREAKER_CLOSED && health_.in_flight().IsNewTick(now)) {
        const hf_events found = LookForHangs(word, now);
        if (found != 0) return Refuse(HF_BREAKER_OPEN, now, found);
        if (word_.Load() != word.raw()) continue;
      }
      if (word.ramps()) {
        if (now >= until_.Load()) {
          EndRamp(now);
          continue;
        }
        const Share share = ShareOf(RampedNow(now));
        if (word_.Load() != word.raw()) continue;
        if (!ramp_.Admits(share)) return Refuse(word.state(), now, 0);
      }
      if (!word.ages() || !word.Counts()) return Admit(word, HF_PERMIT_NORMAL, 0, 0);
      const uint32_t lane = health_.lanes().Mine();
      uint32_t begin = health_.in_flight().BeginOf(now);
      if (!health_.in_flight().Enter(word.flight_tag(), lane, &begin)) continue;
      return Admit(word, HF_PERMIT_NORMAL, Stamp(word.units(), lane, begin).raw(), 0);
    }
  }

  double RampedNow(hf_time now) const {
    const hf_duration length = length_.Load();
    const hf_duration left = std::min(TimeUntil(until_.Load(), NotBefore(now, 0)), length);
    return RampedShare(ramp_from_.Load(), length - left, length);
  }

  // Whether nothing but a refusal can come of asking now.
  bool Refuses(hf_breaker_state state, hf_time now) const {
    if (state == HF_BREAKER_OPEN) return now < until_.Load();
    // The lease first: a probe that comes back renews it before it makes room.
    if (state == HF_BREAKER_HALF_OPEN) {
      return now < until_.Load() && probes_.Admitted() >= wanted_.Load();
    }
    return state == HF_BREAKER_FORCED_OPEN;
  }

  [[gnu::cold, gnu::noinline]] Admission AcquireUnlessRefused(BreakerWord word, hf_time now);
  Admission Refuse(hf_breaker_state state, hf_time now, hf_events events);

  // --- record -----------------------------------------------------------------------------------------
  // Whether the call took slow_after or longer, as far as its permit tells. It leaves once.
  bool LeaveFlight(BreakerWord word, const hf_permit& permit, bool left, hf_time now) {
    const Stamp stamp(permit.stamp);
    if (!word.ages() || !stamp.IsOf(word.units())) return false;
    if (permit.kind == HF_PERMIT_NORMAL && !left) {
      health_.in_flight().Leave(word.flight_tag(), stamp.lane(), stamp.begin());
    }
    return health_.in_flight().IsSlow(stamp.begin(), now);
  }

  // --- breaker_locked.h: what takes the lock, or is called under it -----------------------------------
  [[gnu::cold, gnu::noinline]] Settlement RecordElsewhere(BreakerWord word, const hf_permit& permit,
                                                          hf_verdict verdict, hf_time now);
  [[gnu::cold, gnu::noinline]] void Advance(BreakerWord word, hf_time now);
  [[gnu::cold, gnu::noinline]] void EndRamp(hf_time now);
  [[gnu::cold, gnu::noinline]] hf_events LookForHangs(BreakerWord word, hf_time now);
  [[gnu::cold, gnu::noinline]] hf_events Trip(BreakerWord word, hf_time now, Diagnosis found);

  hf_events FollowLocked(hf_time now);
  Admission AcquireLocked(BreakerWord word);
  Admission AdmitProbe(const BreakerPolicy& policy, hf_events events);
  void StartProbing(const BreakerPolicy& policy, uint64_t generation);
  void RenewLease(const BreakerPolicy& policy);
  hf_events Judge(const BreakerPolicy& policy, uint64_t generation);
  hf_events Open(const BreakerPolicy& policy, uint64_t generation);
  void OpenFor(const BreakerPolicy& policy, uint64_t generation, hf_duration length);
  void Close(const BreakerPolicy& policy, uint64_t generation, hf_breaker_state state, bool ramps);
  void StartRamp(double from, hf_duration length);
  void Publish(const BreakerPolicy& policy, uint64_t generation, hf_breaker_state state,
               bool ramps);
  bool Vetoes(const BreakerPolicy& policy, BreakerWord word, hf_time now) const;

  // All that a closed breaker looks at, on two lines.
  Cell<uint64_t> word_;
  Health<Storage> health_;
  // What the state runs until, and how long that was at first: an open time, a lease, a ramp.
  Cell<hf_time> until_;
  Cell<hf_duration> length_;
  Cell<double> ramp_from_;
  Ramp<Storage> ramp_;
  Cell<uint32_t> wanted_;  // of the probes of this round
  ProbeRound<Storage> probes_;
  // Written by refusals and under the lock.
  Cell<uint64_t> refused_;
  Cell<uint64_t> opened_;
  Cell<uint32_t> trips_;  // in a row
  uint32_t shape_ = 0;
  uint32_t updates_ = 0;
  typename Storage::Mutex mutex_;
  hf_time newest_ = 0;  // the newest `now` of a probe or a transition
  hf_time closed_at_ = 0;
  Fleet* const fleet_;  // null: no peers
  typename Storage::Journal journal_;
};

}  // namespace holdfast::engine

#include "engine/breaker_desk.h"
#include "engine/breaker_locked.h"

#endif  // HOLDFAST_ENGINE_BREAKER_H_
