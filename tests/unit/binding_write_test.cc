// SPDX-License-Identifier: Apache-2.0
//
// Writing events in binary mode: the headers of each binding, and what no header can carry.
#include <gtest/gtest.h>
#include <holdfast/c/binding.h>

#include <string>
#include <string_view>

#include "unit/binding.h"

namespace holdfast {
namespace {

using testing::BindingRead;
using testing::Pairs;
using testing::PairsOf;

EnvelopeView Event() {
  EnvelopeView event;
  event.set_id("7 %");
  event.set_source("/orders?a=%20");
  event.set_type("com.acme.größe");
  event.Set(TextAttribute("subject", "Euro € 😀"));
  event.Set(TextAttribute("datacontenttype", "text/plain; charset=utf-8"));
  event.Set(BooleanAttribute("deprecated", true));
  event.Set(IntegerAttribute("sampledrate", 30));
  event.Set(TextAttribute("blob", "hi?>", HF_ATTRIBUTE_BYTES));
  Attribute time = TextAttribute("time", "", HF_ATTRIBUTE_TIMESTAMP);
  time.number = 1522900584;
  time.nanos = 500000000;
  event.Set(time);
  event.set_data(DataKind::kText, "payload");
  return event;
}

Pairs Written(Binding binding, const EnvelopeView& event) {
  EventHeaders headers;
  const absl::Status status = headers.Write(binding, event);
  EXPECT_TRUE(status.ok()) << status;
  return PairsOf(headers.headers());
}

void ExpectRefused(Binding binding, const EnvelopeView& event, std::string_view text) {
  EventHeaders headers;
  const absl::Status status = headers.Write(binding, event);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_NE(std::string_view(status.message().data(), status.message().size()).find(text),
            std::string_view::npos)
      << status;
  EXPECT_TRUE(headers.headers().empty());
}

TEST(BindingWrite, OverHttpValuesArePercentEncodedButTheContentType) {
  EXPECT_EQ(Written(Binding::kHttp, Event()),
            (Pairs{{"ce-specversion", "1.0"},
                   {"ce-id", "7%20%25"},
                   {"ce-source", "/orders?a=%2520"},
                   {"ce-type", "com.acme.gr%C3%B6%C3%9Fe"},
                   {"ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"},
                   {"content-type", "text/plain; charset=utf-8"},
                   {"ce-deprecated", "true"},
                   {"ce-sampledrate", "30"},
                   {"ce-blob", "aGk/Pg=="},
                   {"ce-time", "2018-04-05T03:56:24.500Z"}}));
}

TEST(BindingWrite, KafkaAndAmqpTakeTextAsItIs) {
  EXPECT_EQ(Written(Binding::kKafka, Event()), (Pairs{{"ce_specversion", "1.0"},
                                                      {"ce_id", "7 %"},
                                                      {"ce_source", "/orders?a=%20"},
                                                      {"ce_type", "com.acme.größe"},
                                                      {"ce_subject", "Euro € 😀"},
                                                      {"content-type", "text/plain; charset=utf-8"},
                                                      {"ce_deprecated", "true"},
                                                      {"ce_sampledrate", "30"},
                                                      {"ce_blob", "aGk/Pg=="},
                                                      {"ce_time", "2018-04-05T03:56:24.500Z"}}));
  EXPECT_EQ(Written(Binding::kAmqp, Event())[4].first, "cloudEvents_subject");
  EXPECT_EQ(Written(Binding::kAmqpColon, Event())[4].first, "cloudEvents:subject");
  EXPECT_EQ(Written(Binding::kAmqpColon, Event())[0].first, "cloudEvents:specversion");
}

TEST(BindingWrite, OfGrpcTheContentTypeIsAnAttributeLikeTheOthers) {
  EXPECT_EQ(Written(Binding::kGrpc, Event())[5],
            testing::Pair("ce-datacontenttype", "text/plain;%20charset=utf-8"));
}

TEST(BindingWrite, WhatIsReadIsWhatWasWritten) {
  for (const Binding binding :
       {Binding::kHttp, Binding::kKafka, Binding::kAmqp, Binding::kAmqpColon, Binding::kGrpc}) {
    const BindingRead read(static_cast<hf_binding>(binding), Written(binding, Event()), "payload");
    ASSERT_EQ(read.code, HF_OK) << read.error.text;
    EXPECT_EQ(read.event.id(), "7 %");
    EXPECT_EQ(read.event.source(), "/orders?a=%20");
    EXPECT_EQ(read.event.type(), "com.acme.größe");
    EXPECT_EQ(read.text("subject"), "Euro € 😀");
    EXPECT_EQ(read.text("datacontenttype"), "text/plain; charset=utf-8");
    EXPECT_EQ(read.text("blob"), "aGk/Pg==");  // its kind is not on the wire
    EXPECT_EQ(read.event.Find("time")->nanos, 500000000);
    EXPECT_EQ(Written(binding, read.event), Written(binding, Event()));
    EXPECT_EQ(read.report.raw_bytes + read.report.lone_percents + read.report.quoted, 0u);
  }
}

TEST(BindingWrite, AMessageOfProtobufSaysItsTypeAsASchema) {
  EnvelopeView event = Event();
  event.Erase("datacontenttype");
  event.set_data(DataKind::kProto, "\x08\x01", "type.googleapis.com/acme.Order");
  for (const Binding binding : {Binding::kHttp, Binding::kKafka, Binding::kAmqp, Binding::kGrpc}) {
    const Pairs written = Written(binding, event);
    const BindingRead read(static_cast<hf_binding>(binding), written, "\x08\x01");
    ASSERT_EQ(read.code, HF_OK) << read.error.text;
    EXPECT_EQ(read.text("datacontenttype"), "application/protobuf");
    EXPECT_EQ(read.text("dataschema"), "https://type.googleapis.com/acme.Order");
    EXPECT_EQ(read.event.data_kind(), DataKind::kProto);
    EXPECT_EQ(read.event.data_type(), "type.googleapis.com/acme.Order");
    EXPECT_EQ(Written(binding, read.event), written);
  }
  event.set_data(DataKind::kProto, "", "http://types.acme.com/acme.Order");
  EXPECT_EQ(Written(Binding::kHttp, event).back().second, "http://types.acme.com/acme.Order");
}

TEST(BindingWrite, ATypeThatHeadersWouldLoseIsRefused) {
  EnvelopeView event = Event();
  event.Set(TextAttribute("datacontenttype", "application/protobuf"));
  event.set_data(DataKind::kProto, "", "type.googleapis.com/acme.Order");
  event.Set(TextAttribute("dataschema", "https://schemas.acme.com/acme.Order", HF_ATTRIBUTE_URI));
  ExpectRefused(Binding::kHttp, event, "dataschema");
  event.Set(TextAttribute("dataschema", "urn:acme:order", HF_ATTRIBUTE_URI));
  ExpectRefused(Binding::kHttp, event, "dataschema");
  event.Set(
      TextAttribute("dataschema", "https://type.googleapis.com/acme.Order", HF_ATTRIBUTE_URI));
  EXPECT_EQ(Written(Binding::kHttp, event).size(), 11u);
  event.Erase("dataschema");
  for (const char* const url : {"acme.Order", "a b/acme.Order", "a/1", "a/", "/acme.Order",
                                "urn:a/acme.Order", "a<b/acme.Order", "http://[/acme.Order"}) {
    event.set_data(DataKind::kProto, "", url);
    EventHeaders headers;
    EXPECT_FALSE(headers.Write(Binding::kHttp, event).ok()) << url;
  }
}

TEST(BindingWrite, AMessageOfProtobufThatSaysItIsSomethingElseIsRefused) {
  EnvelopeView event = Event();
  event.set_data(DataKind::kProto, "", "type.googleapis.com/acme.Order");
  event.Erase("dataschema");
  for (const char* const type : {"application/json", "application/x-protobuf", "text/plain"}) {
    event.Set(TextAttribute("datacontenttype", type));
    ExpectRefused(Binding::kHttp, event, "datacontenttype");
    ExpectRefused(Binding::kGrpc, event, "datacontenttype");
  }
  event.Set(TextAttribute("datacontenttype", "Application/Protobuf; v=1"));
  EXPECT_EQ(Written(Binding::kHttp, event).back().second, "https://type.googleapis.com/acme.Order");
}

TEST(BindingWrite, AContentTypeThatWouldBeMisreadIsRefused) {
  EnvelopeView event = Event();
  for (const char* const type : {"application/cloudevents+json", "Application/CloudEvents-Batch"}) {
    event.Set(TextAttribute("datacontenttype", type));
    for (const Binding binding : {Binding::kHttp, Binding::kKafka, Binding::kAmqp}) {
      ExpectRefused(binding, event, "datacontenttype");
    }
  }
  // gRPC tells the mode by other means.
  EXPECT_EQ(Written(Binding::kGrpc, event).size(), 10u);
}

TEST(BindingWrite, AContentTypeThatNoHeaderMayHaveIsRefused) {
  EnvelopeView event = Event();
  for (const char* const type : {"text/plain; a=ü", "text/plain; "}) {
    event.Set(TextAttribute("datacontenttype", type));
    ASSERT_TRUE(event.Check().ok()) << event.Check();
    ExpectRefused(Binding::kHttp, event, "datacontenttype");
    EXPECT_EQ(Written(Binding::kKafka, event)[5].second, type);
    EXPECT_EQ(Written(Binding::kGrpc, event)[5].first, "ce-datacontenttype");
  }
}

TEST(BindingWrite, WhatHasNoTextIsRefused) {
  EnvelopeView event = Event();
  event.Set(TextAttribute("odd", std::string_view("\x42\x00", 2), HF_ATTRIBUTE_OPAQUE));
  ASSERT_TRUE(event.Check().ok()) << event.Check();
  ExpectRefused(Binding::kHttp, event, "odd");
  event.Erase("odd");
  event.raw().unknown[0] = {"\x78\x01", 2};
  event.raw().unknown_count = 1;
  ExpectRefused(Binding::kKafka, event, "unknown");
}

TEST(BindingWrite, AnEventThatMayNotBeSentIsRefused) {
  EnvelopeView event = Event();
  event.set_id("");
  ExpectRefused(Binding::kHttp, event, "id");
}

TEST(BindingWrite, TheSizeNeededIsToldWhateverTheRoom) {
  const EnvelopeView event = Event();
  hf_header headers[HF_BINDING_HEADERS];
  std::size_t count = 7, need = 0;
  hf_error error{};
  const auto write = [&](char* buffer, std::size_t capacity) {
    return hf_binding_write(HF_BINDING_HTTP, &event.raw(), nullptr, headers, &count, buffer,
                            capacity, &need, &error);
  };
  EXPECT_EQ(write(nullptr, 0), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_BUFFER_TOO_SMALL);
  EXPECT_EQ(count, 0u);
  const std::size_t size = need;
  for (std::size_t capacity = 0; capacity <= size; ++capacity) {
    std::vector<char> exact(capacity);  // so that a byte too many is seen by ASan
    EXPECT_EQ(write(exact.data(), capacity), capacity < size ? HF_RESOURCE_EXHAUSTED : HF_OK);
    EXPECT_EQ(need, size);
  }
  EXPECT_EQ(count, 10u);
}

TEST(BindingWrite, AFullEventFitsTheHeadersThatAreEverWritten) {
  EnvelopeView event;
  event.set_id("1");
  event.set_source("/");
  event.set_type("t");
  std::vector<std::string> names;
  for (int i = 0; i < 64; ++i) names.push_back("x" + std::to_string(i));
  for (const std::string& name : names) event.Set(TextAttribute(name, "v"));
  EXPECT_EQ(Written(Binding::kHttp, event).size(), HF_ENVELOPE_ATTRIBUTES + 4u);
  // With those that say its type a message would have more than its reader takes.
  event.set_data(DataKind::kProto, "", "type.googleapis.com/acme.Order");
  for (std::size_t left = 64; left > 62; --left) {
    EventHeaders headers;
    const absl::Status status = headers.Write(Binding::kHttp, event);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_TRUE(headers.headers().empty());
    event.Erase(names[left - 1]);
  }
  const Pairs written = Written(Binding::kHttp, event);
  EXPECT_EQ(written.size(), HF_ENVELOPE_ATTRIBUTES + 4u);
  EXPECT_EQ(BindingRead(HF_BINDING_HTTP, written, "").code, HF_OK);
}

TEST(BindingWrite, WrongPointersAndNumbersAreNamed) {
  const EnvelopeView event = Event();
  hf_header headers[HF_BINDING_HEADERS];
  std::size_t count = 0;
  hf_error error{};
  const auto write = [&](hf_binding binding, const hf_envelope* given, hf_header* out,
                         std::size_t* counted, std::size_t capacity) {
    return hf_binding_write(binding, given, nullptr, out, counted, nullptr, capacity, nullptr,
                            &error);
  };
  EXPECT_EQ(write(HF_BINDING_HTTP, nullptr, headers, &count, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(write(HF_BINDING_HTTP, &event.raw(), nullptr, &count, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(write(HF_BINDING_HTTP, &event.raw(), headers, nullptr, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(write(HF_BINDING_HTTP, &event.raw(), headers, &count, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(write(6, &event.raw(), headers, &count, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
}

}  // namespace
}  // namespace holdfast
