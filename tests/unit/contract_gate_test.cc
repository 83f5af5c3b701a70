// SPDX-License-Identifier: Apache-2.0
// The gates at both ends: what is refused, what is let pass with a warning, and what is counted of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/consume_gate.h>
#include <holdfast/contract/gate.h>
#include <holdfast/metrics_page.h>
#include <holdfast/metrics_text.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "contract/orders.h"

namespace holdfast::contract {
namespace {

using contract_test::Day;
using contract_test::kOrders;
using contract_test::Order;
using contract_test::OrdersRegistry;
using contract_test::Parts;
using contract_test::Payload;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const WallTime kEarly = Day(2025, 6, 1);
const WallTime kDeprecatedTime = Day(2026, 2, 1);
const WallTime kSunsetTime = Day(2026, 7, 1);

struct World {
  ContractRegistry contracts = OrdersRegistry();
  std::string payload =
      Payload(contracts, {1, 0}, "id: \"o-1\" cents: 250 items { sku: \"x\" count: 2 }");

  PublishGate Gate(GatePolicy policy = {}, GateWarning warning = {}) const {
    return *PublishGate::Create(
        {.contracts = contracts, .policy = policy, .on_warning = std::move(warning)});
  }
  ConsumeGate Consumer(ConsumeGateOptions options = {}) const {
    options.contracts = contracts;
    return *ConsumeGate::Create(std::move(options));
  }
};

void ExpectRefused(const absl::Status& status, absl::StatusCode code, hf_reason reason,
                   std::string_view text) {
  EXPECT_EQ(status.code(), code) << status;
  const auto rejection = RejectionOf(status);
  ASSERT_TRUE(rejection.has_value());
  EXPECT_EQ(rejection->reason, reason) << rejection->reason_name();
  EXPECT_EQ(rejection->retry_after, Duration::max());
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(text)));
}

TEST(PublishGate, LetsPassWhatKeepsItsContract) {
  const World world;
  const PublishGate gate = world.Gate();
  EXPECT_TRUE(gate.Check(Order("1.0", world.payload).view(), kEarly).ok());
  EXPECT_TRUE(gate.Check(Order("1.1", world.payload).view(), kSunsetTime).ok());
  const std::vector<GateCount> counts = gate.Counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].contract, "com.acme.order");
  EXPECT_EQ(counts[0].version, "1.0");
  EXPECT_EQ(counts[0].passed, 1u);
  EXPECT_TRUE(counts[0].faults.empty());
}

TEST(PublishGate, EventOfNoContractIsRefused) {
  const World world;
  ExpectRefused(world.Gate().Check(Order("1.0", "", "com.acme.invoice").view(), kEarly),
                absl::StatusCode::kNotFound, HF_R_CONTRACT_UNREGISTERED, "\"com.acme.invoice\"");
  ExpectRefused(
      world.Gate().Check(Order("1.0", "", "bad\x01\xff" + std::string(500, 't')).view(), kEarly),
      absl::StatusCode::kNotFound, HF_R_CONTRACT_UNREGISTERED, "\"bad\\x01\\xff");
}

TEST(PublishGate, EventThatSaysNoVersionIsRefused) {
  const World world;
  Envelope event = Order("1.0", world.payload);
  event.Erase("contractversion");
  ExpectRefused(world.Gate().Check(event.view(), kEarly), absl::StatusCode::kInvalidArgument,
                HF_R_CONTRACT_UNVERSIONED,
                "contract com.acme.order: the event has no contractversion");
  event.Set(IntegerAttribute("contractversion", 1));
  ExpectRefused(world.Gate().Check(event.view(), kEarly), absl::StatusCode::kInvalidArgument,
                HF_R_CONTRACT_UNVERSIONED, "no String");
}

