// SPDX-License-Identifier: Apache-2.0
// SlotMap: who serves which slot, as far as is known.
//
//   event                     slots                                      nodes
//   Replace (a topology)      all as it says; what it leaves out has     new ones join; none is ever forgotten,
//                             no owner                                   so that an id means one node for good
//   Learn (MOVED)             that one slot                              a new one joins
//   Find (ASK)                as they are                                a new one joins
//
// Invariants: OwnerOf is one atomic load, right or outdated, never torn: a request sent to the wrong node is
// answered by a redirection, not carried out. Addresses come from outside, so that there is a limit to them,
// kMaxKnownNodes in the life of a map; what is beyond it has no id.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_MAP_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_MAP_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "adapters/redis/cluster_slot.h"
#include "adapters/redis/cluster_topology.h"

namespace holdfast::inline v0_5::redis {

// Index of a node; stable while the map lives.
using NodeId = uint16_t;
inline constexpr NodeId kNoNode = 0xFFFF;
inline constexpr NodeId kMaxKnownNodes = 16384;

// Thread-safe.
class SlotMap {
 public:
  SlotMap();

  NodeId OwnerOf(uint16_t slot) const { return owner_[slot].load(std::memory_order_acquire); }

  // Who is there; kNoNode beyond the limit.
  NodeId Find(const NodeAddress& address);

  // The slot is served there from now on. As Find.
  NodeId Learn(uint16_t slot, const NodeAddress& address);

  // The whole cluster anew.
  void Replace(const Topology& topology);

  // Nodes that own a slot, by id.
  std::vector<NodeId> Masters() const;

  // nullopt: no such node.
  std::optional<NodeAddress> AddressOf(NodeId node) const;

 private:
  NodeId FindLocked(const NodeAddress& address);

  std::array<std::atomic<NodeId>, kSlots> owner_;
  mutable std::mutex mutex_;  // the rest
  std::map<NodeAddress, NodeId> ids_;
  std::vector<NodeAddress> nodes_;  // by id
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_MAP_H_
