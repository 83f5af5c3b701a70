// SPDX-License-Identifier: Apache-2.0
// Whether more load still brings more throughput, by the windows of the recent past.
//
// Each window is a point (ln in_flight, ln throughput, ln rtt). The slopes of the lines through the points
// are elasticities: throughput 1 and rtt 0 where the dependency has room, throughput 0 and rtt 1 where more
// load only waits longer. A correlation alone would be blind to the size of the effect, and noise alone can
// make it negative. Throughput alone would be misled where in_flight is the peak of a burst that a limit
// cuts off: then it rises little with in_flight, although nothing waits; but the rtt does not rise either.
//
//   points                                                       verdict
//   fewer than kFewest                                           UNKNOWN
//   the whole ring at one in_flight (within 1 %)                 BLIND if the memory is full, else UNKNOWN
//   throughput slope + 2 errors < 0.5, rtt slope - 2 errors > 0.25   SATURATED
//   else                                                         GROWING
// Where the newest points are at one in_flight, or two standard errors of the throughput's slope alone are 0.5
// or more, the whole ring is asked instead.
//
// Invariant: SATURATED is never said of points that lie on a line of throughput slope 0.5 or more, nor where
// the rtt stands.
// Memory: 1.5 KiB. Locking: the owner's.
#ifndef HOLDFAST_ENGINE_CORRELATION_H_
#define HOLDFAST_ENGINE_CORRELATION_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace holdfast::engine {

enum class Saturation { kUnknown, kGrowing, kSaturated, kBlind };

class Correlation {
 public:
  static constexpr uint32_t kFewest = 10;
  static constexpr uint32_t kMost = 64;

  // All above 0, in any unit.
  void Add(double in_flight, double throughput, double rtt) {
    ring_[added_ % kMost] = {std::log(in_flight), std::log(throughput), std::log(rtt)};
    ++added_;
  }

  // By the newest `memory` points, kFewest..kMost; by all if those are too noisy to tell.
  Saturation Judge(uint32_t memory) const {
    const uint32_t held = static_cast<uint32_t>(std::min<uint64_t>(added_, kMost));
    const uint32_t count = std::min(held, memory);
    if (count < kFewest) return Saturation::kUnknown;
    const Fit newest = FitTo(count);
    const bool tells = !newest.flat && 2 * newest.pace.error < kEnough;
    const Fit fit = tells ? newest : FitTo(held);
    if (fit.flat) return count == memory ? Saturation::kBlind : Saturation::kUnknown;
    const bool flat_pace = fit.pace.slope + 2 * fit.pace.error < kEnough;
    const bool steep_rtt = fit.rtt.slope - 2 * fit.rtt.error > kWaiting;
    return flat_pace && steep_rtt ? Saturation::kSaturated : Saturation::kGrowing;
  }

 private:
  static constexpr double kEnough = 0.5;
  static constexpr double kWaiting = 0.25;
  static constexpr double kLeastVariance = 0.01 * 0.01;
  struct Point {
    double load;
    double pace;
    double rtt;
  };
  struct Line {
    double slope;
    double error;  // standard error of the slope
  };
  struct Fit {
    bool flat;  // all points at one load: there is no slope
    Line pace;
    Line rtt;
  };

  // Least squares through the newest `count` points.
  Fit FitTo(uint32_t count) const {
    Point mean{0, 0, 0};
    for (uint32_t i = 1; i <= count; ++i) {
      mean.load += Newest(i).load / count;
      mean.pace += Newest(i).pace / count;
      mean.rtt += Newest(i).rtt / count;
    }
    double loads = 0, paces = 0, rtts = 0, load_pace = 0, load_rtt = 0;
    for (uint32_t i = 1; i <= count; ++i) {
      const double load = Newest(i).load - mean.load;
      const double pace = Newest(i).pace - mean.pace;
      const double rtt = Newest(i).rtt - mean.rtt;
      loads += load * load;
      paces += pace * pace;
      rtts += rtt * rtt;
      load_pace += load * pace;
      load_rtt += load * rtt;
    }
    if (loads < count * kLeastVariance) return {true, {0, 0}, {0, 0}};
    return {false, LineOf(loads, load_pace, paces, count), LineOf(loads, load_rtt, rtts, count)};
  }

  // By the sums of squares and of products about the means.
  static Line LineOf(double xx, double xy, double yy, uint32_t count) {
    const double slope = xy / xx;
    const double scatter = std::max(0.0, yy - slope * xy);
    return {slope, std::sqrt(scatter / ((count - 2) * xx))};
  }

  const Point& Newest(uint32_t back) const { return ring_[(added_ - back) % kMost]; }

  std::array<Point, kMost> ring_{};
  uint64_t added_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CORRELATION_H_