TEST(PublishGate, UnknownVersionIsRefusedWhateverItsForm) {
  const World world;
  for (const std::string_view version : {"1.2", "3.0", "0.0", "1", "1.0.0", "latest", ""}) {
    ExpectRefused(world.Gate().Check(Order(version, world.payload).view(), kEarly),
                  absl::StatusCode::kNotFound, HF_R_CONTRACT_VERSION,
                  "has no version \"" + std::string(version) + "\"; the current one is 2.0");
  }
}

TEST(PublishGate, VersionIsRefusedFromTheMomentOfItsSunset) {
  const World world;
  const Envelope event = Order("1.0", world.payload);
  EXPECT_TRUE(world.Gate().Check(event.view(), kSunsetTime - std::chrono::nanoseconds(1)).ok());
  ExpectRefused(world.Gate().Check(event.view(), kSunsetTime),
                absl::StatusCode::kFailedPrecondition, HF_R_CONTRACT_SUNSET,
                "contract com.acme.order 1.0: is past its sunset of 2026-07-01T00:00:00Z; see "
                "https://acme.example/v2");
}

TEST(PublishGate, DeprecatedVersionPassesUnlessThePolicyMinds) {
  const World world;
  const Envelope event = Order("1.0", world.payload);
  EXPECT_TRUE(world.Gate().Check(event.view(), kDeprecatedTime).ok());
  ExpectRefused(world.Gate({.deprecated = Rule::kRefuse}).Check(event.view(), kDeprecatedTime),
                absl::StatusCode::kFailedPrecondition, HF_R_CONTRACT_DEPRECATED,
                "is deprecated, its sunset is 2026-07-01T00:00:00Z");
}

TEST(PublishGate, PayloadThatDoesNotParseIsRefusedWithoutBeingQuoted) {
  const World world;
  const std::string secret = "\x0a\x7fsecret";  // a string longer than there is
  const absl::Status refused = world.Gate().Check(Order("1.0", secret).view(), kEarly);
  ExpectRefused(refused, absl::StatusCode::kInvalidArgument, HF_R_CONTRACT_PAYLOAD,
                "contract com.acme.order 1.0: the payload does not parse as acme.v1.Order");
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("secret")));
  Envelope json = Order("1.0", R"({"id": ["secret"]})");
  json.Set(TextAttribute("datacontenttype", "application/json"));
  const absl::Status no_json = world.Gate().Check(json.view(), kEarly);
  ExpectRefused(no_json, absl::StatusCode::kInvalidArgument, HF_R_CONTRACT_PAYLOAD, "no JSON form");
  EXPECT_THAT(std::string(no_json.message()), Not(HasSubstr("secret")));
}

TEST(PublishGate, EventWithoutDataIsRefusedAndAnEmptyMessageIsNot) {
  const World world;
  Envelope event = Order("1.0", "");
  EXPECT_TRUE(world.Gate().Check(event.view(), kEarly).ok());
  event.set_data(DataKind::kNone, "");
  ExpectRefused(world.Gate().Check(event.view(), kEarly), absl::StatusCode::kInvalidArgument,
                HF_R_CONTRACT_PAYLOAD, "has no data");
}

TEST(PublishGate, TypeUrlOfAnotherMessageIsRefused) {
  const World world;
  Envelope event = Order("1.0", world.payload);
  event.set_data(DataKind::kProto, world.payload, "type.googleapis.com/acme.v1.Order");
  EXPECT_TRUE(world.Gate().Check(event.view(), kEarly).ok());
  event.set_data(DataKind::kProto, world.payload, "type.googleapis.com/acme.v2.Order");
  ExpectRefused(world.Gate().Check(event.view(), kEarly), absl::StatusCode::kInvalidArgument,
                HF_R_CONTRACT_MESSAGE, "names another message than acme.v1.Order");
}

