// SPDX-License-Identifier: Apache-2.0
// Events as stored results in SQLite.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include "store/envelope_body.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

TEST(SqliteEnvelope, AnEventIsWrittenAroundItsPayloadAndReadInPlace) {
  const testing::TempFolder folder;
  const auto store = *sqlite::Store::Open({.path = folder / "results.db"});
  // Small, beside the record, and kept away from it.
  for (const std::size_t size : {0u, 100u, 5'000u, 60'000u, 1u << 20}) {
    testing::ExpectEventInPlace(*store, size);
  }
}

TEST(SqliteEnvelope, RunOnceGivesTheEventToItsCaller) {
  const testing::TempFolder folder;
  const auto store = *sqlite::Store::Open({.path = folder / "results.db"});
  testing::ExpectEventByRunOnce(*store, 5'000);
  testing::ExpectEventByRunOnce(*store, 1u << 20);
}

}  // namespace
}  // namespace holdfast
