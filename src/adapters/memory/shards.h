// SPDX-License-Identifier: Apache-2.0
// The insides of memory::Store: options, shards and what they share.
#ifndef HOLDFAST_ADAPTERS_MEMORY_SHARDS_H_
#define HOLDFAST_ADAPTERS_MEMORY_SHARDS_H_

#include <holdfast/memory/store.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "adapters/memory/shard.h"

namespace holdfast::inline v0_5::memory {

struct Store::Shards {
  explicit Shards(Options given)
      : options(std::move(given)),
        all(options.shards),
        common{options.purge_per_request, Budget(options.max_bytes, options.shards),
               AuditRing(options.audit_rows)} {}

  // By the upper half of the hash; the shard's table uses the lower.
  Shard& Of(const HashedId& id) {
    return all[(static_cast<uint64_t>(id.hash) >> 32) * all.size() >> 32];
  }

  int64_t Now() const;
  void Execute(Order& order, StoreReply* reply);

  Options options;
  std::vector<Shard> all;
  Common common;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_SHARDS_H_
