// SPDX-License-Identifier: Apache-2.0
//
// AMQP's own types beside canonical text: a reader takes both, a writer gives types.
#include <gtest/gtest.h>
#include <holdfast/envelope_amqp.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

Attribute Time(std::string_view name, std::int64_t seconds, std::int32_t nanos) {
  return {Borrow(name), {nullptr, 0}, seconds, nanos, HF_ATTRIBUTE_TIMESTAMP};
}

std::vector<AmqpProperty> Required(std::vector<AmqpProperty> more = {}) {
  std::vector<AmqpProperty> properties = {
      TextAttribute("cloudEvents:specversion", "1.0"), TextAttribute("cloudEvents:id", "7"),
      TextAttribute("cloudEvents:source", "/orders"), TextAttribute("cloudEvents:type", "placed")};
  properties.insert(properties.end(), more.begin(), more.end());
  return properties;
}

TEST(Amqp, TypedPropertiesAreReadAsTheirKind) {
  ReceivedAmqpEvent received;
  const std::string blob("\0\xFF", 2);
  const absl::Status read = received.Read(
      "application/json",
      Required({BooleanAttribute("cloudEvents:deprecated", true),
                IntegerAttribute("cloudEvents:sampledrate", 30),
                IntegerAttribute("cloudEvents:ours", -1), Time("cloudEvents:time", 1522900584, 0),
                TextAttribute("cloudEvents:blob", blob, HF_ATTRIBUTE_BYTES),
                TextAttribute("cloudEvents:subject", "a b"), IntegerAttribute("x-delivery", 3)}),
      "{}");
  ASSERT_TRUE(read.ok()) << read;
  const EnvelopeView& event = received.event();
  EXPECT_EQ(event.id(), "7");
  EXPECT_EQ(event.data(), "{}");
  EXPECT_EQ(event.Text("datacontenttype"), "application/json");
  EXPECT_EQ(event.Text("subject"), "a b");
  EXPECT_EQ(event.Find("deprecated")->kind, HF_ATTRIBUTE_BOOLEAN);
  EXPECT_EQ(event.Find("sampledrate")->number, 30);
  EXPECT_EQ(event.Find("ours")->kind, HF_ATTRIBUTE_INTEGER);
  EXPECT_EQ(event.Find("time")->number, 1522900584);
  EXPECT_EQ(View(event.Find("blob")->text), blob);
  EXPECT_EQ(event.attributes().size(), 7u);
}

TEST(Amqp, CanonicalTextIsReadAsWell) {
  ReceivedAmqpEvent received;
  const absl::Status read =
      received.Read("",
                    Required({TextAttribute("cloudEvents_sampledrate", "30"),
                              TextAttribute("cloudEvents_time", "2018-04-05T03:56:24Z"),
                              TextAttribute("cloudEvents_deprecated", "true")}),
                    std::nullopt);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(received.event().Find("sampledrate")->number, 30);
  EXPECT_EQ(received.event().Find("time")->number, 1522900584);
  EXPECT_EQ(received.event().Find("deprecated")->number, 1);
  EXPECT_EQ(received.event().data_kind(), DataKind::kNone);
}

TEST(Amqp, WhatNoAttributeMayBeIsRefused) {
  const std::vector<AmqpProperty> bad[] = {
      {IntegerAttribute("cloudEvents:sampledrate", 1),
       TextAttribute("cloudEvents_sampledrate", "1")},
      {BooleanAttribute("cloudEvents:sampledrate", true)},
      {IntegerAttribute("cloudEvents:id", 1)},
      {IntegerAttribute("cloudEvents:Bad", 1)},
      {Time("cloudEvents:time", 1, -1)},
      {{Borrow("cloudEvents:long"), {}, std::int64_t{1} << 31, 0, HF_ATTRIBUTE_INTEGER}},
      {{Borrow("cloudEvents:long"), {}, -(std::int64_t{1} << 31) - 1, 0, HF_ATTRIBUTE_INTEGER}},
  };
  ReceivedAmqpEvent received;
  for (const std::vector<AmqpProperty>& more : bad) {
    const absl::Status read = received.Read("", Required(more), "x");
    EXPECT_EQ(read.code(), absl::StatusCode::kInvalidArgument) << read;
    EXPECT_EQ(received.event().id(), "");
    EXPECT_TRUE(received.event().attributes().empty());
  }
}

