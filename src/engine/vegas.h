// SPDX-License-Identifier: Apache-2.0
// Vegas: keeps a short queue, as far as the least rtt ever seen tells what a queue is.
//
//   window                                   baseline     next
//   drops                                    same         limit - lg
//   a probe is due, and not saturated        rtt          limit
//   rtt < baseline, or no baseline           rtt          limit
//   2 * in_flight < limit                    same         limit
//   queue <= lg, < 3lg, <= 6lg, > 6lg        same         limit + 6lg, + lg, same, - lg
//
// A probe is due every 0.5..1 (drawn anew each time) * probe_multiplier * limit windows, since the
// dependency may have become slower for good. Where it takes place under load it makes the queue part of
// the baseline, and the limit grows without end (Netflix concurrency-limits #165): so it waits until the
// guard says that load still brings throughput.
// Source: Brakmo and Peterson, "TCP Vegas", 1995, in the form of Netflix concurrency-limits.
#ifndef HOLDFAST_ENGINE_VEGAS_H_
#define HOLDFAST_ENGINE_VEGAS_H_

#include <cstdint>

#include "engine/adaptive_policy.h"
#include "engine/rng.h"
#include "engine/rtt_window.h"

namespace holdfast::engine {

class Vegas {
 public:
  static double OnDrops(double limit) { return limit - LogStep(limit); }

  double Next(const AdaptivePolicy& policy, double limit, const RttWindow& window, bool saturated) {
    const double rtt = window.MeanRtt();
    if (ProbeIsDue(policy, limit, window.end) && !saturated) {
      since_probe_ = 0;
      baseline_ = rtt;
      return limit;
    }
    if (baseline_ == 0 || rtt < baseline_) {
      baseline_ = rtt;
      return limit;
    }
    if (2.0 * window.in_flight < limit) return limit;
    const double step = LogStep(limit);
    const double queue = QueueOf(limit, baseline_, rtt);
    if (queue <= step) return limit + 6 * step;
    if (queue < 3 * step) return limit + step;
    return queue > 6 * step ? limit - step : limit;
  }

  double baseline() const { return baseline_; }

 private:
  // Which windows end when differs from process to process, and so does what is drawn from it.
  bool ProbeIsDue(const AdaptivePolicy& policy, double limit, hf_time now) {
    if (since_probe_ == 0) {
      jitter_ = 0.5 + Rng(static_cast<uint64_t>(now), kStream).NextDouble() / 2;
    }
    ++since_probe_;
    return static_cast<double>(since_probe_) >= jitter_ * policy.probe_multiplier * limit;
  }

  static constexpr uint64_t kStream = 0x7665676173;

  double baseline_ = 0;
  double jitter_ = 0;
  uint64_t since_probe_ = 0;  // windows
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_VEGAS_H_
