// SPDX-License-Identifier: Apache-2.0
// What the stores for one server and for a cluster do alike besides requests.
#ifndef HOLDFAST_ADAPTERS_REDIS_SWEEP_H_
#define HOLDFAST_ADAPTERS_REDIS_SWEEP_H_

#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/redis/store.h>

#include <cstdint>

#include "adapters/redis/core.h"
#include "adapters/redis/requests.h"

namespace holdfast::inline v0_5::redis {

// Writes down as IN_DOUBT what of the page has a lease that lapsed; returns how many.
absl::StatusOr<uint64_t> SweepPage(Requests* requests, const ScanPage& page, SteadyTime until);

Stats StatsOf(const Counters& of, const ConnectionCounters& on);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SWEEP_H_
