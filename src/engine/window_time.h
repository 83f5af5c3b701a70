// SPDX-License-Identifier: Apache-2.0
// The results of the last `buckets` steps of time: a ring of counts, one ring per lane.
//
//   bucket        tag | calls | failures    24 bits each
//   slow bucket   tag | slow                written by slow results only
//
// Invariants: each bucket is inside the window or empty. A result with an old `now` counts in the newest step:
//   a clock that steps back neither moves the window nor empties it. One advance clears the whole ring,
//   however long nothing happened.
// Locking: Record and Totals are lock-free. Reset, Advance and Reshape run under the breaker's lock.
#ifndef HOLDFAST_ENGINE_WINDOW_TIME_H_
#define HOLDFAST_ENGINE_WINDOW_TIME_H_

#include "engine/duration.h"
#include "engine/window.h"

namespace holdfast::engine {

template <typename Storage>
class TimeWindow {
 public:
  using Word = typename Storage::template Cell<uint64_t>;

  TimeWindow(LaneSet<Storage>& lanes, const Capacity& room)
      : lanes_(lanes), slow_at_(room.buckets), slow_buckets_(room.slow_buckets) {}

  // Empty, in that shape, from `now` on or from where it was.
  void Reset(uint16_t tag, hf_duration length, uint32_t buckets, hf_time now) {
    const hf_duration step_length = StepLength(length, buckets);
    const int64_t newest = step_length == step_length_.Load() ? NewestStep() : 0;
    lanes_->ForEach([&](Word* cells) {
      for (uint32_t i = 0; i < buckets; ++i) Clear(cells, tag, i);
    });
    step_length_.Store(step_length);
    buckets_.Store(buckets);
    MoveTo(std::max(now / step_length, newest));
  }

  bool Has(hf_duration length, uint32_t buckets) const {
    return buckets_.Load() == buckets && step_length_.Load() == StepLength(length, buckets);
  }

  // In another shape. Each old step goes, whole, into the new one that its beginning lies in.
  void Reshape(uint16_t tag, hf_duration length, uint32_t buckets) {
    const uint32_t old_buckets = buckets_.Load();
    const int64_t old_length = step_length_.Load();
    const int64_t old_newest = NewestStep();
    WindowTotals old[kMaxWindowBuckets];
    for (uint32_t i = 0; i < old_buckets; ++i) old[i] = TakeStep(tag, i);
    step_length_.Store(0);
    Reset(tag, length, buckets, MultiplySaturating(old_newest, old_length));
    WindowTotals moved[kMaxWindowBuckets];
    for (int64_t step = std::max<int64_t>(old_newest - old_buckets + 1, 0); step <= old_newest;
         ++step) {
      const int64_t into = MultiplySaturating(step, old_length) / step_length_.Load();
      if (into <= NewestStep() - buckets) continue;
      const WindowTotals& from = old[step % old_buckets];
      WindowTotals& to = moved[into % buckets];
      to = InProportion(uint64_t{to.calls} + from.calls, uint64_t{to.failures} + from.failures,
                        uint64_t{to.slow} + from.slow, UINT32_MAX);
    }
    for (uint32_t slot = 0; slot < buckets; ++slot) PourInto(slot, tag, moved[slot]);
  }

  // Whether `now` is in a step that Advance has yet to make room for.
  bool NeedsAdvance(hf_time now) const { return now >= newest_end_.Load(); }

  // False if another thread was first.
  bool Advance(uint16_t tag, hf_time now) {
    const uint32_t buckets = buckets_.Load();
    const int64_t step = now / step_length_.Load();
    const int64_t newest = NewestStep();
    if (step <= newest) return false;
    for (int64_t i = std::max(newest + 1, step - buckets + 1); i <= step; ++i) {
      lanes_->ForEachUsed(
          [&](Word* cells) { Clear(cells, tag, static_cast<uint32_t>(i % buckets)); });
    }
    MoveTo(step);
    return true;
  }

  // False if the window is of another era: nothing was changed.
  bool Record(uint16_t tag, Result result) {
    Word* const cells = lanes_->At(lanes_->Mine());
    const uint32_t slot = slot_.Load();
    if (!Count(cells[slot], tag, result.failed)) return false;
    if (result.slow && slow_buckets_ != 0) AddTagged<Storage>(cells[slow_at_ + slot], tag, 1);
    return true;
  }

