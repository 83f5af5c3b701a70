// SPDX-License-Identifier: Apache-2.0
#include <holdfast/redis/url.h>

#include "store/command_walk.h"
#include "store/redis_server.h"

namespace holdfast::testing {
namespace {

TEST(RedisCommand, AnOperatorLooksResolvesAndReleases) {
  RedisServer server;
  const std::string url = "redis://127.0.0.1:" + std::to_string(server.port());
  CommandWalk(url, [&]() -> std::unique_ptr<Store> {
    auto options = redis::ParseUrl(url);
    if (!options.ok()) return nullptr;
    auto store = redis::Store::Open(*std::move(options));
    return store.ok() ? *std::move(store) : nullptr;
  }).Run();
}

TEST(RedisCommand, RefusesAServerOnWhichNobodyKeptRecords) {
  RedisServer server;
  const Said said =
      Holdfast({"idem", "list", "redis://127.0.0.1:" + std::to_string(server.port())});
  EXPECT_EQ(said.exit_code, 1) << said.text;
}

}  // namespace
}  // namespace holdfast::testing
