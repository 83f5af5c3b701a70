// SPDX-License-Identifier: Apache-2.0
// ClusterSentinels: whether a node of a cluster has lost its data (sentinel.h), wherever slots go.
//
// Sentinel keys lie in 64 slots, 256 apart, so that each primary with a share worth the name has some, and they move
// with their slots. A node is asked for one of those that it serves; an error (the slot has moved, or is moving) says
// nothing. A primary of fewer than 256 slots may have none, and is not watched.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_SENTINELS_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_SENTINELS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/redis/cluster_map.h"
#include "adapters/redis/sentinel.h"
#include "adapters/redis/wire.h"

namespace holdfast::inline v0_5::redis {

// Thread-safe.
class ClusterSentinels {
 public:
  static constexpr size_t kCount = 64;

  ClusterSentinels(std::string_view prefix, std::atomic<uint64_t>* alarms);

  const std::string& KeyOf(size_t index) const { return keys_[index]; }
  static uint16_t SlotAt(size_t index) { return static_cast<uint16_t>(index * (kSlots / kCount)); }

  // One that the node serves, by the map of now.
  std::optional<size_t> OneOf(const SlotMap& map, NodeId node) const;

  void Arm(size_t index, std::string_view value);
  // What a node answered to GET of that key.
  void Compare(size_t index, const redisReply& found);

  bool alarmed() const { return alarmed_.load(std::memory_order_relaxed); }
  // Before all are armed again.
  void Forgive() { alarmed_.store(false, std::memory_order_relaxed); }

 private:
  std::deque<std::string> keys_;
  std::deque<Sentinel> sentinels_;
  std::atomic<bool> alarmed_{false};  // one of them is
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_SENTINELS_H_
