// SPDX-License-Identifier: Apache-2.0
// See cluster_map.h.
#include "adapters/redis/cluster_map.h"

#include <algorithm>

namespace holdfast::inline v0_5::redis {

SlotMap::SlotMap() {
  for (std::atomic<NodeId>& owner : owner_) owner.store(kNoNode, std::memory_order_relaxed);
}

NodeId SlotMap::FindLocked(const NodeAddress& address) {
  const auto known = ids_.find(address);
  if (known != ids_.end()) return known->second;
  if (nodes_.size() == kMaxKnownNodes) return kNoNode;
  const auto id = static_cast<NodeId>(nodes_.size());
  nodes_.push_back(address);
  ids_.emplace(address, id);
  return id;
}

NodeId SlotMap::Find(const NodeAddress& address) {
  const std::lock_guard lock(mutex_);
  return FindLocked(address);
}

NodeId SlotMap::Learn(uint16_t slot, const NodeAddress& address) {
  const std::lock_guard lock(mutex_);
  const NodeId id = FindLocked(address);
  if (id != kNoNode) owner_[slot].store(id, std::memory_order_release);
  return id;
}

void SlotMap::Replace(const Topology& topology) {
  const std::lock_guard lock(mutex_);
  std::array<NodeId, kSlots> owners;
  owners.fill(kNoNode);
  for (const SlotRange& range : topology) {
    const NodeId id = FindLocked(range.master);
    std::fill(owners.begin() + range.first, owners.begin() + range.last + 1, id);
  }
  for (size_t slot = 0; slot < kSlots; ++slot) {
    owner_[slot].store(owners[slot], std::memory_order_release);
  }
}

std::vector<NodeId> SlotMap::Masters() const {
  std::vector<NodeId> masters;
  for (const std::atomic<NodeId>& owner : owner_) {
    const NodeId id = owner.load(std::memory_order_acquire);
    if (id != kNoNode && (masters.empty() || masters.back() != id)) masters.push_back(id);
  }
  std::sort(masters.begin(), masters.end());
  masters.erase(std::unique(masters.begin(), masters.end()), masters.end());
  return masters;
}

std::optional<NodeAddress> SlotMap::AddressOf(NodeId node) const {
  const std::lock_guard lock(mutex_);
  if (node >= nodes_.size()) return std::nullopt;
  return nodes_[node];
}

}  // namespace holdfast::inline v0_5::redis
