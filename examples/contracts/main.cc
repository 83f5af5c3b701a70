// SPDX-License-Identifier: Apache-2.0
// An order contract with three versions, two of which are on their way out: what may be published, how what was stored
// years ago is read today, how those who lag behind are served, and how they are told.
#include <holdfast/contract/deprecation.h>
#include <holdfast/contract/gate.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/registry.h>
#include <holdfast/contract/round_trip.h>
#include <holdfast/contract/usage.h>

#include <chrono>
#include <iostream>
#include <string>

#include "conversions.h"
#include "shop/v1/order.pb.h"
#include "shop/v2/order.pb.h"
#include "shop_contracts.h"

namespace {

using holdfast::Envelope;
using holdfast::WallTime;
using holdfast::contract::ContractRegistry;
using holdfast::contract::Converter;
using holdfast::contract::LossReport;
using holdfast::contract::PublishGate;
using holdfast::contract::ReadPayload;
using holdfast::contract::RegisteredVersion;
using holdfast::contract::UsageCounter;
using holdfast::contract::WritePayload;
using std::chrono::sys_days;

constexpr WallTime kMay = sys_days{std::chrono::May / 1 / 2026};
constexpr WallTime kOctober = sys_days{std::chrono::October / 1 / 2026};

Envelope OrderEvent(std::string_view version, const google::protobuf::Message& order) {
  Envelope event(kOrderPlaced, "/shop/orders");
  event.set_id(
      "0b1f6d3a");  // so that this program says the same each time; a service leaves the fresh id
  event.Set(holdfast::TextAttribute("contractversion", version));
  if (!WritePayload(order, &event).ok()) std::abort();
  return event;
}

shop::v1::OrderPlaced OldOrder() {
  shop::v1::OrderPlaced order;
  order.set_order_id("order-17");
  order.set_cents(4990);
  order.add_lines()->set_sku("lamp");
  return order;
}

void ShowVersions(const ContractRegistry& contracts) {
  std::cout << "In May 2026:\n";
  for (const RegisteredVersion& version : contracts.versions()) {
    std::cout << "  " << version.text() << "  " << Name(StageAt(*version.declared, kMay))
              << (version.current ? ", current" : "") << ", owned by " << version.contract->owner
              << "\n";
  }
}

void Publish(const PublishGate& gate, std::string_view what, const Envelope& event, WallTime now) {
  const absl::Status allowed = gate.Check(event.view(), now);
  std::cout << "  " << what << ": " << (allowed.ok() ? "published" : "refused") << "\n";
  if (allowed.ok()) return;
  const auto rejection = holdfast::RejectionOf(allowed);
  std::cout << "    " << rejection->reason_name() << ": " << allowed.message() << "\n";
}

void ShowGate(const ContractRegistry& contracts) {
  const auto gate = PublishGate::Create({.contracts = contracts});
  if (!gate.ok()) return;
  std::cout << "\nThe publish gate:\n";
  const Envelope order = OrderEvent("1.0", OldOrder());
  Publish(*gate, "an order of 1.0 in May", order, kMay);
  Publish(*gate, "the same in October", order, kOctober);
  Publish(*gate, "one that says 1.7", OrderEvent("1.7", OldOrder()), kMay);
  Envelope broken = order;
  broken.set_data(holdfast::DataKind::kBinary, "{\"order_id\": 17}");
  Publish(*gate, "one with JSON that does not say so", broken, kMay);
  Envelope stranger = order;
  stranger.set_type("com.shop.order.plcaed");
  Publish(*gate, "one with a slip of the pen", stranger, kMay);
}

void ShowUpcast(const Converter& converter) {
  std::cout << "\nAn order that was stored as 1.0, read today:\n";
  std::string stored;
  if (!OrderEvent("1.0", OldOrder()).view().Encode(&stored).ok()) return;
  const std::string before = stored;
  holdfast::EnvelopeView event;
  if (!event.Decode(stored).ok()) return;
  LossReport loss;
  const auto converted = converter.Upcast(event, &loss);
  if (!converted.ok()) return;
  shop::v2::OrderPlaced order;
  if (!ReadPayload(converted->front().view(), &order).ok()) return;
  std::cout << "  " << converted->front()->Text("contractversion") << ": "
            << order.ShortDebugString() << "\n  lost: " << loss.losses.size()
            << "; stored bytes: " << (stored == before ? "as they were" : "CHANGED") << "\n";
}

void ShowDowncast(const Converter& converter) {
  std::cout << "\nA new order for a consumer that reads 1.0:\n";
  shop::v2::OrderPlaced order;
  order.set_order_id("order-18");
  order.mutable_total()->set_minor_units(1250);
  order.mutable_total()->set_currency("EUR");
  order.set_voucher("SPRING");
  order.set_channel("app");
  LossReport loss;
  const auto converted = converter.Downcast(OrderEvent("2.0", order).view(), {1, 0}, &loss);
  if (!converted.ok()) return;
  shop::v1::OrderPlaced old;
  if (!ReadPayload(converted->front().view(), &old).ok()) return;
  std::cout << "  " << converted->front()->Text("contractversion") << ": " << old.ShortDebugString()
            << "\n";
  for (const auto& each : loss.losses) std::cout << "  lost on the way: " << Text(each) << "\n";
  order.mutable_total()->set_currency("CHF");
  std::cout << "  in francs: "
            << converter.Downcast(OrderEvent("2.0", order).view(), {1, 0}).status().message()
            << "\n";
}

void ShowRoundTrip(const Converter& converter) {
  const RegisteredVersion& oldest = converter.contracts().versions().front();
  const auto samples = holdfast::contract::SampleEvents(oldest, 500, /*seed=*/20260501);
  const absl::Status same = holdfast::contract::CheckRoundTrip(converter, samples, {2, 0});
  std::cout << "\n"
            << samples.size() << " random orders of 1.0, up to 2.0 and down again: "
            << (same.ok() ? "all as they were" : std::string(same.message())) << "\n";
}

void ShowDeprecation(const ContractRegistry& contracts) {
  const RegisteredVersion& oldest = contracts.versions().front();
  std::cout << "\nWhat users of " << oldest.text()
            << " are told, in HTTP headers or gRPC trailers:\n";
  const absl::Status written =
      WriteDeprecation(DeprecationOf(oldest), [](std::string_view name, std::string_view value) {
        std::cout << "  " << name << ": " << value << "\n";
      });
  Envelope event = OrderEvent("1.0", OldOrder());
  if (!written.ok() || !Announce(oldest, &event).ok()) return;
  std::cout << "and on each event:\n";
  for (const holdfast::Attribute& attribute : event->attributes()) {
    std::cout << "  " << holdfast::View(attribute.name) << ": "
              << holdfast::FormatAttribute(attribute).value_or("?") << "\n";
  }
}

void ShowUsage(const ContractRegistry& contracts) {
  const auto usage = UsageCounter::Create({.contracts = contracts});
  if (!usage.ok()) return;
  const std::span<const RegisteredVersion> orders = contracts.Find(kOrderPlaced);
  for (int i = 0; i < 3; ++i) usage->Count("billing", orders[0], kMay);
  usage->Count("warehouse", orders[2], kMay);
  std::cout << "\nWho still uses 1.0:\n";
  for (const auto& each : usage->Find(kOrderPlaced, {1, 0})) {
    std::cout << "  " << each.consumer << ", " << each.count << " times\n";
  }
}

}  // namespace

int main() {
  const auto contracts = ContractRegistry::Create(shop_contracts());
  if (!contracts.ok()) {
    std::cerr << contracts.status().message() << "\n";
    return 1;
  }
  const auto converter = OrderConverter(*contracts, kMay);
  if (!converter.ok()) {
    std::cerr << converter.status().message() << "\n";
    return 1;
  }
  ShowVersions(*contracts);
  ShowGate(*contracts);
  ShowUpcast(*converter);
  ShowDowncast(*converter);
  ShowRoundTrip(*converter);
  ShowDeprecation(*contracts);
  ShowUsage(*contracts);
  return 0;
}
