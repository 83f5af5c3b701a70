// SPDX-License-Identifier: Apache-2.0
// For how long a breaker opens: open_for times open_multiplier per trip in a row, capped, then jittered.
//
//   d = min(open_for * multiplier^(trips - 1), max(cap, open_for)),   less a share of it in [0, jitter]
//
// The jitter comes off after the cap, so that a fleet at the cap does not come back in step. It is a function
// of the instance's seed and the number of the opening: an incident replays.
// Memory, locking: none.
#ifndef HOLDFAST_ENGINE_OPEN_TIME_H_
#define HOLDFAST_ENGINE_OPEN_TIME_H_

#include <algorithm>
#include <cstdint>

#include "engine/breaker_policy.h"
#include "engine/rng.h"

namespace holdfast::engine {

// `trips` in a row from 1; the `opened`-th opening of the instance.
inline hf_duration OpenTime(const BreakerPolicy& policy, uint32_t trips, uint64_t opened) {
  const auto cap = static_cast<double>(std::max(policy.open_cap, policy.open_for));
  auto length = static_cast<double>(policy.open_for);
  // By squares: a saved breaker may bring any number of trips, and this runs under the lock.
  double power = policy.open_multiplier;
  for (uint32_t left = trips - 1; left != 0 && length < cap; left >>= 1) {
    if ((left & 1) != 0) length *= power;
    power *= power;
  }
  length = std::min(length, cap);
  const auto spread = static_cast<uint64_t>(length * policy.open_jitter);
  const auto off = static_cast<hf_duration>(Rng(policy.seed, opened).UpTo(spread));
  return std::max<hf_duration>(static_cast<hf_duration>(length) - off, 1);
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_OPEN_TIME_H_
