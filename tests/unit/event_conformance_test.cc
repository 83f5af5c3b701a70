// SPDX-License-Identifier: Apache-2.0
//
// The scenarios of github.com/cloudevents/conformance (HTTP and Kafka protocol binding, data encodings), and AMQP's likewise.
#include <gtest/gtest.h>
#include <holdfast/envelope_amqp.h>
#include <holdfast/envelope_headers.h>

#include <string>
#include <string_view>

#include "unit/binding.h"

namespace holdfast {
namespace {

using testing::HeadersOf;
using testing::Pairs;

constexpr std::string_view kHello = R"({"message":"Hello World!"})";

struct Scenario {
  Binding binding;
  std::string prefix;
  std::string content_type;  // the header's name, as the peer writes it
};

const Scenario kScenarios[] = {{Binding::kHttp, "ce-", "Content-Type"},
                               {Binding::kHttp, "CE-", "content-type"},
                               {Binding::kKafka, "ce_", "content-type"},
                               {Binding::kAmqp, "cloudEvents_", "content-type"},
                               {Binding::kAmqpColon, "cloudEvents:", "content-type"}};

Pairs Message(const Scenario& scenario, const std::string& type) {
  const std::string& ce = scenario.prefix;
  return {{ce + "specversion", "1.0"},
          {ce + "type", "com.example.someevent"},
          {ce + "time", "2018-04-05T03:56:24Z"},
          {ce + "id", "1234-1234-1234"},
          {ce + "source", "/mycontext/subcontext"},
          {scenario.content_type, type}};
}

void ExpectTheEvent(const EnvelopeView& event, std::string_view type) {
  EXPECT_EQ(event.id(), "1234-1234-1234");
  EXPECT_EQ(event.type(), "com.example.someevent");
  EXPECT_EQ(event.source(), "/mycontext/subcontext");
  ASSERT_NE(event.Find("time"), nullptr);
  EXPECT_EQ(*FormatAttribute(*event.Find("time")), "2018-04-05T03:56:24Z");
  EXPECT_EQ(event.Text("datacontenttype"), type);
  EXPECT_EQ(event.data(), kHello);
}

TEST(EventConformance, BinaryModeWithJsonData) {
  for (const Scenario& scenario : kScenarios) {
    for (const std::string type : {"application/json", "application/json; charset=utf-8"}) {
      const Pairs message = Message(scenario, type);
      ReceivedEvent received;
      const absl::Status read = received.Read(scenario.binding, HeadersOf(message), kHello);
      ASSERT_TRUE(read.ok()) << read;
      ExpectTheEvent(received.event(), type);
    }
  }
}

TEST(EventConformance, AnEventWrittenInBinaryModeHasTheScenariosHeaders) {
  for (const Scenario& scenario : kScenarios) {
    Pairs expected = Message(scenario, "application/json");
    ReceivedEvent received;
    ASSERT_TRUE(received.Read(scenario.binding, HeadersOf(expected), kHello).ok());
    EventHeaders headers;
    ASSERT_TRUE(headers.Write(scenario.binding, received.event()).ok());
    Pairs written = testing::PairsOf(headers.headers());
    for (auto& [name, value] : expected) {
      if (scenario.binding != Binding::kHttp) continue;
      for (char& byte : name)
        byte = static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(written.begin(), written.end());
    EXPECT_EQ(written, expected);
  }
}

TEST(EventConformance, StructuredModeTakesTheTypeOfTheDataFromTheEvent) {
  for (const Scenario& scenario : kScenarios) {
    ReceivedEvent source;
    const Pairs message = Message(scenario, "application/json");
    ASSERT_TRUE(source.Read(scenario.binding, HeadersOf(message), kHello).ok());
    std::string body;
    ASSERT_TRUE(source.event().Encode(&body).ok());
    for (const std::string parameters : {"", "; charset=utf-8"}) {
      const Pairs structured = {{scenario.content_type, std::string(kProtobufEvent) + parameters}};
      ReceivedEvent received;
      const absl::Status read = received.Read(scenario.binding, HeadersOf(structured), body);
      ASSERT_TRUE(read.ok()) << read;
      ExpectTheEvent(received.event(), "application/json");
    }
  }
}

TEST(EventConformance, PayloadsComeThroughEveryModeByteForByte) {
  const std::string_view payloads[] = {"Hello, World!",      "Hello, 🌎!",
                                       "\"Hello, 🌎!\"",     R"({"msg":"Hello, 🌎!"})",
                                       R"(["Hello","🌎!"])", "<msg>Hello, 🌎!</msg>"};
  for (const Scenario& scenario : kScenarios) {
    for (const std::string_view payload : payloads) {
      const Pairs minimum = testing::Required(scenario.prefix);
      ReceivedEvent binary;
      ASSERT_TRUE(binary.Read(scenario.binding, HeadersOf(minimum), payload).ok());
      EXPECT_EQ(binary.event().data(), payload);
      EXPECT_TRUE(binary.event().attributes().empty());
      std::string body;
      ASSERT_TRUE(binary.event().Encode(&body).ok());
      const Pairs structured = {{"content-type", std::string(kProtobufEvent)}};
      ReceivedEvent again;
      ASSERT_TRUE(again.Read(scenario.binding, HeadersOf(structured), body).ok());
      EXPECT_EQ(again.event().data(), payload);
      EXPECT_EQ(again.event().id(), "1234-1234-1234");
    }
  }
}

TEST(EventConformance, AnEventNeedsNoData) {
  for (const Scenario& scenario : kScenarios) {
    const Pairs minimum = testing::Required(scenario.prefix);
    ReceivedEvent received;
    ASSERT_TRUE(received.Read(scenario.binding, HeadersOf(minimum), std::nullopt).ok());
    EXPECT_EQ(received.event().data_kind(), DataKind::kNone);
  }
}

}  // namespace
}  // namespace holdfast
