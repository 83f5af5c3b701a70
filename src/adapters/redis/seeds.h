// SPDX-License-Identifier: Apache-2.0
// Where a client of a cluster begins.
#ifndef HOLDFAST_ADAPTERS_REDIS_SEEDS_H_
#define HOLDFAST_ADAPTERS_REDIS_SEEDS_H_

#include <absl/status/statusor.h>
#include <holdfast/redis/server.h>

#include <string>
#include <vector>

#include "adapters/redis/cluster_topology.h"

namespace holdfast::inline v0_5::redis {

// `server` (prepared), then each "host:port" or "[address]:port". Errors: INVALID_ARGUMENT naming the seed.
absl::StatusOr<std::vector<NodeAddress>> ParseSeeds(const Server& server,
                                                    const std::vector<std::string>& seeds);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SEEDS_H_
