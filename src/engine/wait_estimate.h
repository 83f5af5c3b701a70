// SPDX-License-Identifier: Apache-2.0
// How long a call will take, and how long one will wait for its turn: from what calls took lately.
//
//   sample 1..8    the plain mean of them
//   from the 9th   mean + (sample - mean) / 8, so about the last 8 to 20 calls speak
//
// Before the 8th sample it knows nothing, and says so with 0. Who is n-th in line for `limit` places
// waits n / limit calls.
// Invariants: the mean lies within the samples it was made of, each cut to 0..3 days.
// Memory: one cell, {mean, number of samples}. Locking: none, one compare-and-exchange.
#ifndef HOLDFAST_ENGINE_WAIT_ESTIMATE_H_
#define HOLDFAST_ENGINE_WAIT_ESTIMATE_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

#include "engine/duration.h"

namespace holdfast::engine {

template <typename Storage>
class WaitEstimate {
 public:
  static constexpr int64_t kWarmUp = 8;

  void Record(hf_duration latency) {
    const int64_t sample = std::clamp<int64_t>(latency, 0, kLongest);
    uint64_t before = cell_.Load();
    uint64_t after = With(before, sample);
    while (!cell_.CompareExchange(before, after)) after = With(before, sample);
  }

  // 0: not known yet. A call that takes no time reads as 1 ns.
  hf_duration Latency() const {
    const uint64_t cell = cell_.Load();
    return Samples(cell) < kWarmUp ? 0 : std::max<hf_duration>(Mean(cell), 1);
  }

  // Until the one who is `place`-th in line (1: next) for `limit` places is let in.
  static hf_duration Wait(hf_duration latency, uint32_t place, uint32_t limit) {
    const int64_t whole = MultiplySaturating(latency / limit, place);
    return AddSaturating(whole, MultiplySaturating(latency % limit, place) / limit);
  }

 private:
  static constexpr int kSampleBits = 4;
  static constexpr int64_t kLongest = 3 * 24 * 3600 * HF_S;

  static int64_t Samples(uint64_t cell) {
    return static_cast<int64_t>(cell & ((1u << kSampleBits) - 1));
  }
  static int64_t Mean(uint64_t cell) { return static_cast<int64_t>(cell >> kSampleBits); }

  static uint64_t With(uint64_t cell, int64_t sample) {
    const int64_t samples = std::min(Samples(cell) + 1, kWarmUp);
    const int64_t mean = Mean(cell) + (sample - Mean(cell)) / samples;
    return static_cast<uint64_t>(mean) << kSampleBits | static_cast<uint64_t>(samples);
  }

  typename Storage::template Cell<uint64_t> cell_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WAIT_ESTIMATE_H_
