// SPDX-License-Identifier: Apache-2.0
// The cluster store held to what every store must do, on a real cluster of three whose clock is the test's.
#include <gtest/gtest.h>

#include "store/conformance.h"
#include "store/redis_cluster_factory.h"

namespace holdfast {

HF_STORE_CONFORMANCE(RedisCluster, testing::RedisClusterFactory);

}  // namespace holdfast
