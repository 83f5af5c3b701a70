// SPDX-License-Identifier: Apache-2.0
// A metered store, and layers on each other in both orders that make sense, held to what every store must do.
#include <gtest/gtest.h>
#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/store.h>
#include <holdfast/metered_store.h>

#include <memory>
#include <utility>

#include "store/conformance.h"

namespace holdfast {
namespace {

std::shared_ptr<Store> Memory(testing::StoreClockFn clock) {
  return memory::Store::Create({.shards = 4, .clock = std::move(clock)}).value();
}

std::unique_ptr<memory::LocalTier> TierOver(std::shared_ptr<Store> store,
                                            testing::StoreClockFn clock) {
  return memory::LocalTier::Create(std::move(store),
                                   {.max_age = std::chrono::hours(24), .clock = std::move(clock)})
      .value();
}

struct MeteredFactory {
  static constexpr bool kDurable = false;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    return MeteredStore::Create(Memory(std::move(clock))).value();
  }
};

struct MeteredTierMeteredFactory {
  static constexpr bool kDurable = false;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    std::shared_ptr<Store> inner = MeteredStore::Create(Memory(clock)).value();
    std::shared_ptr<Store> tier = TierOver(std::move(inner), clock);
    return MeteredStore::Create(std::move(tier)).value();
  }
};

}  // namespace

HF_STORE_CONFORMANCE(Metered, MeteredFactory);
HF_STORE_CONFORMANCE(MeteredTierMetered, MeteredTierMeteredFactory);

}  // namespace holdfast
