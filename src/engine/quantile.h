// SPDX-License-Identifier: Apache-2.0
// Quantiles of recent latencies in fixed memory: a histogram on a logarithmic scale, in two windows that
// take turns.
//
//   bucket 0        below 1.024 us
//   bucket 1 + i    sixteen to an octave, up to 73 min, where the last one takes all that is longer
//
//   event                              windows
//   Record                             current[bucket] + 1
//   now >= the end of the current      the older one is emptied and becomes current
//   ... and of the one after it, too   both are emptied
//
// Quantile q of n latencies is the one of rank ceil(q * n), rounded up to the end of its bucket: never too
// low, and too high by a sixteenth at most. So what is timed by it happens to no more than 1 - q of all.
//
// Invariants: a bucket's end is in that bucket, so that a recorded quantile does not creep upwards. What
//   counts is one to two windows old. Time never runs backwards.
// Locking: Record is two additions. Rotate, Estimate and Restart: under the owner's lock. An addition
//   that meets a rotation may be lost or stay; the others are exact.
// Memory: 4.2 KiB, no heap.
#ifndef HOLDFAST_ENGINE_QUANTILE_H_
#define HOLDFAST_ENGINE_QUANTILE_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/duration.h"

namespace holdfast::engine {

inline constexpr int kFirstOctave = 10;  // 2^10 ns
inline constexpr int kOctaves = 32;
inline constexpr int kStepBits = 4;
inline constexpr uint32_t kStepsPerOctave = 1u << kStepBits;
inline constexpr uint32_t kLatencyBuckets = 1 + kOctaves * kStepsPerOctave;

// Millionths, so that ranks are exact.
using Quantile = uint32_t;
inline constexpr uint64_t kWholeQuantile = 1'000'000;

constexpr uint32_t LatencyBucket(hf_duration latency) {
  if (latency < hf_duration{1} << kFirstOctave) return 0;
  const uint64_t value = static_cast<uint64_t>(latency);
  const int octave = std::bit_width(value) - 1;
  const uint32_t step = static_cast<uint32_t>(value >> (octave - kStepBits)) % kStepsPerOctave;
  const uint32_t bucket = 1 + static_cast<uint32_t>(octave - kFirstOctave) * kStepsPerOctave + step;
  return std::min(bucket, kLatencyBuckets - 1);
}

// The longest latency of a bucket.
constexpr hf_duration LatencyBucketEnd(uint32_t bucket) {
  if (bucket == 0) return (hf_duration{1} << kFirstOctave) - 1;
  const uint32_t octave = kFirstOctave + (bucket - 1) / kStepsPerOctave;
  const hf_duration next_step = (bucket - 1) % kStepsPerOctave + 1;
  return (hf_duration{1} << octave) + (next_step << (octave - kStepBits)) - 1;
}

// What is known of the latencies at one moment.
struct LatencyEstimate {
  uint64_t samples = 0;
  hf_duration quantile = 0;  // 0: no samples
  hf_duration median = 0;
};

template <typename Storage>
class LatencyWindows {
 public:
  // Returns how many were recorded before it, ever.
  uint64_t Record(hf_duration latency) {
    windows_[current_.Load()][LatencyBucket(latency)].Add(1);
    return recorded_.Add(1);
  }

  // True if Rotate is due.
  bool IsOver(hf_time now) const { return now >= end_.Load(); }

  // Under the lock.
  void Rotate(hf_time now, hf_duration window) {
    const hf_time end = end_.Load();
    if (now < end) return;  // another thread was first
    const bool both = now - end >= window;
    const uint32_t older = 1 - current_.Load();
    Empty(older);
    if (both) Empty(1 - older);
    current_.Store(older);
    const uint64_t recorded = recorded_.Load();
    previous_base_ = both ? recorded : current_base_;
    current_base_ = recorded;
    end_.Store(AddSaturating(both ? now : end, window));
  }

  // Under the lock: a window shorter than what is left of the current one ends sooner.
  void EndBy(hf_time end) { end_.Store(std::min(end_.Load(), end)); }

  // Under the lock. As of `now`: what has left the windows since then counts no more.
  LatencyEstimate Estimate(Quantile quantile, hf_time now, hf_duration window) const {
    const hf_time end = end_.Load();
    if (now >= end && now - end >= window) return {};
    const uint32_t current = current_.Load();
    return Scan(windows_[current], now < end ? &windows_[1 - current] : nullptr, quantile);
  }

  // Under the lock: how many were ever recorded when the older window began.
  uint64_t Base() const { return previous_base_; }

 private:
  using Window = std::array<typename Storage::template Cell<uint32_t>, kLatencyBuckets>;

  void Empty(uint32_t window) {
    for (auto& bucket : windows_[window]) bucket.Store(0);
  }

  static LatencyEstimate Scan(const Window& first, const Window* second, Quantile quantile) {
    std::array<uint32_t, kLatencyBuckets> counts;
    LatencyEstimate estimate;
    for (uint32_t i = 0; i < kLatencyBuckets; ++i) {
      counts[i] = first[i].Load() + (second == nullptr ? 0 : (*second)[i].Load());
      estimate.samples += counts[i];
    }
    if (estimate.samples == 0) return estimate;
    estimate.quantile = EndOfRank(counts, Rank(estimate.samples, quantile));
    estimate.median = EndOfRank(counts, Rank(estimate.samples, kWholeQuantile / 2));
    return estimate;
  }

  static uint64_t Rank(uint64_t samples, uint64_t quantile) {
    return (samples * quantile + kWholeQuantile - 1) / kWholeQuantile;
  }

  static hf_duration EndOfRank(const std::array<uint32_t, kLatencyBuckets>& counts, uint64_t rank) {
    uint32_t bucket = 0;
    for (uint64_t below = counts[0]; below < rank; below += counts[bucket]) ++bucket;
    return LatencyBucketEnd(bucket);
  }

  // Read by every call, and so away from what every call writes.
  alignas(64)
      typename Storage::template Cell<hf_time> end_;  // of the current one; 0: nothing began
  typename Storage::template Cell<uint32_t> current_;
  uint64_t previous_base_ = 0;  // recorded when the older window began
  uint64_t current_base_ = 0;   // recorded when the current one began
  alignas(64) typename Storage::template Cell<uint64_t> recorded_;
  std::array<Window, 2> windows_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_QUANTILE_H_
