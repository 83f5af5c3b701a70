// SPDX-License-Identifier: Apache-2.0
// Averages that forget.
//
//   ExpAverage   the mean of the first `warmup` values, from then on exponential, 2 / (window + 1) of each
//   Median5      the median of the last five values: one outlier does not show
//
// Invariant: both lie between the least and the greatest value they were given.
#ifndef HOLDFAST_ENGINE_AVERAGES_H_
#define HOLDFAST_ENGINE_AVERAGES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast::engine {

inline constexpr uint32_t kWarmup = 10;

class ExpAverage {
 public:
  double Add(double value, uint32_t window) {
    if (count_ < kWarmup) {
      ++count_;
      value_ += (value - value_) / count_;
    } else {
      value_ += (value - value_) * 2 / (window + 1.0);
    }
    return value_;
  }

  // Makes the average smaller without a value.
  void Scale(double factor) { value_ *= factor; }

  bool empty() const { return count_ == 0; }
  double value() const { return value_; }

 private:
  double value_ = 0;
  uint32_t count_ = 0;
};

class Median5 {
 public:
  double Add(double value) {
    ring_[added_ % kSize] = value;
    ++added_;
    std::array<double, kSize> values = ring_;
    const size_t held = std::min<size_t>(added_, kSize);
    const auto middle = values.begin() + held / 2;
    std::nth_element(values.begin(), middle, values.begin() + held);
    return *middle;
  }

 private:
  static constexpr size_t kSize = 5;
  std::array<double, kSize> ring_{};
  size_t added_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_AVERAGES_H_
