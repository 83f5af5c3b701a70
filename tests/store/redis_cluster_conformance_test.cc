// SPDX-License-Identifier: Apache-2.0
// The cluster store held to what every store must do, on a real cluster of three whose clock is the test's.
#include <gtest/gtest.h>
#include <holdfast/redis/cluster_store.h>

#include <memory>
#include <string>
#include <utility>

#include "store/conformance.h"
#include "store/redis_cluster.h"

namespace holdfast {
namespace {

// All tests share a cluster, each in a space of its own.
testing::RedisCluster& SharedCluster() {
  static const std::unique_ptr<testing::RedisCluster> cluster =
      testing::RedisCluster::Start({.lines = {"appendonly yes", "appendfsync always"}});
  return *cluster;
}

struct RedisClusterFactory {
  static constexpr bool kDurable = true;

  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    return Open(std::move(clock), 1);
  }

 protected:
  std::unique_ptr<OperableStore> Open(testing::StoreClockFn clock, uint32_t connections) {
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

// By the nodes' clocks, as users have it, and with several connections to each node.
struct ServerClockFactory : RedisClusterFactory {
  static constexpr bool kMovesClock = false;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn) { return Open(nullptr, 3); }
};

}  // namespace

HF_STORE_CONFORMANCE(RedisCluster, RedisClusterFactory);
HF_STORE_CONFORMANCE(RedisClusterServerClock, ServerClockFactory);

}  // namespace holdfast
