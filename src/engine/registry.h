// SPDX-License-Identifier: Apache-2.0
// A bounded map from keys to objects that are made when first asked for, and forgotten only when that
// loses nothing.
//
//   ask for a key that is there       its object, held
//   ... that is not, below capacity   a new object, held
//   ... that is not, at capacity      a new object in the place of one that may go, else kFull
//   sweep                             what may go and was not asked for during idle_ttl goes
//
//   an object may go     if nobody holds it, and its host says kFree: a new one would behave the same;
//                        or kKept, and it was not asked for during forget_after (0: never).
//                        kPinned never goes.
//   which one goes       of the first kLooks that a hand comes by, the first that was not asked for since
//                        the hand was last there (second chance); else the first that may go
//
// Invariants: no two entries have one key. created = evicted + keys; keys <= capacity. A held object is
//   never evicted, and keeps its key. One ask looks at most at 2 * kLooks places, so that a full registry
//   is not a slow one; up to kLooks keys, kFull is thus exact, above them it can be premature.
// Locking: asking for a known key is lock-free (RegistryKeys). A new key takes the lock of its shard, an
//   eviction that of the victim's; never two at once. Objects are made and destroyed under no lock.
// Memory: given (RegistryIndex, RegistryPool). A host is
//   struct Host {
//     using Object = ...;
//     void Make(unsigned char* place, uint64_t hash);   // an Object begins at `place`
//     void Destroy(Object&);
//     RegistryHold HoldOf(Object&, hf_time now);
//     void DropBlock(char*);                            // of a long key
//   };
#ifndef HOLDFAST_ENGINE_REGISTRY_H_
#define HOLDFAST_ENGINE_REGISTRY_H_

#include <holdfast/c/journal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/registry_entry.h"
#include "engine/registry_index.h"
#include "engine/registry_keys.h"
#include "engine/registry_pool.h"

namespace holdfast::engine {

// What an object holds that its successor would not.
enum class RegistryHold { kFree, kKept, kPinned };

enum class RegistryAnswer { kFound, kCreated, kFull, kNeedsTable, kNeedsChunk };

struct RegistryCounts {
  uint64_t keys, held, hits, created, evicted, refused;
};

template <typename Storage, typename Host>
class Registry {
 public:
  using Entry = RegistryEntry<Storage>;
  using Index = RegistryIndex<Storage>;
  using Keys = RegistryKeys<Storage>;
  using Shard = typename Keys::Shard;
  using Pool = RegistryPool<Storage>;
  using Object = typename Host::Object;

  static constexpr uint32_t kLooks = 128;
  static constexpr uint32_t kSweepsPerKey = 2;
  // A prime, so that steps of it come by every place, and large, so that keys which broke together (and so
  // may lie side by side) are not all that one ask looks at.
  static constexpr uint64_t kStep = 2654435761;

  // `shards` has Keys::ShardsFor(pool.capacity()) members.
  Registry(Host& host, Pool& pool, std::span<Shard> shards)
      : host_(host), pool_(pool), keys_(pool, shards) {}

  void Configure(hf_duration idle_ttl, hf_duration forget_after) {
    idle_ttl_.Store(idle_ttl);
    forget_after_.Store(forget_after);
  }
  typename Storage::Journal& journal() { return journal_; }
  Keys& keys() { return keys_; }

  // --- asking -----------------------------------------------------------------------------------------
  // The entry of a known key, held; else null.
  Entry* Find(uint64_t hash, const KeyText& text, hf_time now) {
    return Touched(keys_.Find(hash, text), Clamped(now));
  }

  struct Result {
    RegistryAnswer answer;
    Entry* entry;  // held, for kFound and kCreated
  };
  // As Find, and makes what is not there. `block` (of text.size() bytes, null for a short key) is taken
  // over with kCreated only. kNeedsTable and kNeedsChunk: Keys::GiveTable or Pool::Grow, and ask again.
  Result FindOrCreate(uint64_t hash, const KeyText& text, char* block, hf_time now) {
    now = Clamped(now);
    const typename Keys::Result known = keys_.FindSurely(hash, text);
    if (known.answer != Keys::Answer::kAbsent) return ResultOf(known, now);
    const typename Pool::Taken taken = pool_.Take();
    if (taken.answer == Pool::Answer::kNeedsChunk) return {RegistryAnswer::kNeedsChunk, nullptr};
    const uint32_t number = taken.number != kNoEntry ? taken.number : Evict(now);
    if (number == kNoEntry) {
      refused_.Add(1);
      journal_.Write(HF_EVENT_KIND_REFUSED, now, HF_R_REGISTRY_FULL, static_cast<int64_t>(hash), 0);
      return {RegistryAnswer::kFull, nullptr};
    }
    const Result result = Create(number, hash, text, block, now);
    if (result.answer == RegistryAnswer::kCreated) Sweep(now, kSweepsPerKey);
    return result;
  }

  // --- forgetting -------------------------------------------------------------------------------------
  // Looks at the next `looks` places and evicts what is idle; how many that was.
  uint32_t Sweep(hf_time now, uint32_t looks) {
    now = Clamped(now);
    const uint32_t made = pool_.Made();
    uint32_t evicted = 0;
    for (uint32_t i = 0; i < std::min(looks, made); ++i) {
      Entry* const entry = Hold(sweep_hand_.Add(1) % made);
      if (entry == nullptr) continue;
      if (!IsIdle(*entry, idle_ttl_.Load(), now) || !MayGo(*entry, now)) {
        entry->Drop();
      } else if (Remove(*entry, now)) {
        pool_.Give(entry->number());
        ++evicted;
      }
    }
    return evicted;
  }

