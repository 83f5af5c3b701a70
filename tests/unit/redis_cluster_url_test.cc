// SPDX-License-Identifier: Apache-2.0
// A cluster's address as one line of text.
#include <gtest/gtest.h>
#include <holdfast/redis/url.h>

#include <string>
#include <vector>

namespace holdfast::redis {
namespace {

TEST(RedisClusterUrl, FirstHostIsTheServerAndTheOthersAreSeeds) {
  const auto options =
      ParseClusterUrl("redis-cluster://app:p%40ss@a:7000,b,[2001:db8::1],[::1]:7003?replicas=1");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->store.server.host, "a");
  EXPECT_EQ(options->store.server.port, 7000);
  EXPECT_EQ(options->store.server.credentials.username, "app");
  EXPECT_EQ(options->store.server.credentials.password, "p@ss");
  EXPECT_FALSE(options->store.server.tls.enabled);
  EXPECT_EQ(options->store.replicas, 1u);
  EXPECT_EQ(options->seeds,
            (std::vector<std::string>{"b:6379", "[2001:db8::1]:6379", "[::1]:7003"}));
}

TEST(RedisClusterUrl, OneHostIsEnough) {
  const auto options = ParseClusterUrl("rediss-cluster://redis-0");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->store.server.host, "redis-0");
  EXPECT_TRUE(options->store.server.tls.enabled);
  EXPECT_TRUE(options->seeds.empty());
}

TEST(RedisClusterUrl, WhatIsNoClustersAddressIsRefusedAndNotShown) {
  for (const char* const url :
       {"", "redis://a", "redis-cluster:/a", "redis-cluster://a,", "redis-cluster://a,,b",
        "redis-cluster://a,b:0", "redis-cluster://a,b c", "redis-cluster://a/1",
        "redis-cluster://:secret@a,b?nonsense=1", "redis-cluster://a,b:x:1"}) {
    const auto options = ParseClusterUrl(url);
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_EQ(options.status().message().find("secret"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace holdfast::redis
