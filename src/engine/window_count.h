// SPDX-License-Identifier: Apache-2.0
// The last `size` results, exactly: every result draws a number, and its place follows from that.
//
//   numbers   tag | the next number            one fetch-and-add per result: a sliding window is an order,
//                                              and an order is one line that all threads write
//   ring      tag | void | slow | failed       16 results per word, each a bit in each plane
//   totals    tag | void | slow | failed       of the ring: changed by what a slot is changed by, so that
//                                              reading them is two loads, however long the window
//
// Invariants: the result with number n is in the window until number n + size is drawn, and exactly then its
//   bits are cleared. A success among successes writes nothing but its number. A number drawn by a result of
//   another era is void: it takes a place, and counts for nothing.
// Locking: Record and Totals are lock-free. Reset and Resize run under the breaker's lock.
#ifndef HOLDFAST_ENGINE_WINDOW_COUNT_H_
#define HOLDFAST_ENGINE_WINDOW_COUNT_H_

#include "engine/window.h"

namespace holdfast::engine {

template <typename Storage>
class CountWindow {
 public:
  using Word = typename Storage::template Cell<uint64_t>;

  // Far above every window and far below what a word holds: 15 hours at 20 million results a second.
  static constexpr uint64_t kRenumberAt = uint64_t{1} << 40;

  CountWindow(Word* cells, const Capacity& room)
      : numbers_(cells),
        totals_at_(static_cast<uint16_t>(room.TotalsAt())),
        ring_at_(static_cast<uint16_t>(room.RingAt())) {}

  // Empty, of that size.
  void Reset(uint16_t tag, uint32_t size) {
    shape_.Store((RingWordsFor(size) * kSlotsPerRingWord - 1) << 16 | size);
    Sums()->Store(EmptyWord(tag));
    for (uint32_t i = 0; i < RingWordsFor(size); ++i) Ring()[i].Store(EmptyWord(tag));
    numbers_->Store(EmptyWord(tag));
  }

  bool Has(uint32_t size) const { return SizeOf(shape_.Load()) == size; }

  // Of another size, with the newest results that it holds. A result that comes in meanwhile finds another
  // era, and is told to look again.
  void Resize(uint16_t tag, uint32_t size) {
    const uint32_t old_shape = shape_.Load();
    const uint32_t old_size = SizeOf(old_shape);
    const uint64_t next = TakeOut(*numbers_, tag) & kUntagged;
    uint64_t old_ring[kMaxWindowCalls / kSlotsPerRingWord];
    for (uint32_t i = 0; i < RingWordsFor(old_size); ++i) old_ring[i] = TakeOut(Ring()[i], tag);
    Reset(tag, size);
    const uint64_t kept = std::min({next, uint64_t{old_size}, uint64_t{size}});
    for (uint64_t number = next - kept; number != next; ++number) {
      const uint32_t slot = static_cast<uint32_t>(number & MaskOf(old_shape));
      const uint64_t bits = old_ring[slot / kSlotsPerRingWord] >> slot % kSlotsPerRingWord;
      Place(tag, number - (next - kept), bits & kAllPlanes);
    }
    numbers_->Store(EmptyWord(tag) | kept);
  }

  struct Recorded {
    bool stale;      // another era's: nothing was changed
    uint64_t calls;  // in the window afterwards, were it endless
  };

  Recorded Record(uint16_t tag, Result result) {
    const uint64_t drawn = numbers_->Add(1);
    if (TagOf(drawn) != tag) [[unlikely]] {
      return MakeVoid(drawn);
    }
    const uint64_t number = drawn & kUntagged;
    if (number >= kRenumberAt) [[unlikely]] {
      Renumber(tag);
    }
    const uint64_t bits = (result.failed ? kFailed : 0) | (result.slow ? kSlow : 0);
    return {!Place(tag, number, bits), number + 1};
  }

