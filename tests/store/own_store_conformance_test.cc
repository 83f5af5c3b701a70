// SPDX-License-Identifier: Apache-2.0
// A store of one class and two functions is a store like any other.
#include <gtest/gtest.h>

#include <memory>

#include "store/conformance.h"
#include "store/own_store.h"

namespace holdfast {
namespace {

struct OwnFactory {
  static constexpr bool kDurable = false;
  static constexpr bool kSubmits = false;
  std::unique_ptr<Store> Make(testing::StoreClockFn clock) {
    return std::make_unique<OwnStore>(std::move(clock));
  }
};

}  // namespace

HF_STORE_CONFORMANCE_BASE(Own, OwnFactory);

}  // namespace holdfast
