// SPDX-License-Identifier: Apache-2.0
// What the windows of a breaker have in common: what they hold, where it lies, and whose it is.
//
//   tag     16 bits in every word that a result is written to: the era of the window. A new generation or a
//           new shape is a new era. A write into a word of another era changes nothing, however late its
//           thread comes (it would have to sleep through exactly 65536 eras).
//   lane    one of up to 16 copies of what every result writes, so that threads do not share a line. A
//           thread keeps its lane until it meets another thread there, then it moves on.
//
// Layout of the cells, all of them given at construction:
//
//   [numbers][totals][ring of the count window]  [lane 0: buckets, slow buckets, in flight] [lane 1] ...
//
// With more than one lane each part begins on lines of its own; a single lane is packed.
#ifndef HOLDFAST_ENGINE_WINDOW_H_
#define HOLDFAST_ENGINE_WINDOW_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/breaker_policy.h"

namespace holdfast::engine {

inline constexpr uint32_t kMaxWindowCalls = 4096;
inline constexpr uint32_t kMaxWindowBuckets = 64;
inline constexpr uint32_t kMaxLanes = 16;
inline constexpr uint32_t kSlotsPerRingWord = 16;
inline constexpr uint32_t kAgeSlots = 16;
inline constexpr uint32_t kInFlightCells = kAgeSlots + 1;
inline constexpr uint32_t kCellsPerLine = 16;  // two lines of 64 bytes: processors fetch pairs

struct WindowTotals {
  uint32_t calls = 0;
  uint32_t failures = 0;
  uint32_t slow = 0;
};

// At most `most` calls, by halves: the rates are what they were.
constexpr WindowTotals InProportion(uint64_t calls, uint64_t failures, uint64_t slow,
                                    uint64_t most) {
  while (calls > most) {
    calls /= 2;
    failures /= 2;
    slow /= 2;
  }
  return {static_cast<uint32_t>(calls), static_cast<uint32_t>(std::min(failures, calls)),
          static_cast<uint32_t>(std::min(slow, calls))};
}

// One result, as a window sees it.
struct Result {
  bool failed = false;
  bool slow = false;
};

constexpr int kTagShift = 48;
constexpr uint64_t kUntagged = (uint64_t{1} << kTagShift) - 1;
constexpr uint64_t EmptyWord(uint16_t tag) { return uint64_t{tag} << kTagShift; }
constexpr uint16_t TagOf(uint64_t word) { return static_cast<uint16_t>(word >> kTagShift); }

// Words of a ring that holds a count window: a power of two of slots, at least `calls`.
constexpr uint32_t RingWordsFor(uint32_t calls) {
  return std::max(std::bit_ceil(calls), kSlotsPerRingWord) / kSlotsPerRingWord;
}

// What a breaker has room for; a policy may use less of it.
struct Capacity {
  uint32_t ring_words = 0;
  uint32_t buckets = 0;
  uint32_t slow_buckets = 0;  // 0: slow results cannot be told apart
  uint32_t in_flight = 0;     // cells per lane
  uint32_t lanes = 1;         // a power of two

  static constexpr uint32_t Lanes(uint32_t wanted) {
    return std::bit_floor(std::clamp(wanted, 1u, kMaxLanes));
  }

  // Just enough for this policy.
  static constexpr Capacity Of(const BreakerPolicy& policy, uint32_t lanes) {
    Capacity room;
    const bool by_count = policy.window == HF_WINDOW_COUNT;
    room.ring_words = by_count ? RingWordsFor(policy.window_calls) : 0;
    room.buckets = by_count ? 0 : policy.window_buckets;
    room.slow_buckets = policy.slow_rate > 0 ? room.buckets : 0;
    room.in_flight = policy.slow_after > 0 ? kInFlightCells : 0;
    room.lanes = Lanes(lanes);
    return room;
  }

  // Enough for every policy that may come.
  static constexpr Capacity Largest(uint32_t lanes) {
    return {kMaxWindowCalls / kSlotsPerRingWord, kMaxWindowBuckets, kMaxWindowBuckets,
            kInFlightCells, Lanes(lanes)};
  }