  // `totals` more, in the newest step.
  void Pour(uint16_t tag, WindowTotals totals) { PourInto(slot_.Load(), tag, totals); }

  // As of the newest step: what has left the window was cleared.
  WindowTotals Totals() const { return Sum(0); }

  // As of `now`: steps that have left the window since then count no more.
  WindowTotals Totals(hf_time now) const {
    return Sum(std::max<int64_t>(now / step_length_.Load() - NewestStep(), 0));
  }

 private:
  static constexpr int kCountBits = 24;
  static constexpr uint64_t kMaxCount = (1u << kCountBits) - 1;
  static constexpr uint64_t kOneCall = 1u << kCountBits;

  static hf_duration StepLength(hf_duration length, uint32_t buckets) {
    return std::max<hf_duration>(length / buckets, 1);
  }

  void Clear(Word* cells, uint16_t tag, uint32_t slot) {
    cells[slot].Store(EmptyWord(tag));
    if (slow_buckets_ != 0) cells[slow_at_ + slot].Store(EmptyWord(tag));
  }

  // Empties that bucket in every lane.
  WindowTotals TakeStep(uint16_t tag, uint32_t slot) {
    uint64_t calls = 0, failures = 0, slow = 0;
    lanes_->ForEach([&](Word* cells) {
      const uint64_t word = TakeOut(cells[slot], tag);
      calls += word >> kCountBits & kMaxCount;
      failures += word & kMaxCount;
      if (slow_buckets_ != 0) slow += TakeOut(cells[slow_at_ + slot], tag) & kUntagged;
    });
    return InProportion(calls, failures, slow, UINT32_MAX / 2);
  }

  // Into an empty bucket.
  void PourInto(uint32_t slot, uint16_t tag, WindowTotals totals) {
    totals = InProportion(totals.calls, totals.failures, totals.slow, kMaxCount);
    Word* const cells = lanes_->At(lanes_->Mine());
    AddTagged<Storage>(cells[slot], tag, totals.calls * kOneCall + totals.failures);
    if (slow_buckets_ != 0) AddTagged<Storage>(cells[slow_at_ + slot], tag, totals.slow);
  }

  // A full bucket stops counting rather than spill into its neighbour.
  static bool Count(Word& cell, uint16_t tag, bool failed) {
    uint64_t word = cell.Load();
    for (bool contended = false;; contended = true) {
      if (TagOf(word) != tag) return false;
      if ((word >> kCountBits & kMaxCount) == kMaxCount) return true;
      if (cell.CompareExchange(word, word + kOneCall + (failed ? 1 : 0))) {
        if (contended) Storage::MoveLane();
        return true;
      }
    }
  }

  int64_t NewestStep() const {
    const int64_t length = step_length_.Load();
    return length == 0 ? 0 : (newest_end_.Load() - 1) / length;
  }

  void MoveTo(int64_t step) {
    slot_.Store(static_cast<uint32_t>(step % buckets_.Load()));
    newest_end_.Store(MultiplySaturating(step + 1, step_length_.Load()));
  }

  // Leaves out the `missed` oldest steps.
  WindowTotals Sum(int64_t missed) const {
    const int64_t buckets = buckets_.Load();
    const auto slots = static_cast<uint32_t>(std::max<int64_t>(buckets - missed, 0));
    const uint32_t newest = slot_.Load();
    uint64_t calls = 0, failures = 0, slow = 0;
    lanes_->ForEachUsed([&](const Word* cells) {
      uint32_t slot = newest;
      for (uint32_t i = 0; i < slots; ++i) {
        const uint64_t word = cells[slot].Load();
        calls += word >> kCountBits & kMaxCount;
        failures += word & kMaxCount;
        if (slow_buckets_ != 0) slow += cells[slow_at_ + slot].Load() & kUntagged;
        slot = slot == 0 ? static_cast<uint32_t>(buckets - 1) : slot - 1;
      }
    });
    return InProportion(calls, failures, slow, UINT32_MAX / 2);
  }

  const Near<LaneSet<Storage>> lanes_;
  const uint16_t slow_at_;
  const uint16_t slow_buckets_;
  typename Storage::template Cell<uint32_t> buckets_;
  typename Storage::template Cell<uint32_t> slot_;  // of the newest step
  typename Storage::template Cell<hf_time> newest_end_;
  typename Storage::template Cell<hf_duration> step_length_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WINDOW_TIME_H_
