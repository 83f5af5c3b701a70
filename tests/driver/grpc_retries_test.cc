// SPDX-License-Identifier: Apache-2.0
// The allowance of retries over gRPC: what is left goes down with each request, what was used comes back up
// with each answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/fault.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/server.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "driver/grpc_loopback.h"
#include "driver/scripts.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using Values = std::vector<std::string>;

class GrpcRetriesTold : public ::testing::Test {
 protected:
  ::grpc::Status Charge(::grpc::ClientContext& context) {
    test::ChargeReply reply;
    return test::Payment::NewStub(channel_)->Charge(&context, RequestFor("1"), &reply);
  }
  ::grpc::Status UnaryCharge() {
    return Unary(pipeline_, {.call = {.idempotent = true, .report = &report_, .clock = &clock_}},
                 [&](::grpc::ClientContext& context) { return Charge(context); });
  }
  // How the service answers from now on.
  void Answer(std::function<::grpc::Status(::grpc::ServerContext*)> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  // Of each request, in order.
  Values Received(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    Values values;
    for (const auto& headers : headers_) {
      std::string all;
      const auto [first, last] = headers.equal_range(key);
      for (auto entry = first; entry != last; ++entry)
        all += (all.empty() ? "" : ",") + entry->second;
      values.push_back(all);
    }
    return values;
  }

  testing::VirtualClock clock_;
  CallReport report_;
  Pipeline pipeline_ = *Pipeline::Create({.retry = *RetryPolicy::Create()});

 private:
  mutable std::mutex mutex_;  // the service's threads are not the test's
  std::function<::grpc::Status(::grpc::ServerContext*)> answer_ = [](auto*) {
    return ::grpc::Status::OK;
  };
  std::vector<std::multimap<std::string, std::string>> headers_;
  PaymentService service_{[this](::grpc::ServerContext* context, const auto&, auto*) {
    const std::lock_guard lock(mutex_);
    auto& headers = headers_.emplace_back();
    for (const auto& [key, value] : context->client_metadata()) {
      headers.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
    }
    return answer_(context);
  }};
  Loopback loopback_{service_};
  const std::shared_ptr<::grpc::Channel> channel_ =
      MakeChannel(loopback_.target(), ::grpc::InsecureChannelCredentials());
};

TEST_F(GrpcRetriesTold, EachAttemptCarriesWhatIsLeft) {
  const ScopedContext attached(*Context::Start({.retries = 1}));
  Answer([](auto*) { return ::grpc::Status(StatusCode::UNAVAILABLE, "gone"); });
  EXPECT_EQ(UnaryCharge().error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(report_.reason, HF_R_RETRIED_ELSEWHERE);
  EXPECT_EQ(Received(std::string(kRetriesKey)), (Values{"1", "0"}));
}

TEST_F(GrpcRetriesTold, WhatWasRetriedBelowForASuccessCounts) {
  const Context story = *Context::Start({.retries = 3});
  const ScopedContext attached(story);
  Answer([](::grpc::ServerContext* context) {
    context->AddTrailingMetadata(std::string(kRetriedTrailer), "2");
    return ::grpc::Status::OK;
  });
  EXPECT_TRUE(UnaryCharge().ok());
  EXPECT_EQ(report_.retries, 2u);
  EXPECT_EQ(story.retried(), 2u);
  EXPECT_EQ(story.retries(), 1);
}

TEST_F(GrpcRetriesTold, AGuardSaysOfASuccessHowManyRetriesItTook) {
  const Guard guard = *Guard::Create({.space = "test"});
  const Pipeline inner =
      *Pipeline::Create({.retry = *RetryPolicy::Create({.base = std::chrono::microseconds(1)})});
  PaymentService service([&](auto* context, const auto& request, auto* reply) {
    return guard.Handle(context, request, reply, "payment.Charge", [&](ServerCall&) {
      int made = 0;
      const absl::Status status = Call(inner, {.idempotent = true}, [&] {
        return ++made < 3 ? absl::UnavailableError("gone") : absl::OkStatus();
      });
      return FromAbsl(status);
    });
  });
  Loopback loopback(service);
  const auto stub =
      test::Payment::NewStub(MakeChannel(loopback.target(), ::grpc::InsecureChannelCredentials()));
  const ::grpc::Status status =
      Unary(pipeline_, {.call = {.report = &report_}}, [&](::grpc::ClientContext& context) {
        test::ChargeReply reply;
        return stub->Charge(&context, RequestFor("1"), &reply);
      });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(report_.retries, 2u);
}

TEST_F(GrpcRetriesTold, APlainStubCarriesThemWhoeverPutTheTraceThere) {
  const ScopedContext attached(*Context::Start({.retries = 4}));
  ::grpc::ClientContext plain, traced, told;
  traced.AddMetadata(std::string(kTraceparentKey), FormatTraceparent(FreshTrace()));
  told.AddMetadata(std::string(kRetriesKey), "2");
  EXPECT_TRUE(Charge(plain).ok());
  EXPECT_TRUE(Charge(traced).ok());
  EXPECT_TRUE(Charge(told).ok());
  EXPECT_EQ(Received(std::string(kRetriesKey)), (Values{"4", "4", "2"}));
}

TEST_F(GrpcRetriesTold, NothingIsSentInPlaceOfACannedResult) {
  const FaultRule rules[] = {{.kind = FaultKind::kResult, .rate = 1, .result = 7}};
  const FaultInjector faults = *FaultInjector::Create({.rules = rules, .expiry = Duration{HF_S}});
  ASSERT_TRUE(faults.Start(clock_.Now()).ok());
  pipeline_ = *Pipeline::Create({.fault = faults});
  EXPECT_EQ(RejectionOf(UnaryCharge())->reason, HF_R_FAULT_INJECTED);
  EXPECT_TRUE(Received(std::string(kRetriesKey)).empty());
}

}  // namespace
}  // namespace holdfast::grpc
