// SPDX-License-Identifier: Apache-2.0
// Loss reports: what was set before and is not afterwards, by name.
#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <holdfast/contract/loss.h>
#include <holdfast/contract/upcast.h>

#include <memory>
#include <string>
#include <vector>

#include "contract/orders.h"
#include "contract/proto_text.h"

namespace holdfast::contract {
namespace {

using contract_test::Order;
using contract_test::OrdersRegistry;
using contract_test::Payload;
using contract_test::ProtoSchema;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kOld = R"(message M {
  string name = 1; Address address = 2; repeated Item items = 3; map<string, Item> by_name = 4; int32 age = 5;
  oneof way { string mail = 6; int64 phone = 7; }
}
message Address { string street = 1; string zip = 2; }
message Item { string sku = 1; int32 count = 2; }
)";
constexpr std::string_view kNew = R"(message M {
  string name = 1; Address address = 2; repeated Item items = 3; map<string, Item> by_name = 4; string years = 15;
  oneof way { string mail = 6; }
}
message Address { string street = 1; string postcode = 12; }
message Item { string sku = 1; }
)";

class Schemas {
 public:
  std::vector<std::string> Losses(const std::string& before, const std::vector<std::string>& after,
                                  const std::vector<std::string>& moved = {}) {
    const auto was = Make(old_, before);
    std::vector<std::unique_ptr<google::protobuf::Message>> kept;
    std::vector<const google::protobuf::Message*> is;
    for (const std::string& text : after) {
      kept.push_back(Make(new_, text));
      is.push_back(kept.back().get());
    }
    LossReport report;
    FindLosses(*was, is, moved, {1, 0}, {2, 0}, &report);
    EXPECT_FALSE(report.truncated);
    std::vector<std::string> texts;
    for (const Loss& loss : report.losses) texts.push_back(Text(loss));
    return texts;
  }

  // The bytes that the older schema wrote, read with the newer one.
  std::vector<std::string> LossesOfReading(const std::string& before) {
    const auto was = Make(old_, before);
    const auto is = Make(new_, "");
    EXPECT_TRUE(is->ParseFromString(was->SerializeAsString()));
    const google::protobuf::Message* const after[] = {is.get()};
    LossReport report;
    FindLosses(*was, after, {}, {1, 0}, {1, 1}, &report);
    std::vector<std::string> texts;
    for (const Loss& loss : report.losses) texts.push_back(Text(loss));
    return texts;
  }

