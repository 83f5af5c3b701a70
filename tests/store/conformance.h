// SPDX-License-Identifier: Apache-2.0
// What every store must do, as typed suites. A store passes them by:
//
//   struct MyFactory {
//     static constexpr bool kDurable = true;      // what is stored outlives the object
//     static constexpr bool kMovesClock = false;  // default true; false: the clock is a server's
//     static constexpr bool kSubmits = false;     // default true; false: Store::Submit is not there
//     std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock);  // again: reopens the same place
//   };
//   HF_STORE_CONFORMANCE(MyStore, MyFactory);
//
// A factory lives as long as one test, and its place is empty before the first Make. The previous store is gone
// before Make is called again. A store that is no OperableStore passes by HF_STORE_CONFORMANCE_BASE.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_H_

#include "store/conformance_bulk.h"
#include "store/conformance_hostile.h"
#include "store/conformance_operable.h"
#include "store/conformance_owners.h"
#include "store/conformance_records.h"
#include "store/conformance_threads.h"

#define HF_STORE_CONFORMANCE_BASE(name, factory)                   \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, StoreConformance, factory); \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, StoreOwners, factory);      \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, StoreBulk, factory);        \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, StoreHostile, factory);     \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, StoreThreads, factory)

#define HF_STORE_CONFORMANCE(name, factory) \
  HF_STORE_CONFORMANCE_BASE(name, factory); \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, StoreOperable, factory)

namespace holdfast {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreOperable);
}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_H_
