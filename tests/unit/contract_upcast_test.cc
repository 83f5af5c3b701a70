// SPDX-License-Identifier: Apache-2.0
// Conversions between versions: what is proved at the start, the chain, and what happens to events on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/upcast.h>

#include <string>
#include <thread>
#include <vector>

#include "contract/orders.h"

namespace holdfast::contract {
namespace {

using contract_test::Day;
using contract_test::kOrder10;
using contract_test::kOrders;
using contract_test::Order;
using contract_test::OrdersRegistry;
using contract_test::Parts;
using contract_test::Payload;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kName[] = "com.acme.order";
const WallTime kNow = Day(2026, 2, 1);          // 1.0 is in use still
const WallTime kAfterSunset = Day(2026, 8, 1);  // and now it is not

// `count` copies of the event with this payload.
Conversion Copies(std::string payload, std::size_t count = 1) {
  return [payload = std::move(payload),
          count](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
    std::vector<Envelope> events(count, Envelope(event));
    for (Envelope& each : events) each.set_data(DataKind::kBinary, payload);
    return events;
  };
}

Edge EdgeOf(VersionNumber from, VersionNumber to, Conversion convert = Copies("")) {
  return {.contract = kName, .from = from, .to = to, .convert = std::move(convert)};
}

std::string ErrorOf(ConverterOptions options, hf_reason reason) {
  if (options.contracts.versions().empty()) options.contracts = OrdersRegistry();
  options.now = options.now == WallTime{} ? kNow : options.now;
  const absl::Status status = Converter::Create(std::move(options)).status();
  if (status.ok()) return "OK";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RejectionOf(status)->reason, reason) << status;
  return std::string(status.message());
}

Converter Whole(std::vector<Edge> upcasts, std::vector<Edge> downcasts = {},
                std::uint32_t max_events = 64) {
  auto converter = Converter::Create({.contracts = OrdersRegistry(),
                                      .upcasts = std::move(upcasts),
                                      .downcasts = std::move(downcasts),
                                      .now = kNow,
                                      .max_events = max_events});
  EXPECT_TRUE(converter.ok()) << converter.status();
  return *converter;
}

TEST(ContractUpcast, MissingEdgeIsNamedWithTheVersionThatNeedsIt) {
  EXPECT_EQ(
      ErrorOf({}, HF_R_CONTRACT_NO_PATH),
      "contract com.acme.order: no upcast 1.1 -> 2.0: 1.0, which is in use, cannot become 2.0");
  EXPECT_EQ(
      ErrorOf({.now = kAfterSunset}, HF_R_CONTRACT_NO_PATH),
      "contract com.acme.order: no upcast 1.1 -> 2.0: 1.1, which is in use, cannot become 2.0");
  EXPECT_EQ(
      ErrorOf({.upcasts = {EdgeOf({1, 1}, {2, 0})}, .bridge_minors = false}, HF_R_CONTRACT_NO_PATH),
      "contract com.acme.order: no upcast 1.0 -> 1.1: 1.0, which is in use, cannot become 2.0");
  EXPECT_EQ(
      ErrorOf({.upcasts = {EdgeOf({1, 1}, {2, 0})}, .now = kAfterSunset, .bridge_minors = false},
              HF_R_CONTRACT_NO_PATH),
      "OK");
}

TEST(ContractUpcast, DowncastsAreAskedForOnlyIfRequired) {
  const std::vector<Edge> upcasts = {EdgeOf({1, 1}, {2, 0})};
  EXPECT_EQ(ErrorOf({.upcasts = upcasts}, HF_R_CONTRACT_NO_PATH), "OK");
  EXPECT_EQ(ErrorOf({.upcasts = upcasts, .require_downcasts = true}, HF_R_CONTRACT_NO_PATH),
            "contract com.acme.order: no downcast 2.0 -> 1.1: 1.0, which is in use, cannot be made "
            "of 2.0");
}

TEST(ContractUpcast, EdgesThatAreNoneAreNamed) {
  const auto error = [](Edge edge, bool down = false) {
    ConverterOptions options{.upcasts = {EdgeOf({1, 1}, {2, 0})}};
    (down ? options.downcasts : options.upcasts).push_back(std::move(edge));
    return ErrorOf(std::move(options), HF_R_CONTRACT_CONVERSION);
  };
  EXPECT_EQ(error(EdgeOf({1, 1}, {2, 0})),
            "contract com.acme.order: upcast 1.1 -> 2.0: is there twice");
  EXPECT_EQ(error(EdgeOf({1, 0}, {2, 0})),
            "contract com.acme.order: upcast 1.0 -> 2.0: leads over 1.1: edges join neighbours");
  EXPECT_THAT(error(EdgeOf({1, 1}, {1, 0})), HasSubstr("upcast 1.1 -> 1.0: leads back, a cycle"));
  EXPECT_THAT(error(EdgeOf({1, 1}, {1, 1})), HasSubstr("leads to where it comes from, a cycle"));
  EXPECT_THAT(error(EdgeOf({1, 0}, {1, 1}), true),
              HasSubstr("downcast 1.0 -> 1.1: leads forward, a cycle"));
  EXPECT_THAT(error(EdgeOf({1, 1}, {1, 2})), HasSubstr("upcast 1.1 -> 1.2: 1.2 is not registered"));
  EXPECT_THAT(error(EdgeOf({0, 9}, {1, 0})), HasSubstr("0.9 is not registered"));
  EXPECT_THAT(error(EdgeOf({1, 0}, {1, 1}, nullptr)), HasSubstr("has no function"));
  Edge other = EdgeOf({1, 0}, {1, 1});
  other.contract = "com.acme.invoice";
  EXPECT_EQ(error(other),
            "contract com.acme.invoice: upcast 1.0 -> 1.1: no such contract is registered");
  Edge typed = EdgeOf({1, 0}, {1, 1});
  typed.from_message = "acme.v1.Invoice";
  EXPECT_THAT(error(typed),
              HasSubstr("reads acme.v1.Invoice, and the contract's message is acme.v1.Order"));
  typed.from_message = "acme.v1.Order";
  typed.to_message = "acme.v2.Order";
  EXPECT_THAT(error(typed),
              HasSubstr("makes acme.v2.Order, and the contract's message is acme.v1.Order"));
}

TEST(ContractUpcast, AllFaultsAreToldAtOnce) {
  const std::string text = ErrorOf({.upcasts = {EdgeOf({1, 0}, {2, 0}), EdgeOf({5, 0}, {6, 0})}},
                                   HF_R_CONTRACT_CONVERSION);
  EXPECT_THAT(text,
              AllOf(HasSubstr("1.0 -> 2.0"), HasSubstr("\ncontract com.acme.order: upcast 5.0"),
                    HasSubstr("\ncontract com.acme.order: no upcast 1.1 -> 2.0")));
}

TEST(ContractUpcast, ChainGoesThroughEachVersionInOrder) {
  std::vector<std::string> seen;
  const auto step = [&](VersionNumber from, VersionNumber to) {
    return EdgeOf(from, to,
                  [&seen, to](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
                    seen.push_back(std::string(event.Text("contractversion")) + "->" + Text(to));
                    return std::vector<Envelope>{Envelope(event)};
                  });
  };
  const Converter converter = Whole({step({1, 1}, {2, 0}), step({1, 0}, {1, 1})},
                                    {step({2, 0}, {1, 1}), step({1, 1}, {1, 0})});
  const auto up = converter.Upcast(Order("1.0", "").view());
  ASSERT_TRUE(up.ok()) << up.status();
  EXPECT_EQ(up->front()->Text("contractversion"), "2.0");
  ASSERT_TRUE(converter.Downcast(up->front().view(), {1, 0}).ok());
  EXPECT_THAT(seen, testing::ElementsAre("1.0->1.1", "1.1->2.0", "2.0->1.1", "1.1->1.0"));
  EXPECT_EQ(converter.Upcast(Order("1.0", "").view(), {1, 1})->front()->Text("contractversion"),
            "1.1");
}

TEST(ContractUpcast, StoredBytesNeverChange) {
  const ContractRegistry contracts = OrdersRegistry();
  const Converter converter = Whole({EdgeOf({1, 1}, {2, 0}, Copies("", 2))});
  Envelope event = Order("1.0", Payload(contracts, {1, 0}, "id: \"o-1\" cents: 5"));
  event.Set(TextAttribute("dataschema", "https://acme.example/1.0", HF_ATTRIBUTE_URI));
  std::string stored;
  ASSERT_TRUE(event.view().Encode(&stored).ok());
  const std::string before = stored;
  EnvelopeView view;
  ASSERT_TRUE(view.Decode(stored).ok());
  ASSERT_TRUE(converter.Upcast(view).ok());
  EXPECT_EQ(stored, before);
  std::string again;
  ASSERT_TRUE(view.Encode(&again).ok());
  EXPECT_EQ(again, before);
}

TEST(ContractUpcast, WhatNoLongerHoldsIsTakenAwayAndAllElseStays) {
  const Converter converter = Whole({EdgeOf({1, 1}, {2, 0})});
  Envelope event = Order("1.0", "");
  event.Set(TextAttribute("dataschema", "https://acme.example/1.0", HF_ATTRIBUTE_URI));
  event.Set(BooleanAttribute("deprecated", true));
  event.Set(TimeAttribute("deprecationfrom", kNow));
  event.Set(TimeAttribute("deprecationsunset", kNow));
  event.Set(TextAttribute("deprecationmigration", "https://acme.example", HF_ATTRIBUTE_URI));
  event.Set(TextAttribute("subject", "o-1"));
  event.Set(TimeAttribute("time", kNow));
  const auto up = converter.Upcast(event.view());
  ASSERT_TRUE(up.ok()) << up.status();
  const EnvelopeView& made = up->front().view();
  EXPECT_EQ(made.id(), "event-1");
  EXPECT_EQ(made.source(), "/orders");
  EXPECT_EQ(made.Text("subject"), "o-1");
  EXPECT_NE(made.Find("time"), nullptr);
  EXPECT_EQ(made.attributes().size(), 3u) << "subject, time and contractversion";
}

TEST(ContractUpcast, OneEventMayBecomeNoneOrMany) {
  const Converter none = Whole({EdgeOf({1, 1}, {2, 0}, Copies("", 0))});
  EXPECT_TRUE(none.Upcast(Order("1.0", "").view())->empty());
  const Converter many =
      Whole({EdgeOf({1, 0}, {1, 1}, Copies("", 2)), EdgeOf({1, 1}, {2, 0}, Copies("", 2))});
  const auto up = many.Upcast(Order("1.0", "").view());
  ASSERT_TRUE(up.ok()) << up.status();
  std::vector<std::string> ids;
  for (const Envelope& event : *up) ids.emplace_back(event->id());
  EXPECT_THAT(ids,
              testing::ElementsAre("event-1/1/1", "event-1/1/2", "event-1/2/1", "event-1/2/2"));
}

TEST(ContractUpcast, FanOutIsBounded) {
  const auto with = [](std::size_t count, std::uint32_t limit) {
    return Whole({EdgeOf({1, 0}, {1, 1}, Copies("", 4)), EdgeOf({1, 1}, {2, 0}, Copies("", count))},
                 {}, limit)
        .Upcast(Order("1.0", "").view());
  };
  EXPECT_EQ(with(4, 16)->size(), 16u);
  const absl::Status refused = with(4, 15).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RejectionOf(refused)->reason, HF_R_CONTRACT_FAN_OUT);
  EXPECT_EQ(refused.message(),
            "contract com.acme.order: conversion 1.1 -> 2.0: more than 15 events come of one");
  EXPECT_THAT(ErrorOf({.max_events = 0}, HF_R_OUT_OF_RANGE), HasSubstr("max_events"));
  EXPECT_THAT(ErrorOf({.max_events = 65537}, HF_R_OUT_OF_RANGE), HasSubstr("max_events"));
}

