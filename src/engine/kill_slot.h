// SPDX-License-Identifier: Apache-2.0
// The table of a kill switch, and one place in it: a rule, its state, and how a call looks at it without a lock.
//
//   word   the rule's number and its state: the only thing that makes the rest valid
//
// A look reads the word, then the rule, then the word again: the same word says that the rule was not
// touched, because a slot is filled only while its word says that it is over, and numbers are never used
// twice. Else it looks again. Each further look is paid by a step of an operator, so none ever waits for
// one, however long that one's thread is away in the middle of it.
//
// Invariants: no look answers from two rules. A rule past its end refuses nothing, whatever its word says.
// Locking: Look is lock-free; all else is under the switch's lock. Memory: fixed, 1.5 KB.
#ifndef HOLDFAST_ENGINE_KILL_SLOT_H_
#define HOLDFAST_ENGINE_KILL_SLOT_H_

#include <holdfast/c/kill_switch.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/duration.h"
#include "engine/match.h"

namespace holdfast::engine {

// A checked rule: the compiled patterns, and the entry with code, expiry and texts filled in.
struct KillRule {
  Match match;
  hf_kill_entry entry = {};
};

// What a look found.
struct KillFinding {
  bool refuses = false;
  bool due = false;  // past its end, to be retired
  uint64_t number = 0;
  hf_code code = HF_OK;
  hf_duration left = 0;
};

using KillWordType = uint64_t;
inline constexpr uint32_t kKillStateBits = 3;

constexpr KillWordType KillWord(uint64_t number, hf_kill_state state) {
  return number << kKillStateBits | static_cast<KillWordType>(state);
}
constexpr hf_kill_state KillStateOf(KillWordType word) {
  return static_cast<hf_kill_state>(word & ((KillWordType{1} << kKillStateBits) - 1));
}
constexpr bool KillIsLive(hf_kill_state state) {
  return state == HF_KILL_ARMED || state == HF_KILL_ON;
}

template <typename Storage>
struct KillSlot {
  hf_kill_state state() const { return KillStateOf(word.Load()); }

  KillFinding Look(const hf_facts& facts, hf_time now) {
    for (;;) {
      const KillWordType seen = word.Load();
      if (!KillIsLive(KillStateOf(seen))) return {};
      const bool fits = match.Fits(facts);
      const hf_time began = from.Load();
      const hf_time ends = until.Load();
      KillFinding found;
      found.code = code.Load();
      if (word.Load() != seen) continue;
      found.number = seen >> kKillStateBits;
      found.due = now >= ends;
      if (found.due || !fits) return found;
      found.refuses = KillStateOf(seen) == HF_KILL_ON;
      found.left = ends - std::max(now, began);
      // Counts for the next rule if this one was replaced just now: that costs a count, not a decision.
      (found.refuses ? hits : watched).Add(1);
      return found;
    }
  }

  // Needs a slot that is not live.
  void Fill(const KillRule& rule, uint64_t number) {
    entry = rule.entry;
    entry.token = number;
    match.Store(rule.match);
    code.Store(rule.entry.code);
    hits.Store(0);
    watched.Store(0);
  }

  hf_kill_entry EntryAt(hf_time now) const {
    hf_kill_entry copy = entry;
    copy.state = state();
    copy.hits = hits.Load();
    copy.watched = watched.Load();
    copy.left = KillIsLive(copy.state) ? TimeUntil(until.Load(), now) : 0;
    return copy;
  }

  typename Storage::template Cell<KillWordType> word;  // 0: never used
  typename Storage::template Cell<hf_time> from;
  typename Storage::template Cell<hf_time> until;
  typename Storage::template Cell<hf_code> code;
  typename Storage::template Cell<uint64_t> hits;
  typename Storage::template Cell<uint64_t> watched;
  MatchCells<Storage> match;
  hf_kill_entry entry = {};  // this and below: under the lock
  uint64_t ended = 0;        // it was the how-manieth that ended; 0: never
};

inline constexpr size_t kMaxKillRules = 64;  // one bit each

// All places. Everything here: under the switch's lock.
template <typename Storage, size_t places>
struct KillTable {
  using Slot = KillSlot<Storage>;

  // One never used, or the one whose rule has been over for longest. Needs one that is not live.
  Slot& PlaceForOne() {
    Slot* place = nullptr;
    for (Slot& slot : slots) {
      if (KillIsLive(slot.state())) continue;
      if (place == nullptr || slot.ended < place->ended) place = &slot;
    }
    return *place;
  }

  Slot* Find(uint64_t token) {
    for (Slot& slot : slots) {
      if (token != 0 && slot.entry.token == token) return &slot;
    }
    return nullptr;
  }

  // The one with the lowest number above `token`.
  const Slot* NextAfter(uint64_t token) const {
    const Slot* next = nullptr;
    for (const Slot& slot : slots) {
      if (slot.entry.token <= token) continue;
      if (next == nullptr || slot.entry.token < next->entry.token) next = &slot;
    }
    return next;
  }

  std::array<Slot, places> slots;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_KILL_SLOT_H_
