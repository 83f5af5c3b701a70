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

  // By the newest `memory` points, kFewest..kMost.
  Pace Judge(uint32_t memory) const {
    const uint32_t count = static_cast<uint32_t>(std::min<uint64_t>(added_, memory));
    if (count < kFewest) return Pace::kUnknown;
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
    if (loads < count * kLeastVariance) return count == memory ? Pace::kBlind : Pace::kUnknown;
    const double slope = both / loads;
    const double scatter = std::max(0.0, paces - slope * both);
    const double error = std::sqrt(scatter / ((count - 2) * loads));
    return slope + 2 * error < 0.5 ? Pace::kSaturated : Pace::kGrowing;
  }

 private:
  static constexpr double kLeastVariance = 0.01 * 0.01;
  struct Point {
    double load;
    double pace;
  };

  const Point& Newest(uint32_t back) const { return ring_[(added_ - back) % kMost]; }

  std::array<Point, kMost> ring_{};
  uint64_t added_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CORRELATION_H_
