// SPDX-License-Identifier: Apache-2.0
// A record of the memory store, with what it owns, and the slots that records live in.
//
// A slot has one address for as long as the shard lives, so tables and orders hold plain pointers, and a
// slot that was just freed, still in the processor's cache, is the next to be used.
#ifndef HOLDFAST_ADAPTERS_MEMORY_ENTRY_H_
#define HOLDFAST_ADAPTERS_MEMORY_ENTRY_H_

#include <absl/hash/hash.h>
#include <holdfast/operable_store.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::memory {

using Body = std::shared_ptr<const std::string>;
using Label = std::unique_ptr<char[]>;

struct Entry {
  KeyId id;
  size_t hash;       // of the id
  hf_record record;  // its views point to body and label below
  Body body;         // never written to once it is shared; null if empty
  Label label;
  // Its place in the expiry order (expiry_order.h). `after` also links the free slots.
  Entry* before = nullptr;
  Entry* after = nullptr;
  uint32_t heap_place = 0;
  bool ordered = false;
  bool in_heap = false;
};

// A key id as requests have it, and its hash.
struct HashedId {
  explicit HashedId(const uint8_t* id) : bytes(id), hash(Hash(id)) {}

  // Word by word: ids often were just put together from smaller parts, and the processor has to wait for
  // all of them where it reads more at once.
  static uint64_t Word(const uint8_t* id, size_t number) {
    uint64_t word;
    std::memcpy(&word, id + number * sizeof(word), sizeof(word));
    return word;
  }

  // Ids are SHA-256 as a rule, but a scheme of the caller's own may keep its numbers in any part of one. What
  // makes the hash unforeseeable is Abseil's seed.
  static size_t Hash(const uint8_t* id) {
    return absl::HashOf(Word(id, 0) + Word(id, 1) * 0x9E3779B97F4A7C15 +
                        Word(id, 2) * 0xC2B2AE3D27D4EB4F + Word(id, 3) * 0x165667B19E3779F9);
  }

  const uint8_t* bytes;
  size_t hash;
};

struct EntryHash {
  using is_transparent = void;
  size_t operator()(const HashedId& id) const { return id.hash; }
  size_t operator()(const Entry* entry) const { return entry->hash; }
};

struct EntryEqual {
  using is_transparent = void;
  bool operator()(const Entry* a, const Entry* b) const { return a == b; }
  bool operator()(const Entry* entry, const HashedId& id) const {
    const uint8_t* const own = entry->id.data();
    return HashedId::Word(own, 0) == HashedId::Word(id.bytes, 0) &&
           HashedId::Word(own, 1) == HashedId::Word(id.bytes, 1) &&
           HashedId::Word(own, 2) == HashedId::Word(id.bytes, 2) &&
           HashedId::Word(own, 3) == HashedId::Word(id.bytes, 3);
  }
};

class Slots {
 public:
  // The slot that Take gives next. May throw for want of memory.
  Entry* Next() {
    if (free_ == nullptr) Grow();
    return free_;
  }
  // Only after Next.
  Entry* Take() { return std::exchange(free_, free_->after); }
  void Give(Entry* entry) {
    entry->body = nullptr;
    entry->label = nullptr;
    entry->after = std::exchange(free_, entry);
  }
  size_t size() const { return chunks_.size() * kChunk; }

 private:
  static constexpr size_t kChunk = 16;

  void Grow() {
    chunks_.push_back(std::make_unique<Entry[]>(kChunk));
    for (size_t i = kChunk; i > 0; --i) Give(&chunks_.back()[i - 1]);
  }

  std::vector<std::unique_ptr<Entry[]>> chunks_;
  Entry* free_ = nullptr;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_ENTRY_H_
