// SPDX-License-Identifier: Apache-2.0
// How often a bulkhead said no, by reason.
//
// Invariant: each refusal is counted once, when it is decided.
// Locking: none, each count is a cell.
#ifndef HOLDFAST_ENGINE_REFUSALS_H_
#define HOLDFAST_ENGINE_REFUSALS_H_

#include <holdfast/c/bulkhead.h>

#include <cstdint>

#include "engine/bulkhead_policy.h"

namespace holdfast::engine {

template <typename Storage>
class Refusals {
 public:
  void Count(BulkheadAnswer answer) { CellOf(answer).Add(1); }

  void Read(hf_bulkhead_snapshot* out) const {
    out->refused = full_.Load();
    out->timed_out = timed_out_.Load();
    out->over_share = over_share_.Load();
    out->no_time = no_time_.Load();
    out->dropped = dropped_.Load();
  }

 private:
  using Cell = typename Storage::template Cell<uint64_t>;

  Cell& CellOf(BulkheadAnswer answer) {
    switch (answer) {
      case BulkheadAnswer::kTimedOut:
        return timed_out_;
      case BulkheadAnswer::kOverShare:
        return over_share_;
      case BulkheadAnswer::kNoTime:
        return no_time_;
      case BulkheadAnswer::kOverloaded:
        return dropped_;
      default:
        return full_;
    }
  }

  Cell full_, over_share_, no_time_, dropped_, timed_out_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_REFUSALS_H_
