// SPDX-License-Identifier: Apache-2.0
// The word that every step of a breaker begins with: which state, of which generation, in which shape.
//
//   generation 40 bits | shape 14 | units 2 | ramping, ages, judges slow, by count, admits at once | state 3
//
// A generation is one more at each change of state; 2^40 of them, a millisecond each, are 34 years. A shape is
// one more at each update that changes how results are counted: generation and shape are the era of the windows.
// Units are one more if it changes how calls under way are timed: generation and units are the era of those.
#ifndef HOLDFAST_ENGINE_BREAKER_WORD_H_
#define HOLDFAST_ENGINE_BREAKER_WORD_H_

#include <holdfast/c/breaker.h>

#include <cstdint>

#include "engine/breaker_policy.h"

namespace holdfast::engine {

class BreakerWord {
 public:
  explicit constexpr BreakerWord(uint64_t raw) : raw_(raw) {}

  // In the shape that `policy` asks for.
  static BreakerWord Make(uint64_t generation, uint32_t shape, hf_breaker_state state, bool ramps,
                          const BreakerPolicy& policy) {
    uint64_t raw = generation << kGenerationShift | uint64_t{shape & 0xFFFF} << kShapeShift |
                   static_cast<uint64_t>(state);
    const bool ages = policy.slow_after > 0;
    if (policy.window == HF_WINDOW_COUNT) raw |= kByCount;
    if (policy.slow_rate > 0) raw |= kJudgesSlow;
    if (ages) raw |= kAges;
    if (ramps) raw |= kRamping;
    const bool watches = state != HF_BREAKER_DISABLED && (ages || ramps);
    if (BreakerWord(raw).Admits() && !watches) raw |= kAtOnce;
    return BreakerWord(raw);
  }

  // The same in all else, though the policy may be another one by now.
  BreakerWord WithoutRamp() const {
    return BreakerWord((raw_ & ~kRamping) | (Admits() && !ages() ? kAtOnce : 0));
  }

  uint64_t raw() const { return raw_; }
  uint64_t generation() const { return raw_ >> kGenerationShift; }
  uint32_t shape() const { return static_cast<uint32_t>(raw_ >> kShapeShift & 0xFFFF); }
  uint32_t units() const { return shape() & kUnitsMask; }
  // A shape has its units below it.
  static uint32_t NextShape(uint32_t shape, bool same_units) {
    const uint32_t units = (shape + (same_units ? 0 : 1)) & kUnitsMask;
    return (shape & ~kUnitsMask) + kOneShape + units;
  }
  hf_breaker_state state() const { return static_cast<hf_breaker_state>(raw_ & kStateMask); }
  bool ramps() const { return (raw_ & kRamping) != 0; }
  // Nothing is to be looked at before a call is admitted.
  bool AdmitsAtOnce() const { return (raw_ & kAtOnce) != 0; }
  bool Admits() const { return Counts() || state() == HF_BREAKER_DISABLED; }
  // Results go into the windows.
  bool Counts() const { return state() == HF_BREAKER_CLOSED || state() == HF_BREAKER_METRICS_ONLY; }
  uint32_t KindGiven() const {
    if (Admits()) return HF_PERMIT_NORMAL;
    return state() == HF_BREAKER_HALF_OPEN ? HF_PERMIT_PROBE : HF_PERMIT_NONE;
  }
  bool IsOfSameEra(BreakerWord other) const { return (raw_ ^ other.raw_) >> kShapeShift == 0; }
  // The era of the windows, and how results are counted there.
  uint16_t tag() const { return static_cast<uint16_t>(generation() + shape() / kOneShape); }
  // The era of the calls under way.
  uint16_t flight_tag() const { return static_cast<uint16_t>(generation() * kOneShape + units()); }
  bool by_count() const { return (raw_ & kByCount) != 0; }  // else by time
  bool judges_slow() const { return (raw_ & kJudgesSlow) != 0; }
  // Calls are counted while they are under way.
  bool ages() const { return (raw_ & kAges) != 0; }

 private:
  static constexpr uint32_t kUnitsMask = 3, kOneShape = 4;
  static constexpr uint64_t kStateMask = 7;
  static constexpr uint64_t kAtOnce = 8, kByCount = 16, kJudgesSlow = 32, kAges = 64,
                            kRamping = 128;
  static constexpr int kShapeShift = 8, kGenerationShift = 24;

  uint64_t raw_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BREAKER_WORD_H_
