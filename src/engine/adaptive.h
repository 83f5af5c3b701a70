// SPDX-License-Identifier: Apache-2.0
// The adaptive limit: one of four algorithms, and the guard that holds each of them.
//
//   window                                         next limit
//   drops > drop_rate of all                       smoothed(what the algorithm makes of drops)
//   none answered, and no such drops               same
//   else                                           smoothed(what the algorithm makes of it)
//   ... and full, and more load brought nothing    at most limit - max(lg, limit / 20)
//   ... and full, at the maximum, all long alike   likewise: a step down, to see
//
// smoothed(next) = limit + smoothing * (next - limit). Full: in_flight reached the limit. The guard goes by the
// windows before this one, so that from one state a slower window never leads to a higher limit.
// Invariants: min_limit <= limit <= max_limit. A window with drops never raises it. A window that the guard
//   objects to lowers it, down to min_limit, and raises no baseline.
// The state machine is plain; AdaptiveSampler (adaptive_sampler.h) feeds it from many threads.
// Memory: 2 KiB, no heap.
#ifndef HOLDFAST_ENGINE_ADAPTIVE_H_
#define HOLDFAST_ENGINE_ADAPTIVE_H_

#include <algorithm>
#include <cstdint>

#include "engine/adaptive_policy.h"
#include "engine/aimd.h"
#include "engine/correlation.h"
#include "engine/gradient2.h"
#include "engine/rtt_window.h"
#include "engine/trend.h"
#include "engine/vegas.h"

namespace holdfast::engine {

class AdaptiveLimit {
 public:
  explicit AdaptiveLimit(const AdaptivePolicy& policy)
      : policy_(policy), limit_(policy.initial_limit) {}

  // The limit from now on.
  uint32_t OnWindow(const RttWindow& window) {
    pace_ = correlation_.Judge(policy_.guard_windows);
    const bool objects = policy_.guarded && window.in_flight >= Limit() &&
                         (pace_ == Saturation::kSaturated || LooksDown());
    double next = limit_ + policy_.smoothing * (Next(window, objects) - limit_);
    if (objects) {
      next = std::min(next, limit_ - std::max(LogStep(limit_), limit_ / 20));
      ++guarded_;
    }
    if (window.tells_pace && window.TellsRtt() && window.in_flight > 0) {
      correlation_.Add(window.in_flight, window.Throughput(), window.MeanRtt());
    }
    limit_ = Bounded(next);
    return Limit();
  }

  // Keeps the limit; another algorithm starts without a baseline.
  void Update(const AdaptivePolicy& policy) {
    if (policy.algorithm != policy_.algorithm) {
      vegas_ = Vegas();
      gradient2_ = Gradient2();
      trend_ = Trend();
    }
    policy_ = policy;
    limit_ = Bounded(limit_);
  }

  uint32_t Limit() const { return static_cast<uint32_t>(limit_); }
  double ExactLimit() const { return limit_; }
  Saturation pace() const { return pace_; }
  // Windows in which the guard took the limit down.
  uint64_t guarded() const { return guarded_; }
  const AdaptivePolicy& policy() const { return policy_; }

  // What counts as an rtt without a queue, ns; 0 if there is no such thing yet.
  double Baseline() const {
    switch (policy_.algorithm) {
      case HF_ADAPTIVE_GRADIENT2:
        return gradient2_.baseline();
      case HF_ADAPTIVE_VEGAS:
        return vegas_.baseline();
      case HF_ADAPTIVE_AIMD:
        return 0;
      default:
        return trend_.baseline();
    }
  }

 private:
  double Bounded(double limit) const {
    return std::clamp<double>(limit, policy_.min_limit, policy_.max_limit);
  }

  // At its maximum a limit may stand for ever, and nobody learns what less would do.
  bool LooksDown() const { return pace_ == Saturation::kBlind && limit_ >= policy_.max_limit; }

  double Next(const RttWindow& window, bool saturated) {
    if (static_cast<double>(window.drops) >
        policy_.drop_rate * static_cast<double>(window.Total())) {
      return OnDrops();
    }
    if (!window.TellsRtt()) return limit_;
    switch (policy_.algorithm) {
      case HF_ADAPTIVE_GRADIENT2:
        return gradient2_.Next(policy_, limit_, window, saturated);
      case HF_ADAPTIVE_VEGAS:
        return vegas_.Next(policy_, limit_, window, saturated);
      case HF_ADAPTIVE_AIMD:
        return Aimd::Next(policy_, limit_, window);
      default:
        return trend_.Next(policy_, limit_, window, saturated);
    }
  }

  double OnDrops() const {
    switch (policy_.algorithm) {
      case HF_ADAPTIVE_GRADIENT2:
        return Gradient2::OnDrops(limit_);
      case HF_ADAPTIVE_VEGAS:
        return Vegas::OnDrops(limit_);
      case HF_ADAPTIVE_AIMD:
        return Aimd::OnDrops(policy_, limit_);
      default:
        return Trend::OnDrops(limit_);
    }
  }

  AdaptivePolicy policy_;
  double limit_;
  Vegas vegas_;
  Gradient2 gradient2_;
  Trend trend_;
  Correlation correlation_;
  Saturation pace_ = Saturation::kUnknown;
  uint64_t guarded_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_ADAPTIVE_H_
