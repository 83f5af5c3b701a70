// SPDX-License-Identifier: Apache-2.0
// A local tier in front of the memory store, held to what every store must do.
#include <gtest/gtest.h>
#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/store.h>

#include <memory>
#include <utility>

#include "store/conformance.h"

namespace holdfast {
namespace {

struct LocalTierFactory {
  static constexpr bool kDurable = false;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    std::shared_ptr<Store> store = memory::Store::Create({.shards = 4, .clock = clock}).value();
    return memory::LocalTier::Create(std::move(store),
                                     {.max_age = std::chrono::hours(24), .clock = std::move(clock)})
        .value();
  }
};

}  // namespace

HF_STORE_CONFORMANCE(LocalTier, LocalTierFactory);

}  // namespace holdfast
