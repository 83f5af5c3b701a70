// SPDX-License-Identifier: Apache-2.0
// The places of a keyed registry: a bounded number of equally long ones, in chunks that are given to it
// one by one, as they are needed.
//
//   take     a free place, else a fresh one of the chunks given, else kNeedsChunk, else kNone left
//
// Invariants: numbers are below the capacity; a place is taken by one owner at a time; places never move.
// Memory: the chunks and their directory, given. Nothing is touched before its chunk is given.
// Locking: its own lock for take, give and grow; At and Made are lock-free.
#ifndef HOLDFAST_ENGINE_REGISTRY_POOL_H_
#define HOLDFAST_ENGINE_REGISTRY_POOL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/cells.h"
#include "engine/registry_entry.h"
#include "engine/registry_index.h"

namespace holdfast::engine {

template <typename Storage>
class RegistryPool {
 public:
  using Entry = RegistryEntry<Storage>;
  using Chunk = typename Storage::template Cell<unsigned char*>;

  static constexpr uint32_t kPerChunk = 64;
  static constexpr size_t ChunksFor(uint32_t capacity) {
    return (size_t{capacity} + kPerChunk - 1) / kPerChunk;
  }

  // `stride`: of an entry and its object; `directory` has ChunksFor(capacity) cells.
  RegistryPool(uint32_t capacity, size_t stride, std::span<Chunk> directory)
      : capacity_(capacity), stride_(stride), directory_(directory) {}

  Entry& At(uint32_t number) const {
    unsigned char* const chunk = directory_[number / kPerChunk].Load();
    return *reinterpret_cast<Entry*>(chunk + number % kPerChunk * stride_);
  }
  // The object of an entry begins here.
  static unsigned char* ObjectOf(const Entry& entry) {
    return reinterpret_cast<unsigned char*>(const_cast<Entry*>(&entry)) + sizeof(Entry);
  }
  // How many numbers there are yet: all below have an entry, living or dead.
  uint32_t Made() const { return made_.Load(); }
  uint32_t capacity() const { return capacity_; }
  size_t stride() const { return stride_; }
  size_t ChunkBytes() const { return kPerChunk * stride_; }

  enum class Answer { kTaken, kNeedsChunk, kExhausted };
  struct Taken {
    Answer answer;
    uint32_t number;
  };
  Taken Take() {
    const ScopedLock lock(mutex_);
    if (free_ != kNoEntry) {
      const uint32_t number = free_;
      free_ = At(number).next_free();
      return {Answer::kTaken, number};
    }
    if (fresh_ < made_.Load()) return {Answer::kTaken, fresh_++};
    return {fresh_ < capacity_ ? Answer::kNeedsChunk : Answer::kExhausted, kNoEntry};
  }

  // A place that goes back unless it is kept.
  struct Claim {
    RegistryPool& pool;
    uint32_t number;
    bool kept = false;
    ~Claim() {
      if (!kept) pool.Give(number);
    }
  };

  // A dead entry back.
  void Give(uint32_t number) {
    const ScopedLock lock(mutex_);
    At(number).set_next_free(free_);
    free_ = number;
  }

  // ChunkBytes() of memory, in which place(address, number) makes entries. False if there is still enough
  // of it: it is not taken.
  template <typename Place>
  bool Grow(unsigned char* chunk, const Place& place) {
    const ScopedLock lock(mutex_);
    const uint32_t made = made_.Load();
    if (fresh_ < made || made == capacity_) return false;
    const uint32_t more = std::min(kPerChunk, capacity_ - made);
    for (uint32_t i = 0; i < more; ++i) place(chunk + i * stride_, made + i);
    directory_[made / kPerChunk].Store(chunk);
    made_.Store(made + more);
    return true;
  }

 private:
  const uint32_t capacity_;
  const size_t stride_;
  const std::span<Chunk> directory_;
  typename Storage::template Cell<uint32_t> made_;
  typename Storage::Mutex mutex_;
  uint32_t fresh_ = 0;        // under the lock: the first number never taken
  uint32_t free_ = kNoEntry;  // under the lock
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REGISTRY_POOL_H_
