// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_adaptive, for the shells that compose it.
#ifndef HOLDFAST_ABI_ADAPTIVE_H_
#define HOLDFAST_ABI_ADAPTIVE_H_

#include <holdfast/c/adaptive.h>

#include <cstdint>

#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "abi/shard.h"
#include "engine/adaptive_sampler.h"

struct hf_adaptive final : holdfast::abi::RefCounted {
  explicit hf_adaptive(const holdfast::engine::AdaptivePolicy& policy) : sampler(policy) {}

  // True if this sample changed the limit, which *limit then is. rtt >= 0.
  bool Add(hf_duration rtt, uint32_t in_flight, bool dropped, hf_time now, uint32_t* limit) {
    return sampler.Add(holdfast::abi::ThisShard(), rtt, in_flight, dropped, now, limit);
  }

  uint32_t Limit() const { return sampler.Limit(); }

  holdfast::engine::AdaptiveSampler<holdfast::abi::AtomicCells> sampler;
};

namespace holdfast::abi {

// Checks and completes options; on an error *policy is unspecified.
hf_code ReadPolicy(const hf_adaptive_options& given, engine::AdaptivePolicy* policy,
                   hf_error* error);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_ADAPTIVE_H_
