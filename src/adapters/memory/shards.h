// SPDX-License-Identifier: Apache-2.0
// The insides of memory::Store: options, shards and what they share.
#ifndef HOLDFAST_ADAPTERS_MEMORY_SHARDS_H_
#define HOLDFAST_ADAPTERS_MEMORY_SHARDS_H_

#include <holdfast/memory/store.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "adapters/memory/shard.h"

namespace holdfast::inline v0_4::memory {

struct Store::Shards {
  explicit Shards(Options given)
      : options(std::move(given)),
        all(options.shards),
        common{options.purge_per_request, Budget(options.max_bytes),
               AuditRing(options.audit_rows)} {}

  size_t IndexOf(const uint8_t* id) const {
    uint64_t word;
    std::memcpy(&word, id, sizeof(word));  // of a SHA-256: as good as any part of it
    return word % all.size();
  }

  int64_t Now() const;
  StoreReply Execute(Order& order);

  Options options;
  std::vector<Shard> all;
  Common common;
};

}  // namespace holdfast::inline v0_4::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_SHARDS_H_