TEST(Amqp, ANameThatIsNoneIsNotShown) {
  const std::string name = "cloudEvents:a\nforged: line";
  const std::vector<std::vector<AmqpProperty>> bad = {
      {{Borrow(name), {}, std::int64_t{1} << 31, 0, HF_ATTRIBUTE_INTEGER}},
      {IntegerAttribute(name, 1), IntegerAttribute(name, 2)},
  };
  ReceivedAmqpEvent received;
  for (const std::vector<AmqpProperty>& more : bad) {
    const absl::Status read = received.Read("", Required(more), "x");
    EXPECT_EQ(read.code(), absl::StatusCode::kInvalidArgument) << read;
    EXPECT_EQ(read.message().find("forged"), absl::string_view::npos) << read;
  }
}

TEST(Amqp, MoreThanAnEventHoldsIsRefused) {
  std::vector<std::string> names;
  for (int i = 0; i < 65; ++i) names.push_back("cloudEvents_x" + std::to_string(i));
  std::vector<AmqpProperty> more;
  for (const std::string& name : names) more.push_back(IntegerAttribute(name, 1));
  ReceivedAmqpEvent received;
  EXPECT_EQ(received.Read("", Required(more), "x").code(), absl::StatusCode::kResourceExhausted);
}

TEST(Amqp, AStructuredMessageIsReadWhateverItsProperties) {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/orders");
  event.set_type("placed");
  std::string body;
  ASSERT_TRUE(event.Encode(&body).ok());
  ReceivedAmqpEvent received;
  const std::vector<AmqpProperty> properties = {IntegerAttribute("cloudEvents:id", 1)};
  const absl::Status read = received.Read(kProtobufEvent, properties, body);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(received.event().id(), "7");
}

TEST(Amqp, AWriterGivesTypesButNoTimeItWouldRound) {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/orders");
  event.set_type("placed");
  event.Set(TextAttribute("datacontenttype", "text/plain"));
  event.Set(IntegerAttribute("sampledrate", 30));
  event.Set(BooleanAttribute("deprecated", true));
  event.Set(TextAttribute("dataschema", "https://a/b", HF_ATTRIBUTE_URI));
  event.Set(TextAttribute("blob", "hi", HF_ATTRIBUTE_BYTES));
  event.Set(Time("time", 1522900584, 500000000));
  event.Set(Time("recordedtime", 1522900584, 500000001));
  AmqpProperties properties;
  const absl::Status written = properties.Write(Binding::kAmqp, event);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(properties.content_type(), "text/plain");
  std::string kinds;
  for (const AmqpProperty& property : properties.properties()) {
    kinds +=
        std::string(View(property.name).substr(12)) + ":" + std::to_string(property.kind) + " ";
  }
  EXPECT_EQ(kinds,
            "specversion:3 id:3 source:3 type:3 sampledrate:2 deprecated:1 dataschema:3 blob:4 "
            "time:7 recordedtime:3 ");

  ReceivedAmqpEvent received;
  const absl::Status read =
      received.Read(properties.content_type(), properties.properties(), std::nullopt);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(received.event().attributes().size(), event.attributes().size());
  for (const Attribute& attribute : event.attributes()) {
    const Attribute* const found = received.event().Find(View(attribute.name));
    ASSERT_NE(found, nullptr) << View(attribute.name);
    EXPECT_EQ(found->kind, attribute.kind) << View(attribute.name);
    EXPECT_EQ(found->number, attribute.number);
    EXPECT_EQ(found->nanos, attribute.nanos);
    EXPECT_EQ(View(found->text), View(attribute.text));
  }
}

TEST(Amqp, AnEventThatMayNotBeSentGivesNoProperties) {
  AmqpProperties properties;
  EXPECT_FALSE(properties.Write(Binding::kAmqpColon, EnvelopeView()).ok());
  EXPECT_TRUE(properties.properties().empty());
}

}  // namespace
}  // namespace holdfast
