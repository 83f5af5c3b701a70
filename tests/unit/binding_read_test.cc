// SPDX-License-Identifier: Apache-2.0
//
// Reading events in binary mode: what each binding calls an attribute, what is refused, and who is put up with.
#include <gtest/gtest.h>
#include <holdfast/c/binding.h>

#include <string>
#include <string_view>

#include "unit/binding.h"

namespace holdfast {
namespace {

using testing::BindingRead;
using testing::Pairs;
using testing::Required;

void ExpectRefused(const BindingRead& read, std::string_view text) {
  EXPECT_EQ(read.code, HF_INVALID_ARGUMENT) << text;
  EXPECT_EQ(read.error.reason, HF_R_MALFORMED) << text;
  EXPECT_NE(std::string_view(read.error.text).find(text), std::string_view::npos)
      << read.error.text;
  EXPECT_EQ(read.event.id(), "");
  EXPECT_TRUE(read.event.attributes().empty());
}

TEST(BindingRead, HttpNamesAreComparedWithoutCase) {
  const BindingRead read(HF_BINDING_HTTP, {{"CE-SpecVersion", "1.0"},
                                           {"Ce-Id", "7"},
                                           {"cE-sOURCE", "/orders"},
                                           {"Ce-Type", "placed"},
                                           {"Ce-Myextension", "x"},
                                           {"Ce-Time", "2018-04-05T03:56:24Z"},
                                           {"CONTENT-TYPE", "text/plain"}});
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.event.source(), "/orders");
  EXPECT_EQ(read.text("myextension"), "x");
  EXPECT_EQ(read.text("datacontenttype"), "text/plain");
  ASSERT_NE(read.event.Find("time"), nullptr);
  EXPECT_EQ(read.event.Find("time")->kind, HF_ATTRIBUTE_TIMESTAMP);
  EXPECT_EQ(read.event.Find("time")->number, 1522900584);
}

TEST(BindingRead, KafkaNamesAreComparedExactly) {
  const BindingRead read(HF_BINDING_KAFKA,
                         Required("ce_", {{"CE_subject", "no"}, {"Content-Type", "text/plain"}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_TRUE(read.event.attributes().empty());
  EXPECT_EQ(read.report.passed_over, 2u);
}

TEST(BindingRead, AmqpTakesBothSeparators) {
  for (const hf_binding binding : {HF_BINDING_AMQP, HF_BINDING_AMQP_COLON}) {
    for (const std::string prefix : {"cloudEvents_", "cloudEvents:"}) {
      const BindingRead read(binding, Required(prefix, {{prefix + "subject", "a b%20c"}}));
      ASSERT_EQ(read.code, HF_OK) << read.error.text;
      EXPECT_EQ(read.text("subject"), "a b%20c");
    }
  }
  ExpectRefused(BindingRead(HF_BINDING_AMQP, Required("cloudEvents_", {{"cloudEvents:id", "8"}})),
                "id: comes twice");
}

TEST(BindingRead, OfGrpcTheDataHasItsOwnContentType) {
  const BindingRead read(HF_BINDING_GRPC, Required("ce-", {{"content-type", "application/grpc"},
                                                           {"ce-datacontenttype", "text/plain"},
                                                           {"user-agent", "grpc-c++/1.51.1"}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.text("datacontenttype"), "text/plain");
  EXPECT_EQ(read.report.passed_over, 2u);
}

TEST(BindingRead, HeadersOfOtherKindsArePassedOverAndCounted) {
  const BindingRead read(HF_BINDING_HTTP, Required("ce-", {{"Host", "a"},
                                                           {"ce_subject", "x"},
                                                           {"x-ce-subject", "x"},
                                                           {"ce", "x"},
                                                           {"", "x"},
                                                           {"Content-Type", ""}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.report.passed_over, 6u);
  EXPECT_TRUE(read.event.attributes().empty());
}

TEST(BindingRead, AnAttributeThatComesTwiceIsRefusedInWhateverCase) {
  ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{"Ce-Id", "1234-1234-1234"}})),
                "id: comes twice");
  ExpectRefused(
      BindingRead(HF_BINDING_HTTP, Required("ce-", {{"ce-subject", "a"}, {"CE-SUBJECT", "a"}})),
      "subject: comes twice");
  ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{"ce-specversion", "1.0"}})),
                "specversion: comes twice");
  ExpectRefused(BindingRead(HF_BINDING_HTTP, {{"ce-id", ""}, {"ce-id", "1"}}), "id: comes twice");
}

