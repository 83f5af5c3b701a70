// SPDX-License-Identifier: Apache-2.0
// The Redis store held to what every store must do, on a real server whose clock is the test's.
#include <gtest/gtest.h>
#include <holdfast/redis/store.h>

#include <memory>
#include <utility>

#include "store/conformance.h"
#include "store/redis_server.h"

namespace holdfast {
namespace {

// All tests share a server, each in a space of its own.
testing::RedisServer& SharedServer() {
  static testing::RedisServer server({"appendonly yes", "appendfsync always"});
  return server;
}

struct RedisFactory {
  static constexpr bool kDurable = true;

  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    return Open(std::move(clock), 1);
  }

 protected:
  std::unique_ptr<OperableStore> Open(testing::StoreClockFn clock, uint32_t connections) {
    redis::Options options = SharedServer().Options();
    options.prefix = prefix;
    options.connections = connections;
    options.clock = std::move(clock);
    return redis::Store::Open(std::move(options)).value();
  }

  static inline int count = 0;
  const std::string prefix = "t" + std::to_string(++count) + ":";
};

// By the server's clock, as users have it: leases that count from their SET, times that scripts fill in. And
// requests of one caller over several connections.
struct ServerClockFactory : RedisFactory {
  static constexpr bool kMovesClock = false;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn) { return Open(nullptr, 3); }
};

}  // namespace

HF_STORE_CONFORMANCE(Redis, RedisFactory);
HF_STORE_CONFORMANCE(RedisServerClock, ServerClockFactory);

}  // namespace holdfast