  // --- looking ----------------------------------------------------------------------------------------
  // The entry in that place, held, or null. Not a hit, nor a use.
  Entry* Hold(uint32_t number) {
    Entry& entry = pool_.At(number);
    return entry.Hold() ? &entry : nullptr;
  }
  static Object& ObjectOf(Entry& entry) {
    return *reinterpret_cast<Object*>(Pool::ObjectOf(entry));
  }

  // Passes by every place. Each count is exact; together only while nobody uses the registry.
  RegistryCounts Count() {
    RegistryCounts counts{};
    counts.hits = keys_.Hits();
    for (uint32_t number = 0; number < pool_.Made(); ++number) {
      const Entry& entry = pool_.At(number);
      if (!entry.IsDead() && entry.Holders() != 0) ++counts.held;
    }
    counts.evicted = evicted_.Load();
    counts.created = created_.Load();
    counts.keys = counts.created - counts.evicted;
    counts.refused = refused_.Load();
    return counts;
  }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  // Half of the range: a time shares its word with a bit.
  static hf_time Clamped(hf_time now) { return std::clamp<hf_time>(now, 0, HF_INFINITE / 2); }
  hf_duration Grain() const { return idle_ttl_.Load() / 16; }
  // The last use is known only to the grain, so this is never early.
  bool IsIdle(const Entry& entry, hf_duration ttl, hf_time now) const {
    return TimeUntil(now, entry.LastUse()) >= AddSaturating(ttl, Grain());
  }

  Entry* Touched(Entry* entry, hf_time now) {
    if (entry != nullptr) entry->Touch(now, Grain());
    return entry;
  }
  Result ResultOf(const typename Keys::Result& known, hf_time now) {
    if (known.answer == Keys::Answer::kNeedsTable) return {RegistryAnswer::kNeedsTable, nullptr};
    return {RegistryAnswer::kFound, Touched(known.entry, now)};
  }

  Result Create(uint32_t number, uint64_t hash, const KeyText& text, char* block, hf_time now) {
    typename Pool::Claim claim{pool_, number};  // Make may run out of memory
    Entry& entry = pool_.At(number);
    entry.Name(hash, text, block, now);
    host_.Make(Pool::ObjectOf(entry), hash);
    const typename Keys::Result published = keys_.Publish(entry, hash, text);
    if (published.answer == Keys::Answer::kAbsent) {
      claim.kept = true;
      created_.Add(1);
      return {RegistryAnswer::kCreated, &entry};
    }
    host_.Destroy(ObjectOf(entry));  // another thread was first
    return ResultOf(published, now);
  }

  // Of a held entry: whether its object may go, as far as its state is concerned.
  bool MayGo(Entry& entry, hf_time now) {
    const RegistryHold hold = host_.HoldOf(ObjectOf(entry), now);
    if (hold != RegistryHold::kKept) return hold == RegistryHold::kFree;
    const hf_duration forget_after = forget_after_.Load();
    return forget_after != 0 && IsIdle(entry, forget_after, now);
  }

  // A dead entry of the caller's, in place of a living one; kNoEntry if none may go.
  uint32_t Evict(hf_time now) {
    const uint32_t made = pool_.Made();
    uint32_t second_best = kNoEntry;
    for (uint32_t i = 0; i < std::min(kLooks, made); ++i) {
      const auto number = static_cast<uint32_t>(hand_.Add(1) * kStep % made);
      Entry* const entry = Hold(number);
      if (entry == nullptr) continue;
      if (entry->Holders() != 1 || !MayGo(*entry, now)) {
        entry->Drop();
      } else if (entry->TakeRecent()) {
        if (second_best == kNoEntry) second_best = number;
        entry->Drop();
      } else if (Remove(*entry, now)) {
        return number;
      }
    }
    if (second_best == kNoEntry) return kNoEntry;
    Entry* const entry = Hold(second_best);
    return entry != nullptr && Remove(*entry, now) ? second_best : kNoEntry;
  }

  // Of an entry that the caller holds, and holds no more afterwards: dead and the caller's if true.
  bool Remove(Entry& entry, hf_time now) {
    if (!keys_.Unlink(entry, [&](Entry& judged) { return MayGo(judged, now); })) {
      entry.Drop();
      return false;
    }
    evicted_.Add(1);
    journal_.Write(HF_EVENT_KIND_EVICTED, now, HF_R_NONE, static_cast<int64_t>(entry.hash()), 0);
    host_.Destroy(ObjectOf(entry));
    if (entry.block() != nullptr) host_.DropBlock(entry.block());
    return true;
  }

  Host& host_;
  Pool& pool_;
  Keys keys_;
  Cell<hf_duration> idle_ttl_;
  Cell<hf_duration> forget_after_;  // 0: never
  typename Storage::Journal journal_;
  // Written by every new key, so kept away from what every ask reads.
  alignas(64) Cell<uint64_t> hand_;
  Cell<uint32_t> sweep_hand_;
  Cell<uint64_t> created_, evicted_, refused_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REGISTRY_H_
