// SPDX-License-Identifier: Apache-2.0
// How many calls are under way, and since when, so that a hang is seen while it hangs.
//
//   unit    a power of two of nanoseconds, so that slow_after is 1921..3840 of them: an age is exact to one
//           part in 1900, and rather too high than too low
//   tick    256 units, between a 15th and a 7th of slow_after. Calls are counted by the tick they began in
//   slot    tag | tick | count      16 per lane. A slot whose turn comes again holds calls that are all
//                                   overdue by then: they move to the lane's count of those
//
// Invariants: a call counts once, in the slot of its tick or among the overdue, until it comes back. A call
//   is overdue once all of its tick are: up to one tick late while it hangs, never too early.
// A permit carries what is needed to take its call out again: begin (25 bits), lane, shape. A call that is
//   longer under way than 4000 times slow_after is read as one that just began.
// Locking: Enter, Leave, Count and Overdue are lock-free; Reset runs under the breaker's lock.
#ifndef HOLDFAST_ENGINE_IN_FLIGHT_H_
#define HOLDFAST_ENGINE_IN_FLIGHT_H_

#include "engine/duration.h"
#include "engine/window.h"

namespace holdfast::engine {

// What a permit remembers of its beginning: known | shape | lane | begin.
class Stamp {
 public:
  static constexpr int kBeginBits = 25;
  static constexpr uint32_t kBeginMask = (1u << kBeginBits) - 1;

  explicit constexpr Stamp(uint32_t raw) : raw_(raw) {}
  constexpr Stamp(uint32_t shape, uint32_t lane, uint32_t begin)
      : raw_(1u << 31 | (shape & 3) << 29 | lane << kBeginBits | (begin & kBeginMask)) {}

  constexpr uint32_t raw() const { return raw_; }
  // Whether it was made in that shape; else its begin is in units of another length.
  constexpr bool IsOf(uint32_t shape) const { return raw_ >> 29 == (4 | (shape & 3)); }
  constexpr uint32_t lane() const { return raw_ >> kBeginBits & 15; }
  constexpr uint32_t begin() const { return raw_ & kBeginMask; }

 private:
  uint32_t raw_;
};

template <typename Storage>
class InFlight {
 public:
  using Word = typename Storage::template Cell<uint64_t>;

  InFlight(LaneSet<Storage>& lanes, const Capacity& room)
      : lanes_(lanes), at_(static_cast<uint16_t>(room.buckets + room.slow_buckets)) {}

  // Nobody under way. slow_after 0: only IsSlow and BeginOf are meant to be asked, and no cell is touched.
  void Reset(uint16_t tag, hf_duration slow_after) {
    shift_.Store(ShiftFor(slow_after));
    limit_.Store(LimitFor(slow_after));
    if (slow_after == 0) return;
    lanes_->ForEach([&](Word* cells) {
      for (uint32_t i = 0; i < kInFlightCells; ++i) cells[at_ + i].Store(EmptyWord(tag));
    });
  }

  bool Measures(hf_duration slow_after) const {
    return shift_.Load() == ShiftFor(slow_after) && limit_.Load() == LimitFor(slow_after);
  }

  uint32_t BeginOf(hf_time now) const {
    return static_cast<uint32_t>(NotBefore(now, 0) >> shift_.Load()) & Stamp::kBeginMask;
  }

  // Whether a call that began then has taken slow_after or longer.
  bool IsSlow(uint32_t begin, hf_time now) const { return AgeOf(begin, BeginOf(now)) >= Limit(); }

  // Counts a call that begins now; *begin may become later, for a clock that stepped back. False if the cells
  // are of another era.
  bool Enter(uint16_t tag, uint32_t lane, uint32_t* begin) {
    Word* const cells = lanes_->At(lane) + at_;
    const uint32_t tick = *begin >> kTickShift;
    Word& slot = cells[tick % kAgeSlots];
    uint64_t word = slot.Load();
    for (bool contended = false;; contended = true) {
      if (TagOf(word) != tag) return false;
      const bool joins = CountOf(word) != 0 && TickOf(word) == tick;
      if (!joins && CountOf(word) != 0) return EnterCrowded(cells, tag, begin);
      const uint64_t wanted = joins ? word + 1 : Slot(tag, tick, 1);
      if (slot.CompareExchange(word, wanted)) {
        if (contended) Storage::MoveLane();
        return true;
      }
    }
  }

