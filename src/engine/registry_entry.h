// SPDX-License-Identifier: Apache-2.0
// One place of a keyed registry: who holds it, whose it is; its object follows it in memory.
//
//   word        event                                              next
//   DEAD        born with a key                                    live, one holder
//   live        hold (a lock-free reader, or who has a reference)  one holder more, with or without a hit
//   live        drop                                               one holder less
//   live        kill, the killer is the only holder                DEAD; else refused
//   live        orphan: the registry goes away                     live, its last drop says so
//
// Invariants: what has a key and at least one holder keeps both. A reader that comes to a DEAD entry takes
//   its step back and looks at nothing else: only the word of a dead entry is ever shared.
// Memory: 56 bytes and the object; a key of more than 24 bytes, tenant included, lies in a block of its own.
// Locking: none. Key and hash are written only while the entry is dead and owned by one thread.
#ifndef HOLDFAST_ENGINE_REGISTRY_ENTRY_H_
#define HOLDFAST_ENGINE_REGISTRY_ENTRY_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::engine {

// A key within its tenant. The two are told apart: "a" + "bc" is not "ab" + "c".
struct KeyText {
  std::string_view tenant;
  std::string_view key;

  size_t size() const { return tenant.size() + key.size(); }
};

template <typename Storage>
class RegistryEntry {
 public:
  static constexpr size_t kInlineText = 24;

  // Dead, with no key.
  explicit RegistryEntry(uint32_t number) : number_(number) {}

  // --- holding ----------------------------------------------------------------------------------------
  // One more holder, and a hit. False, and nothing done, if the entry is dead.
  // `many` (nullable) takes over hits that the word has no room for.
  template <typename Counter>
  bool HoldForHit(Counter& many) {
    const uint64_t before = word_.Add(kHit + kHolder);
    if ((before & (kDead | kManyHits)) == 0) return true;
    return HoldColdly(before, many);
  }
  void TakeBackHit() { word_.Add(0 - (kHit + kHolder)); }

  // One more holder. False, and nothing done, if the entry is dead.
  bool Hold() {
    if ((word_.Add(kHolder) & kDead) == 0) return true;
    word_.Add(0 - kHolder);
    return false;
  }
  // True if this was the last holder of an orphan: it is then the caller's alone.
  bool Drop() {
    const uint64_t before = word_.Add(0 - kHolder);
    return (before & (kOrphan | kHolders)) == (kOrphan | kHolder);
  }
  uint32_t Holders() const { return static_cast<uint32_t>(word_.Load() & kHolders); }

  // --- life and death ---------------------------------------------------------------------------------
  // A dead entry of the caller's gets its key. `block` holds the text of a long key, else it is null.
  void Name(uint64_t hash, const KeyText& text, char* block, hf_time now) {
    hash_ = hash;
    tenant_size_ = static_cast<uint16_t>(text.tenant.size());
    key_size_ = static_cast<uint16_t>(text.key.size());
    if (NeedsBlock(text)) text_.block = block;
    char* const to = std::copy(text.tenant.begin(), text.tenant.end(), Text());
    std::copy(text.key.begin(), text.key.end(), to);
    used_.Store(static_cast<uint64_t>(now) << 1);
  }
  // With one holder. Added, not stored: readers that come too early are taking their steps back.
  void Live() { word_.Add(kHolder - kDead); }

  // By the only holder, who thereby holds it no more; takes the hits. False if there are others. Hits and
  // life end in one step: a reader that comes later leaves no trace in either.
  bool Kill(uint64_t* hits) {
    uint64_t word = word_.Load();
    do {
      if ((word & kHolders) != kHolder) return false;
    } while (!word_.CompareExchange(word, kDead));
    *hits = word / kHit;
    return true;
  }
  // Takes a Kill back.
  void Revive(uint64_t hits) { word_.Add(kHolder - kDead + hits * kHit); }
  // True if somebody still holds it; its last Drop will say so.
  bool Orphan() {
    const uint64_t before = word_.Add(kOrphan);
    return (before & kHolders) != 0;
  }
  bool IsDead() const { return (word_.Load() & kDead) != 0; }
  uint64_t Hits() const { return word_.Load() / kHit; }

  // --- use ------------------------------------------------------------------------------------------------
  // Notes a use, in steps of `grain`, so that most of them write nothing.
  void Touch(hf_time now, hf_duration grain) {
    const uint64_t used = used_.Load();
    if ((used & kRecent) == 0 || now - LastUse(used) >= grain) Renew(used, now);
  }
  // Never later than the last use, and earlier by at most the grain.
  hf_time LastUse() const { return LastUse(used_.Load()); }
  // Whether it was used since this was last asked.
  bool TakeRecent() {
    uint64_t used = used_.Load();
    return (used & kRecent) != 0 && used_.CompareExchange(used, used - kRecent);
  }

  // --- the key, for holders -------------------------------------------------------------------------------
  bool Is(uint64_t hash, const KeyText& text) const {
    return hash_ == hash && tenant() == text.tenant && key() == text.key;
  }
  uint64_t hash() const { return hash_; }
  uint32_t number() const { return number_; }
  std::string_view tenant() const { return {Text(), tenant_size_}; }
  std::string_view key() const { return {Text() + tenant_size_, key_size_}; }
  static bool NeedsBlock(const KeyText& text) { return text.size() > kInlineText; }
  // Of a long key, else null.
  char* block() const { return IsLong() ? text_.block : nullptr; }

  // Of a dead entry: a list of free ones runs through it.
  uint32_t next_free() const { return static_cast<uint32_t>(hash_); }
  void set_next_free(uint32_t next) { hash_ = next; }

 private:
  static constexpr uint64_t kHolder = 1;
  // As many as any other handle counts: a caller that forgets to drop them does not run over soon.
  static constexpr uint64_t kHolders = (uint64_t{1} << 32) - 1;
  static constexpr uint64_t kDead = uint64_t{1} << 32;
  static constexpr uint64_t kOrphan = uint64_t{1} << 33;
  static constexpr uint64_t kHit = uint64_t{1} << 34;
  static constexpr uint64_t kManyHits = uint64_t{1} << 63;
  static constexpr uint64_t kRecent = 1;

  template <typename Counter>
  [[gnu::cold]] bool HoldColdly(uint64_t before, Counter& many) {
    if ((before & kDead) != 0) {
      TakeBackHit();
      return false;
    }
    uint64_t word = word_.Load();
    while ((word & kManyHits) != 0) {
      if (!word_.CompareExchange(word, word - kManyHits)) continue;
      many.Add(kManyHits / kHit);
      break;
    }
    return true;
  }

  static hf_time LastUse(uint64_t used) { return static_cast<hf_time>(used >> 1); }
  [[gnu::cold]] void Renew(uint64_t used, hf_time now) {
    while (!used_.CompareExchange(
        used, static_cast<uint64_t>(std::max(now, LastUse(used))) << 1 | kRecent)) {
    }
  }

  bool IsLong() const { return size_t{tenant_size_} + key_size_ > kInlineText; }
  const char* Text() const { return IsLong() ? text_.block : text_.inlined; }
  char* Text() { return IsLong() ? text_.block : text_.inlined; }

  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  Cell<uint64_t> word_{kDead};  // hits | orphan | dead | holders
  Cell<uint64_t> used_;         // last use | recent
  uint64_t hash_ = 0;
  const uint32_t number_;
  uint16_t tenant_size_ = 0;
  uint16_t key_size_ = 0;
  union {
    char inlined[kInlineText];
    char* block;
  } text_{};
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REGISTRY_ENTRY_H_
