// SPDX-License-Identifier: Apache-2.0
// An event's attributes as metadata: whatever they say, nothing that gRPC aborts for comes out, and all of it comes back.
#include <gtest/gtest.h>
#include <holdfast/grpc/envelope.h>

#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

EnvelopeView Event() {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/orders");
  event.set_type("com.acme.größe");
  return event;
}

// Answers with the event it was sent, as initial metadata and as trailers.
::grpc::Status Reflect(::grpc::ServerContext* context, const test::ChargeRequest& request,
                       test::ChargeReply* reply) {
  ReceivedEvent received;
  absl::Status status = ReadEventMetadata(context->client_metadata(), request.order(), &received);
  MetadataBudget initial(16384), trailing(16384);
  if (status.ok()) status = AddInitialEventMetadata(*context, initial, received.event());
  if (status.ok()) status = AddEventTrailers(*context, trailing, received.event());
  if (!status.ok()) {
    return {::grpc::StatusCode::INVALID_ARGUMENT, "the event is not one"};
  }
  reply->set_payment(std::string(received.event().data()));
  return ::grpc::Status::OK;
}

class GrpcEventMetadata : public ::testing::Test {
 protected:
  // Sends the event, and reads it back from both places.
  void ExpectRoundTrip(const EnvelopeView& event) {
    ::grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    context.set_wait_for_ready(true);
    MetadataBudget budget(16384);
    const absl::Status added = AddEventMetadata(context, budget, event);
    ASSERT_TRUE(added.ok()) << added;
    test::ChargeReply reply;
    const ::grpc::Status status = stub_->Charge(&context, RequestFor("payload"), &reply);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(reply.payment(), "payload");
    for (const auto* metadata :
         {&context.GetServerInitialMetadata(), &context.GetServerTrailingMetadata()}) {
      ReceivedEvent received;
      const absl::Status read = ReadEventMetadata(*metadata, std::nullopt, &received);
      ASSERT_TRUE(read.ok()) << read;
      ExpectSame(received.event(), event);
      EXPECT_EQ(received.report().raw_bytes + received.report().lone_percents, 0u);
    }
  }

  static void ExpectSame(const EnvelopeView& read, const EnvelopeView& sent) {
    EXPECT_EQ(read.id(), sent.id());
    EXPECT_EQ(read.source(), sent.source());
    EXPECT_EQ(read.type(), sent.type());
    ASSERT_EQ(read.attributes().size(), sent.attributes().size());
    for (const Attribute& attribute : sent.attributes()) {
      EXPECT_EQ(read.Text(View(attribute.name)), View(attribute.text));
    }
  }

  PaymentService service_{Reflect};
  Loopback loopback_{service_};
  const std::unique_ptr<test::Payment::Stub> stub_ = test::Payment::NewStub(loopback_.Open([] {
    ::grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10);
    return arguments;
  }()));
};

TEST_F(GrpcEventMetadata, TextOfAnyLanguageComesBack) {
  EnvelopeView event = Event();
  event.Set(TextAttribute("subject", " Euro € 😀 100% \"quoted\", a\\b "));
  event.Set(TextAttribute("datacontenttype", "text/plain; charset=utf-8"));
  ExpectRoundTrip(event);
}

TEST_F(GrpcEventMetadata, AnAttributeCalledBinIsWhatGrpcTakesForBytesAndStillComesBack) {
  EnvelopeView event = Event();
  event.Set(TextAttribute("bin", "a € b"));
  event.Set(TextAttribute("xbin", "c"));
  ExpectRoundTrip(event);
}

TEST_F(GrpcEventMetadata, RandomTextNeverAbortsAndAlwaysComesBack) {
  std::mt19937 random(20260817);
  const std::string_view pieces[] = {"a", " ", "%",  "\"", "\\",  ",",
                                     "é", "€", "😀", "~",  "%20", "\t"};
  for (int round = 0; round < 50; ++round) {
    std::string texts[4];
    for (std::string& text : texts) {
      for (int i = 0; i < 20; ++i) text += pieces[random() % (std::size(pieces) - 1)];
    }
    EnvelopeView event = Event();
    event.set_id(texts[0]);
    event.set_type(texts[1]);
    event.Set(TextAttribute("subject", texts[2]));
    event.Set(TextAttribute("x", texts[3]));
    ExpectRoundTrip(event);
  }
}

TEST_F(GrpcEventMetadata, WhatMayNotBeSentAddsNothing) {
  ::grpc::ClientContext context;
  MetadataBudget budget;
  const std::size_t before = budget.left();
  EnvelopeView event = Event();
  event.Set(TextAttribute("subject", "line\nfeed"));
  EXPECT_EQ(AddEventMetadata(context, budget, event).code(), absl::StatusCode::kInvalidArgument);
  event.Erase("subject");
  event.Set(TextAttribute("Upper", "x"));
  EXPECT_EQ(AddEventMetadata(context, budget, event).code(), absl::StatusCode::kInvalidArgument);
  event.Erase("Upper");
  const std::string large(3000, ' ');  // three times that, encoded
  event.Set(TextAttribute("subject", large));
  EXPECT_EQ(AddEventMetadata(context, budget, event).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(budget.left(), before);
  // The context is as it was: a call with it brings no event.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  test::ChargeReply reply;
  EXPECT_EQ(stub_->Charge(&context, RequestFor("x"), &reply).error_code(),
            ::grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace holdfast::grpc