TEST(ContractUpcast, EdgeThatMakesAnotherEventIsStopped) {
  const auto made = [](const std::function<void(Envelope*)>& change) {
    return Whole({EdgeOf(
                     {1, 1}, {2, 0},
                     [change](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
                       std::vector<Envelope> events(2, Envelope(event));
                       change(&events[0]);
                       change(&events[1]);
                       return events;
                     })})
        .Upcast(Order("1.1", "").view())
        .status();
  };
  EXPECT_TRUE(made([](Envelope*) {}).ok());
  EXPECT_TRUE(made([](Envelope* event) { event->Erase("contractversion"); }).ok());
  const absl::Status type = made([](Envelope* event) { event->set_type("x"); });
  EXPECT_EQ(type.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(RejectionOf(type)->reason, HF_R_CONTRACT_CONVERSION);
  EXPECT_THAT(std::string(type.message()), HasSubstr("1.1 -> 2.0: made an event of type \"x\""));
  EXPECT_THAT(std::string(made([](Envelope* event) {
                            event->Set(TextAttribute("contractversion", "1.0"));
                          }).message()),
              HasSubstr("made an event of version \"1.0\""));
  EXPECT_THAT(std::string(made([](Envelope* event) { event->set_id("same"); }).message()),
              HasSubstr("two events with one source and id"));
}

TEST(ContractUpcast, ErrorOfAnEdgeSaysWhichOne) {
  const Converter converter = Whole({EdgeOf({1, 1}, {2, 0}, [](const EnvelopeView&) {
    return absl::StatusOr<std::vector<Envelope>>(
        MakeStatus(HF_DATA_LOSS, HF_R_BUDGET_EXHAUSTED, "no currency", std::chrono::seconds(3)));
  })});
  const absl::Status status = converter.Upcast(Order("1.0", "").view()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "contract com.acme.order: conversion 1.1 -> 2.0: no currency");
  EXPECT_EQ(RejectionOf(status)->retry_after, std::chrono::seconds(3));
}

TEST(ContractUpcast, WhatCannotBeConvertedIsRefusedWithAReason) {
  const Converter converter = Whole({EdgeOf({1, 1}, {2, 0})});
  const auto reason = [](const absl::StatusOr<std::vector<Envelope>>& answer) {
    return RejectionOf(answer.status()).value_or(Rejection{}).reason_name();
  };
  EXPECT_EQ(reason(converter.Upcast(Order("1.0", "", "x").view())), "contract_unregistered");
  Envelope unversioned = Order("1.0", "");
  unversioned.Erase("contractversion");
  EXPECT_EQ(reason(converter.Upcast(unversioned.view())), "contract_unversioned");
  EXPECT_EQ(reason(converter.Upcast(Order("1.9", "").view())), "contract_version");
  EXPECT_EQ(reason(converter.Upcast(Order("1.0", "").view(), {3, 0})), "contract_version");
  EXPECT_EQ(reason(converter.Upcast(Order("2.0", "").view(), {1, 0})), "contract_version");
  EXPECT_EQ(reason(converter.Downcast(Order("1.0", "").view(), {2, 0})), "contract_version");
  EXPECT_EQ(reason(converter.Downcast(Order("2.0", "").view(), {1, 1})), "contract_no_path");
}

TEST(ContractUpcast, CurrentVersionIsItsOwnUpcast) {
  const Converter converter = Whole({EdgeOf({1, 1}, {2, 0})});
  Envelope event = Order("2.0", "");
  event.Set(TextAttribute("dataschema", "https://acme.example/2.0", HF_ATTRIBUTE_URI));
  const auto up = converter.Upcast(event.view());
  ASSERT_EQ(up->size(), 1u);
  EXPECT_EQ(up->front()->Text("dataschema"), "https://acme.example/2.0");
}

TEST(ContractUpcast, BridgesOnlyWhatTheSchemasProve) {
  std::string manifest(kOrders);
  manifest.insert(manifest.find("version"), "compatibility: \"NONE\"\n  ");
  Parts parts(manifest);
  parts.Set("1.1.binpb", "package acme.v1; message Order { string id = 1; string cents = 2; }");
  EXPECT_THAT(ErrorOf({.contracts = *parts.Create(), .upcasts = {EdgeOf({1, 1}, {2, 0})}},
                      HF_R_CONTRACT_NO_PATH),
              StartsWith("contract com.acme.order: no upcast 1.0 -> 1.1"));
}

// 1.1 drops a field, and 1.2 has another meaning for its number: the bytes of 1.0 must not come through to 1.2.
TEST(ContractUpcast, BridgesLookAtAllVersionsBefore) {
  Parts parts(R"(contract { name: "com.acme.order" compatibility: "NONE"
    version { number: "1.0" message: "acme.v1.Order" descriptor_set: "1.0.binpb" }
    version { number: "1.1" message: "acme.v1.Order" descriptor_set: "1.1.binpb" }
    version { number: "1.2" message: "acme.v1.Order" descriptor_set: "1.2.binpb" } })");
  parts.Set("1.1.binpb", "package acme.v1; message Order { string id = 1; }");
  parts.Set("1.2.binpb", "package acme.v1; message Order { string id = 1; bool cents = 2; }");
  const std::string error = ErrorOf({.contracts = *parts.Create()}, HF_R_CONTRACT_NO_PATH);
  EXPECT_THAT(error, HasSubstr("no upcast 1.1 -> 1.2"));
}

