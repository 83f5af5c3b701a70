// SPDX-License-Identifier: Apache-2.0
// Events as stored results in memory.
#include <gtest/gtest.h>
#include <holdfast/memory/store.h>

#include <memory>

#include "store/envelope_body.h"

namespace holdfast {
namespace {

TEST(MemoryEnvelope, AnEventIsWrittenAroundItsPayloadAndReadInPlace) {
  const std::unique_ptr<memory::Store> store = *memory::Store::Create();
  // Small, beside the record, and kept away from it.
  for (const std::size_t size : {0u, 100u, 5'000u, 60'000u, 1u << 20}) {
    testing::ExpectEventInPlace(*store, size);
  }
}

TEST(MemoryEnvelope, RunOnceGivesTheEventToItsCaller) {
  const std::unique_ptr<memory::Store> store = *memory::Store::Create();
  testing::ExpectEventByRunOnce(*store, 5'000);
  testing::ExpectEventByRunOnce(*store, 1u << 20);
}

}  // namespace
}  // namespace holdfast
