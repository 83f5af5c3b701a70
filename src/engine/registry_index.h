// SPDX-License-Identifier: Apache-2.0
// A small hash table from a key's hash to the number of its entry: open addressing, probed line by line.
//
//   slot   0, or (tag, number + 1); tag: the low half of the hash, which also says where it wants to be
//
// Invariants: no empty slot lies between where a tag wants to be and where it is, whenever nobody writes.
//   A reader that races with a writer may miss what is there, never see what is not: it confirms by the
//   key, and asks again under the lock before it believes in a miss.
// Memory: the spans it is given. A table that was outgrown stays readable until the index is gone; all of
//   them together are a third of the newest.
// Locking: Find by anybody; the rest under the lock of whoever owns the index.
#ifndef HOLDFAST_ENGINE_REGISTRY_INDEX_H_
#define HOLDFAST_ENGINE_REGISTRY_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::engine {

inline constexpr uint32_t kNoEntry = UINT32_MAX;

template <typename Storage>
class RegistryIndex {
 public:
  using Slot = typename Storage::template Cell<uint64_t>;

  // The first number under `tag` that `accepts`, else kNoEntry.
  template <typename Accepts>
  uint32_t Find(uint32_t tag, const Accepts& accepts) const {
    const Table table = Current();
    if (table.slots == nullptr) return kNoEntry;
    // Bounded: while entries are moved, a reader could find no end.
    for (uint32_t at = tag & table.mask, left = table.mask; left > 0;
         at = (at + 1) & table.mask, --left) {
      const uint64_t slot = table.slots[at].Load();
      if (slot == 0) return kNoEntry;
      if (TagOf(slot) == tag && accepts(NumberOf(slot))) return NumberOf(slot);
    }
    return kNoEntry;
  }

  // Whether the next Insert needs a table first.
  bool IsFull() const { return size_ >= limit_; }
  // How many slots that table has.
  size_t SlotsWanted() const { return size_t{1} << LogWanted(); }

  // Moves to a larger table, aligned to 16 bytes; false if it is no larger, and not taken.
  bool Grow(std::span<Slot> slots) {
    if (slots.size() < SlotsWanted()) return false;
    const int log = LogWanted();
    const Table larger = {slots.data(), (1u << log) - 1};
    for (Slot& slot : slots) slot.Store(0);
    const Table old = Current();
    for (uint32_t i = 0; old.slots != nullptr && i <= old.mask; ++i) {
      const uint64_t slot = old.slots[i].Load();
      if (slot != 0) Put(larger, slot);
    }
    limit_ = (larger.mask + 1) / 4 * 3;
    table_.Store(reinterpret_cast<uintptr_t>(slots.data()) | static_cast<uintptr_t>(log));
    return true;
  }

  // Needs !IsFull().
  void Insert(uint32_t tag, uint32_t number) {
    Put(Current(), uint64_t{tag} << 32 | (number + 1));
    ++size_;
  }

  // Needs an inserted (tag, number).
  void Erase(uint32_t tag, uint32_t number) {
    const auto [slots, mask] = Current();
    uint32_t hole = tag & mask;
    while (slots[hole].Load() != (uint64_t{tag} << 32 | (number + 1))) hole = (hole + 1) & mask;
    // Whatever the hole would cut off from where it wants to be moves into it.
    for (uint32_t at = (hole + 1) & mask;; at = (at + 1) & mask) {
      const uint64_t slot = slots[at].Load();
      if (slot == 0) break;
      const uint32_t wanted = TagOf(slot) & mask;
      if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
      slots[hole].Store(slot);
      hole = at;
    }
    slots[hole].Store(0);
    --size_;
  }

  uint32_t size() const { return size_; }

 private:
  static constexpr int kFirstLog = 5;
  static constexpr int kGrowthLog = 2;
  static constexpr uintptr_t kLogBits = 15;

  struct Table {
    Slot* slots;
    uint32_t mask;
  };
  // Both in one word: to look a mask up in the table itself would be one more cache miss.
  Table Current() const {
    const uintptr_t table = table_.Load();
    return {reinterpret_cast<Slot*>(table & ~kLogBits), (1u << (table & kLogBits)) - 1};
  }
  int LogWanted() const {
    const auto log = static_cast<int>(table_.Load() & kLogBits);
    return log == 0 ? kFirstLog : log + kGrowthLog;
  }

  static uint32_t TagOf(uint64_t slot) { return static_cast<uint32_t>(slot >> 32); }
  static uint32_t NumberOf(uint64_t slot) { return static_cast<uint32_t>(slot) - 1; }

  static void Put(const Table& table, uint64_t slot) {
    uint32_t at = TagOf(slot) & table.mask;
    while (table.slots[at].Load() != 0) at = (at + 1) & table.mask;
    table.slots[at].Store(slot);
  }

  typename Storage::template Cell<uintptr_t> table_{0};  // its address | the logarithm of its slots
  uint32_t size_ = 0;
  uint32_t limit_ = 0;  // three quarters of the slots
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REGISTRY_INDEX_H_
