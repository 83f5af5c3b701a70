// SPDX-License-Identifier: Apache-2.0
// What bodies and reactors of streams may do and are told, over real connections.
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

using ::grpc::ClientContext;
using ::grpc::StatusCode;

class GrpcStream : public ::testing::Test {
 protected:
  // The first request meets `fault`.
  explicit GrpcStream(Fault fault = Fault::kNone)
      : world_([fault](int request) { return request == 1 ? fault : Fault::kNone; }),
        server_(world_),
        stub_(test::Feed::NewStub(
            MakeChannel(server_.target(), ::grpc::InsecureChannelCredentials()))) {}

  auto Watch() {
    return [this](ClientContext& context) { return stub_->Watch(&context, FeedRequest()); };
  }
  auto Load() {
    return [this](ClientContext& context) { return stub_->Load(&context, &reply_); };
  }
  auto Trade() {
    return [this](ClientContext& context) { return stub_->Trade(&context); };
  }
  ClientOptions Options() { return {.call = {.idempotent = true, .report = &report_}}; }

  FeedWorld world_;
  FeedServer server_;
  const std::unique_ptr<test::Feed::Stub> stub_;
  const Bulkhead bulkhead_ = *Bulkhead::Create({.limit = 1});
  const Pipeline pipeline_ = *Pipeline::Create(
      {.retry = *RetryPolicy::Create({.max_attempts = 3, .base = std::chrono::milliseconds(1)}),
       .bulkhead = bulkhead_});
  CallReport report_;
  Item reply_;
};

class GrpcStreamRefused : public GrpcStream {
 protected:
  GrpcStreamRefused() : GrpcStream(Fault::kRefused) {}
};

