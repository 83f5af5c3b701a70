// SPDX-License-Identifier: Apache-2.0
// What the calls of one window showed, and where many threads gather it.
//
//   RttWindow     the summary that an adaptive limit judges
//   RttGatherer   per-thread shards of running sums; a window is the difference of two readings
//
// A reading may fall between the additions of a sample: its time is then in one window and its count in the
// next. Only the two extremes are cleared, and one that comes at that very moment may go with the old window.
// Invariant: the windows' counts add up to all that was added.
// Locking: Add is two additions and, for a new extreme, a compare-and-exchange. Take: one thread at a time.
// Memory: 1 KiB.
#ifndef HOLDFAST_ENGINE_RTT_WINDOW_H_
#define HOLDFAST_ENGINE_RTT_WINDOW_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/shards.h"

namespace holdfast::engine {

// Longer calls count as this long: a sum of five million of them still fits.
inline constexpr hf_duration kLongestRtt = 3600 * HF_S;

struct RttWindow {
  uint64_t samples = 0;  // answered
  uint64_t drops = 0;
  uint64_t rtt_sum = 0;     // of the answered, ns
  hf_duration rtt_min = 0;  // of the answered; HF_INFINITE if none was
  uint32_t in_flight = 0;   // the highest
  hf_time end = 0;          // when it was closed
  hf_duration length = 0;   // how long it was open
  bool tells_pace = false;  // length was as planned, so samples / length is a throughput

  uint64_t Total() const { return samples + drops; }
  bool TellsRtt() const { return samples > 0 && rtt_sum > 0; }
  double MeanRtt() const { return static_cast<double>(rtt_sum) / static_cast<double>(samples); }
  double Throughput() const { return static_cast<double>(samples) / static_cast<double>(length); }
};

template <typename Storage>
class RttGatherer {
 public:
  void Add(uint32_t shard, hf_duration rtt, uint32_t in_flight, bool dropped) {
    Shard& mine = shards_[shard % kShards];
    Raise(mine.in_flight, in_flight);
    if (dropped) {
      mine.counts.Add(kOneDrop);
      return;
    }
    const hf_duration counted = std::min(rtt, kLongestRtt);
    mine.rtt_sum.Add(static_cast<uint64_t>(counted));
    mine.counts.Add(1);
    hf_duration least = mine.rtt_min.Load();
    while (counted < least && !mine.rtt_min.CompareExchange(least, counted)) {
    }
  }

  // How many came since the last Take, drops included.
  uint64_t Waiting() const {
    uint64_t total = 0;
    for (const Shard& shard : shards_) {
      const uint64_t counts = shard.counts.Load() - shard.counts_taken;
      total += static_cast<uint32_t>(counts) + (counts >> 32);
    }
    return total;
  }

  // What came since the last Take; end, length and tells_pace are the caller's to say.
  RttWindow Take() {
    RttWindow window;
    window.rtt_min = HF_INFINITE;
    for (Shard& shard : shards_) {
      const uint64_t counts = shard.counts.Load();
      const uint64_t rtt_sum = shard.rtt_sum.Load();
      window.samples += static_cast<uint32_t>(counts - shard.counts_taken);
      window.drops += (counts - shard.counts_taken) >> 32;
      window.rtt_sum += rtt_sum - shard.rtt_sum_taken;
      window.rtt_min = std::min(window.rtt_min, shard.rtt_min.Load());
      window.in_flight = std::max(window.in_flight, shard.in_flight.Load());
      shard.counts_taken = counts;
      shard.rtt_sum_taken = rtt_sum;
      shard.rtt_min.Store(HF_INFINITE);
      shard.in_flight.Store(0);
    }
    // Samples whose time went with the window before: no mean is below the least.
    if (window.samples > 0 && window.rtt_min != HF_INFINITE) {
      const uint64_t least = static_cast<uint64_t>(window.rtt_min) * window.samples;
      window.rtt_sum = std::max(window.rtt_sum, least);
    }
    return window;
  }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;
  static constexpr uint64_t kOneDrop = uint64_t{1} << 32;

  // One thread's, as long as there are no more than kShards of them.
  struct alignas(kCacheLine) Shard {
    Cell<uint64_t>
        counts;  // drops | answered; the difference of two readings is exact below 2^32 each
    Cell<uint64_t> rtt_sum;
    Cell<hf_duration> rtt_min{HF_INFINITE};
    Cell<uint32_t> in_flight;
    uint64_t counts_taken = 0;
    uint64_t rtt_sum_taken = 0;
  };

  static void Raise(Cell<uint32_t>& cell, uint32_t value) {
    uint32_t highest = cell.Load();
    while (highest < value && !cell.CompareExchange(highest, value)) {
    }
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_RTT_WINDOW_H_