TEST(BindingRead, TheDatacontenttypeBesideContentTypeIsRefused) {
  ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{"ce-datacontenttype", "text/plain"},
                                                              {"content-type", "text/plain"}})),
                "datacontenttype: comes twice");
  // A peer without Content-Type may give it so, but no other mode by it.
  const BindingRead alone(HF_BINDING_HTTP, Required("ce-", {{"ce-datacontenttype", "text/plain"}}));
  EXPECT_EQ(alone.code, HF_OK) << alone.error.text;
  for (const char* const type : {"application/cloudevents+json", "text/plain%20", "%20"}) {
    ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{"ce-datacontenttype", type}})),
                  "");
  }
}

TEST(BindingRead, AContentTypeThatNoHeaderMayHaveIsRefused) {
  const Pairs http = Required("ce-", {{"content-type", "text/plain; a=ü"}});
  ExpectRefused(BindingRead(HF_BINDING_HTTP, http), "datacontenttype");
  const Pairs kafka = Required("ce_", {{"content-type", "text/plain; a=ü"}});
  EXPECT_EQ(BindingRead(HF_BINDING_KAFKA, kafka).code, HF_OK);
}

TEST(BindingRead, AHeaderWithoutANameIsNoContentTypeOfGrpc) {
  const BindingRead read(HF_BINDING_GRPC, Required("ce-", {{"", "text/plain"}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.text("datacontenttype"), "");
  EXPECT_EQ(read.report.passed_over, 1u);
}

TEST(BindingRead, AValueThatIsNullIsAnEmptyOneThatHasBeenThere) {
  const hf_header headers[] = {{Borrow("ce-id"), {nullptr, 0}}, {Borrow("ce-id"), Borrow("7")}};
  EnvelopeView event;
  hf_error error{};
  EXPECT_EQ(hf_binding_read(HF_BINDING_HTTP, headers, 2, nullptr, 0, nullptr, nullptr, 0,
                            &event.raw(), nullptr, &error),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(std::string_view(error.text), "id: comes twice");
}

TEST(BindingRead, EachRequiredAttributeIsMissed) {
  for (const char* const missing : {"specversion", "id", "source", "type"}) {
    Pairs pairs = Required("ce-");
    std::erase_if(pairs,
                  [&](const auto& pair) { return pair.first == "ce-" + std::string(missing); });
    ExpectRefused(BindingRead(HF_BINDING_HTTP, pairs), missing);
  }
}

TEST(BindingRead, AnotherSpecversionIsNotReadAsThisOne) {
  Pairs pairs = Required("ce-");
  pairs[0].second = "0.3";
  const BindingRead read(HF_BINDING_HTTP, pairs);
  EXPECT_EQ(read.code, HF_UNIMPLEMENTED);
  EXPECT_EQ(read.error.reason, HF_R_UNSUPPORTED_FIELD);
}

TEST(BindingRead, ANameThatIsNoneIsRefusedRatherThanLost) {
  for (const char* const name : {"ce-", "ce-foo_bar", "ce-foo-bar", "ce-data", "ce-\xC3\xA9"}) {
    ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{name, "x"}})),
                  "a name that none may have");
  }
  ExpectRefused(BindingRead(HF_BINDING_KAFKA, Required("ce_", {{"ce_Subject", "x"}})),
                "a name that none may have");
}

TEST(BindingRead, BytesThatAreNoUtf8AreRefused) {
  for (const char* const value : {"%C0%A0", "%ED%A0%80", "%FF", "\xC0\xA0", "a%E2%82"}) {
    const BindingRead read(HF_BINDING_HTTP, Required("ce-", {{"ce-subject", value}}));
    EXPECT_EQ(read.code, HF_INVALID_ARGUMENT) << value;
    EXPECT_NE(std::string_view(read.error.text).find("subject"), std::string_view::npos);
  }
}

TEST(BindingRead, FoldedLinesAndControlBytesAreRefused) {
  for (const std::string& value :
       {std::string("a\r\n b"), std::string("a\tb"), std::string("a\0b", 3), std::string("\x7F"),
        std::string("%0A")}) {
    for (const char* const name : {"ce-subject", "ce-id2", "content-type"}) {
      if (value == "%0A" && name[0] == 'c' && name[1] == 'o') continue;
      ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{name, value}})), "");
    }
  }
}

