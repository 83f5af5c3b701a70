// SPDX-License-Identifier: Apache-2.0
// The memory store held to what every store must do.
#include <gtest/gtest.h>
#include <holdfast/memory/store.h>

#include <memory>

#include "store/conformance.h"

namespace holdfast {
namespace {

struct MemoryFactory {
  static constexpr bool kDurable = false;
  std::unique_ptr<Store> Make(testing::StoreClockFn clock) {
    return memory::Store::Create({.shards = 4, .clock = std::move(clock)}).value();
  }
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryFactory);

}  // namespace holdfast
