// SPDX-License-Identifier: Apache-2.0
// Events as stored results on a real Redis.
#include <gtest/gtest.h>
#include <holdfast/redis/store.h>

#include <memory>
#include <utility>

#include "store/envelope_body.h"
#include "store/redis_server.h"

namespace holdfast {
namespace {

std::unique_ptr<redis::Store> Open() {
  static testing::RedisServer server;
  static int count = 0;
  redis::Options options = server.Options();
  options.prefix = "e" + std::to_string(++count) + ":";
  return redis::Store::Open(std::move(options)).value();
}

TEST(RedisEnvelope, AnEventIsWrittenAroundItsPayloadAndReadInPlace) {
  const std::unique_ptr<redis::Store> store = Open();
  // Small, beside the record, and kept away from it.
  for (const std::size_t size : {0u, 100u, 5'000u, 60'000u, 1u << 20}) {
    testing::ExpectEventInPlace(*store, size);
  }
}

TEST(RedisEnvelope, RunOnceGivesTheEventToItsCaller) {
  const std::unique_ptr<redis::Store> store = Open();
  testing::ExpectEventByRunOnce(*store, 5'000);
  testing::ExpectEventByRunOnce(*store, 1u << 20);
}

}  // namespace
}  // namespace holdfast