TEST(BindingRead, PeersThatDoNotEncodeAreReadAndCounted) {
  const BindingRead read(HF_BINDING_HTTP,
                         Required("ce-", {{"ce-subject", "  a b "},
                                          {"ce-one", "100%"},
                                          {"ce-two", "\"a b\""},
                                          {"ce-three", "Euro%20%E2%82%AC%20%F0%9F%98%80"}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.text("subject"), "a b");
  EXPECT_EQ(read.text("one"), "100%");
  EXPECT_EQ(read.text("two"), "a b");
  EXPECT_EQ(read.text("three"), "Euro € 😀");
  EXPECT_EQ(read.report.raw_bytes, 2u);
  EXPECT_EQ(read.report.lone_percents, 1u);
  EXPECT_EQ(read.report.quoted, 1u);
  EXPECT_EQ(read.report.passed_over, 0u);
}

TEST(BindingRead, ValuesOfKafkaAreTakenAsTheyAre) {
  const BindingRead read(HF_BINDING_KAFKA, Required("ce_", {{"ce_subject", "\"a%20b\" € "}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.text("subject"), "\"a%20b\" € ");
  EXPECT_EQ(read.report.quoted + read.report.raw_bytes + read.report.lone_percents, 0u);
}

TEST(BindingRead, KnownNamesHaveTheirKindAndOthersAreStrings) {
  const BindingRead read(
      HF_BINDING_KAFKA,
      Required("ce_", {{"ce_sampledrate", "30"}, {"ce_deprecated", "true"}, {"ce_other", "30"}}));
  ASSERT_EQ(read.code, HF_OK) << read.error.text;
  EXPECT_EQ(read.event.Find("sampledrate")->number, 30);
  EXPECT_EQ(read.event.Find("sampledrate")->kind, HF_ATTRIBUTE_INTEGER);
  EXPECT_EQ(read.event.Find("deprecated")->kind, HF_ATTRIBUTE_BOOLEAN);
  EXPECT_EQ(read.event.Find("other")->kind, HF_ATTRIBUTE_STRING);
  for (const auto& [name, value] : Pairs{{"ce-sampledrate", "1e3"},
                                         {"ce-sampledrate", "2147483648"},
                                         {"ce-deprecated", "True"},
                                         {"ce-time", "yesterday"}}) {
    ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{name, value}})), name.substr(3));
  }
}

TEST(BindingRead, DataIsBinaryAndAbsentWhereTheTransportHasNone) {
  EXPECT_EQ(BindingRead(HF_BINDING_HTTP, Required("ce-"), "").event.data_kind(), DataKind::kNone);
  EXPECT_EQ(BindingRead(HF_BINDING_GRPC, Required("ce-"), "").event.data_kind(), DataKind::kNone);
  EXPECT_EQ(BindingRead(HF_BINDING_KAFKA, Required("ce_"), "").event.data_kind(),
            DataKind::kBinary);
  EXPECT_EQ(BindingRead(HF_BINDING_KAFKA, Required("ce_")).event.data_kind(), DataKind::kNone);
  const BindingRead read(HF_BINDING_HTTP, Required("ce-"), "payload");
  EXPECT_EQ(read.event.data_kind(), DataKind::kBinary);
  EXPECT_EQ(read.event.data().data(), read.body->data());
}

TEST(BindingRead, AMessageOfProtobufIsKnownByTypeAndSchema) {
  const auto kind = [](const char* type, const char* schema) {
    const BindingRead read(
        HF_BINDING_HTTP, Required("ce-", {{"content-type", type}, {"ce-dataschema", schema}}), "x");
    EXPECT_EQ(read.code, HF_OK) << read.error.text;
    return std::pair(read.event.data_kind(), std::string(read.event.data_type()));
  };
  const std::string url = "type.googleapis.com/acme.Order";
  EXPECT_EQ(kind("application/protobuf", "https://type.googleapis.com/acme.Order"),
            std::pair(DataKind::kProto, url));
  EXPECT_EQ(kind("Application/Protobuf ; v=1", "https://type.googleapis.com/acme.Order"),
            std::pair(DataKind::kProto, url));
  EXPECT_EQ(kind("application/protobuf", "http://a/_b.C2"),
            std::pair(DataKind::kProto, std::string("http://a/_b.C2")));
  for (const char* const schema : {"urn:acme:order", "https://a/b.", "https://a/.b",
                                   "https://a/b-c", "https://a/1b", "https://a/"}) {
    EXPECT_EQ(kind("application/protobuf", schema).first, DataKind::kBinary) << schema;
  }
  EXPECT_EQ(kind("application/json", "https://type.googleapis.com/acme.Order").first,
            DataKind::kBinary);
}

