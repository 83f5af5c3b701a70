// SPDX-License-Identifier: Apache-2.0
// See deny_cache.h.
#include "adapters/redis/deny_cache.h"

#include <holdfast/clock.h>

#include <algorithm>
#include <cstring>

namespace holdfast::inline v0_5::redis {

DenyCache::DenyCache(uint32_t entries, Duration trust)
    : trust_(trust),
      count_((static_cast<size_t>(entries) + kWays - 1) / kWays),
      sets_(count_ == 0 ? nullptr : std::make_unique<Set[]>(count_)) {}

// The id is a cryptographic hash already.
DenyCache::Set& DenyCache::SetOf(const LimitId& id) const {
  uint64_t word = 0;
  std::memcpy(&word, id.data(), sizeof(word));
  return sets_[word % count_];
}

Duration DenyCache::Find(const LimitId& id, uint32_t cost, hf_time now) const {
  if (count_ == 0) return Duration{0};
  Set& set = SetOf(id);
  const std::lock_guard lock(set.mutex);
  for (const Slot& slot : set.slots) {
    if (slot.id != id || now >= slot.trusted || cost < slot.cost) continue;
    return Duration{slot.until - now};
  }
  return Duration{0};
}

void DenyCache::Put(const LimitId& id, uint32_t cost, Duration wait, hf_time now) {
  if (count_ == 0 || wait <= Duration{0}) return;
  Set& set = SetOf(id);
  const std::lock_guard lock(set.mutex);
  Slot* chosen = &set.slots[0];
  for (Slot& slot : set.slots) {
    if (slot.id == id) {
      chosen = &slot;
      break;
    }
    if (slot.trusted < chosen->trusted) chosen = &slot;
  }
  *chosen = {id, AddTime(now, wait), AddTime(now, std::min(wait, trust_)), cost};
}

}  // namespace holdfast::inline v0_5::redis
