// SPDX-License-Identifier: Apache-2.0
// Cluster stores for the conformance suites: all tests of a program share a cluster, each in a space of its own.
#ifndef HOLDFAST_TESTS_STORE_REDIS_CLUSTER_FACTORY_H_
#define HOLDFAST_TESTS_STORE_REDIS_CLUSTER_FACTORY_H_

#include <holdfast/redis/cluster_store.h>

#include <memory>
#include <string>
#include <utility>

#include "store/redis_cluster.h"
#include "store/requests.h"

namespace holdfast::testing {

inline RedisCluster& SharedCluster() {
  static const std::unique_ptr<RedisCluster> cluster =
      RedisCluster::Start({.lines = {"appendonly yes", "appendfsync always"}});
  return *cluster;
}

struct RedisClusterFactory {
  static constexpr bool kDurable = true;

  std::unique_ptr<OperableStore> Make(StoreClockFn clock) { return Open(std::move(clock), 1); }

 protected:
  std::unique_ptr<OperableStore> Open(StoreClockFn clock, uint32_t connections) {
    redis::ClusterOptions options;
    options.store.server.port = SharedCluster().port(1);
    options.store.prefix = prefix;
    options.store.connections = connections;
    options.store.clock = std::move(clock);
    return redis::ClusterStore::Open(std::move(options)).value();
  }

  static inline int count = 0;
  const std::string prefix = "t" + std::to_string(++count) + ":";
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_REDIS_CLUSTER_FACTORY_H_
