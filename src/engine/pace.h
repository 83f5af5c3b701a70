// SPDX-License-Identifier: Apache-2.0
// What a limiter is configured with, and what decides about its rate: most have a fixed one and no Pace, so
// that a registry of a million of them stays small.
#ifndef HOLDFAST_ENGINE_PACE_H_
#define HOLDFAST_ENGINE_PACE_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

#include "engine/send_rate.h"
#include "engine/supply.h"

namespace holdfast::engine {

struct LimiterPolicy {
  hf_duration period = HF_S;
  hf_duration max_wait = HF_S;
  uint32_t permits = 100;  // tokens a period; at most one a nanosecond
  uint32_t burst = 100;
};

struct Pace {
  hf_duration warm_up = 0;
  uint32_t cold_factor = 3;
  bool adaptive = false;  // the send rate counts
  hf_time ramp = kCold;   // kept for the level
  uint32_t dearest = 0;   // cost asked for since the last throttling
  SendRate send;

  // A limiter that is cold and will have no ramp is warm.
  void Ramp(hf_duration new_warm_up, uint32_t new_cold_factor) {
    warm_up = new_warm_up;
    cold_factor = new_cold_factor;
    if (warm_up == 0 && ramp == kCold) ramp = 0;
  }
};

// The policy's own rate, or the send rate while that is lower; pace is nullable.
inline Tempo TempoOf(const LimiterPolicy& policy, const Pace* pace) {
  Tempo tempo;
  tempo.rate = {policy.permits * kToken, static_cast<uint64_t>(policy.period)};
  tempo.capacity = policy.burst * kToken;
  const double own =
      static_cast<double>(policy.permits) * HF_S / static_cast<double>(policy.period);
  double rate = own;
  if (pace != nullptr) {
    tempo.warm_up = pace->warm_up;
    tempo.cold_factor = pace->cold_factor;
    if (pace->send.limited() && pace->send.rate() < own) {
      rate = pace->send.rate();
      tempo.rate = {static_cast<uint64_t>(rate * kToken), HF_S};
      // A second's worth, as in the SDKs: what was saved up for better times is not for these. But a bucket
      // that is smaller than a cost would never grant it.
      const auto second = static_cast<Units>(std::max(rate, 1.0) * kToken);
      tempo.capacity = std::min(tempo.capacity, std::max(second, pace->dearest * kToken));
    }
  }
  // A shade less than 1/256 of the time to fill, so that rounding never makes it more.
  const double fill = static_cast<double>(tempo.capacity) / kToken / rate * HF_S;
  tempo.quantum = static_cast<hf_duration>(std::min(fill / 256 * (1 - 1e-9), 1e18));
  return tempo;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_PACE_H_
