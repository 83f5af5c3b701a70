// SPDX-License-Identifier: Apache-2.0
// What a cluster's nodes say about each other: the reply of CLUSTER SLOTS, and the errors that redirect.
//
// CLUSTER SLOTS and not CLUSTER SHARDS, because every server from 3.0 on has it, Valkey no longer calls it
// deprecated, and nodes agree on it during a failover. All of it is input from outside: what is not exactly as the
// documentation says is refused as a whole, and nothing of it is believed.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_TOPOLOGY_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_TOPOLOGY_H_

#include <absl/status/statusor.h>
#include <hiredis/hiredis.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::redis {

inline constexpr size_t kMaxClusterNodes = 1000;  // as the cluster specification recommends

struct NodeAddress {
  std::string host;  // a name or an address, without brackets; never empty
  uint16_t port = 0;

  friend auto operator<=>(const NodeAddress&, const NodeAddress&) = default;
};

// Nothing that could be taken for something else in a name look-up, a log line or a URL.
bool IsHost(std::string_view host);

// "host:port", for people.
std::string ToText(const NodeAddress& address);

// Slots first..last, and who serves them.
struct SlotRange {
  uint16_t first = 0;
  uint16_t last = 0;
  NodeAddress master;
  std::vector<NodeAddress> replicas;
};

using Topology = std::vector<SlotRange>;

// `asked`: who was asked, for nodes that do not tell their own address. Errors: DATA_LOSS, naming what is wrong: no
// array, a slot out of range or given twice, an address that cannot be one, too many nodes, not one slot served.
absl::StatusOr<Topology> ParseTopology(const redisReply& reply, const NodeAddress& asked);

// An error that says where the request belongs; none of it was carried out.
struct Redirect {
  bool ask = false;  // for this request only, after ASKING; else for good (MOVED)
  uint16_t slot = 0;
  NodeAddress to;
};

// nullopt: no redirection, or none that can be followed.
std::optional<Redirect> ParseRedirect(std::string_view error, const NodeAddress& asked);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_TOPOLOGY_H_
