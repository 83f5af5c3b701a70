// SPDX-License-Identifier: Apache-2.0
// Likewise by the nodes' clocks, as users have it, and with several connections to each node.
#include <gtest/gtest.h>

#include <memory>

#include "store/conformance.h"
#include "store/redis_cluster_factory.h"

namespace holdfast {
namespace {

struct ServerClockFactory : testing::RedisClusterFactory {
  static constexpr bool kMovesClock = false;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn) { return Open(nullptr, 3); }
};

}  // namespace

HF_STORE_CONFORMANCE(RedisClusterServerClock, ServerClockFactory);

}  // namespace holdfast
