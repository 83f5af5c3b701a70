// SPDX-License-Identifier: Apache-2.0
// A small number for each thread, by which it picks its own shard of what many threads count.
//
// Given out in turn, so that up to as many threads as there are shards never share one; a thread keeps its
// number until it meets another thread in its shard and takes the next. Cost: one load.
#ifndef HOLDFAST_ABI_SHARD_H_
#define HOLDFAST_ABI_SHARD_H_

#include <atomic>
#include <cstdint>

namespace holdfast::abi {

// 0: none yet. initial-exec: one load instead of a call; see abi/context.cc.
[[gnu::tls_model("initial-exec")]] inline thread_local constinit uint32_t this_shard = 0;

[[gnu::cold, gnu::noinline]] inline uint32_t NewShard() {
  static constinit std::atomic<uint32_t> next{1};
  this_shard = next.fetch_add(1, std::memory_order_relaxed);  // only the turn matters
  return this_shard;
}

inline uint32_t ThisShard() { return this_shard != 0 ? this_shard : NewShard(); }

[[gnu::cold]] inline void MoveShard() {
  this_shard = this_shard == UINT32_MAX ? 1 : this_shard + 1;
}

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_SHARD_H_
