// SPDX-License-Identifier: Apache-2.0
// One round of half-open probes: how many are admitted, how many are back, and what they showed.
//
//   out = admitted - back; admitted never exceeds what is wanted; complete once as many are back
//
// Locking: what changes the round runs under the breaker's lock; the const members load one word.
// Memory: one word, admitted | back | failures | slow.
#ifndef HOLDFAST_ENGINE_PROBES_H_
#define HOLDFAST_ENGINE_PROBES_H_

#include <holdfast/c/base.h>

#include <cstdint>

#include "engine/breaker_policy.h"

namespace holdfast::engine {

template <typename Storage>
class ProbeRound {
 public:
  uint32_t Admitted() const { return Field(kAdmitted); }
  uint32_t Out() const {
    const uint64_t word = word_.Load();
    return Field(word, kAdmitted) - Field(word, kBack);
  }

  // A new round, with its first probe out.
  void Start() { word_.Store(One(kAdmitted)); }
  void Admit() { word_.Store(word_.Load() + One(kAdmitted)); }
  // A probe came back and showed nothing: its place is free again.
  void Refund() { word_.Store(word_.Load() - One(kAdmitted)); }
  void Count(bool failed, bool slow) {
    word_.Store(word_.Load() + One(kBack) + (failed ? One(kFailures) : 0) +
                (slow ? One(kSlow) : 0) + (failed || slow ? One(kBad) : 0));
  }
  void CountOutAsFailed() {
    while (Out() != 0) Count(/*failed=*/true, /*slow=*/false);
  }

  bool IsComplete(const BreakerPolicy& policy) const { return Field(kBack) >= policy.probes; }

  // Whether the dependency is well, by what a complete round showed.
  bool IsGood(const BreakerPolicy& policy) const {
    const uint32_t back = Field(kBack);
    const bool judges_slow = policy.slow_rate > 0;
    if (policy.probe_success_rate > 0) {
      const uint32_t bad = Field(judges_slow ? kBad : kFailures);
      return Reaches(back - bad, back, policy.probe_success_rate);
    }
    if (Reaches(Field(kFailures), back, policy.failure_rate)) return false;
    return !judges_slow || !Reaches(Field(kSlow), back, policy.slow_rate);
  }

 private:
  static constexpr int kFieldBits = 12;  // up to 1000 probes
  static constexpr int kAdmitted = 0, kBack = 1, kFailures = 2, kSlow = 3, kBad = 4;

  static uint64_t One(int field) { return uint64_t{1} << field * kFieldBits; }
  static uint32_t Field(uint64_t word, int field) {
    return static_cast<uint32_t>(word >> field * kFieldBits & ((1u << kFieldBits) - 1));
  }
  uint32_t Field(int field) const { return Field(word_.Load(), field); }

  typename Storage::template Cell<uint64_t> word_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_PROBES_H_