 private:
  std::unique_ptr<google::protobuf::Message> Make(const Schema& schema, const std::string& text) {
    std::unique_ptr<google::protobuf::Message> message(
        factory_.GetPrototype(schema.FindMessage("M"))->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
    return message;
  }

  Schema old_ = ProtoSchema(kOld);
  Schema new_ = ProtoSchema(kNew);
  google::protobuf::DynamicMessageFactory factory_;
};

TEST(ContractLoss, NothingIsLostOfWhatIsStillSet) {
  const std::string text = "name: \"n\" address { street: \"s\" } items { sku: \"x\" } mail: \"m\"";
  EXPECT_THAT(Schemas().Losses(text, {text}), IsEmpty());
  EXPECT_THAT(Schemas().Losses("", {"name: \"n\""}), IsEmpty());
}

TEST(ContractLoss, FieldThatIsNotThereAnyMoreIsGone) {
  EXPECT_THAT(Schemas().Losses("age: 5 name: \"n\" phone: 1", {"name: \"n\""}),
              ElementsAre("1.0 -> 2.0: age: gone", "1.0 -> 2.0: phone: gone"));
}

TEST(ContractLoss, FieldThatIsThereButNotSetIsDefaulted) {
  EXPECT_THAT(Schemas().Losses("name: \"n\" mail: \"m\"", {""}),
              ElementsAre("1.0 -> 2.0: mail: defaulted", "1.0 -> 2.0: name: defaulted"));
}

TEST(ContractLoss, FieldsWithinAreNamedByTheirPath) {
  EXPECT_THAT(Schemas().Losses("address { street: \"s\" zip: \"z\" } items { sku: \"x\" count: 1 }"
                               "by_name { key: \"k\" value { sku: \"x\" count: 1 } }",
                               {"address { postcode: \"z\" } items { sku: \"x\" }"
                                "by_name { key: \"k\" value { sku: \"x\" } }"}),
              ElementsAre("1.0 -> 2.0: address.street: defaulted", "1.0 -> 2.0: address.zip: gone",
                          "1.0 -> 2.0: by_name.count: gone", "1.0 -> 2.0: items.count: gone"));
}

TEST(ContractLoss, MessageIsLostAsAWhole) {
  EXPECT_THAT(Schemas().Losses("address { street: \"s\" zip: \"z\" }", {""}),
              ElementsAre("1.0 -> 2.0: address: defaulted"));
}

TEST(ContractLoss, WhatMovedIsNotLost) {
  const std::string before = "age: 5 address { street: \"s\" zip: \"z\" }";
  const std::string after = "years: \"5\" address { street: \"s\" postcode: \"z\" }";
  EXPECT_THAT(Schemas().Losses(before, {after}, {"age", "address.zip"}), IsEmpty());
  EXPECT_THAT(Schemas().Losses(before, {"years: \"5\""}, {"age", "address"}), IsEmpty());
  EXPECT_THAT(Schemas().Losses(before, {after}, {"ag", "address.zi"}), testing::SizeIs(2));
}

TEST(ContractLoss, ManyEventsTogetherKeepWhatTheyKeep) {
  EXPECT_THAT(Schemas().Losses("name: \"n\" mail: \"m\"", {"name: \"n\"", "mail: \"m\""}),
              IsEmpty());
  EXPECT_THAT(Schemas().Losses("name: \"n\"", {}), ElementsAre("1.0 -> 2.0: the event: gone"));
}

TEST(ContractLoss, ValueThatIsStillInTheBytesIsUnknown) {
  EXPECT_THAT(
      Schemas().LossesOfReading("age: 5 address { zip: \"z\" street: \"s\" } items { count: 2 }"),
      ElementsAre("1.0 -> 1.1: address.zip: unknown", "1.0 -> 1.1: age: unknown",
                  "1.0 -> 1.1: items.count: unknown"));
}

TEST(ContractLoss, UnknownFieldsCount) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto report = [&](const std::string& written, Conversion convert) {
    const Edge edge{
        .contract = "com.acme.order", .from = {1, 0}, .to = {1, 1}, .convert = std::move(convert)};
    Edge rest{.contract = "com.acme.order", .from = {1, 1}, .to = {2, 0}, .convert = edge.convert};
    LossReport loss;
    const auto converter = Converter::Create({.contracts = contracts, .upcasts = {edge, rest}});
    EXPECT_TRUE(converter->Upcast(Order("1.0", written).view(), {1, 1}, &loss).ok());
    std::vector<std::string> texts;
    for (const Loss& each : loss.losses) texts.push_back(Text(each));
    return texts;
  };
  const auto keep = [](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
    return std::vector<Envelope>{Envelope(event)};
  };
  const auto drop = [](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
    std::vector<Envelope> events{Envelope(event)};
    events[0].set_data(DataKind::kBinary, "");
    return events;
  };
  const std::string note = Payload(contracts, {1, 1}, "note: \"n\"");
  const std::string field_9("\x48\x01", 2);
  EXPECT_THAT(report(note, keep), IsEmpty()) << "1.1 knows it";
  EXPECT_THAT(report(field_9, keep), IsEmpty());
  EXPECT_THAT(report(note + field_9, drop),
              ElementsAre("1.0 -> 1.1: #4: gone", "1.0 -> 1.1: #9: gone"));
}

TEST(ContractLoss, AReportIsBounded) {
  std::string proto = "message M {";
  std::string text;
  for (int i = 1; i <= 5000; ++i) {
    proto +=
        " int32 f" + std::to_string(i) + " = " + std::to_string(i < 19000 ? i : i + 1000) + ";";
    text += "f" + std::to_string(i) + ": 1 ";
  }
  const Schema schema = ProtoSchema(proto + "}");
  google::protobuf::DynamicMessageFactory factory;
  const std::unique_ptr<google::protobuf::Message> message(
      factory.GetPrototype(schema.FindMessage("M"))->New());
  const std::unique_ptr<google::protobuf::Message> empty(message->New());
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get()));
  const google::protobuf::Message* const after[] = {empty.get()};
  LossReport report;
  FindLosses(*message, after, {}, {1, 0}, {1, 1}, &report);
  EXPECT_TRUE(report.truncated);
  EXPECT_EQ(report.losses.size(), LossReport::kMaxFields);
}

}  // namespace
}  // namespace holdfast::contract
