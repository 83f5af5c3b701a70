// SPDX-License-Identifier: Apache-2.0
// Kill switch: up to 64 rules in a fixed table that calls read while operators change it. The states and
// what is promised are in c/kill_switch.h.
//
//   live_    one bit per slot: ARMED or ON. 0 is all that a check reads when nobody has armed anything
//   word     of a slot: its rule's number and state. Numbers are never used twice
//
//   step       under the lock                                  publishes, last of all
//   Arm        fills a slot that is not live                   word ARMED, then its bit
//   Fire       sets from, until                                word ON
//   Lift, end  writes down who and when                        word LIFTED, EXPIRED or LAPSED; its bit off
//
// A check that refuses nothing has looked at all rules between two changes, so a rule may be replaced by
// firing another and lifting it, and no call slips through.
//
// Invariants: a rule's word goes ARMED -> ON -> over, or ARMED -> over, and never back. Ended rules stay in
// the table for the list until their slot is needed, the longest over first. Of several rules that mean a
// call the one that ends last refuses it. An operator's `now` below the newest one is read as the newest.
// Locking: Check is lock-free, except that the one check which first finds a rule past its end takes the
// lock to retire it. Everything else is under the lock. Memory: fixed, about 90 KB.
#ifndef HOLDFAST_ENGINE_KILL_SWITCH_H_
#define HOLDFAST_ENGINE_KILL_SWITCH_H_

#include <holdfast/c/kill_switch.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/kill_slot.h"

namespace holdfast::engine {

struct KillSwitchPolicy {
  uint32_t capacity = kMaxKillRules;
  hf_duration arm_window = 60 * HF_S;
};

enum class FireAnswer { kOn, kNotArmed, kLate };

// `places` is for tests that want a small table to be full often.
template <typename Storage, size_t places = kMaxKillRules>
class KillSwitch {
 public:
  explicit KillSwitch(const KillSwitchPolicy& policy) : policy_(policy) {}

  // HF_OK with *why as it was, or the refusing rule's code with *why filled. Needs valid facts.
  hf_code Check(const hf_facts& facts, hf_time now, hf_rejection* why) {
    return live_.Load() == 0 ? HF_OK : CheckRules(facts, now, why);
  }

  // The rule's number, or 0 if there is no room.
  uint64_t Arm(const KillRule& rule, hf_time now) {
    const ScopedLock lock(mutex_);
    now = EndDue(now);
    if (static_cast<uint32_t>(std::popcount(live_.Load())) >= policy_.capacity) return 0;
    Slot& slot = table_.PlaceForOne();
    const uint64_t number = ++armed_;
    slot.Fill(rule, number);
    slot.from.Store(now);
    slot.until.Store(AddSaturating(now, policy_.arm_window));
    slot.word.Store(KillWord(number, HF_KILL_ARMED));
    live_.Store(live_.Load() | BitOf(slot));
    return number;
  }

  FireAnswer Fire(uint64_t token, hf_time now) {
    const ScopedLock lock(mutex_);
    now = EndDue(now);
    Slot* const slot = table_.Find(token);
    if (slot == nullptr) return FireAnswer::kNotArmed;
    const hf_kill_state state = slot->state();
    if (state == HF_KILL_LAPSED) return FireAnswer::kLate;
    if (state != HF_KILL_ARMED) return FireAnswer::kNotArmed;
    slot->from.Store(now);
    slot->until.Store(AddSaturating(now, slot->entry.expiry));
    slot->word.Store(KillWord(token, HF_KILL_ON));
    changes_.Add(1);
    ++fired_;
    journal_.Write(HF_EVENT_KIND_SWITCHED, now, HF_R_KILLED, 0, static_cast<int64_t>(token));
    return FireAnswer::kOn;
  }

  // False if there is no such rule, or it is over. `who` fits into an entry.
  bool Lift(uint64_t token, std::string_view who, hf_time now) {
    const ScopedLock lock(mutex_);
    now = EndDue(now);
    Slot* const slot = table_.Find(token);
    if (slot == nullptr || !KillIsLive(slot->state())) return false;
    End(*slot, HF_KILL_LIFTED, who, now);
    return true;
  }

  uint32_t LiftOwned(std::string_view owner, std::string_view who, hf_time now) {
    const ScopedLock lock(mutex_);
    now = EndDue(now);
    uint32_t lifted = 0;
    for (Slot& slot : table_.slots) {
      if (!KillIsLive(slot.state()) || owner != slot.entry.owner) continue;
      End(slot, HF_KILL_LIFTED, who, now);
      ++lifted;
    }
    return lifted;
  }

  void Update(const KillSwitchPolicy& policy, hf_time now) {
    const ScopedLock lock(mutex_);
    now = EndDue(now);
    policy_ = policy;
    ++updates_;
    journal_.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, static_cast<int64_t>(updates_));
  }