TEST_F(GrpcStream, APermitIsHeldUntilTheStreamEnds) {
  uint32_t held = 0;
  const ::grpc::Status status = Stream(pipeline_, Options(), Watch(), [&](auto& stream) {
    while (stream.Read(&reply_)) held = bulkhead_.Snapshot().in_flight;
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(held, 1u);
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
}

TEST_F(GrpcStream, ABodyMayHaveEnough) {
  const ::grpc::Status status =
      Stream(pipeline_, Options(), Watch(), [&](auto& stream) { stream.Read(&reply_); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(report_.reason, HF_R_NONE);
}

TEST_F(GrpcStream, WhatABodyHasOnlyWrittenIsDoneBeforeItEnds) {
  const ::grpc::Status status =
      Stream(pipeline_, Options(), Trade(), [&](auto& stream) { stream.Write(FeedRequest()); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(world_.applied(), 1);
}

TEST_F(GrpcStream, ABodysOwnStatusEndsItAndIsNotTheServers) {
  const CircuitBreaker breaker = *CircuitBreaker::Create({.consecutive_failures = 1});
  const Pipeline pipeline =
      *Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 3}), .breaker = breaker});
  int runs = 0;
  const ::grpc::Status status = Stream(pipeline, Options(), Watch(), [&](auto& stream) {
    ++runs;
    stream.Read(&reply_);
    return ::grpc::Status(StatusCode::UNAVAILABLE, "not what I want");
  });
  EXPECT_EQ(status.error_message(), "not what I want");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(breaker.Snapshot(Clock::Steady().Now()).state, BreakerState::kClosed);
}

TEST_F(GrpcStream, WhatABodyThrowsPassesThroughAndPermitsGoBack) {
  const auto boom = [](auto&) { throw std::runtime_error("boom"); };
  EXPECT_THROW(Stream(pipeline_, Options(), Watch(), boom), std::runtime_error);
  EXPECT_THROW(Stream(pipeline_, Options(), Load(), boom), std::runtime_error);
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
}

TEST_F(GrpcStreamRefused, ABodyRunsAgainOnAStreamOfItsOwn) {
  std::vector<int> received;
  const ::grpc::Status status = Stream(pipeline_, Options(), Watch(), [&](auto& stream) {
    received.push_back(0);
    while (stream.Read(&reply_)) ++received.back();
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(received, (std::vector<int>{0, 2}));
}

TEST_F(GrpcStreamRefused, WhatWasSentIsNotSentAgainUnlessItCanBe) {
  int runs = 0;
  const auto body = [&](auto& stream) {
    ++runs;
    stream.Write(FeedRequest());
  };
  EXPECT_EQ(Stream(pipeline_, Options(), Load(), body).error_message(), "refused");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(report_.reason, HF_R_NOT_RETRYABLE);
}

TEST_F(GrpcStreamRefused, WhatCanBeSentAgainIs) {
  int runs = 0;
  ClientOptions options = Options();
  options.resend = true;
  EXPECT_TRUE(Stream(pipeline_, options, Load(), [&](auto& stream) {
                ++runs;
                stream.Write(FeedRequest());
              }).ok());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(reply_.amount(), 50);
}

// Writes down what it is told, and goes at its end.
class Diary final : public ReadReactor<Item> {
 public:
  Diary(std::string& told, Ending& ending) : told_(told), ending_(ending) {}

  void OnAttempt(const Attempt& attempt) override {
    told_ += "attempt " + std::to_string(attempt.number()) + "; ";
    StartRead(&item_);
  }
  void OnReadDone(bool ok) override {
    told_ += ok ? "read; " : "no more; ";
    if (ok) StartRead(&item_);
  }
  void OnDone(const ::grpc::Status& status) override {
    told_ += status.ok() ? "OK" : status.error_message();
    Ending& ending = ending_;
    delete this;
    ending.Set(status);
  }

 private:
  std::string& told_;
  Ending& ending_;
  Item item_;
};

TEST_F(GrpcStreamRefused, AReactorIsNotToldOfAFailureThatIsNotTheLast) {
  std::string told;
  Ending ending;
  const Item request = FeedRequest();
  StreamAsync(
      pipeline_, Options(), *new Diary(told, ending),
      [&](ClientContext& context, auto* wire) { stub_->async()->Watch(&context, &request, wire); });
  EXPECT_TRUE(ending.Await().ok());
  EXPECT_EQ(told, "attempt 1; attempt 2; read; read; no more; OK");
}

TEST_F(GrpcStreamRefused, AReactorIsToldOfTheLastFailureAsGrpcWould) {
  const Pipeline once = *Pipeline::Create();
  std::string told;
  const Item request = FeedRequest();
  {
    Ending ending;
    DrivenQueue queue;
    StreamOnQueue(once, Options(), queue.get(), *new Diary(told, ending),
                  [&](ClientContext& context, ::grpc::CompletionQueue* on) {
                    return stub_->PrepareAsyncWatch(&context, request, on);
                  });
    EXPECT_FALSE(ending.Await().ok());
  }
  EXPECT_EQ(told, "attempt 1; no more; refused");
}

TEST_F(GrpcStreamRefused, AReactorThatHasSentIsNotAskedToUnlessItCan) {
  for (const bool resend : {false, true}) {
    Ending ending;
    Trader<Item, void> trader(FeedRequest(), ending);
    ClientOptions options = Options();
    options.resend = resend;
    const int before = world_.requests();
    StreamAsync(pipeline_, options, trader, [&](ClientContext& context, auto* wire) {
      stub_->async()->Load(&context, &reply_, wire);
    });
    EXPECT_EQ(ending.Await().ok(), resend);
    EXPECT_EQ(world_.requests(), before + 1);
    if (!resend) {
      EXPECT_EQ(report_.reason, HF_R_NOT_RETRYABLE);
    }
  }
}

TEST_F(GrpcStream, ARefusalOfOursIsToldToAReactor) {
  const CircuitBreaker breaker = *CircuitBreaker::Create();
  ASSERT_TRUE(breaker.Force(BreakerState::kForcedOpen, Clock::Steady().Now()).ok());
  const Pipeline pipeline = *Pipeline::Create({.breaker = breaker});
  std::string told;
  Ending ending;
  StreamAsync(pipeline, Options(), *new Diary(told, ending),
              [](ClientContext&, auto*) { ADD_FAILURE() << "nothing was to be opened"; });
  EXPECT_EQ(RejectionOf(ending.Await())->reason, HF_R_BREAKER_FORCED_OPEN);
}

}  // namespace
}  // namespace holdfast::grpc
