// SPDX-License-Identifier: Apache-2.0
// How an order of one version becomes one of the other. From 1.0 to 1.1 there is nothing to do.
#ifndef HOLDFAST_EXAMPLES_CONTRACTS_CONVERSIONS_H_
#define HOLDFAST_EXAMPLES_CONTRACTS_CONVERSIONS_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/upcast.h>

inline constexpr char kOrderPlaced[] = "com.shop.order.placed";

absl::StatusOr<holdfast::contract::Converter> OrderConverter(
    const holdfast::contract::ContractRegistry& contracts, holdfast::WallTime now);

#endif  // HOLDFAST_EXAMPLES_CONTRACTS_CONVERSIONS_H_
