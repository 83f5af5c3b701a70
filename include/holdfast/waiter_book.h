// SPDX-License-Identifier: Apache-2.0
// WaiterBook: who waits for which key, when to look after it, and who is to be woken. The pure part of waiters.h.
//
// A key is in the book while somebody waits for it.
//
//   key        event                      who is woken    next
//   -          Join                       -               RESTING, looked at after `first`
//   RESTING    TakeDue, at its time       -               ASKED: somebody READs it
//   ASKED      OnRead, busy               nobody          RESTING, for twice as long as before, up to `longest`,
//                                                         but no longer than the holder's lease
//   ASKED      OnRead, no answer          nobody          RESTING, likewise
//   ASKED      OnRead, free to be won     the first       RESTING, looked at after `first`
//   ASKED      OnRead, any other answer   all             -
//   any        OnSettled for one          the first       RESTING, looked at after `first`
//   any        OnSettled for all          all             -
//   any        Leave                      -               the same; - if it was the last one
//
// Invariants: a waiter is in the book, or it is woken once, or it left; whoever takes it out (one of Leave, OnRead,
// OnSettled) is the only one to touch it from then on. size() <= max_waiting. Of those that wait for one
// key the longest waiting is woken first. A key that is settled between a claim and its Join is noticed by Join.
//
// No lock, no clock: waiters.h has both. Rests are jittered, between half and all of them.
#ifndef HOLDFAST_WAITER_BOOK_H_
#define HOLDFAST_WAITER_BOOK_H_

#include <holdfast/c/record.h>
#include <holdfast/key_waiter.h>
#include <holdfast/timer_queue.h>
#include <holdfast/timers.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

class WaiterBook {
 public:
  struct Limits {
    uint32_t max_waiting;
    hf_duration first;
    hf_duration longest;
    uint64_t seed;  // of the jitter
  };
  enum class Joined {
    kWaiting,
    kFull,    // does not wait: there are max_waiting already
    kMissed,  // does not wait: the key was settled after `epoch`
  };

  explicit WaiterBook(const Limits& limits) : limits_(limits), draws_(limits.seed) {}

  // To be taken before the claim that finds the key busy. In any thread, besides all else.
  uint32_t EpochOf(const WaitKey& key) const {
    return epochs_[HashOf(key) % epochs_.size()].load();
  }

  // Throws std::bad_alloc, and has then changed nothing.
  Joined Join(KeyWaiter& waiter, const WaitKey& key, uint32_t epoch, hf_time now) {
    if (epoch != EpochOf(key)) return Joined::kMissed;
    if (size_ >= limits_.max_waiting) return Joined::kFull;
    const auto [found, is_new] = keys_.try_emplace(key);
    Entry& entry = found->second;
    if (is_new) {
      try {
        entry.key = &found->first;
        Rest(entry, now, HF_INFINITE);
      } catch (...) {
        keys_.erase(found);
        throw;
      }
    }
    waiter.place_ = &entry;
    waiter.previous_ = entry.last;
    waiter.next_ = nullptr;
    (entry.last != nullptr ? entry.last->next_ : entry.first) = &waiter;
    entry.last = &waiter;
    ++size_;
    return Joined::kWaiting;
  }

  // False: it does not wait, or its OnWake is on the way.
  bool Leave(KeyWaiter& waiter) {
    if (waiter.place_ == nullptr) return false;
    Entry& entry = *static_cast<Entry*>(waiter.place_);
    Unlink(entry, waiter);
    if (entry.first == nullptr) Forget(entry);
    return true;
  }

  WokenWaiters OnSettled(const WaitKey& key, Freed freed, hf_time now) {
    ++epochs_[HashOf(key) % epochs_.size()];
    const auto found = keys_.find(key);
    return found == keys_.end() ? WokenWaiters() : Free(found->second, freed, now);
  }

  // When the next key is due; HF_INFINITE: none.
  hf_time NextLook() const { return looks_.Next(); }

  // Appends up to `limit` keys that are due. OnRead is due for each.
  void TakeDue(hf_time now, size_t limit, std::vector<WaitKey>* keys) {
    for (; limit > 0; --limit) {
      auto* const due = static_cast<Entry*>(looks_.PopDue(now));
      if (due == nullptr) return;
      due->asked = true;
      keys->push_back(*due->key);
    }
  }

