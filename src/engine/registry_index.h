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
    Slot* const table = table_.Load();
    if (table == nullptr) return kNoEntry;
    const uint32_t mask = MaskOf(table);
    // Bounded: while entries are moved, a reader could find no end.
    for (uint32_t at = tag & mask, looked = 0; looked <= mask; at = (at + 1) & mask, ++looked) {
      const uint64_t slot = SlotsOf(table)[at].Load();
      if (slot == 0) return kNoEntry;
      if (TagOf(slot) == tag && accepts(NumberOf(slot))) return NumberOf(slot);
    }
    return kNoEntry;
  }

  // Whether the next Insert needs a table first.
  bool IsFull() const { return size_ >= limit_; }
  // How many cells that table has: a power of two, and one.
  size_t CellsWanted() const { return limit_ == 0 ? kFirst + 1 : size_t{Slots()} * kGrowth + 1; }

  // Moves to a larger table; false if it is no larger, and not taken.
  bool Grow(std::span<Slot> cells) {
    if (cells.size() < CellsWanted()) return false;
    const uint32_t slots = static_cast<uint32_t>(CellsWanted() - 1);
    Slot* const old = table_.Load();
    cells[0].Store(slots - 1);
    for (uint32_t i = 1; i <= slots; ++i) cells[i].Store(0);
    const uint32_t old_slots = limit_ == 0 ? 0 : Slots();
    for (uint32_t i = 0; i < old_slots; ++i) {
      const uint64_t slot = SlotsOf(old)[i].Load();
      if (slot != 0) Put(cells.data(), slot);
    }
    limit_ = slots / 4 * 3;
    table_.Store(cells.data());
    return true;
  }

  // Needs !IsFull().
  void Insert(uint32_t tag, uint32_t number) {
    Put(table_.Load(), uint64_t{tag} << 32 | (number + 1));
    ++size_;
  }

  // Needs an inserted (tag, number).
  void Erase(uint32_t tag, uint32_t number) {
    Slot* const table = table_.Load();
    Slot* const slots = SlotsOf(table);
    const uint32_t mask = MaskOf(table);
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
  static constexpr uint32_t kFirst = 32;
  static constexpr uint32_t kGrowth = 4;

  static uint32_t TagOf(uint64_t slot) { return static_cast<uint32_t>(slot >> 32); }
  static uint32_t NumberOf(uint64_t slot) { return static_cast<uint32_t>(slot) - 1; }
  static uint32_t MaskOf(const Slot* table) { return static_cast<uint32_t>(table[0].Load()); }
  static Slot* SlotsOf(Slot* table) { return table + 1; }
  uint32_t Slots() const { return MaskOf(table_.Load()) + 1; }

  static void Put(Slot* table, uint64_t slot) {
    const uint32_t mask = MaskOf(table);
    uint32_t at = TagOf(slot) & mask;
    while (SlotsOf(table)[at].Load() != 0) at = (at + 1) & mask;
    SlotsOf(table)[at].Store(slot);
  }

  typename Storage::template Cell<Slot*> table_{nullptr};  // its mask, then its slots
  uint32_t size_ = 0;
  uint32_t limit_ = 0;  // three quarters of the slots
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REGISTRY_INDEX_H_
