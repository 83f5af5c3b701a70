// SPDX-License-Identifier: Apache-2.0
// What a breaker remembers of recent results: how many, and how many failed.
//
//   CountWindow   the last `size` results: a ring of bits, 1 for a failure
//   TimeWindow    the results of the last `buckets` steps of time: a ring of counts
//   FailureRun    failures in a row
//
// Each belongs to one generation of its breaker: the tag in every word that is written. A result of
// another generation finds another tag and changes nothing, however late its thread comes.
// Invariants: CountWindow: failures <= calls <= size, and nothing is cleared on a reset, because a word
//   with an old tag reads as empty. TimeWindow: each bucket is inside the window or zero; a result with
//   an old `now` counts in the newest step.
// Locking: Record is lock-free, but for a step of the time window. Reset and Advance: under the
//   breaker's lock. Memory: fixed, 1 KiB and 0.5 KiB.
#ifndef HOLDFAST_ENGINE_WINDOW_H_
#define HOLDFAST_ENGINE_WINDOW_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/duration.h"

namespace holdfast::engine {

inline constexpr uint32_t kMaxWindowCalls = 4096;
inline constexpr uint32_t kMaxWindowBuckets = 64;

struct WindowTotals {
  uint32_t calls = 0;
  uint32_t failures = 0;
};

// Which generation wrote a word, and what it wrote.
constexpr uint64_t Tagged(uint32_t tag, uint32_t value) {
  return static_cast<uint64_t>(tag) << 32 | value;
}
constexpr uint32_t TagOf(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
constexpr uint32_t ValueOf(uint64_t word) { return static_cast<uint32_t>(word); }

// What came of recording one result.
struct Recorded {
  bool stale;      // another generation's: nothing was changed
  uint32_t calls;  // in the window afterwards
};

template <typename Storage>
class CountWindow {
 public:
  explicit CountWindow(uint32_t size) : size_(size) {}

  void Reset(uint32_t tag) { head_.Store(Tagged(tag, 0)); }

  Recorded Record(uint32_t tag, bool failed) {
    uint64_t head = head_.Load();
    uint32_t slot, calls;
    do {
      if (TagOf(head) != tag) return {true, 0};
      slot = SlotOf(head);
      calls = std::min(CallsOf(head) + 1, size_);
    } while (!head_.CompareExchange(head, Tagged(tag, calls << kSlotBits | NextSlot(slot))));

    // A success in a healthy window only reads.
    const uint64_t word = ring_[slot / kBitsPerWord].Load();
    const bool is_set = (word >> (slot % kBitsPerWord) & 1) != 0;
    if (TagOf(word) == tag && is_set == failed) return {false, calls};
    return {!WriteBit(tag, slot, failed), calls};
  }

  // The failures first and the calls after them: a result that comes in between can make the rate look
  // lower, never higher, and its own thread looks again.
  WindowTotals Totals() const {
    const uint64_t head = head_.Load();
    const size_t words = (CallsOf(head) + kBitsPerWord - 1) / kBitsPerWord;
    uint32_t failures = 0;
    for (size_t i = 0; i < words; ++i) {
      const uint64_t word = ring_[i].Load();
      if (TagOf(word) == TagOf(head)) {
        failures += static_cast<uint32_t>(std::popcount(ValueOf(word)));
      }
    }
    const uint32_t calls = CallsOf(head_.Load());
    return {calls, std::min(calls, failures)};
  }

 private:
  static constexpr uint32_t kBitsPerWord = 32;
  static constexpr uint32_t kSlotBits = 16;

  static uint32_t SlotOf(uint64_t head) { return ValueOf(head) & ((1u << kSlotBits) - 1); }
  static uint32_t CallsOf(uint64_t head) { return ValueOf(head) >> kSlotBits; }
  uint32_t NextSlot(uint32_t slot) const { return slot + 1 == size_ ? 0 : slot + 1; }

  // False if a newer generation owns the word.
  [[gnu::cold]] bool WriteBit(uint32_t tag, uint32_t slot, bool failed) {
    auto& cell = ring_[slot / kBitsPerWord];
    const uint32_t bit = 1u << (slot % kBitsPerWord);
    uint64_t word = cell.Load();
    for (;;) {
      // Tags move forward, and may wrap: the difference tells which is older.
      if (static_cast<int32_t>(TagOf(word) - tag) > 0) return false;
      const uint32_t bits = TagOf(word) == tag ? ValueOf(word) : 0;
      const uint64_t wanted = Tagged(tag, failed ? bits | bit : bits & ~bit);
      if (cell.CompareExchange(word, wanted)) return true;
    }
  }

  const uint32_t size_;
  typename Storage::template Cell<uint64_t> head_;  // tag | calls | next slot
  std::array<typename Storage::template Cell<uint64_t>, kMaxWindowCalls / kBitsPerWord> ring_;
};

template <typename Storage>
class TimeWindow {
 public:
  TimeWindow(hf_duration length, uint32_t buckets)
      : buckets_(buckets), step_length_(std::max<hf_duration>(length / buckets, 1)) {}

  void Reset(uint32_t tag, hf_time now) {
    for (auto& bucket : ring_) bucket.Store(Empty(tag));
    MoveTo(std::max(StepOf(now), newest_.Load()));
  }

  // Whether `now` is in a step that Advance has yet to make room for.
  bool NeedsAdvance(hf_time now) const { return now >= newest_end_.Load(); }

  void Advance(uint32_t tag, hf_time now) {
    const int64_t step = StepOf(now);
    const int64_t newest = newest_.Load();
    if (step <= newest) return;  // another thread was first
    // One round clears the whole ring, however long nothing happened.
    for (int64_t i = std::max(newest + 1, step - buckets_ + 1); i <= step; ++i) {
      ring_[SlotOf(i)].Store(Empty(tag));
    }
    MoveTo(step);
  }

  Recorded Record(uint32_t tag, bool failed) {
    auto& bucket = ring_[slot_.Load()];
    uint64_t word = bucket.Load();
    do {
      if (word >> kTagShift != ShortTag(tag)) return {true, 0};
      // A full bucket stops counting rather than spill into its neighbour.
      if (CallsOf(word) == kMaxCount) break;
    } while (!bucket.CompareExchange(word, word + kOneCall + (failed ? 1 : 0)));
    if (failed) NoteFailure(newest_.Load());
    return {false, 0};
  }

  // False if no failure can be in the window: two loads, where Totals adds up every step.
  bool MayHoldFailures() const { return last_failure_.Load() > newest_.Load() - buckets_; }

  // As of the newest step: what has left the window was cleared.
  WindowTotals Totals() const { return Sum(0); }

  // As of `now`: steps that have left the window since then count no more.
  WindowTotals Totals(hf_time now) const {
    return Sum(std::max<int64_t>(StepOf(now) - newest_.Load(), 0));
  }

 private:
  static constexpr int kCountBits = 24;
  static constexpr int kTagShift = 2 * kCountBits;
  static constexpr uint64_t kMaxCount = (1u << kCountBits) - 1;
  static constexpr uint64_t kOneCall = 1u << kCountBits;

  static uint64_t ShortTag(uint32_t tag) { return tag & 0xFFFF; }
  static uint64_t Empty(uint32_t tag) { return ShortTag(tag) << kTagShift; }
  static uint64_t CallsOf(uint64_t word) { return word >> kCountBits & kMaxCount; }

  int64_t StepOf(hf_time now) const { return now / step_length_; }
  uint32_t SlotOf(int64_t step) const { return static_cast<uint32_t>(step % buckets_); }

  void MoveTo(int64_t step) {
    newest_.Store(step);
    slot_.Store(SlotOf(step));
    newest_end_.Store(MultiplySaturating(step + 1, step_length_));
  }

  // The step may be newer than the one the failure was counted in, never older.
  [[gnu::cold]] void NoteFailure(int64_t step) {
    int64_t last = last_failure_.Load();
    while (last < step && !last_failure_.CompareExchange(last, step)) {
    }
  }

  // Leaves out the `missed` oldest steps.
  WindowTotals Sum(int64_t missed) const {
    WindowTotals totals;
    uint32_t slot = slot_.Load();
    for (int64_t i = missed; i < buckets_; ++i) {
      const uint64_t word = ring_[slot].Load();
      totals.calls += static_cast<uint32_t>(CallsOf(word));
      totals.failures += static_cast<uint32_t>(word & kMaxCount);
      slot = slot == 0 ? static_cast<uint32_t>(buckets_ - 1) : slot - 1;
    }
    return totals;
  }

  const int64_t buckets_;
  const hf_duration step_length_;
  typename Storage::template Cell<int64_t> newest_;  // step: now / step_length
  typename Storage::template Cell<hf_time> newest_end_;
  typename Storage::template Cell<uint32_t> slot_;                    // of the newest step
  typename Storage::template Cell<int64_t> last_failure_{INT64_MIN};  // step, of any generation
  // tag | calls | failures
  std::array<typename Storage::template Cell<uint64_t>, kMaxWindowBuckets> ring_;
};

template <typename Storage>
class FailureRun {
 public:
  void Reset(uint32_t tag) { word_.Store(Tagged(tag, 0)); }

  // The length of the run afterwards; a success only reads while nothing fails.
  uint32_t Record(uint32_t tag, bool failed) {
    const uint64_t word = word_.Load();
    if (!failed && word == Tagged(tag, 0)) return 0;
    return Change(word, tag, failed);
  }

  uint32_t Length() const { return ValueOf(word_.Load()); }

 private:
  [[gnu::cold]] uint32_t Change(uint64_t word, uint32_t tag, bool failed) {
    uint32_t run;
    do {
      if (TagOf(word) != tag) return 0;
      run = failed ? ValueOf(word) + (ValueOf(word) != UINT32_MAX) : 0;
    } while (!word_.CompareExchange(word, Tagged(tag, run)));
    return run;
  }

  typename Storage::template Cell<uint64_t> word_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WINDOW_H_
