// SPDX-License-Identifier: Apache-2.0
// google.rpc details of any server: read as advice, and written for any client.
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/status.h>
#include <holdfast/testing/virtual_clock.h>
#include <holdfast/v1/refusal.pb.h>

#include <chrono>
#include <memory>
#include <string>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

// As another implementation would write it: another prefix, and a detail that we do not know.
std::string ForeignDetails(seconds delay) {
  v1::RpcStatus status;
  status.set_code(static_cast<int>(StatusCode::RESOURCE_EXHAUSTED));
  auto* const unknown = status.add_details();
  unknown->set_type_url("type.googleapis.com/google.rpc.QuotaFailure");
  unknown->set_value("\x0A\x00");
  v1::ErrorInfo info;
  info.set_reason("RATE_LIMIT_EXCEEDED");
  info.set_domain("googleapis.com");
  (*info.mutable_metadata())["service"] = "pubsub";
  auto* const error = status.add_details();
  error->set_type_url("types.example.com/google.rpc.ErrorInfo");
  error->set_value(info.SerializeAsString());
  v1::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(delay.count());
  auto* const advice = status.add_details();
  advice->set_type_url("types.example.com/google.rpc.RetryInfo");
  advice->set_value(retry.SerializeAsString());
  return status.SerializeAsString();
}

TEST(GrpcErrorDetail, OfAForeignServerIsRead) {
  const ::grpc::Status status(StatusCode::RESOURCE_EXHAUSTED, "quota", ForeignDetails(seconds(3)));
  const ErrorDetail detail = DetailOf(status);
  EXPECT_EQ(detail.domain, "googleapis.com");
  EXPECT_EQ(detail.reason, "RATE_LIMIT_EXCEEDED");
  EXPECT_EQ(detail.metadata.at("service"), "pubsub");
  EXPECT_EQ(detail.retry_after, seconds(3));
  EXPECT_FALSE(RejectionOf(status).has_value());  // not a refusal of ours
  EXPECT_EQ(OutcomeTraits<::grpc::Status>::Classify(status).retry_after, 3 * HF_S);
}

TEST(GrpcErrorDetail, IsWrittenForAnyClient) {
  const ::grpc::Status status = DetailedStatus(
      StatusCode::ABORTED, "stale",
      {.domain = "shop.example", .reason = "STALE_CART", .retry_after = milliseconds(1500)});
  v1::RpcStatus parsed;
  ASSERT_TRUE(parsed.ParseFromString(status.error_details()));
  EXPECT_EQ(parsed.code(), static_cast<int>(StatusCode::ABORTED));
  EXPECT_EQ(parsed.message(), "stale");
  ASSERT_EQ(parsed.details_size(), 2);
  EXPECT_EQ(parsed.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(parsed.details(1).type_url(), "type.googleapis.com/google.rpc.RetryInfo");
  const ErrorDetail back = DetailOf(status);
  EXPECT_EQ(back.domain, "shop.example");
  EXPECT_EQ(back.reason, "STALE_CART");
  EXPECT_EQ(back.retry_after, milliseconds(1500));
}

TEST(GrpcErrorDetail, WhatIsNotThereIsEmptyAndSuccessHasNone) {
  EXPECT_TRUE(DetailedStatus(StatusCode::OK, "", {.domain = "d"}).ok());
  for (const ::grpc::Status& status :
       {::grpc::Status::OK, ::grpc::Status(StatusCode::ABORTED, "t"),
        ::grpc::Status(StatusCode::ABORTED, "t", "\xFF\xFF"),
        DetailedStatus(StatusCode::ABORTED, "t", {.retry_after = Duration::max()})}) {
    const ErrorDetail detail = DetailOf(status);
    EXPECT_EQ(detail.domain + detail.reason, "");
    EXPECT_TRUE(detail.metadata.empty());
    EXPECT_EQ(detail.retry_after, Duration{0});
  }
}

TEST(GrpcErrorDetail, OurRefusalIsFoundBesideAForeignOne) {
  v1::RpcStatus both;
  ASSERT_TRUE(both.ParseFromString(ForeignDetails(seconds(1))));
  v1::RpcStatus ours;
  ASSERT_TRUE(ours.ParseFromString(
      RefusalStatus({absl::StatusCode::kUnavailable, HF_R_DRAINING}, "t").error_details()));
  *both.add_details() = ours.details(0);
  const ::grpc::Status status(StatusCode::UNAVAILABLE, "t", both.SerializeAsString());
  ASSERT_TRUE(RejectionOf(status).has_value());
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_DRAINING);
}

// Over a connection: a quota that says when it is free again is waited for, no trailers of ours needed.
TEST(GrpcErrorDetail, ARetryInfoOfAnyServerIsWaitedFor) {
  PaymentService service([&service](auto*, const auto&, auto*) {
    if (service.calls() > 1) return ::grpc::Status::OK;
    return ::grpc::Status(StatusCode::RESOURCE_EXHAUSTED, "quota", ForeignDetails(seconds(3)));
  });
  Loopback loopback(service);
  const auto stub =
      test::Payment::NewStub(MakeChannel(loopback.target(), ::grpc::InsecureChannelCredentials()));
  const Pipeline pipeline = *Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 3})});
  testing::VirtualClock clock;
  CallReport report;
  test::ChargeReply reply;
  // Not idempotent, and made again: by its advice the server says that it has not done it.
  EXPECT_TRUE(Unary(pipeline, {.call = {.report = &report, .clock = &clock}},
                    [&](::grpc::ClientContext& context) {
                      return stub->Charge(&context, RequestFor("17"), &reply);
                    })
                  .ok());
  EXPECT_EQ(report.attempts, 2u);
  EXPECT_GE(clock.elapsed(), seconds(3));
}

}  // namespace
}  // namespace holdfast::grpc
