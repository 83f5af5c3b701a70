// SPDX-License-Identifier: Apache-2.0
// Whether more load still brings more throughput, by the windows of the recent past.
//
// Each window is a point (ln in_flight, ln throughput); the slope of the line through the points is the
// elasticity: 1 where the dependency has room, 0 where more load only waits longer. A correlation alone
// would be blind to the size of the effect, and noise alone can make it negative.
//
//   points                              verdict
//   fewer than kFewest                  UNKNOWN
//   all at one in_flight (within 1 %)   BLIND if the memory is full, else UNKNOWN
//   slope + 2 standard errors < 0.5     SATURATED
//   else                                GROWING
// Where two standard errors alone are 0.5 or more, the whole ring is asked instead of the newest points.
//
// Little's law (in_flight = throughput * rtt) makes the elasticity of the rtt 1 less that of the throughput,
// so the rtt needs no regression of its own.
// Invariant: SATURATED is never said of points that lie on a line of slope 0.5 or more.
// Memory: 1 KiB. Locking: the owner's.
#ifndef HOLDFAST_ENGINE_CORRELATION_H_
#define HOLDFAST_ENGINE_CORRELATION_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace holdfast::engine {

enum class Pace { kUnknown, kGrowing, kSaturated, kBlind };

class Correlation {
 public:
  static constexpr uint32_t kFewest = 10;
  static constexpr uint32_t kMost = 64;

  // in_flight and throughput above 0.
  void Add(double in_flight, double throughput) {
    ring_[added_ % kMost] = {std::log(in_flight), std::log(throughput)};
    ++added_;
  }

  // By the newest `memory` points, kFewest..kMost; by all if those are too noisy to tell.
  Pace Judge(uint32_t memory) const {
    const uint32_t held = static_cast<uint32_t>(std::min<uint64_t>(added_, kMost));
    const uint32_t count = std::min(held, memory);
    if (count < kFewest) return Pace::kUnknown;
    const Line newest = Fit(count);
    if (newest.flat) return count == memory ? Pace::kBlind : Pace::kUnknown;
    const Line line = newest.Tells() ? newest : Fit(held);
    return line.slope + 2 * line.error < kEnough ? Pace::kSaturated : Pace::kGrowing;
  }

 private:
  static constexpr double kEnough = 0.5;
  static constexpr double kLeastVariance = 0.01 * 0.01;
  struct Point {
    double load;
    double pace;
  };
  struct Line {
    bool flat;  // all points at one load: there is no slope
    double slope;
    double error;  // standard error of the slope
    // Whether a slope of 0 could be told from enough.
    bool Tells() const { return 2 * error < kEnough; }
  };

  // Least squares through the newest `count` points.
  Line Fit(uint32_t count) const {
    Point mean{0, 0};
    for (uint32_t i = 1; i <= count; ++i) {
      mean.load += Newest(i).load / count;
      mean.pace += Newest(i).pace / count;
    }
    double loads = 0, paces = 0, both = 0;
    for (uint32_t i = 1; i <= count; ++i) {
      const double load = Newest(i).load - mean.load;
      const double pace = Newest(i).pace - mean.pace;
      loads += load * load;
      paces += pace * pace;
      both += load * pace;
    }
    if (loads < count * kLeastVariance) return {true, 0, 0};
    const double slope = both / loads;
    const double scatter = std::max(0.0, paces - slope * both);
    return {false, slope, std::sqrt(scatter / ((count - 2) * loads))};
  }

  const Point& Newest(uint32_t back) const { return ring_[(added_ - back) % kMost]; }

  std::array<Point, kMost> ring_{};
  uint64_t added_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CORRELATION_H_