  // By number. Returns how many there are, of which at most `capacity` are copied.
  size_t List(hf_time now, hf_kill_entry* out, size_t capacity) {
    const ScopedLock lock(mutex_);
    now = EndDue(now);
    size_t count = 0;
    for (const Slot* slot = table_.NextAfter(0); slot != nullptr;
         slot = table_.NextAfter(slot->entry.token)) {
      if (count < capacity) out[count] = slot->EntryAt(now);
      ++count;
    }
    return count;
  }

  hf_kill_switch_snapshot Read(hf_time now) {
    const ScopedLock lock(mutex_);
    EndDue(now);
    hf_kill_switch_snapshot snapshot{};
    snapshot.capacity = policy_.capacity;
    for (const Slot& slot : table_.slots) {
      const hf_kill_state state = slot.state();
      snapshot.armed += state == HF_KILL_ARMED ? 1 : 0;
      snapshot.on += state == HF_KILL_ON ? 1 : 0;
    }
    snapshot.refused = refused_.Load();
    snapshot.fired = fired_;
    snapshot.updates = updates_;
    return snapshot;
  }

  typename Storage::Journal& journal() { return journal_; }

 private:
  static_assert(places <= kMaxKillRules);
  using Slot = KillSlot<Storage>;

  uint64_t BitOf(const Slot& slot) const { return uint64_t{1} << (&slot - table_.slots.data()); }

  hf_code CheckRules(const hf_facts& facts, hf_time now, hf_rejection* why) {
    KillFinding last;
    bool due = false;
    uint64_t seen;
    do {  // again if a rule went on behind our back while another one before us went off
      seen = changes_.Load();
      last = LookAtAll(facts, now, &due);
    } while (!last.refuses && changes_.Load() != seen);
    if (due) Retire(now);
    if (!last.refuses) return HF_OK;
    refused_.Add(1);
    journal_.Write(HF_EVENT_KIND_REFUSED, now, HF_R_KILLED, 0, static_cast<int64_t>(last.number));
    *why = {last.code, HF_R_KILLED, last.left};
    return last.code;
  }

  // Of the rules that refuse, the one that ends last.
  KillFinding LookAtAll(const hf_facts& facts, hf_time now, bool* due) {
    KillFinding last;
    for (uint64_t rest = live_.Load(); rest != 0; rest &= rest - 1) {
      const auto at = static_cast<size_t>(std::countr_zero(rest));
      const KillFinding found = table_.slots[at].Look(facts, now);
      *due = *due || found.due;
      if (found.refuses && (!last.refuses || found.left > last.left)) last = found;
    }
    return last;
  }

  // One check does it, the others go on: none of them refuses by a rule that is past its end.
  void Retire(hf_time now) {
    uint32_t nobody = 0;
    if (!retiring_.CompareExchange(nobody, 1)) return;
    {
      const ScopedLock lock(mutex_);
      EndDue(now);
    }
    retiring_.Store(0);
  }

  // All below: under the lock.

  // Retires what is past its end. Returns the newest `now`.
  hf_time EndDue(hf_time now) {
    newest_ = NotBefore(now, newest_);
    for (Slot& slot : table_.slots) {
      const hf_kill_state state = slot.state();
      if (!KillIsLive(state) || newest_ < slot.until.Load()) continue;
      End(slot, state == HF_KILL_ON ? HF_KILL_EXPIRED : HF_KILL_LAPSED, "", newest_);
    }
    return newest_;
  }

  void End(Slot& slot, hf_kill_state state, std::string_view who, hf_time now) {
    const bool was_on = slot.state() == HF_KILL_ON;
    slot.ended = ++ended_;
    who.copy(slot.entry.ended_by, sizeof(slot.entry.ended_by) - 1);
    slot.word.Store(KillWord(slot.entry.token, state));
    live_.Store(live_.Load() & ~BitOf(slot));
    changes_.Add(1);
    if (!was_on) return;
    journal_.Write(HF_EVENT_KIND_SWITCHED, now,
                   state == HF_KILL_EXPIRED ? HF_R_DEADLINE : HF_R_NONE,
                   static_cast<int64_t>(slot.entry.token), 0);
  }

  typename Storage::template Cell<uint64_t> live_;
  typename Storage::template Cell<uint64_t> changes_;  // rules that went on or were ended
  typename Storage::template Cell<uint64_t> refused_;
  typename Storage::template Cell<uint32_t> retiring_;  // 1: a check is at it
  typename Storage::Mutex mutex_;
  KillSwitchPolicy policy_;  // this and below, but for the slots' cells: under mutex_
  hf_time newest_ = 0;
  uint64_t armed_ = 0;
  uint64_t fired_ = 0;
  uint64_t ended_ = 0;
  uint64_t updates_ = 0;
  KillTable<Storage, places> table_;
  typename Storage::Journal journal_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_KILL_SWITCH_H_
