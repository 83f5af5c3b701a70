// SPDX-License-Identifier: Apache-2.0
// ClusterDesk: what operators ask of a whole cluster, slot by slot.
//
// A key never changes its slot, only the slot its node; so a walk over the slots meets each key, whatever is
// resharded meanwhile, where a walk over the nodes would miss what moves behind it. In a slot that is being moved
// keys go from one node to another: all masters are asked for its keys, twice over. A key that the first round
// missed, because it left one node before and reached the other after they were asked, is where it will stay in
// the second.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_DESK_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_DESK_H_

#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "adapters/redis/cluster_carrier.h"
#include "adapters/redis/core.h"

namespace holdfast::inline v0_5::redis {

// Not on the io thread. Errors as those of desk.h.
class ClusterDesk {
 public:
  ClusterDesk(const Core& core, ClusterCarrier& carrier) : core_(core), carrier_(carrier) {}

  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, SteadyTime until);
  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, SteadyTime until);
  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              SteadyTime until);
  absl::StatusOr<StoreInfo> Info(SteadyTime until);

 private:
  // Of the keys "<prefix><kind>{...}" of those slots, in the order of slot and key id.
  absl::StatusOr<std::vector<KeyId>> KeysOf(uint32_t first, uint32_t count, std::string_view kind,
                                            SteadyTime until);
  absl::StatusOr<std::vector<AuditRow>> AuditOfAll(uint32_t limit, SteadyTime until);

  const Core& core_;
  ClusterCarrier& carrier_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_DESK_H_