  // The call that began then is back.
  void Leave(uint16_t tag, uint32_t lane, uint32_t begin) {
    Word* const cells = lanes_->At(lanes_->Bounded(lane)) + at_;
    const uint32_t tick = begin >> kTickShift;
    Word& slot = cells[tick % kAgeSlots];
    uint64_t word = slot.Load();
    while (TagOf(word) == tag && TickOf(word) == tick && CountOf(word) != 0) {
      if (slot.CompareExchange(word, word - 1)) return;
    }
    AddTagged<Storage>(cells[kAgeSlots], tag, kUntagged);  // minus one
  }

  // Whether something may have become overdue since Looked was last told. Calls of a tick are overdue from
  // limit + 255 units after its beginning on, so it is then that a new look is due.
  bool IsNewTick(hf_time now) const { return LookTickOf(now) != looked_.Load(); }
  void Looked(hf_time now) { looked_.Store(LookTickOf(now)); }

  uint32_t Overdue(hf_time now) const {
    const uint32_t present = BeginOf(now);
    return Sum([&](uint32_t tick) {
      return AgeOf((tick << kTickShift) + kLastOfTick, present) >= Limit();
    });
  }

  uint32_t Count() const {
    return Sum([](uint32_t) { return true; });
  }

 private:
  static constexpr int64_t kMaxUnits = 15 * 256;  // what 15 of 16 slots span
  static constexpr int kTickShift = 8;
  static constexpr uint32_t kLastOfTick = 255;
  static constexpr int kCountBits = 31;  // 17 above it for the tick

  static uint64_t Slot(uint16_t tag, uint32_t tick, uint64_t count) {
    return EmptyWord(tag) | uint64_t{tick} << kCountBits | count;
  }
  static uint32_t TickOf(uint64_t word) {
    return static_cast<uint32_t>((word & kUntagged) >> kCountBits);
  }
  static uint32_t CountOf(uint64_t word) {
    return static_cast<uint32_t>(word & ((uint64_t{1} << kCountBits) - 1));
  }

  static uint32_t ShiftFor(hf_duration slow_after) {
    uint32_t shift = 0;
    while (slow_after >> shift > kMaxUnits) ++shift;
    return shift;
  }
  static uint32_t LimitFor(hf_duration slow_after) {
    return std::max(static_cast<uint32_t>(slow_after >> ShiftFor(slow_after)), 1u);
  }
  uint32_t Limit() const { return limit_.Load(); }
  uint32_t LookTickOf(hf_time now) const {
    return ((BeginOf(now) - Limit() - kLastOfTick) & Stamp::kBeginMask) >> kTickShift;
  }

  // In units; what lies ahead is 0 old.
  static uint32_t AgeOf(uint32_t begin, uint32_t present) {
    const uint32_t age = (present - begin) & Stamp::kBeginMask;
    return age > Stamp::kBeginMask / 2 ? 0 : age;
  }

  // The slot holds calls of another tick: of an older round, or of a later one than a clock that stepped back.
  [[gnu::cold, gnu::noinline]] bool EnterCrowded(Word* cells, uint16_t tag, uint32_t* begin) {
    const uint32_t tick = *begin >> kTickShift;
    Word& slot = cells[tick % kAgeSlots];
    uint64_t word = slot.Load();
    for (;;) {
      if (TagOf(word) != tag) return false;
      const uint32_t there = TickOf(word);
      const bool stays = CountOf(word) != 0 && AgeOf(there << kTickShift, *begin) <= kLastOfTick;
      if (slot.CompareExchange(word, stays ? word + 1 : Slot(tag, tick, 1))) {
        if (stays && AgeOf(*begin, there << kTickShift) != 0) *begin = there << kTickShift;
        if (!stays && CountOf(word) != 0) AddTagged<Storage>(cells[kAgeSlots], tag, CountOf(word));
        return true;
      }
    }
  }

  template <typename Picks>
  uint32_t Sum(Picks&& picks) const {
    int64_t sum = 0;
    lanes_->ForEachUsed([&](const Word* lane) {
      const Word* const cells = lane + at_;
      // Sign of 48 bits: one that leaves can be here before those that it is one of.
      sum += static_cast<int64_t>(cells[kAgeSlots].Load() << (64 - kTagShift)) >> (64 - kTagShift);
      for (uint32_t i = 0; i < kAgeSlots; ++i) {
        const uint64_t word = cells[i].Load();
        if (CountOf(word) != 0 && picks(TickOf(word))) sum += CountOf(word);
      }
    });
    return static_cast<uint32_t>(std::max<int64_t>(sum, 0));
  }

  const Near<LaneSet<Storage>> lanes_;
  const uint16_t at_;
  typename Storage::template Cell<uint32_t> shift_;  // a unit is 1 << shift ns
  typename Storage::template Cell<uint32_t> limit_;  // slow_after in units
  typename Storage::template Cell<uint32_t> looked_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_IN_FLIGHT_H_
