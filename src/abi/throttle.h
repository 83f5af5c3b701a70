// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_throttle, for the shells that compose it.
#ifndef HOLDFAST_ABI_THROTTLE_H_
#define HOLDFAST_ABI_THROTTLE_H_

#include <holdfast/c/throttle.h>

#include <cstdint>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "abi/shard.h"
#include "engine/throttle.h"

struct hf_throttle final : holdfast::abi::RefCounted {
  explicit hf_throttle(const holdfast::engine::ThrottlePolicy& policy) : engine(policy) {}

  // code is OK, or UNAVAILABLE HF_R_THROTTLED. Each attempt draws with a seed of its own.
  hf_rejection Admit(uint64_t seed, hf_time now) {
    return engine.Admit(holdfast::abi::ThisShard(), seed, now);
  }
  // For an admitted call, once. SUCCESS, FAILURE, SLOW or IGNORED.
  void Record(hf_verdict verdict, hf_time now) {
    engine.Record(holdfast::abi::ThisShard(), verdict, now);
  }

  holdfast::engine::Throttle<holdfast::abi::AtomicCells> engine;
};

#endif  // HOLDFAST_ABI_THROTTLE_H_
