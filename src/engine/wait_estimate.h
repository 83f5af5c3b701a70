// SPDX-License-Identifier: Apache-2.0
// How long a call will take, and how long one will wait for its turn: from what calls took lately.
//
//   sample 1..8    the plain mean of them
//   from the 9th   mean + (sample - mean) / 8, so about the last 8 to 20 calls speak
//   deviation      the same mean of |sample - mean before it|, from the 2nd on
//
// Before the 8th sample it knows nothing, and says so with 0. Who is n-th in line for `limit` places
// waits n / limit calls. Few calls take longer than the mean and two deviations (Tail): of calls that are all
// alike none, of exponential ones 1 in 12. That much is asked of who has to wait, for in an overload all of
// those have just enough left, and with the mean every third would be late. Who can enter at once takes
// nobody's turn, and is asked for the mean.
// Invariants: the mean lies within the samples it was made of, each cut to 0..3 days.
// Memory: two cells, {mean, number of samples} and the deviation, which need not be of the same instant.
// Locking: none, one compare-and-exchange each.
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
    const int64_t off = sample - Mean(before);
    if (Samples(before) != 0) Deviate(std::max(off, -off), Samples(after));
  }

  // 0: not known yet. A call that takes no time reads as 1 ns.
  hf_duration Latency() const {
    const uint64_t cell = cell_.Load();
    return Samples(cell) < kWarmUp ? 0 : std::max<hf_duration>(Mean(cell), 1);
  }

  // What few calls exceed. Needs a known latency.
  hf_duration Tail() const { return Latency() + 2 * deviation_.Load(); }

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

  void Deviate(int64_t error, int64_t samples) {
    int64_t before = deviation_.Load();
    while (!deviation_.CompareExchange(before, before + (error - before) / samples)) {
    }
  }

  typename Storage::template Cell<uint64_t> cell_;
  typename Storage::template Cell<int64_t> deviation_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WAIT_ESTIMATE_H_
