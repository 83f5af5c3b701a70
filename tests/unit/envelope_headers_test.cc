// SPDX-License-Identifier: Apache-2.0
//
// Messages as the C++ layer reads and writes them: content mode, structured events, Kafka, batches.
#include <gtest/gtest.h>
#include <holdfast/envelope_batch.h>
#include <holdfast/envelope_headers.h>
#include <holdfast/envelope_kafka.h>

#include <string>
#include <string_view>

#include "unit/binding.h"

namespace holdfast {
namespace {

using testing::HeadersOf;
using testing::Pairs;
using testing::Required;

MessageMode Mode(ContentMode mode, EventFormat format = EventFormat::kNone) {
  return {mode, format};
}

TEST(MessageMode, IsToldByTheContentType) {
  const struct {
    std::string_view type;
    MessageMode mode;
  } rows[] = {
      {"", Mode(ContentMode::kBinary)},
      {"application/json", Mode(ContentMode::kBinary)},
      {"application/cloudevent", Mode(ContentMode::kBinary)},
      {"application/cloudeventsx", Mode(ContentMode::kBinary)},
      {"application/cloudevents-batches", Mode(ContentMode::kBinary)},
      {"text/plain; a=application/cloudevents", Mode(ContentMode::kBinary)},
      {kJsonEvent, Mode(ContentMode::kStructured, EventFormat::kJson)},
      {kProtobufEvent, Mode(ContentMode::kStructured, EventFormat::kProtobuf)},
      {kJsonEvents, Mode(ContentMode::kBatch, EventFormat::kJson)},
      {kProtobufEvents, Mode(ContentMode::kBatch, EventFormat::kProtobuf)},
      {"Application/CloudEvents+JSON; charset=utf-8",
       Mode(ContentMode::kStructured, EventFormat::kJson)},
      {" application/cloudevents+protobuf ;x=y",
       Mode(ContentMode::kStructured, EventFormat::kProtobuf)},
      {"application/cloudevents", Mode(ContentMode::kStructured, EventFormat::kOther)},
      {"application/cloudevents;x", Mode(ContentMode::kStructured, EventFormat::kOther)},
      {"application/cloudevents+avro", Mode(ContentMode::kStructured, EventFormat::kOther)},
      {"application/cloudevents+jsonx", Mode(ContentMode::kStructured, EventFormat::kOther)},
      {"APPLICATION/CLOUDEVENTS-BATCH", Mode(ContentMode::kBatch, EventFormat::kOther)},
  };
  for (const auto& row : rows) EXPECT_EQ(ModeOf(row.type), row.mode) << row.type;
  EXPECT_EQ(hf_content_mode_of(nullptr, 0, nullptr), HF_CONTENT_BINARY);
}

TEST(MessageMode, TheContentTypeIsFoundInWhateverCase) {
  const Pairs pairs = {{"a", "b"}, {"CONTENT-type", "text/plain"}, {"content-type", "no"}};
  EXPECT_EQ(ContentTypeOf(HeadersOf(pairs)), "text/plain");
  EXPECT_EQ(ContentTypeOf({}), "");
}

EnvelopeView Event() {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/orders");
  event.set_type("placed");
  event.Set(TextAttribute("partitionkey", "customer 9"));
  event.set_data(DataKind::kBinary, "payload");
  return event;
}

TEST(ReceivedEvent, ReadsBinaryAndStructuredMessagesOneAfterTheOther) {
  ReceivedEvent received;
  EventHeaders headers;
  ASSERT_TRUE(headers.Write(Binding::kHttp, Event()).ok());
  ASSERT_TRUE(received.Read(Binding::kHttp, headers.headers(), "payload").ok());
  EXPECT_EQ(received.event().Text("partitionkey"), "customer 9");

  std::string body;
  ASSERT_TRUE(Event().Encode(&body).ok());
  const Pairs structured = {{"Content-Type", std::string(kProtobufEvent)}};
  for (const Binding binding : {Binding::kHttp, Binding::kKafka, Binding::kAmqp}) {
    const absl::Status read = received.Read(binding, HeadersOf(structured), body);
    ASSERT_TRUE(read.ok()) << read;
    EXPECT_EQ(received.event().data(), "payload");
    // In place.
    EXPECT_GE(received.event().data().data(), body.data());
    EXPECT_LT(received.event().data().data(), body.data() + body.size());
  }
}

TEST(ReceivedEvent, FormatsThatOthersReadAreNotMistaken) {
  ReceivedEvent received;
  for (const std::string_view type : {kJsonEvent, kJsonEvents, kProtobufEvents}) {
    const Pairs pairs = Required("ce-", {{"content-type", std::string(type)}});
    EXPECT_EQ(received.Read(Binding::kHttp, HeadersOf(pairs), "{}").code(),
              absl::StatusCode::kUnimplemented);
    EXPECT_EQ(received.event().id(), "");
  }
}

TEST(ReceivedEvent, AfterAnErrorThereIsNoEvent) {
  ReceivedEvent received;
  const Pairs good = Required("ce-", {{"ce-subject", "a b"}});
  ASSERT_TRUE(received.Read(Binding::kHttp, HeadersOf(good), {}).ok());
  EXPECT_EQ(received.report().raw_bytes, 1u);
  EXPECT_FALSE(received.Read(Binding::kHttp, {}, "x").ok());
  EXPECT_EQ(received.event().id(), "");
  EXPECT_EQ(received.report().raw_bytes, 0u);
  const Pairs structured = {{"content-type", std::string(kProtobufEvent)}};
  EXPECT_FALSE(received.Read(Binding::kHttp, HeadersOf(structured), std::nullopt).ok());
}

TEST(EventHeaders, ALongValueMakesTheBufferGrow) {
  EnvelopeView event = Event();
  const std::string subject(2000, '%');
  event.Set(TextAttribute("subject", subject));
  EventHeaders headers;
  const absl::Status written = headers.Write(Binding::kHttp, event);
  ASSERT_TRUE(written.ok()) << written;
  ReceivedEvent received;
  ASSERT_TRUE(received.Read(Binding::kHttp, headers.headers(), {}).ok());
  EXPECT_EQ(received.event().Text("subject"), subject);
}

TEST(EventHeaders, LimitsHoldForReaderAndWriter) {
  EnvelopeView event = Event();
  const std::string subject(100, 's');
  event.Set(TextAttribute("subject", subject));
  const EnvelopeLimits limits = {.max_text = 64};
  EventHeaders headers;
  EXPECT_EQ(headers.Write(Binding::kHttp, event, limits).code(),
            absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(headers.Write(Binding::kHttp, event).ok());
  ReceivedEvent received;
  EXPECT_EQ(received.Read(Binding::kHttp, headers.headers(), {}, limits).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(Kafka, AnEventWithoutDataIsATombstone) {
  EnvelopeView event = Event();
  EXPECT_EQ(KafkaValueOf(event), "payload");
  event.set_data(DataKind::kBinary, "");
  EXPECT_EQ(KafkaValueOf(event), "");
  event.set_data(DataKind::kNone, "");
  EXPECT_EQ(KafkaValueOf(event), std::nullopt);
}

TEST(Kafka, TheKeyMapperLeavesTheEventAsItIs) {
  EnvelopeView event = Event();
  EXPECT_EQ(PartitionKeyOf(event), "customer 9");
  EXPECT_EQ(event.Text("partitionkey"), "customer 9");
  event.Erase("partitionkey");
  EXPECT_EQ(PartitionKeyOf(event), std::nullopt);
}

TEST(EventBatch, GivesBackWhatWasAppendedInPlace) {
  std::string bytes;
  for (const std::string_view id : {"1", "2", "3"}) {
    EnvelopeView event = Event();
    event.set_id(id);
    ASSERT_TRUE(AppendToBatch(event, &bytes).ok());
  }
  EventBatch batch(bytes);
  std::string ids;
  while (batch.Next()) {
    ids += batch.event().id();
    EXPECT_GE(batch.event().data().data(), bytes.data());
    EXPECT_LE(batch.event().data().data() + 7, bytes.data() + bytes.size());
  }
  EXPECT_TRUE(batch.status().ok()) << batch.status();
  EXPECT_EQ(ids, "123");
  EXPECT_FALSE(batch.Next());
}

TEST(EventBatch, NoBytesAreNoEvents) {
  EventBatch batch("");
  EXPECT_FALSE(batch.Next());
  EXPECT_TRUE(batch.status().ok());
}

TEST(EventBatch, ABrokenEventEndsTheWalkWithAnError) {
  std::string bytes;
  ASSERT_TRUE(AppendToBatch(Event(), &bytes).ok());
  const std::string good = bytes;
  bytes += std::string("\x0A\x02\x0A\x00", 4);  // an event with an empty id
  EventBatch batch(bytes);
  EXPECT_TRUE(batch.Next());
  EXPECT_FALSE(batch.Next());
  EXPECT_FALSE(batch.status().ok());
  EXPECT_EQ(batch.event().id(), "");
  EXPECT_FALSE(batch.Next());
  for (std::size_t size = 1; size < good.size(); ++size) {
    EventBatch torn(std::string_view(good).substr(0, size));
    EXPECT_FALSE(torn.Next());
    EXPECT_FALSE(torn.status().ok()) << size;
  }
}

TEST(EventBatch, AnEventThatMayNotBeSentLeavesTheBatchAsItWas) {
  std::string bytes = "x";
  EXPECT_FALSE(AppendToBatch(EnvelopeView(), &bytes).ok());
  EXPECT_EQ(bytes, "x");
}

}  // namespace
}  // namespace holdfast