TEST(PublishGate, ContentTypeSaysHowThePayloadIsRead) {
  const World world;
  const std::string json = R"({"id": "o-1", "cents": "250"})";
  const auto check = [&](DataKind kind, std::string_view type, std::string_view data) {
    Envelope event = Order("1.0", "");
    event.set_data(kind, data);
    if (!type.empty()) event.Set(TextAttribute("datacontenttype", type));
    return world.Gate().Check(event.view(), kEarly).ok();
  };
  for (const std::string_view type : {"application/json", "Application/JSON; charset=utf-8",
                                      "text/json", "application/vnd.acme.order+json"}) {
    EXPECT_TRUE(check(DataKind::kBinary, type, json)) << type;
    EXPECT_TRUE(check(DataKind::kText, type, json)) << type;
    EXPECT_FALSE(check(DataKind::kBinary, type, world.payload)) << type;
  }
  EXPECT_TRUE(check(DataKind::kText, "", json));
  for (const std::string_view type :
       {"", "application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf",
        "application/octet-stream"}) {
    EXPECT_TRUE(check(DataKind::kBinary, type, world.payload)) << type;
    EXPECT_FALSE(check(DataKind::kBinary, type, json)) << type;
  }
  EXPECT_FALSE(check(DataKind::kText, "text/plain", json));
  EXPECT_FALSE(check(DataKind::kBinary, "avro/binary", world.payload));
}

TEST(PublishGate, UnknownFieldsAreCountedAtAnyDepth) {
  const World world;
  const std::string newer =
      Payload(world.contracts, {1, 1}, "note: \"n\" items { gift: true } items { gift: true }");
  std::vector<std::string> warnings;
  const PublishGate gate =
      world.Gate({}, [&](const EnvelopeView& event, const absl::Status& fault) {
        warnings.push_back(std::string(event.id()) + ": " + std::string(fault.message()));
      });
  EXPECT_TRUE(gate.Check(Order("1.0", newer).view(), kEarly).ok());
  EXPECT_THAT(warnings,
              testing::ElementsAre("event-1: contract com.acme.order 1.0: the payload has "
                                   "fields that acme.v1.Order does not: 3"));
  EXPECT_EQ(gate.Counts()[0].unknown_fields, 3u);
  EXPECT_EQ(gate.Counts()[0].passed, 1u);
  EXPECT_TRUE(gate.Check(Order("1.1", newer).view(), kEarly).ok());
  EXPECT_EQ(warnings.size(), 1u);
  ExpectRefused(
      world.Gate({.unknown_fields = Rule::kRefuse}).Check(Order("1.0", newer).view(), kEarly),
      absl::StatusCode::kInvalidArgument, HF_R_CONTRACT_UNKNOWN_FIELDS, ": 3");
  Envelope json = Order("1.0", R"({"id": "o", "noted": true})");
  json.Set(TextAttribute("datacontenttype", "application/json"));
  EXPECT_TRUE(gate.Check(json.view(), kEarly).ok());
  EXPECT_EQ(warnings.size(), 2u);
}

TEST(PublishGate, WhatIsNoJsonHasNoUnknownFields) {
  const World world;
  const PublishGate gate = world.Gate();
  Envelope event = Order("1.0", "{");
  event.Set(TextAttribute("datacontenttype", "application/json"));
  EXPECT_FALSE(gate.Check(event.view(), kEarly).ok());
  EXPECT_EQ(gate.Counts().at(0).unknown_fields, 0u);
}

