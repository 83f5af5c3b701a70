// SPDX-License-Identifier: Apache-2.0
// Events as gRPC's messages: payloads are sent from where they lie, and handed out as they were received. That they are not
// copied is proved by where they are.
#include <gtest/gtest.h>
#include <holdfast/grpc/envelope.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/grpc_loopback.h"

// As in grpc_raw_unary_test.cc: frames of gRPC's own.
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::internal::CallbackWithStatusTag\n"
         "race:grpc::internal::CallbackWithSuccessTag\n";
}

namespace holdfast::grpc {
namespace {

using Slices = std::vector<::grpc::Slice>;

constexpr EnvelopeLimits kLarge = {.max_size = 16 << 20};

std::string_view TextOf(const ::grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

Slices SlicesOf(const ::grpc::ByteBuffer& buffer) {
  Slices slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  return slices;
}

std::string Flat(std::span<const ::grpc::Slice> slices) {
  std::string text;
  for (const ::grpc::Slice& slice : slices) text += TextOf(slice);
  return text;
}

EnvelopeView EventOf(std::string_view data, DataKind kind = DataKind::kBinary) {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/orders");
  event.set_type("com.acme.order.placed");
  event.Set(TextAttribute("subject", "Euro € 😀"));
  event.Set(TextAttribute("datacontenttype", "application/octet-stream"));
  event.Set(IntegerAttribute("sampledrate", 30));
  event.set_data(kind, data, kind == DataKind::kProto ? "type.googleapis.com/acme.Order" : "");
  return event;
}

std::string Bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

// An event's bytes, cut before each of these places.
::grpc::ByteBuffer Cut(const std::string& bytes, const std::vector<std::size_t>& places) {
  Slices slices;
  std::size_t begin = 0;
  for (const std::size_t end : places) {
    slices.emplace_back(bytes.data() + begin, end - begin);
    begin = end;
  }
  slices.emplace_back(bytes.data() + begin, bytes.size() - begin);
  return ::grpc::ByteBuffer(slices.data(), slices.size());
}

TEST(GrpcPackEvent, ThePayloadIsSentFromWhereItLies) {
  const auto payload = std::make_shared<const std::string>(Bytes(1 << 20));
  for (const DataKind kind : {DataKind::kBinary, DataKind::kText, DataKind::kProto}) {
    {
      const auto packed = PackEvent(EventOf(*payload, kind), payload, kLarge);
      ASSERT_TRUE(packed.ok()) << packed.status();
      const Slices slices = SlicesOf(*packed);
      ASSERT_EQ(slices.size(), 2u);
      EXPECT_EQ(TextOf(slices[1]).data(), payload->data());
      EXPECT_EQ(slices[1].size(), payload->size());
      EXPECT_EQ(payload.use_count(), 2);
      std::string whole;
      ASSERT_TRUE(EventOf(*payload, kind).Encode(&whole, kLarge).ok());
      EXPECT_TRUE(Flat(slices) == whole);
    }
    EXPECT_EQ(payload.use_count(), 1);
  }
}

TEST(GrpcPackEvent, WithoutAKeeperThereIsNoPayload) {
  EXPECT_EQ(PackEvent(EventOf("x"), nullptr).status().code(), absl::StatusCode::kInvalidArgument);
  const auto packed = PackEvent(EventOf("", DataKind::kNone), nullptr);
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ(SlicesOf(*packed).size(), 1u);
  EXPECT_FALSE(PackEvent(EnvelopeView(), nullptr).ok());
}

TEST(GrpcEventMessage, OneSliceIsReadInPlace) {
  std::string bytes;
  ASSERT_TRUE(EventOf(Bytes(5000)).Encode(&bytes).ok());
  const ::grpc::ByteBuffer buffer = Cut(bytes, {});
  const Slices slices = SlicesOf(buffer);
  EventMessage message;
  const absl::Status read = message.Read(buffer);
  ASSERT_TRUE(read.ok()) << read;
  ASSERT_EQ(message.payload().size(), 1u);
  EXPECT_EQ(message.event().data().data(), TextOf(slices[0]).data() + bytes.size() - 5000);
  EXPECT_EQ(TextOf(message.payload()[0]).data(), message.event().data().data());
  EXPECT_TRUE(message.event().data() == Bytes(5000));
}

TEST(GrpcEventMessage, SeveralSlicesAreHandedOutAsTheyAre) {
  std::string bytes;
  ASSERT_TRUE(EventOf(Bytes(20000)).Encode(&bytes).ok());
  const std::size_t head = bytes.size() - 20000;
  const ::grpc::ByteBuffer buffer = Cut(bytes, {head + 100, head + 9000});
  const Slices slices = SlicesOf(buffer);
  EventMessage message;
  ASSERT_TRUE(message.Read(buffer).ok());
  ASSERT_EQ(message.payload().size(), 3u);
  EXPECT_EQ(TextOf(message.payload()[0]).data(), TextOf(slices[0]).data() + head);
  EXPECT_EQ(TextOf(message.payload()[1]).data(), TextOf(slices[1]).data());
  EXPECT_EQ(TextOf(message.payload()[2]).data(), TextOf(slices[2]).data());
  EXPECT_EQ(message.payload_size(), 20000u);
  EXPECT_EQ(message.event().data(), "");
  EXPECT_EQ(message.event().Text("subject"), "Euro € 😀");
  ASSERT_TRUE(message.Join().ok());
  EXPECT_TRUE(message.event().data() == Bytes(20000));
  EXPECT_EQ(message.payload().size(), 1u);
}

TEST(GrpcEventMessage, ThePayloadInASliceOfItsOwnIsInPlace) {
  std::string bytes;
  ASSERT_TRUE(EventOf(Bytes(20000)).Encode(&bytes).ok());
  const ::grpc::ByteBuffer buffer = Cut(bytes, {bytes.size() - 20000});
  EventMessage message;
  ASSERT_TRUE(message.Read(buffer).ok());
  EXPECT_EQ(message.event().data().data(), TextOf(SlicesOf(buffer)[1]).data());
}

TEST(GrpcEventMessage, WhereverAMessageIsCutItReadsTheSame) {
  for (const DataKind kind : {DataKind::kBinary, DataKind::kText, DataKind::kProto}) {
    std::string bytes;
    ASSERT_TRUE(EventOf(Bytes(300), kind).Encode(&bytes).ok());
    EventMessage message;
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
      for (const std::size_t gap : {0, 1, 24, 200}) {
        const std::size_t second = std::min(first + gap, bytes.size());
        ASSERT_TRUE(message.Read(Cut(bytes, {first, second})).ok()) << first << " " << second;
        EXPECT_TRUE(Flat(message.payload()) == Bytes(300));
        ASSERT_TRUE(message.Join().ok());
        EXPECT_TRUE(message.event().data() == Bytes(300)) << first << " " << second;
        EXPECT_EQ(message.event().type(), "com.acme.order.placed");
        EXPECT_EQ(message.event().attributes().size(), 3u);
      }
    }
  }
}

TEST(GrpcEventMessage, DataThatIsNotLastIsReadAsWell) {
  std::string bytes;
  ASSERT_TRUE(EventOf("").Encode(&bytes).ok());
  // Field 6 first, with 300 bytes; the event's own is left off its end.
  const std::string data = Bytes(300);
  bytes.resize(bytes.size() - 2);
  const std::string foreign = std::string("\x32\xAC\x02", 3) + data + bytes;
  EventMessage message;
  for (std::size_t at = 0; at <= foreign.size(); ++at) {
    const absl::Status read = message.Read(Cut(foreign, {at}));
    ASSERT_TRUE(read.ok()) << at << " " << read;
    EXPECT_TRUE(message.event().data() == data) << at;
  }
}

// Whoever sends frames of one byte each must not make a reader copy its message over and over.
TEST(GrpcEventMessage, SlicesOfOneByteAreReadInLinearTime) {
  std::string bytes;
  ASSERT_TRUE(EventOf("").Encode(&bytes).ok());
  bytes.resize(bytes.size() - 2);
  const std::string data = Bytes(400'000);
  const std::string foreign = std::string("\x32\x80\xB5\x18", 4) + data + bytes;
  std::vector<std::size_t> places;
  for (std::size_t at = 1; at < foreign.size(); ++at) places.push_back(at);
  EventMessage message;
  const absl::Status read = message.Read(Cut(foreign, places));
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_TRUE(message.event().data() == data);
}

TEST(GrpcEventMessage, TextInSeveralSlicesIsCheckedToItsEndOnceJoined) {
  std::string bytes;
  ASSERT_TRUE(EventOf(Bytes(9000), DataKind::kText).Encode(&bytes).ok());
  bytes.back() = '\xFF';
  EventMessage message;
  ASSERT_TRUE(message.Read(Cut(bytes, {bytes.size() - 100})).ok());
  EXPECT_EQ(message.Join().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(message.event().id(), "");
  EXPECT_TRUE(message.payload().empty());
}

TEST(GrpcEventMessage, TornMessagesAreRefusedWhereverTheyAreCut) {
  std::string bytes;
  ASSERT_TRUE(EventOf(Bytes(50)).Encode(&bytes).ok());
  EventMessage message;
  int refused = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string torn = bytes.substr(0, size);
    EnvelopeView whole;  // between two fields a message may end
    const bool legal = whole.Decode(torn).ok();
    for (const std::size_t at : {std::size_t{0}, size / 2, size}) {
      EXPECT_EQ(message.Read(Cut(torn, {at})).ok(), legal) << size;
      EXPECT_EQ(message.event().id(), legal ? "7" : "");
      refused += !legal;
    }
  }
  EXPECT_GT(refused, 300);
  EXPECT_FALSE(message.Read(::grpc::ByteBuffer()).ok());
}

// A method that takes and gives events as they are: the answer is the request's payload, under another id.
class Echo final : public test::Payment::WithRawCallbackMethod_Charge<test::Payment::Service> {
 public:
  ::grpc::ServerUnaryReactor* Charge(::grpc::CallbackServerContext* context,
                                     const ::grpc::ByteBuffer* request,
                                     ::grpc::ByteBuffer* response) override {
    ::grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(Answer(*request, response));
    return reactor;
  }

 private:
  static ::grpc::Status Answer(const ::grpc::ByteBuffer& request, ::grpc::ByteBuffer* response) {
    const auto message = std::make_shared<EventMessage>();
    absl::Status status = message->Read(request, kLarge);
    // The slices that were received hold the payload, however many: none of them is copied.
    const Slices received = SlicesOf(request);
    for (const ::grpc::Slice& part : message->payload()) {
      EXPECT_TRUE(part.size() < 4096 || LiesIn(part, received));
    }
    if (status.ok()) status = message->Join();
    if (!status.ok()) return {::grpc::StatusCode::INVALID_ARGUMENT, std::string(status.message())};
    EnvelopeView answer = message->event();
    answer.set_id("answer");
    absl::StatusOr<::grpc::ByteBuffer> packed = PackEvent(answer, message, kLarge);
    if (!packed.ok()) return {::grpc::StatusCode::INTERNAL, "not packed"};
    *response = *packed;
    return ::grpc::Status::OK;
  }

  static bool LiesIn(const ::grpc::Slice& part, const Slices& slices) {
    return std::any_of(slices.begin(), slices.end(), [&](const ::grpc::Slice& slice) {
      return part.begin() >= slice.begin() && part.end() <= slice.end();
    });
  }
};

::grpc::Status Call(const std::shared_ptr<::grpc::Channel>& channel,
                    const ::grpc::ByteBuffer& request, ::grpc::ByteBuffer* response) {
  ::grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  const ::grpc::internal::RpcMethod method("/holdfast.test.Payment/Charge",
                                           ::grpc::internal::RpcMethod::NORMAL_RPC);
  return ::grpc::internal::BlockingUnaryCall<::grpc::ByteBuffer, ::grpc::ByteBuffer>(
      channel.get(), method, &context, request, response);
}

TEST(GrpcEventCall, AMebibyteGoesThereAndBack) {
  Echo service;
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const auto payload = std::make_shared<const std::string>(Bytes(1 << 20));
  {
    const auto packed = PackEvent(EventOf(*payload), payload, kLarge);
    ASSERT_TRUE(packed.ok()) << packed.status();
    ::grpc::ByteBuffer response;
    const ::grpc::Status status = Call(channel, *packed, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EventMessage message;
    const absl::Status read = message.Read(response, kLarge);
    ASSERT_TRUE(read.ok()) << read;
    EXPECT_EQ(message.event().id(), "answer");
    EXPECT_EQ(message.event().Text("subject"), "Euro € 😀");
    EXPECT_TRUE(Flat(message.payload()) == *payload);
    RecordProperty("slices_received", static_cast<int>(SlicesOf(response).size()));
  }
  loopback.Stop();
  EXPECT_EQ(payload.use_count(), 1);  // gRPC let go of it
}

TEST(GrpcEventCall, SmallEventsAndEmptyOnesGoThereAndBack) {
  Echo service;
  Loopback loopback(service);
  const auto channel = loopback.Open();
  for (const std::size_t size : {0, 1, 23, 24, 4096, 8192, 65536}) {
    const auto payload = std::make_shared<const std::string>(Bytes(size));
    const auto packed = PackEvent(EventOf(*payload), payload);
    ASSERT_TRUE(packed.ok()) << packed.status();
    ::grpc::ByteBuffer response;
    ASSERT_TRUE(Call(channel, *packed, &response).ok());
    EventMessage message;
    ASSERT_TRUE(message.Read(response).ok());
    EXPECT_TRUE(Flat(message.payload()) == *payload) << size;
    EXPECT_EQ(message.event().data_kind(), DataKind::kBinary);
  }
}

TEST(GrpcEventCall, WhatIsNoEventIsAnErrorOfTheCall) {
  Echo service;
  Loopback loopback(service);
  const RawAnswer answer = ChargeBytes(loopback.Open(), "\x0A\xFF no event");
  EXPECT_EQ(answer.status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace holdfast::grpc
