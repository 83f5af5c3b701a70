// SPDX-License-Identifier: Apache-2.0
// What is done for each event and is not a parse takes no memory: look-ups, stages, and counting who is known.
#include <gtest/gtest.h>
#include <holdfast/contract/registry.h>
#include <holdfast/contract/usage.h>

#include "abi/heap_meter.h"
#include "contract/orders.h"

namespace {

using holdfast::contract_test::Day;

TEST_F(Heap, LookingUpAndCountingCostNothing) {
  const holdfast::contract::ContractRegistry contracts = holdfast::contract_test::OrdersRegistry();
  const auto usage =
      holdfast::contract::UsageCounter::Create({.contracts = contracts, .max_consumers = 1});
  ASSERT_TRUE(usage.ok());
  usage->Count("billing", contracts.versions()[0], Day(2026, 1, 1));
  usage->Count("search", contracts.versions()[0], Day(2026, 1, 1));  // finds no place
  const Meter used = Measure([&] {
    const auto* const version = contracts.Find("com.acme.order", {1, 0});
    contracts.FindCurrent("com.acme.invoice");
    StageAt(*version->declared, Day(2026, 1, 1));
    usage->Count("billing", *version, Day(2026, 1, 2));
    usage->Count("search", *version, Day(2026, 1, 2));
    usage->Count("\xff", *version, Day(2026, 1, 2));
  });
  EXPECT_EQ(used.allocations, 0);
}

}  // namespace
