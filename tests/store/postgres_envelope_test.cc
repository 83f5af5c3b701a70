// SPDX-License-Identifier: Apache-2.0
// Events as stored results on a real PostgreSQL.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include "store/envelope_body.h"
#include "store/postgres_store.h"

namespace holdfast {
namespace {

class PostgresEnvelope : public testing::PostgresTest {
 protected:
  void SetUp() override { OpenStore(); }
};

TEST_F(PostgresEnvelope, AnEventIsWrittenAroundItsPayloadAndReadInPlace) {
  // Small, beside the record, and kept away from it.
  for (const std::size_t size : {0u, 100u, 5'000u, 60'000u, 1u << 20}) {
    testing::ExpectEventInPlace(*store_, size);
  }
}

TEST_F(PostgresEnvelope, RunOnceGivesTheEventToItsCaller) {
  testing::ExpectEventByRunOnce(*store_, 5'000);
  testing::ExpectEventByRunOnce(*store_, 1u << 20);
}

}  // namespace
}  // namespace holdfast
