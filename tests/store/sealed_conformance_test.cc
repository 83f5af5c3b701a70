// SPDX-License-Identifier: Apache-2.0
// A sealed store over the memory store, and all layers in the order that store_layer.h recommends, held to what every
// store must do.
#include <gtest/gtest.h>
#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/store.h>
#include <holdfast/sealed/store.h>

#include <memory>
#include <utility>

#include "store/conformance.h"

namespace holdfast {
namespace {

std::unique_ptr<Store> Sealed(testing::StoreClockFn clock) {
  auto keys = std::make_shared<sealed::MemoryKeyRing>();
  EXPECT_TRUE(keys->Add("acme", 1, sealed::SealingKey::Fresh()).ok());
  std::shared_ptr<Store> store =
      memory::Store::Create({.shards = 4, .clock = std::move(clock)}).value();
  return sealed::Store::Open({.store = std::move(store), .keys = std::move(keys), .tenant = "acme"})
      .value();
}

struct SealedFactory {
  static constexpr bool kDurable = false;
  std::unique_ptr<Store> Make(testing::StoreClockFn clock) { return Sealed(std::move(clock)); }
};

struct AllLayersFactory {
  static constexpr bool kDurable = false;
  std::unique_ptr<Store> Make(testing::StoreClockFn clock) {
    std::shared_ptr<Store> sealed = Sealed(clock);
    return memory::LocalTier::Create(std::move(sealed),
                                     {.max_age = std::chrono::hours(24), .clock = std::move(clock)})
        .value();
  }
};

}  // namespace

// Bodies that operators are shown stay sealed, so the suite of operable stores is not theirs.
HF_STORE_CONFORMANCE_BASE(Sealed, SealedFactory);
HF_STORE_CONFORMANCE_BASE(AllLayers, AllLayersFactory);

}  // namespace holdfast
