// SPDX-License-Identifier: Apache-2.0
// The books of a limiter: its state, and what the holder of its lock does with it.
//
// Written by every take:                  taken
// Read by every take, written rarely:     credit, open, burst, reserved
// For the lock's holder:                  the rest of the level, counts, policy
//
// open    a take by addition is dated before the window's end, so it must come before it; and where little
//         is left it would mostly be taken back. Above 0: the window's end. Else closed, and the end negated.
// Memory: 120 bytes besides the journal; what every take reads is a cache line away from what it writes.
#ifndef HOLDFAST_ENGINE_LIMITER_BOOK_H_
#define HOLDFAST_ENGINE_LIMITER_BOOK_H_

#include <algorithm>
#include <cstdint>

#include "engine/cells.h"
#include "engine/level.h"
#include "engine/pace.h"
#include "engine/supply.h"
#include "engine/ticket.h"

namespace holdfast::engine {

template <typename Storage>
struct LimiterBook {
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  // Full; with a ramp it is made cold by its first ask.
  LimiterBook(const LimiterPolicy& policy, Pace* given)
      : period(policy.period),
        max_wait(policy.max_wait),
        pace(given),
        permits(policy.permits),
        burst(policy.burst),
        credit(policy.burst * kToken) {
    ceiling = credit.Load();
    if (pace != nullptr) pace->ramp = pace->warm_up > 0 ? kCold : 0;
  }

  // --- all below: under the lock --------------------------------------------------------------------
  Tempo NowTempo() const { return TempoOf({period, max_wait, permits, burst.Load()}, pace); }

  hf_time WindowEnd() const {
    const hf_time end = open.Load();
    return end < 0 ? -end : end;
  }

  Level Kept() const {
    return {
        credit.Load(), ceiling, planned, rest, time, WindowEnd(), pace == nullptr ? 0 : pace->ramp};
  }

  // The credit first: who finds the window open must not find the credit of an older one.
  void Keep(const Level& level, bool opens) {
    ceiling = level.ceiling;
    planned = level.planned;
    rest = level.rest;
    time = level.time;
    if (pace != nullptr) pace->ramp = level.ramp;
    credit.Store(level.credit);
    open.Store(opens ? level.window : -level.window);
  }

  // Brings the level up, unless it is cold and waits for its first ask. Closed: this plan has no take in it that
  // would leave room for what flows in within the window.
  void Settle(hf_time now) {
    Level level = Kept();
    if (level.ramp == kCold) return;
    BringUp(NowTempo(), taken.Load(), now, &level);
    Keep(level, false);
  }

  // After a change of policy or send rate. The fraction of a unit belonged to the old rate.
  void Retune(const Tempo& before) {
    rest = 0;
    ceiling += NowTempo().capacity - before.capacity;
    if (Ahead(credit.Load(), ceiling) > 0) credit.Store(ceiling);
  }

  // At a low send rate a bucket may be smaller than a cost that is asked for.
  void MakeRoomFor(uint32_t cost) {
    if (pace == nullptr || cost <= pace->dearest) return;
    const Tempo before = NowTempo();
    pace->dearest = cost;
    Retune(before);
  }

  // promised: somebody may have been given a time after it. Returns how much came back.
  Units GiveBack(Units position, Units units, bool promised) {
    const Units capacity = NowTempo().capacity;
    const Units before = credit.Load();
    const Units back =
        RefundOf(position, units, capacity, promised ? taken.Load() : before, before);
    const bool counted = Ahead(planned, position) > 0;  // by the plan: its brim stands on it
    if (back == units && Untake(position, units)) {
      if (!counted) return units;
      planned = position;
      ceiling -= units;
      return units;
    }
    if (back < units) rest = 0;  // cut at a brim: so is what has flowed in of the next unit
    if (!counted) ceiling += back;
    credit.Store(before + back);
    credited += back;
    return back;
  }

  // True if nothing was taken after it: then it has never been.
  bool Untake(Units position, Units units) {
    Units seen = position + units;
    do {
      if (taken.CompareExchange(seen, position)) return true;
    } while (seen == position + units);
    return false;
  }

  Cell<Units> taken;
  hf_time time = 0;
  uint64_t rest = 0;
  Units ceiling = 0;
  Units planned = 0;
  Units credited = 0;  // in taken, but not granted
  Units refunded = 0;  // given back by cancels
  uint64_t refused = 0;
  hf_duration period;
  hf_duration max_wait;
  Pace* const pace;
  mutable typename Storage::Mutex mutex;
  uint32_t permits;
  typename Storage::Journal journal;
  Cell<uint32_t> burst;
  Cell<uint32_t> reserved;  // reservations that had to wait
  Cell<Units> credit;
  Cell<hf_time> open;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_LIMITER_BOOK_H_
