// SPDX-License-Identifier: Apache-2.0
// See cluster_sentinels.h.
#include "adapters/redis/cluster_sentinels.h"

#include <array>

namespace holdfast::inline v0_5::redis {
namespace {

// The smallest numbers whose digits, as a hash tag, lie in the slots wanted.
const std::array<std::string, ClusterSentinels::kCount>& Tags() {
  static const std::array<std::string, ClusterSentinels::kCount> tags = [] {
    std::array<std::string, ClusterSentinels::kCount> found;
    size_t missing = found.size();
    for (uint64_t number = 0; missing > 0; ++number) {
      std::string tag = std::to_string(number);
      const uint16_t slot = SlotOf(tag);
      if (slot % (kSlots / ClusterSentinels::kCount) != 0) continue;
      std::string& place = found[slot / (kSlots / ClusterSentinels::kCount)];
      if (!place.empty()) continue;
      place = std::move(tag);
      --missing;
    }
    return found;
  }();
  return tags;
}

}  // namespace

ClusterSentinels::ClusterSentinels(std::string_view prefix, std::atomic<uint64_t>* alarms) {
  for (const std::string& tag : Tags()) {
    keys_.push_back(std::string(prefix) + "sentinel:{" + tag + "}");
    sentinels_.emplace_back(alarms);
  }
}

std::optional<size_t> ClusterSentinels::OneOf(const SlotMap& map, NodeId node) const {
  for (size_t i = 0; i < kCount; ++i) {
    if (map.OwnerOf(SlotAt(i)) == node) return i;
  }
  return std::nullopt;
}

void ClusterSentinels::Arm(size_t index, std::string_view value) { sentinels_[index].Arm(value); }

void ClusterSentinels::Compare(size_t index, const redisReply& found) {
  if (!IsString(found) && !IsNil(found)) return;
  sentinels_[index].Compare(TextOf(found));
  if (sentinels_[index].alarmed()) alarmed_.store(true, std::memory_order_relaxed);
}

}  // namespace holdfast::inline v0_5::redis