  // What a READ of the key said; any status of a store.
  WokenWaiters OnRead(const WaitKey& key, hf_store_status status, hf_duration lease_left,
                      hf_time now) {
    const auto found = keys_.find(key);
    // Not asked: those who asked have all left, and others came.
    if (found == keys_.end() || !found->second.asked) return WokenWaiters();
    Entry& entry = found->second;
    switch (status) {
      case HF_STORE_ABSENT:
        return Free(entry, Freed::kForOne, now);
      case HF_STORE_REPLAY:
      case HF_STORE_MISMATCH:
      case HF_STORE_IN_DOUBT:
      case HF_STORE_POISON:
      case HF_STORE_BACKOFF:
      case HF_STORE_CORRUPT:
      case HF_STORE_ERASED:
        return Free(entry, Freed::kForAll, now);
      default:
        Rest(entry, now, status == HF_STORE_BUSY ? lease_left : HF_INFINITE);
        return WokenWaiters();
    }
  }

  size_t size() const { return size_; }  // waiters
  size_t keys() const { return keys_.size(); }

 private:
  struct Entry final : public Alarm {
    void OnTime() override {}
    const WaitKey* key = nullptr;
    KeyWaiter* first = nullptr;  // the longest waiting
    KeyWaiter* last = nullptr;
    uint32_t rests = 0;
    bool asked = false;  // else it is in looks_
  };
  struct Hash {
    size_t operator()(const WaitKey& key) const { return HashOf(key); }
  };
  static constexpr hf_duration kShortest = HF_MS;

  // Of a SHA-256: as good as any part of it.
  static size_t HashOf(const WaitKey& key) {
    size_t word;
    std::memcpy(&word, key.data(), sizeof(word));
    return word;
  }

  void Rest(Entry& entry, hf_time now, hf_duration at_most) {
    const hf_duration doubled = limits_.first << std::min(entry.rests, 20u);
    const hf_duration full = std::min(doubled, limits_.longest);
    const hf_duration rest = std::min(full - Draw(full / 2), std::max(kShortest, at_most));
    looks_.Set(entry, rest > HF_INFINITE - now ? HF_INFINITE : now + rest);
    ++entry.rests;
    entry.asked = false;
  }

  // 0..most. A linear congruence with Knuth's constants: it spreads looks, and keeps no secret.
  hf_duration Draw(hf_duration most) {
    draws_ = draws_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<hf_duration>((draws_ >> 33) % (static_cast<uint64_t>(most) + 1));
  }

  WokenWaiters Free(Entry& entry, Freed freed, hf_time now) {
    if (freed == Freed::kNobody) return WokenWaiters();
    KeyWaiter* const first = entry.first;
    if (freed == Freed::kForOne && first != entry.last) {
      // Before the waiter goes: setting the alarm may need memory.
      entry.rests = 0;
      Rest(entry, now, HF_INFINITE);
      Unlink(entry, *first);
      return WokenWaiters(first);
    }
    KeyWaiter* const newest = entry.last;
    for (KeyWaiter* one = newest; one != nullptr; one = one->next_) {
      one->place_ = nullptr;
      one->next_ = one->previous_;
      --size_;
    }
    Forget(entry);
    return WokenWaiters(newest);
  }

  void Unlink(Entry& entry, KeyWaiter& waiter) {
    (waiter.previous_ != nullptr ? waiter.previous_->next_ : entry.first) = waiter.next_;
    (waiter.next_ != nullptr ? waiter.next_->previous_ : entry.last) = waiter.previous_;
    waiter.place_ = nullptr;
    waiter.next_ = nullptr;
    --size_;
  }

  void Forget(Entry& entry) {
    looks_.Cancel(entry);
    keys_.erase(*entry.key);
  }

  const Limits limits_;
  uint64_t draws_;
  std::unordered_map<WaitKey, Entry, Hash> keys_;
  TimerQueue looks_;
  std::array<std::atomic<uint32_t>, 4096> epochs_{};  // settlements of all keys with that hash
  size_t size_ = 0;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_WAITER_BOOK_H_
