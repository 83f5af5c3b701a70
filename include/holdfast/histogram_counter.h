// SPDX-License-Identifier: Apache-2.0
// HistogramCounter: how often it was how much, counted by any thread without a lock.
#ifndef HOLDFAST_HISTOGRAM_COUNTER_H_
#define HOLDFAST_HISTOGRAM_COUNTER_H_

#include <holdfast/metrics_series.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast::inline v0_5 {

// kBounds: a constexpr std::array<double, n>, rising.
template <const auto& kBounds>
class HistogramCounter {
 public:
  // Not negative, finite.
  void Add(double value) {
    const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin();
    counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  // Each figure is right for some moment of the call.
  MetricHistogram Seen() const {
    MetricHistogram seen;
    seen.bounds.assign(kBounds.begin(), kBounds.end());
    for (const auto& count : counts_) seen.counts.push_back(count.load(std::memory_order_relaxed));
    seen.sum = sum_.load(std::memory_order_relaxed);
    return seen;
  }

 private:
  // Relaxed: the counts guard no other memory.
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<double> sum_{0};
};

// Seconds, from what memory takes to what a store takes that is about to be given up.
inline constexpr std::array<double, 16> kLatencyBounds = {
    0.00001, 0.000025, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
    0.01,    0.025,    0.05,   0.1,     0.25,   0.5,   1,      5};

inline constexpr std::array<double, 7> kShareBounds = {0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_HISTOGRAM_COUNTER_H_