TEST(BindingRead, AMessageOfProtobufWithoutAFieldSetIsOneAllTheSame) {
  const auto read = [](hf_binding binding, Pairs headers, std::optional<std::string> body) {
    const BindingRead done(binding, std::move(headers), std::move(body));
    EXPECT_EQ(done.code, HF_OK) << done.error.text;
    return std::pair(done.event.data_kind(), std::string(done.event.data_type()));
  };
  const std::string schema = "https://a/acme.Order";
  const Pairs http =
      Required("ce-", {{"content-type", "application/protobuf"}, {"ce-dataschema", schema}});
  const Pairs grpc =
      Required("ce-", {{"ce-datacontenttype", "application/protobuf"}, {"ce-dataschema", schema}});
  const std::pair message(DataKind::kProto, std::string("a/acme.Order"));
  EXPECT_EQ(read(HF_BINDING_HTTP, http, ""), message);
  EXPECT_EQ(read(HF_BINDING_GRPC, grpc, ""), message);
  EXPECT_EQ(read(HF_BINDING_HTTP, http, std::nullopt).first, DataKind::kNone);
}

TEST(BindingRead, AStructuredMessageIsNotReadAsBinary) {
  for (const char* const type :
       {"application/cloudevents+json", "APPLICATION/CloudEvents-batch+json",
        "application/cloudevents; charset=utf-8"}) {
    ExpectRefused(BindingRead(HF_BINDING_HTTP, Required("ce-", {{"content-type", type}})),
                  "content-type: is not of binary mode");
  }
}

TEST(BindingRead, ABufferThatIsTooSmallIsTold) {
  const Pairs pairs = Required("ce-", {{"Ce-Subject", "a%20b"}});
  for (std::size_t capacity = 0; capacity < 12; ++capacity) {
    const BindingRead read(HF_BINDING_HTTP, pairs, std::nullopt, capacity);
    EXPECT_EQ(read.code, HF_RESOURCE_EXHAUSTED) << capacity;
    EXPECT_EQ(read.error.reason, HF_R_BUFFER_TOO_SMALL);
    EXPECT_EQ(read.event.id(), "");
  }
  EXPECT_EQ(BindingRead(HF_BINDING_HTTP, pairs, std::nullopt, 12).code, HF_OK);
}

TEST(BindingRead, MoreAttributesThanThereIsRoomForAreRefused) {
  Pairs pairs = Required("ce-");
  for (int i = 0; i < 64; ++i) pairs.emplace_back("ce-x" + std::to_string(i), "v");
  EXPECT_EQ(BindingRead(HF_BINDING_HTTP, pairs).code, HF_OK);
  pairs.emplace_back("ce-y", "v");
  const BindingRead read(HF_BINDING_HTTP, pairs);
  EXPECT_EQ(read.code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(read.error.reason, HF_R_BUFFER_TOO_SMALL);
}

TEST(BindingRead, ACapacityThatNoEventNeedsIsRefused) {
  std::vector<hf_attribute> room(HF_ENVELOPE_ATTRIBUTES + 1);
  hf_envelope event = HF_INIT(hf_envelope);
  event.attributes = room.data();
  event.attribute_capacity = HF_ENVELOPE_ATTRIBUTES + 1;
  hf_error error{};
  EXPECT_EQ(hf_binding_read(HF_BINDING_HTTP, nullptr, 0, nullptr, 0, nullptr, nullptr, 0, &event,
                            nullptr, &error),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(std::string_view(error.text), "attribute_capacity: 65 is outside 0..64");
}

TEST(BindingRead, AReportThatCannotBeWrittenLeavesNoEventBehind) {
  BindingRead read(HF_BINDING_HTTP, Required("ce-", {{"ce-subject", "a"}}));
  ASSERT_EQ(read.code, HF_OK);
  hf_binding_report report{};
  EXPECT_EQ(hf_binding_read(HF_BINDING_HTTP, nullptr, 0, nullptr, 0, nullptr, nullptr, 0,
                            &read.event.raw(), &report, &read.error),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(read.event.id(), "");
  EXPECT_TRUE(read.event.attributes().empty());
}

TEST(BindingRead, WrongPointersAndNumbersAreNamed) {
  EnvelopeView event;
  hf_error error{};
  const hf_header bad = {{nullptr, 1}, {"", 0}};
  const auto read = [&](hf_binding binding, const hf_header* headers, std::size_t count,
                        hf_envelope* out, hf_binding_report* report) {
    return hf_binding_read(binding, headers, count, nullptr, 0, nullptr, nullptr, 0, out, report,
                           &error);
  };
  EXPECT_EQ(read(HF_BINDING_HTTP, &bad, 1, &event.raw(), nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(read(HF_BINDING_HTTP, nullptr, 1, &event.raw(), nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(read(HF_BINDING_HTTP, nullptr, 0, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(read(0, nullptr, 0, &event.raw(), nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
  hf_binding_report report{};
  EXPECT_EQ(read(HF_BINDING_HTTP, nullptr, 0, &event.raw(), &report), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_STRUCT_SIZE);
  hf_envelope none{};
  EXPECT_EQ(read(HF_BINDING_HTTP, nullptr, 0, &none, nullptr), HF_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace holdfast