// A renamed field is the same in binary, which is all that the contract promises; in JSON it is another.
TEST(ContractUpcast, BridgesTakeJsonByWhatIsProvedOfBinary) {
  Parts parts(R"(contract { name: "com.acme.order" compatibility: "FULL"
    version { number: "1.0" message: "acme.v1.Order" descriptor_set: "1.0.binpb" }
    version { number: "1.1" message: "acme.v1.Order" descriptor_set: "1.1.binpb" } })");
  parts.Set("1.0.binpb", "package acme.v1; message Order { string id = 1; int32 cents = 2; }");
  parts.Set("1.1.binpb", "package acme.v1; message Order { string id = 1; int32 sum = 2; }");
  const auto converter = Converter::Create({.contracts = *parts.Create()});
  ASSERT_TRUE(converter.ok()) << converter.status();
  Envelope event = Order("1.0", R"({"id": "x", "cents": 5})");
  event.Set(TextAttribute("datacontenttype", "application/json"));
  const auto up = converter->Upcast(event.view());
  ASSERT_TRUE(up.ok()) << up.status();
  EXPECT_EQ(up->at(0)->data(), R"({"id":"x","sum":5})");
  const auto down = converter->Downcast(up->at(0).view(), {1, 0});
  ASSERT_TRUE(down.ok()) << down.status();
  EXPECT_EQ(down->at(0)->data(), R"({"id":"x","cents":5})");
  EXPECT_EQ(converter->Upcast(Order("1.0", "\x10\x05").view())->at(0)->data(), "\x10\x05");
  event.set_data(DataKind::kBinary, "{");
  EXPECT_EQ(converter->Upcast(event.view()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ContractUpcast, ConvertsOnManyThreadsAtOnce) {
  const Converter converter = Whole({EdgeOf({1, 1}, {2, 0}, Copies("", 2))});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([converter] {
      for (int i = 0; i < 100; ++i) {
        LossReport loss;
        EXPECT_EQ(converter.Upcast(Order("1.0", "").view(), &loss)->size(), 2u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace holdfast::contract
