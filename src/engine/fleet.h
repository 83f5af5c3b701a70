// SPDX-License-Identifier: Apache-2.0
// What other instances have in their windows, each as of the last time it told.
//
// Counts are levels, not increments: what a peer tells replaces what it told before, so that a message lost,
// repeated or late by less than its time to live costs accuracy and never correctness; and nobody holds a
// lock while a call is under way.
// Invariant: counts of a peer that has not told for its time to live count no more.
// Locking: all of it under the breaker's lock. Memory: given.
#ifndef HOLDFAST_ENGINE_FLEET_H_
#define HOLDFAST_ENGINE_FLEET_H_

#include <holdfast/c/base.h>

#include <cstdint>
#include <span>

#include "engine/duration.h"
#include "engine/window.h"

namespace holdfast::engine {

struct Peer {
  uint64_t id = 0;
  hf_time until = 0;  // 0: a free place
  WindowTotals totals;
};

class Fleet {
 public:
  explicit Fleet(std::span<Peer> places) : places_(places) {}

  bool IsEmpty() const { return places_.empty(); }

  // False if every place holds another peer's live counts.
  bool Tell(uint64_t id, const WindowTotals& totals, hf_time now, hf_duration ttl) {
    newest_ = NotBefore(now, newest_);
    Peer* place = nullptr;
    for (Peer& peer : places_) {
      if (peer.until > newest_ && peer.id == id) {
        place = &peer;
        break;
      }
      if (peer.until <= newest_ && place == nullptr) place = &peer;
    }
    if (place == nullptr) return false;
    // A thousand of them still add up in 32 bits.
    *place = {id, AddSaturating(newest_, ttl),
              InProportion(totals.calls, totals.failures, totals.slow, 1u << 21)};
    return true;
  }

  // Of all who were alive when somebody last told.
  WindowTotals Totals() const {
    WindowTotals sum;
    for (const Peer& peer : places_) {
      if (peer.until <= newest_) continue;
      sum.calls += peer.totals.calls;
      sum.failures += peer.totals.failures;
      sum.slow += peer.totals.slow;
    }
    return sum;
  }

 private:
  std::span<Peer> places_;
  hf_time newest_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_FLEET_H_
