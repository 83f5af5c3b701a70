// SPDX-License-Identifier: Apache-2.0
// What the Redis store tells of itself, for a metrics page (metrics_page.h). A shortfall is a write that was answered
// before as many replicas had it as the options ask for: the G2 limit, counted.
#ifndef HOLDFAST_REDIS_METRICS_H_
#define HOLDFAST_REDIS_METRICS_H_

#include <holdfast/metrics_families.h>
#include <holdfast/metrics_page.h>
#include <holdfast/redis/store.h>

namespace holdfast::inline v0_5::redis {

inline void Collect(ObjectMetrics& out, const Store& store) {
  const Stats is = store.stats();
  out.Set(metric_families::kRedisStoreRequests, is.requests);
  out.Set(metric_families::kRedisStoreExpressClaims, is.express_claims);
  out.Set(metric_families::kRedisStoreSwapsLost, is.swaps_lost);
  out.Set(metric_families::kRedisStoreWaits, is.waits);
  out.Set(metric_families::kRedisStoreShortfalls, is.unconfirmed, {{"of", "settlement"}});
  out.Set(metric_families::kRedisStoreShortfalls, is.given_back, {{"of", "claim"}});
  out.Set(metric_families::kRedisStoreSentinelAlarms, is.sentinel_alarms);
  out.Set(metric_families::kRedisStoreConnects, is.connects);
  out.Set(metric_families::kRedisStoreConnectionFailures, is.connection_failures);
  out.Set(metric_families::kRedisStoreCommands, is.commands);
  out.Set(metric_families::kRedisStoreWrites, is.writes);
}

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_METRICS_H_
