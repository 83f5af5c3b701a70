// SPDX-License-Identifier: Apache-2.0
// One round of half-open probes: how many are admitted, how many are back, and since when none came.
//
//   out = admitted - back; admitted never exceeds `wanted`; complete once back == wanted
//   the lease runs from the last admission or return, whichever is later
//
// Locking: what changes the round runs under the breaker's lock; the const members only load.
// Memory: fixed.
#ifndef HOLDFAST_ENGINE_PROBES_H_
#define HOLDFAST_ENGINE_PROBES_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

#include "engine/duration.h"

namespace holdfast::engine {

template <typename Storage>
class ProbeRound {
 public:
  ProbeRound(uint32_t wanted, hf_duration lease) : wanted_(wanted), lease_(lease) {}

  bool IsFull() const { return admitted_.Load() >= wanted_; }
  bool LeaseIsOver(hf_time now) const { return now >= lease_until_.Load(); }
  // Never more than a whole lease, even for a clock that stepped back.
  hf_duration LeaseLeft(hf_time now) const {
    return std::min(TimeUntil(lease_until_.Load(), now), lease_);
  }
  // Two loads: a reader that races with a new round must not see fewer than none.
  uint32_t Out() const {
    const uint32_t admitted = admitted_.Load();
    const uint32_t back = back_.Load();
    return admitted > back ? admitted - back : 0;
  }

  // A new round, with its first probe out.
  void Start(hf_time now) {
    back_.Store(0);
    failures_ = 0;
    admitted_.Store(1);
    RenewLease(now);
  }

  void Admit(hf_time now) {
    admitted_.Add(1);
    RenewLease(now);
  }

  // A probe came back and showed nothing: its place is free again.
  void Refund(hf_time now) {
    RenewLease(now);
    admitted_.Store(admitted_.Load() - 1);
  }

  void Count(bool failed, hf_time now) {
    back_.Add(1);
    failures_ += failed ? 1 : 0;
    RenewLease(now);
  }

  bool IsComplete() const { return back_.Load() == wanted_; }
  uint32_t failures() const { return failures_; }

 private:
  void RenewLease(hf_time now) { lease_until_.Store(AddSaturating(now, lease_)); }

  const uint32_t wanted_;
  const hf_duration lease_;
  typename Storage::template Cell<uint32_t> admitted_;
  typename Storage::template Cell<uint32_t> back_;
  typename Storage::template Cell<hf_time> lease_until_;
  uint32_t failures_ = 0;  // under the lock
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_PROBES_H_
