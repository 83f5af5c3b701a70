// SPDX-License-Identifier: Apache-2.0
// Which entry is whose: the keys of a registry, in shards by their hash.
//
//   find      lock-free: the shard's index, then one atomic step on the entry that it names
//   publish   a dead entry with a name comes to life, unless its key has one by now
//   unlink    a living entry that only the caller holds dies, if its judge still agrees
//
// Invariants: no two living entries have one key. Under the lock of its shard a key is found if it is there;
//   without it, a find that races with a writer may miss.
// Locking: one lock per shard, for publish and unlink; never two at once.
// Memory: about 256 keys per shard: a table that small grows in microseconds.
#ifndef HOLDFAST_ENGINE_REGISTRY_KEYS_H_
#define HOLDFAST_ENGINE_REGISTRY_KEYS_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/cells.h"
#include "engine/registry_entry.h"
#include "engine/registry_index.h"
#include "engine/registry_pool.h"

namespace holdfast::engine {

template <typename Storage>
class RegistryKeys {
 public:
  using Entry = RegistryEntry<Storage>;
  using Index = RegistryIndex<Storage>;
  using Pool = RegistryPool<Storage>;

  struct alignas(64) Shard {
    Index index;
    typename Storage::Mutex mutex;
  };
  static constexpr uint32_t ShardsFor(uint32_t capacity) {
    return std::bit_ceil(std::clamp(capacity / 256, 1u, 4096u));
  }

  // `shards` has ShardsFor(pool.capacity()) members.
  RegistryKeys(Pool& pool, std::span<Shard> shards)
      : pool_(pool),
        shards_(shards),
        shard_shift_(64 - std::countr_zero(static_cast<uint32_t>(shards.size()))) {}

  // The entry of a key, held and with a hit; or null.
  Entry* Find(uint64_t hash, const KeyText& text) {
    Entry* found = nullptr;
    ShardOf(hash).index.Find(TagOf(hash), [&](uint32_t number) {
      Entry& entry = pool_.At(number);
      __builtin_prefetch(Pool::ObjectOf(entry));
      if (!entry.HoldForHit(past_hits_)) return false;
      if (!entry.Is(hash, text)) {
        entry.TakeBackHit();
        return false;
      }
      found = &entry;
      return true;
    });
    return found;
  }

  // What is true under the lock: the entry, or that there is none, or that its table is full besides.
  enum class Answer { kFound, kAbsent, kNeedsTable };
  struct Result {
    Answer answer;
    Entry* entry;
  };
  Result FindSurely(uint64_t hash, const KeyText& text) {
    Shard& shard = ShardOf(hash);
    const ScopedLock lock(shard.mutex);
    return FindLocked(shard, hash, text);
  }

  // As FindSurely; kAbsent: no more, for now it is `entry`, with one holder.
  Result Publish(Entry& entry, uint64_t hash, const KeyText& text) {
    Shard& shard = ShardOf(hash);
    const ScopedLock lock(shard.mutex);
    const Result rival = FindLocked(shard, hash, text);
    if (rival.answer != Answer::kAbsent) return rival;
    entry.Live();
    shard.index.Insert(TagOf(hash), entry.number());
    return {Answer::kAbsent, &entry};
  }

  // Of an entry that the caller holds. True: it is dead, and the caller's. Else it is still held.
  // Somebody may have held and used it since it was last judged; once it is dead, nobody can.
  template <typename MayGo>
  bool Unlink(Entry& entry, const MayGo& may_go) {
    Shard& shard = ShardOf(entry.hash());
    const ScopedLock lock(shard.mutex);
    uint64_t hits = 0;
    if (!entry.Kill(&hits)) return false;
    if (!may_go(entry)) {
      entry.Revive(hits);
      return false;
    }
    past_hits_.Add(hits);
    shard.index.Erase(TagOf(entry.hash()), entry.number());
    return true;
  }

  // How large a table the shard of that hash wants; and here it is: false if it is not taken.
  size_t SlotsWanted(uint64_t hash) {
    Shard& shard = ShardOf(hash);
    const ScopedLock lock(shard.mutex);
    return shard.index.SlotsWanted();
  }
  bool GiveTable(uint64_t hash, std::span<typename Index::Slot> slots) {
    Shard& shard = ShardOf(hash);
    const ScopedLock lock(shard.mutex);
    return shard.index.IsFull() && shard.index.Grow(slots);
  }

  // Of the living and the dead.
  uint64_t Hits() const {
    uint64_t hits = past_hits_.Load();
    for (uint32_t number = 0; number < pool_.Made(); ++number) hits += pool_.At(number).Hits();
    return hits;
  }

 private:
  // Which shard, and where in it, by different bits.
  Shard& ShardOf(uint64_t hash) const {
    return shards_.size() == 1 ? shards_[0] : shards_[hash >> shard_shift_];
  }
  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash); }

  Result FindLocked(const Shard& shard, uint64_t hash, const KeyText& text) {
    if (Entry* const entry = Find(hash, text)) return {Answer::kFound, entry};
    return {shard.index.IsFull() ? Answer::kNeedsTable : Answer::kAbsent, nullptr};
  }

  Pool& pool_;
  const std::span<Shard> shards_;
  const int shard_shift_;
  // Written by evictions, so kept away from what every find reads.
  alignas(64) typename Storage::template Cell<uint64_t> past_hits_;  // of evicted keys
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REGISTRY_KEYS_H_
