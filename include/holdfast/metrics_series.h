// SPDX-License-Identifier: Apache-2.0
// What figures are made of: families, labels, values, and what one object says of itself.
#ifndef HOLDFAST_METRICS_SERIES_H_
#define HOLDFAST_METRICS_SERIES_H_

#include <holdfast/status.h>

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::inline v0_5 {

enum class MetricKind {
  kGauge,      // what is now
  kCounter,    // what has ever been; its series end in _total
  kHistogram,  // how often it was how much; its series end in _bucket, _sum and _count
};

// What a histogram has seen so far.
struct MetricHistogram {
  std::vector<double> bounds;    // the highest value of each bucket, finite and rising
  std::vector<uint64_t> counts;  // in each bucket alone, and one more: above all bounds
  double sum = 0;                // of the values

  uint64_t count() const {
    uint64_t all = 0;
    for (const uint64_t each : counts) all += each;
    return all;
  }

  bool sound() const {
    if (counts.size() != bounds.size() + 1 || !std::isfinite(sum)) return false;
    for (size_t i = 0; i < bounds.size(); ++i) {
      if (!std::isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) return false;
    }
    return true;
  }

  friend bool operator==(const MetricHistogram&, const MetricHistogram&) = default;
};

// What one figure is called, everywhere. The name has no prefix and no _total; a unit is its last word
// and a base unit: _seconds, _bytes.
struct MetricFamily {
  std::string_view name;
  MetricKind kind;
  std::string_view help;
};

struct MetricLabel {
  std::string name;
  std::string value;
};

// An exact integer, a real number, or a histogram. A scraper keeps 53 bits of a number.
class MetricValue {
 public:
  using Number = std::variant<uint64_t, int64_t, double, MetricHistogram>;

  template <std::unsigned_integral T>  // bool among them
  MetricValue(T value) : number_(static_cast<uint64_t>(value)) {}
  template <std::signed_integral T>
  MetricValue(T value) : number_(static_cast<int64_t>(value)) {}
  MetricValue(double value) : number_(value) {}
  // In seconds; Duration::max() is infinite.
  template <typename Rep, typename Period>
  MetricValue(std::chrono::duration<Rep, Period> value) : number_(Seconds(value)) {}

  MetricValue(MetricHistogram value) : number_(std::move(value)) {}

  // Of a histogram: the sum of what it has seen.
  double real() const {
    if (const MetricHistogram* is = histogram()) return is->sum;
    return std::visit(
        [](const auto& number) {
          if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(number)>>) {
            return static_cast<double>(number);
          }
          return 0.0;
        },
        number_);
  }
  const Number& number() const { return number_; }
  // Null if it is a number.
  const MetricHistogram* histogram() const { return std::get_if<MetricHistogram>(&number_); }

 private:
  static double Seconds(Duration value) {
    constexpr double kNanosPerSecond = 1e9;
    if (value == Duration::max()) return std::numeric_limits<double>::infinity();
    return static_cast<double>(value.count()) / kNanosPerSecond;
  }

  Number number_;
};

struct MetricSeries {
  std::vector<MetricLabel> labels;
  MetricValue value;
};

// A family as it is on a page.
struct CollectedFamily {
  std::string name;  // with the prefix, without _total
  MetricKind kind;
  std::string help;
  std::vector<MetricSeries> series;

  // What its series are called; of a histogram, without the ending that each has.
  std::string sample_name() const { return kind == MetricKind::kCounter ? name + "_total" : name; }
};

// What one object says of itself: handed to Collect (metrics.h).
class ObjectMetrics {
 public:
  // `labels` come besides the object's name and the page's own.
  void Set(const MetricFamily& family, MetricValue value, std::vector<MetricLabel> labels = {}) {
    said_.push_back({family, std::move(labels), value});
  }

 private:
  friend class MetricsPage;
  struct Said {
    MetricFamily family;
    std::vector<MetricLabel> labels;
    MetricValue value;
  };
  std::vector<Said> said_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METRICS_SERIES_H_