  constexpr bool Holds(const BreakerPolicy& policy) const {
    const Capacity need = Of(policy, 1);
    return need.ring_words <= ring_words && need.buckets <= buckets &&
           need.slow_buckets <= slow_buckets && need.in_flight <= in_flight;
  }

  constexpr uint32_t Padded(uint32_t cells) const {
    return lanes == 1 ? cells : (cells + kCellsPerLine - 1) / kCellsPerLine * kCellsPerLine;
  }
  constexpr uint32_t TotalsAt() const { return ring_words == 0 ? 0 : Padded(1); }
  constexpr uint32_t RingAt() const { return TotalsAt() + (ring_words == 0 ? 0 : Padded(1)); }
  constexpr uint32_t LanesAt() const { return RingAt() + Padded(ring_words); }
  constexpr uint32_t Stride() const { return Padded(buckets + slow_buckets + in_flight); }
  constexpr size_t Cells() const { return LanesAt() + size_t{lanes} * Stride(); }
};

// A reference to a neighbour within one object, in two bytes instead of eight: there may be a million breakers.
// Neither may move.
template <typename T>
class Near {
 public:
  explicit Near(T& neighbour)
      : distance_(static_cast<int16_t>(reinterpret_cast<char*>(&neighbour) -
                                       reinterpret_cast<char*>(this))) {}
  Near(const Near&) = delete;
  Near& operator=(const Near&) = delete;

  T* operator->() const {
    auto* const here = reinterpret_cast<char*>(const_cast<Near*>(this));
    return reinterpret_cast<T*>(here + distance_);
  }

 private:
  const int16_t distance_;
};

// The lanes of one breaker: where they are, and which of them anybody has ever used.
template <typename Storage>
class LaneSet {
 public:
  using Word = typename Storage::template Cell<uint64_t>;

  LaneSet(Word* first, const Capacity& room)
      : first_(first), stride_(room.Stride()), count_(room.lanes), used_(room.lanes == 1 ? 1 : 0) {}

  // This thread's lane. It is marked as used before anything is written to it.
  uint32_t Mine() {
    if (count_ == 1) return 0;
    const uint32_t lane = Storage::Lane() & (count_ - 1);
    if ((used_.Load() >> lane & 1) == 0) MarkUsed(lane);
    return lane;
  }
  uint32_t Bounded(uint32_t lane) const { return lane & (count_ - 1); }

  Word* At(uint32_t lane) const { return first_ + size_t{lane} * stride_; }
  uint32_t count() const { return count_; }

  // fn(cells) for each lane that may hold something.
  template <typename Fn>
  void ForEachUsed(Fn&& fn) const {
    for (uint32_t left = used_.Load(); left != 0; left &= left - 1) {
      fn(At(static_cast<uint32_t>(std::countr_zero(left))));
    }
  }
  template <typename Fn>
  void ForEach(Fn&& fn) const {
    for (uint32_t lane = 0; lane < count_; ++lane) fn(At(lane));
  }

 private:
  [[gnu::cold, gnu::noinline]] void MarkUsed(uint32_t lane) {
    uint32_t used = used_.Load();
    while (!used_.CompareExchange(used, used | 1u << lane)) {
    }
  }

  Word* const first_;
  const uint16_t stride_;
  const uint16_t count_;
  typename Storage::template Cell<uint32_t> used_;
};

// Adds `amount` to a word of era `tag`. False, and nothing done, if the word is of another.
template <typename Storage, typename Word>
bool AddTagged(Word& cell, uint16_t tag, uint64_t amount) {
  uint64_t word = cell.Load();
  for (bool contended = false;; contended = true) {
    if (TagOf(word) != tag) return false;
    if (cell.CompareExchange(word, EmptyWord(tag) | ((word + amount) & kUntagged))) {
      if (contended) Storage::MoveLane();
      return true;
    }
  }
}

// Leaves the word empty, of era `tag`, and returns what it held.
template <typename Word>
uint64_t TakeOut(Word& cell, uint16_t tag) {
  uint64_t word = cell.Load();
  while (!cell.CompareExchange(word, EmptyWord(tag))) {
  }
  return word;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WINDOW_H_