  // Of the last `size` results. What failed first and how many there are after it: a result that comes in
  // between can make the rate look lower, never higher, and its own thread looks again.
  WindowTotals Totals() const {
    const uint64_t totals = Sums()->Load();
    const uint64_t calls = std::min<uint64_t>(numbers_->Load() & kUntagged, SizeOf(shape_.Load()));
    WindowTotals found;
    found.calls = static_cast<uint32_t>(calls - std::min(calls, totals >> kVoidShift & kPlane));
    found.failures = std::min(static_cast<uint32_t>(totals & kPlane), found.calls);
    found.slow = std::min(static_cast<uint32_t>(totals >> kSlowShift & kPlane), found.calls);
    return found;
  }

 private:
  static constexpr int kSlowShift = 16;
  static constexpr int kVoidShift = 32;
  static constexpr uint64_t kPlane = 0xFFFF;
  static constexpr uint64_t kFailed = 1;
  static constexpr uint64_t kSlow = uint64_t{1} << kSlowShift;
  static constexpr uint64_t kVoid = uint64_t{1} << kVoidShift;
  static constexpr uint64_t kAllPlanes = kFailed | kSlow | kVoid;

  static uint32_t SizeOf(uint32_t shape) { return shape & 0xFFFF; }
  static uint32_t MaskOf(uint32_t shape) { return shape >> 16; }

  // Gives slot `number` its bits, and the result that leaves the window none. False if another era has come.
  bool Place(uint16_t tag, uint64_t number, uint64_t bits) {
    const uint32_t shape = shape_.Load();
    const uint32_t slot = static_cast<uint32_t>(number) & MaskOf(shape);
    const uint32_t leaving = (static_cast<uint32_t>(number) - SizeOf(shape)) & MaskOf(shape);
    if (leaving != slot && !SetSlot(tag, leaving, 0)) return false;
    return SetSlot(tag, slot, bits);
  }

  bool SetSlot(uint16_t tag, uint32_t slot, uint64_t bits) {
    const uint64_t word = Ring()[slot / kSlotsPerRingWord].Load();
    const bool as_wanted = (word >> slot % kSlotsPerRingWord & kAllPlanes) == bits;
    if (as_wanted && TagOf(word) == tag) [[likely]] {
      return true;
    }
    return ChangeSlot(tag, slot, bits);
  }

  // What a slot holds is in the totals before it is in the slot, and leaves them after: whoever clears a slot
  // takes away what is already there.
  [[gnu::cold, gnu::noinline]] bool ChangeSlot(uint16_t tag, uint32_t slot, uint64_t bits) {
    Word& cell = Ring()[slot / kSlotsPerRingWord];
    const uint32_t at = slot % kSlotsPerRingWord;
    if (bits != 0 && !AddTagged<Storage>(*Sums(), tag, bits)) return false;
    uint64_t word = cell.Load();
    do {
      if (TagOf(word) != tag) {
        AddTagged<Storage>(*Sums(), tag, -bits);
        return false;
      }
    } while (!cell.CompareExchange(word, (word & ~(kAllPlanes << at)) | bits << at));
    const uint64_t before = word >> at & kAllPlanes;
    if (before != 0) AddTagged<Storage>(*Sums(), tag, -before);
    return true;
  }

  // The number was drawn from the window of another era.
  [[gnu::cold, gnu::noinline]] Recorded MakeVoid(uint64_t drawn) {
    Place(TagOf(drawn), drawn & kUntagged, kVoid);
    return {true, 0};
  }

  // Counts on from a low number with the same place in the ring.
  [[gnu::cold, gnu::noinline]] void Renumber(uint16_t tag) {
    const uint64_t slots = uint64_t{MaskOf(shape_.Load())} + 1;
    uint64_t word = numbers_->Load();
    uint64_t low;
    do {
      if (TagOf(word) != tag || (word & kUntagged) < kRenumberAt) return;
      low = 2 * slots + (word & (slots - 1));
    } while (!numbers_->CompareExchange(word, EmptyWord(tag) | low));
  }

  Word* Sums() const { return numbers_ + totals_at_; }
  Word* Ring() const { return numbers_ + ring_at_; }

  Word* const numbers_;
  const uint16_t totals_at_;
  const uint16_t ring_at_;
  typename Storage::template Cell<uint32_t> shape_;  // slots of the ring less one | size
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WINDOW_COUNT_H_
