// SPDX-License-Identifier: Apache-2.0
// The base of handles that may live in a registry: counted by themselves, or by their entry.
//
//   made by new      born with one reference; the last one deletes
//   in a registry    a reference is a holder of the entry; the last one of an orphan buries it
//
// An entry lies just before its object, and its chunk begins with the registry's address: 4 bytes in the
// object are enough to find both.
#ifndef HOLDFAST_ABI_KEPT_H_
#define HOLDFAST_ABI_KEPT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "abi/atomic_cells.h"
#include "engine/registry_entry.h"

namespace holdfast::abi {

using KeptEntry = engine::RegistryEntry<AtomicCells>;

// A registry, as its orphans know it.
class Keeper {
 public:
  // Destroys the object of an entry that nobody holds any more.
  virtual void Bury(KeptEntry& entry) noexcept = 0;

 protected:
  ~Keeper() = default;
};

// What a chunk of entries begins with.
struct alignas(64) ChunkHead {
  Keeper* keeper;
};

// The first base of its handle, so that both have one address.
class Kept {
 public:
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  // From here on the entry counts. `chunk` is where its chunk begins.
  void KeepIn(const ChunkHead* chunk) noexcept {
    const auto from_chunk = Bytes() - reinterpret_cast<const unsigned char*>(chunk);
    word_.store(kKept | static_cast<uint32_t>(from_chunk), std::memory_order_relaxed);
  }

  void AddRef() noexcept {
    if (IsKept()) {
      Entry().Hold();
    } else {
      word_.fetch_add(1, std::memory_order_relaxed);  // whoever adds one holds one
    }
  }
  bool IsKept() const noexcept { return (word_.load(std::memory_order_relaxed) & kKept) != 0; }
  // True if the caller is to delete it.
  bool DropRef() noexcept {
    if (!IsKept()) return word_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    if (Entry().Drop()) Chunk().keeper->Bury(Entry());
    return false;
  }

 protected:
  ~Kept() = default;

 private:
  static constexpr uint32_t kKept = 1u << 31;

  unsigned char* Bytes() noexcept { return reinterpret_cast<unsigned char*>(this); }
  KeptEntry& Entry() noexcept { return *reinterpret_cast<KeptEntry*>(Bytes() - sizeof(KeptEntry)); }
  ChunkHead& Chunk() noexcept {
    const uint32_t from_chunk = word_.load(std::memory_order_relaxed) & ~kKept;
    return *reinterpret_cast<ChunkHead*>(Bytes() - from_chunk);
  }

  std::atomic<uint32_t> word_{
      1};  // references; or kKept and how far from its chunk's begin it lies
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_KEPT_H_
