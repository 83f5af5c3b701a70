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
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    return memory::Store::Create({.shards = 4, .clock = std::move(clock)}).value();
  }
};

// As a store is seen whose clock no test can move.
struct SystemClockFactory {
  static constexpr bool kDurable = false;
  static constexpr bool kMovesClock = false;
  std::unique_ptr<OperableStore> Make(const testing::StoreClockFn& /*clock*/) {
    return memory::Store::Create({.shards = 4}).value();
  }
};

}  // namespace

HF_STORE_CONFORMANCE(Memory, MemoryFactory);
HF_STORE_CONFORMANCE(MemoryOnSystemClock, SystemClockFactory);

}  // namespace holdfast
