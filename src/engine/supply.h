// SPDX-License-Identifier: Apache-2.0
// How tokens flow: exact integer arithmetic of rates, and the ramp of a cold limiter.
//
//   unit     1/65536 of a token. Costs are whole tokens, so a balance is exact to the nanosecond;
//            fractions arise only from rates, and what is less than a unit is carried along (`rest`)
//   rate     units per `per` nanoseconds, as a fraction: nothing is rounded, so nothing drifts
//   ramp     after a cold start at s the rate is, for x = now - s below warm_up,
//              rate * (1 + (f - 1) * floor(64 x / warm_up) / 64) / f          f: the cold factor
//            a staircase of 64 steps under the straight line from rate/f to rate. Over the whole ramp it
//            gives rate * warm_up * (1/f + (1 - 1/f) * 63/128) tokens, about two thirds for f = 3.
//
// The ramp follows time since the first ask and not, as Guava's does, how many unused permits are
// stored: what warms up behind a limiter (caches, pools, just-in-time code, an autoscaler) does so by
// being used at all, and a limit that falls again whenever demand pauses for a second cannot be planned with.
//
// Overflow: rates are at most 2^46 units per ns * 6400, times are below 2^63: products fit 128 bits.
#ifndef HOLDFAST_ENGINE_SUPPLY_H_
#define HOLDFAST_ENGINE_SUPPLY_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

#include "engine/duration.h"

namespace holdfast::engine {

__extension__ using Wide = unsigned __int128;

// 64 bits that wrap around; two positions are compared by their difference only.
using Units = uint64_t;
inline constexpr Units kToken = Units{1} << 16;

// a - b as a signed distance: how far a position is ahead of another.
constexpr int64_t Ahead(Units a, Units b) { return static_cast<int64_t>(a - b); }

struct Rate {
  uint64_t units = kToken;  // above 0
  uint64_t per = HF_S;      // above 0

  friend bool operator==(const Rate&, const Rate&) = default;
};

// What flows in `time`, at most `most`; *rest is carried from one call to the next. Nothing is carried
// over the brim.
constexpr Units Flow(const Rate& rate, hf_duration time, Units most, uint64_t* rest) {
  const Wide flowed = static_cast<Wide>(time) * rate.units + *rest;
  const Wide whole = flowed / rate.per;
  if (whole >= most) {
    *rest = 0;
    return most;
  }
  *rest = static_cast<uint64_t>(flowed - whole * rate.per);
  return static_cast<Units>(whole);
}

// The least time in which `units` flow; HF_INFINITE if that is beyond all time.
constexpr hf_duration TimeFor(const Rate& rate, Units units, uint64_t rest) {
  const Wide wanted = static_cast<Wide>(units) * rate.per;
  if (wanted <= rest) return 0;
  const Wide time = (wanted - rest + rate.units - 1) / rate.units;
  return time > static_cast<Wide>(HF_INFINITE) ? HF_INFINITE : static_cast<hf_duration>(time);
}

// units * part / whole.
constexpr Units Scale(Units units, uint32_t part, uint32_t whole) {
  return static_cast<Units>(static_cast<Wide>(units) * part / whole);
}

constexpr double TokensASecond(const Rate& rate) {
  return static_cast<double>(rate.units) / kToken * HF_S / static_cast<double>(rate.per);
}

// No ramp has begun: nothing flows until the first ask.
inline constexpr hf_time kCold = -1;
inline constexpr int kRampSteps = 64;

// All that the level of a bucket (engine/level.h) is moved by.
struct Tempo {
  Rate rate;                // once warm
  Units capacity = kToken;  // of a bucket
  hf_duration quantum = 0;  // how long takes may go undated: 1/256 of the time that fills a bucket
  hf_duration warm_up = 0;  // 0: always warm
  uint32_t cold_factor = 1;

  // What a cold bucket holds: at least one token.
  constexpr Units ColdLevel() const { return std::max(kToken, capacity / cold_factor); }
};

// One step of the ramp, or all the time after it.
struct Step {
  Rate rate;
  hf_time until;
};

// The step that `time` lies in; ramp is when the ramp began, not kCold.
constexpr Step StepAt(const Tempo& tempo, hf_time ramp, hf_time time) {
  const hf_duration since = time - ramp;
  if (since >= tempo.warm_up) return {tempo.rate, HF_INFINITE};
  const int64_t step = since * kRampSteps / tempo.warm_up;
  const uint64_t share = static_cast<uint64_t>(kRampSteps + (tempo.cold_factor - 1) * step);
  const hf_duration end = ((step + 1) * tempo.warm_up + kRampSteps - 1) / kRampSteps;
  return {{tempo.rate.units * share, tempo.rate.per * kRampSteps * tempo.cold_factor},
          AddSaturating(ramp, end)};
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_SUPPLY_H_