TEST(PublishGate, WarnsAndGoesOnWhereThePolicySaysSo) {
  const World world;
  std::vector<hf_reason> reasons;
  const GatePolicy lenient{Rule::kWarn, Rule::kWarn, Rule::kWarn, Rule::kWarn,
                           Rule::kWarn, Rule::kWarn, Rule::kWarn, Rule::kWarn};
  const PublishGate gate = world.Gate(lenient, [&](const EnvelopeView&, const absl::Status& fault) {
    reasons.push_back(RejectionOf(fault)->reason);
  });
  Envelope unversioned = Order("1.0", "");
  unversioned.Erase("contractversion");
  EXPECT_TRUE(gate.Check(Order("1.0", "", "x").view(), kEarly).ok());
  EXPECT_TRUE(gate.Check(unversioned.view(), kEarly).ok());
  EXPECT_TRUE(gate.Check(Order("9.9", "").view(), kEarly).ok());
  EXPECT_TRUE(gate.Check(Order("1.0", "\xff").view(), kSunsetTime).ok());
  EXPECT_EQ(reasons, (std::vector<hf_reason>{HF_R_CONTRACT_UNREGISTERED, HF_R_CONTRACT_UNVERSIONED,
                                             HF_R_CONTRACT_VERSION, HF_R_CONTRACT_SUNSET,
                                             HF_R_CONTRACT_PAYLOAD}));
  EXPECT_TRUE(
      world.Gate({.payload = Rule::kIgnore}).Check(Order("1.0", "\xff").view(), kEarly).ok());
}

TEST(PublishGate, LimitsAreKept) {
  const World world;
  const auto gate = PublishGate::Create({.contracts = world.contracts, .limits = {.max_size = 8}});
  ExpectRefused(gate->Check(Order("1.0", world.payload).view(), kEarly),
                absl::StatusCode::kInvalidArgument, HF_R_CONTRACT_PAYLOAD, "more than 8");
  Parts parts(R"(contract { name: "com.acme.order" version { number: "1.0" message: "acme.Tree"
                 descriptor_set: "tree" } })");
  parts.Set("tree", "package acme; message Tree { Tree child = 1; }");
  const auto trees =
      PublishGate::Create({.contracts = *parts.Create(), .limits = {.max_depth = 3}});
  const std::string three("\x0a\x04\x0a\x02\x0a\x00", 6);
  EXPECT_TRUE(trees->Check(Order("1.0", three).view(), kEarly).ok());
  EXPECT_FALSE(trees->Check(Order("1.0", "\x0a\x06" + three).view(), kEarly).ok());
  EXPECT_FALSE(PublishGate::Create({.limits = {.max_size = 0}}).ok());
  EXPECT_FALSE(PublishGate::Create({.limits = {.max_size = std::size_t{1} << 31}}).ok());
  EXPECT_FALSE(PublishGate::Create({.limits = {.max_depth = 0}}).ok());
  EXPECT_FALSE(PublishGate::Create({.limits = {.max_depth = 1001}}).ok());
}

TEST(PublishGate, DeeplyNestedJsonIsRefusedAndDoesNotOverflow) {
  Parts parts(R"(contract { name: "com.acme.order" version { number: "1.0" message: "acme.Tree"
                 descriptor_set: "tree" } })");
  parts.Set("tree", "package acme; message Tree { Tree child = 1; }");
  const auto gate = PublishGate::Create({.contracts = *parts.Create()});
  std::string json;
  for (int i = 0; i < 100000; ++i) json += R"({"child":)";
  Envelope event = Order("1.0", json);
  event.Set(TextAttribute("datacontenttype", "application/json"));
  EXPECT_FALSE(gate->Check(event.view(), kEarly).ok());
}

TEST(PublishGate, CountsAreOnTheMetricsPage) {
  const World world;
  const PublishGate gate = world.Gate();
  EXPECT_TRUE(gate.Check(Order("1.0", world.payload).view(), kEarly).ok());
  EXPECT_FALSE(gate.Check(Order("1.0", world.payload).view(), kSunsetTime).ok());
  EXPECT_FALSE(gate.Check(Order("7.0", world.payload).view(), kEarly).ok());
  EXPECT_FALSE(gate.Check(Order("1.0", "", "x").view(), kEarly).ok());
  MetricsPage page;
  page.Add("orders", gate);
  EXPECT_TRUE(page.status().ok()) << page.status();
  const std::string text = MetricsText(page);
  EXPECT_THAT(text,
              AllOf(HasSubstr("holdfast_contract_passed_total{name=\"orders\",contract=\"com."
                              "acme.order\",version=\"1.0\"} 1\n"),
                    HasSubstr("version=\"1.0\",reason=\"contract_sunset\"} 1\n"),
                    HasSubstr("contract=\"com.acme.order\",version=\"\",reason=\"contract_"
                              "version\"} 1\n"),
                    HasSubstr("contract=\"\",version=\"\",reason=\"contract_unregistered\"} 1\n")));
}

