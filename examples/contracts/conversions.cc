// SPDX-License-Identifier: Apache-2.0
#include "conversions.h"

#include <holdfast/contract/typed_conversion.h>

#include "shop/v1/order.pb.h"
#include "shop/v2/order.pb.h"

namespace {

shop::v2::OrderPlaced ToV2(const shop::v1::OrderPlaced& old) {
  shop::v2::OrderPlaced order;
  order.set_order_id(old.order_id());
  order.mutable_total()->set_minor_units(old.cents());
  order.mutable_total()->set_currency("EUR");
  for (const shop::v1::Line& line : old.lines()) {
    shop::v2::Line* const added = order.add_lines();
    added->set_sku(line.sku());
    added->set_count(line.count());
  }
  order.set_voucher(old.voucher());
  return order;
}

// Those who still read version 1 know no other currency.
absl::StatusOr<shop::v1::OrderPlaced> ToV1(const shop::v2::OrderPlaced& order) {
  if (order.total().currency() != "EUR") {
    return absl::FailedPreconditionError("version 1 counts in euros only");
  }
  shop::v1::OrderPlaced old;
  old.set_order_id(order.order_id());
  old.set_cents(order.total().minor_units());
  for (const shop::v2::Line& line : order.lines()) {
    shop::v1::Line* const added = old.add_lines();
    added->set_sku(line.sku());
    added->set_count(line.count());
  }
  old.set_voucher(order.voucher());
  return old;
}

}  // namespace

absl::StatusOr<holdfast::contract::Converter> OrderConverter(
    const holdfast::contract::ContractRegistry& contracts, holdfast::WallTime now) {
  using holdfast::contract::MakeEdge;
  return holdfast::contract::Converter::Create(
      {.contracts = contracts,
       .upcasts = {MakeEdge<shop::v1::OrderPlaced, shop::v2::OrderPlaced>(
           kOrderPlaced, {1, 1}, {2, 0}, ToV2, /*moved=*/{"cents"})},
       .downcasts = {MakeEdge<shop::v2::OrderPlaced, shop::v1::OrderPlaced>(
           kOrderPlaced, {2, 0}, {1, 1}, ToV1, /*moved=*/{"total"})},
       .now = now,
       .require_downcasts = true});
}
