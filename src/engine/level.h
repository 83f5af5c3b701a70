// SPDX-License-Identifier: Apache-2.0
// The level of a token bucket, brought up to a moment: pure arithmetic, no storage and no locks.
//
// Positions on one line, in units:   taken    all that was ever taken, kept by whoever takes
//                                    credit   how far `taken` may come by what has flowed in until `time`
//                                    level    credit - taken: tokens, or a debt if negative
//
//   event                              credit                          plan
//   time passes                        grows by the flow               -
//   the bucket is full                 stops at ceiling                -
//   all takes can be dated             -                               ceiling = taken + capacity
//
// The difficulty is a full bucket. How much flows over depends on when the others took, and takes are a bare
// addition that leaves no date. So a plan says: those that come in the window after it count as if made at
// its end. Then credit may reach the ceiling, the brim as of the plan, and no more, before the window
// is over; that is what has flowed over at least, so the level is never above the exact one, and below it by
// no more than what flows in one window, 1/256 of the capacity. A take of at least that much leaves so
// much room that nothing flows over in the window: then, and so for each bucket of up to 256 tokens, the
// level is exact.
//
//   idle   a bucket that was full for warm_up is cold: it is cut to ColdLevel and its ramp starts with the
//          next ask, as in the beginning. However long it was idle, it is the same.
//
// Invariants: level <= capacity. credit never passes ceiling. Bringing up twice is bringing up once.
// A `now` before `time` is read as no time passed.
#ifndef HOLDFAST_ENGINE_LEVEL_H_
#define HOLDFAST_ENGINE_LEVEL_H_

#include <algorithm>
#include <cstdint>

#include "engine/supply.h"

namespace holdfast::engine {

struct Level {
  Units credit = 0;
  Units ceiling = 0;   // the brim, as of the plan
  Units planned = 0;   // taken as of the plan
  uint64_t rest = 0;   // flowed in, less than a unit; times rate.per
  hf_time time = 0;    // up to when the flow is in credit
  hf_time window = 0;  // takes since the plan happened before this
  hf_time ramp = 0;    // when the ramp began, or kCold
};

// Lets the flow until `until` in, at most `most`.
constexpr void Pour(const Tempo& tempo, hf_time until, Units most, Level* level) {
  while (level->time < until) {
    const Step step = StepAt(tempo, level->ramp, level->time);
    const hf_time end = std::min(until, step.until);
    const Units flowed = Flow(step.rate, end - level->time, most, &level->rest);
    level->credit += flowed;
    most -= flowed;
    level->time = end;
    if (end == step.until) level->rest = 0;  // another fraction from here on
  }
}

// When `units` more will have flowed in, if they find room.
constexpr hf_time TimeOf(const Tempo& tempo, Units units, Level level) {
  for (;;) {
    const Step step = StepAt(tempo, level.ramp, level.time);
    const hf_time end = AddSaturating(level.time, TimeFor(step.rate, units, level.rest));
    if (end <= step.until) return end;
    units -= Flow(step.rate, step.until - level.time, units, &level.rest);
    level.time = step.until;
    level.rest = 0;
  }
}

// When credit will reach `target`, if nobody else takes. The level's time if it has already.
constexpr hf_time ReadyAt(const Tempo& tempo, const Level& level, Units target) {
  if (Ahead(target, level.credit) <= 0) return level.time;
  if (Ahead(target, level.ceiling) <= 0) return TimeOf(tempo, target - level.credit, level);
  Level after = level;  // beyond the plan's brim, so not before the window is over
  Pour(tempo, level.window, level.ceiling - level.credit, &after);
  return TimeOf(tempo, target - after.credit, after);
}

// Makes the moment of `level` the plan's: every take so far has happened.
constexpr void Plan(const Tempo& tempo, Units taken, Level* level) {
  level->planned = taken;
  level->ceiling = taken + tempo.capacity;
  level->window = AddSaturating(level->time, tempo.quantum);
}

// Cold: from `now` on, and with a cold level.
constexpr void Chill(const Tempo& tempo, Units taken, hf_time now, Level* level) {
  level->credit = taken + tempo.ColdLevel();
  level->time = level->ramp = now;
  level->rest = 0;
  Plan(tempo, taken, level);
}

// Brings the level up to `now`.
constexpr void BringUp(const Tempo& tempo, Units taken, hf_time now, Level* level) {
  if (level->ramp == kCold) Chill(tempo, taken, std::max(now, level->time), level);
  if (now <= level->time) return;
  const bool dated = now >= level->window || taken == level->planned;
  if (now >= level->window) {
    Pour(tempo, level->window, level->ceiling - level->credit, level);
    level->ceiling = taken + tempo.capacity;  // none taken since
    if (tempo.warm_up > 0) {
      const hf_time full = TimeOf(tempo, level->ceiling - level->credit, *level);
      if (now >= AddSaturating(full, tempo.warm_up)) return Chill(tempo, taken, now, level);
    }
  }
  Pour(tempo, now, level->ceiling - level->credit, level);
  if (dated) Plan(tempo, taken, level);
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_LEVEL_H_