TEST(PublishGate, CountsNothingTwiceFromManyThreads) {
  const World world;
  const PublishGate gate = world.Gate();
  const Envelope good = Order("1.0", world.payload);
  const Envelope bad = Order("1.0", "\xff");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, gate] {
      for (int i = 0; i < 100; ++i) {
        gate.Check(good.view(), kEarly).IgnoreError();
        gate.Check(bad.view(), kEarly).IgnoreError();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gate.Counts()[0].passed, 400u);
  EXPECT_EQ(gate.Counts()[0].faults[0].refused, 400u);
}

TEST(ConsumeGate, SaysWhichVersionReadsTheEvent) {
  const World world;
  const auto admitted = world.Consumer().Check(Order("1.0", world.payload).view(), kDeprecatedTime);
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_EQ(admitted->version, world.contracts.Find("com.acme.order", {1, 0}));
  EXPECT_FALSE(admitted->newer_minor);
  EXPECT_EQ(admitted->stage, Stage::kDeprecated);
}

TEST(ConsumeGate, NewerMinorIsReadOnlyWhereThatIsPromised) {
  World world;
  const Envelope newer = Order("1.7", world.payload);
  EXPECT_EQ(world.Consumer().Check(newer.view(), kEarly).status().code(),
            absl::StatusCode::kNotFound);
  std::string promised(kOrders);
  promised.insert(promised.find("version"), "compatibility: \"FULL_TRANSITIVE\"\n  ");
  world.contracts = *Parts(promised).Create();
  const auto admitted = world.Consumer().Check(newer.view(), kEarly);
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_EQ(admitted->version->number(), (VersionNumber{1, 1}));
  EXPECT_TRUE(admitted->newer_minor);
  EXPECT_FALSE(world.Consumer().Check(Order("3.1", world.payload).view(), kEarly).ok());
  EXPECT_FALSE(world.Consumer().Check(Order("0.9", world.payload).view(), kEarly).ok());
  EXPECT_FALSE(world.Gate().Check(newer.view(), kEarly).ok())
      << "who publishes must know its version";
}

TEST(ConsumeGate, SunsetHasAGrace) {
  const World world;
  const Envelope event = Order("1.0", world.payload);
  const auto check = [&](Duration grace, Duration after) {
    return world.Consumer({.sunset_grace = grace}).Check(event.view(), kSunsetTime + after).ok();
  };
  using std::chrono::hours;
  const std::chrono::nanoseconds tick(1);
  EXPECT_FALSE(check(Duration{0}, Duration{0}));
  EXPECT_TRUE(check(hours(24), hours(24) - tick));
  EXPECT_FALSE(check(hours(24), hours(24)));
  EXPECT_TRUE(check(Duration::max(), hours(1000000)));
  EXPECT_EQ(world.Consumer({.sunset_grace = hours(1)}).Check(event.view(), kSunsetTime)->stage,
            Stage::kSunset);
  EXPECT_FALSE(ConsumeGate::Create({.sunset_grace = -tick}).ok());
}

TEST(ConsumeGate, WhatIsLetPassUnjudgedHasNoVersion) {
  const World world;
  const ConsumeGate gate = world.Consumer({.policy = {.unregistered = Rule::kIgnore}});
  const auto admitted = gate.Check(Order("1.0", "", "x").view(), kEarly);
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->version, nullptr);
  EXPECT_EQ(gate.Counts()[0].passed, 1u);
  EXPECT_EQ(gate.Counts()[0].contract, "");
}

}  // namespace
}  // namespace holdfast::contract
