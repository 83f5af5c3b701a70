// SPDX-License-Identifier: Apache-2.0
// Unary over real connections; time is virtual, so that no test waits for a backoff.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/context.h>
#include <holdfast/testing/virtual_clock.h>

#include <latch>
#include <mutex>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

const ::grpc::Status kUnavailable(StatusCode::UNAVAILABLE, "gone");

// What one request brought along.
struct Seen {
  std::multimap<std::string, std::string> headers;

  std::string Get(std::string_view key) const {
    EXPECT_EQ(headers.count(std::string(key)), 1u) << key;
    const auto found = headers.find(std::string(key));
    return found == headers.end() ? "" : found->second;
  }
};

// A service that remembers its requests and answers by `answer(attempt)`, from 1.
class Peer {
 public:
  using Answer = std::function<::grpc::Status(int, ::grpc::ServerContext*)>;
  explicit Peer(Answer answer)
      : service_([this, answer](auto* context, const auto& request, auto* reply) {
          reply->set_payment("pay-" + request.order());
          return answer(Remember(*context), context);
        }),
        loopback_(service_),
        stub_(test::Payment::NewStub(
            MakeChannel(loopback_.target(), ::grpc::InsecureChannelCredentials()))) {}

  // For Unary: the plain call.
  auto Call() {
    return [this](::grpc::ClientContext& context) {
      return stub_->Charge(&context, RequestFor("17"), &reply_);
    };
  }

  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  int calls() const { return service_.calls(); }
  Loopback& loopback() { return loopback_; }
  test::ChargeReply& reply() { return reply_; }

 private:
  int Remember(const ::grpc::ServerContext& context) {
    Seen seen;
    for (const auto& [key, value] : context.client_metadata()) {
      seen.headers.emplace(std::string(key.data(), key.size()),
                           std::string(value.data(), value.size()));
    }
    const std::lock_guard lock(mutex_);
    seen_.push_back(std::move(seen));
    return static_cast<int>(seen_.size());
  }

  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  PaymentService service_;
  Loopback loopback_;
  std::unique_ptr<test::Payment::Stub> stub_;
  test::ChargeReply reply_;
};

Pipeline ThreeAttempts(CircuitBreaker breaker = {}, Bulkhead bulkhead = {}) {
  return *Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 3}),
                            .budget = {},
                            .breaker = std::move(breaker),
                            .bulkhead = std::move(bulkhead)});
}

class GrpcUnary : public ::testing::Test {
 protected:
  UnaryOptions Options(std::string_view key = {}) {
    return {.call = {.report = &report_, .clock = &clock_}, .idempotency_key = key};
  }

  testing::VirtualClock clock_;
  CallReport report_;
  const Pipeline pipeline_ = ThreeAttempts();
};

TEST_F(GrpcUnary, ASuccessIsOneAttempt) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  EXPECT_TRUE(Unary(pipeline_, Options(), peer.Call()).ok());
  EXPECT_EQ(peer.reply().payment(), "pay-17");
  EXPECT_EQ(report_.attempts, 1u);
  EXPECT_EQ(report_.reason, HF_R_NONE);
}

TEST_F(GrpcUnary, EachAttemptHasASpanOfItsOwnAndTheKeyOfAll) {
  Peer peer([](int attempt, auto*) { return attempt < 3 ? kUnavailable : ::grpc::Status::OK; });
  EXPECT_TRUE(Unary(pipeline_, Options("order-17"), peer.Call()).ok());
  const std::vector<Seen> seen = peer.seen();
  ASSERT_EQ(seen.size(), 3u);
  std::set<std::string> traces, spans, keys, correlations;
  for (size_t i = 0; i < seen.size(); ++i) {
    const std::string traceparent = seen[i].Get("traceparent");
    ASSERT_TRUE(ParseTraceparent(traceparent).has_value()) << traceparent;
    traces.insert(traceparent.substr(3, 32));
    spans.insert(traceparent.substr(36, 16));
    keys.insert(seen[i].Get("idempotency-key"));
    correlations.insert(seen[i].Get("x-correlation-id"));
    EXPECT_EQ(seen[i].Get("holdfast-attempt"), std::to_string(i + 1));
  }
  EXPECT_EQ(traces.size(), 1u);
  EXPECT_EQ(spans.size(), 3u);
  EXPECT_EQ(keys, std::set<std::string>{"order-17"});
  EXPECT_EQ(correlations.size(), 1u);
}

TEST_F(GrpcUnary, TheCurrentContextGoesAlong) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  const ScopedContext attached(
      *Context::Start({.correlation_id = "story-1", .causation_id = "before"}));
  const std::string here = FormatTraceparent(Context::Current().trace());
  EXPECT_TRUE(Unary(pipeline_, Options(), peer.Call()).ok());
  const Seen seen = peer.seen().at(0);
  EXPECT_EQ(seen.Get("x-correlation-id"), "story-1");
  EXPECT_EQ(seen.Get("x-causation-id"), here.substr(36, 16));
  EXPECT_EQ(seen.Get("traceparent").substr(0, 36), here.substr(0, 36));
  EXPECT_NE(seen.Get("traceparent"), here);
}

TEST_F(GrpcUnary, AnUnavailableThatMayHaveHappenedIsNotRepeated) {
  Peer peer([](auto&&...) { return kUnavailable; });
  const ::grpc::Status status = Unary(pipeline_, Options(), peer.Call());
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "gone");
  EXPECT_EQ(peer.calls(), 1);
  EXPECT_EQ(report_.reason, HF_R_NOT_IDEMPOTENT);
}

TEST_F(GrpcUnary, AKeyOrAWordMakesItRepeatable) {
  Peer peer([](auto&&...) { return kUnavailable; });
  EXPECT_EQ(Unary(pipeline_, Options("k"), peer.Call()).error_message(), "gone");
  EXPECT_EQ(peer.calls(), 3);
  EXPECT_EQ(report_.reason, HF_R_ATTEMPTS_EXHAUSTED);
  UnaryOptions idempotent = Options();
  idempotent.call.idempotent = true;
  EXPECT_FALSE(Unary(pipeline_, idempotent, peer.Call()).ok());
  EXPECT_EQ(peer.calls(), 6);
}

TEST_F(GrpcUnary, AnUnavailableThatProvablyDidNotStartIsRepeated) {
  Peer peer([](int attempt, ::grpc::ServerContext* context) {
    if (attempt == 2) return ::grpc::Status::OK;
    context->AddTrailingMetadata("holdfast-not-started", "draining");
    return kUnavailable;
  });
  EXPECT_TRUE(Unary(pipeline_, Options(), peer.Call()).ok());
  EXPECT_EQ(peer.calls(), 2);
}

// gRPC answers RESOURCE_EXHAUSTED in the client, after the server has done all of it: its headers are here.
TEST_F(GrpcUnary, AnAnswerTooLargeToTakeIsNotAskedForAgain) {
  PaymentService service([](auto*, const auto&, test::ChargeReply* reply) {
    reply->set_payment(std::string(5000, 'p'));
    return ::grpc::Status::OK;
  });
  Loopback loopback(service);
  const auto stub = test::Payment::NewStub(MakeChannel(
      loopback.target(), ::grpc::InsecureChannelCredentials(), {.max_receive_bytes = 1000}));
  test::ChargeReply reply;
  const auto call = [&](::grpc::ClientContext& context) {
    return stub->Charge(&context, RequestFor("17"), &reply);
  };
  for (const std::string_view key : {"", "k"}) {
    const int before = service.calls();
    EXPECT_EQ(Unary(pipeline_, Options(key), call).error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(service.calls(), before + 1);
    EXPECT_EQ(report_.reason, HF_R_NOT_RETRYABLE);
  }
}

TEST_F(GrpcUnary, ARefusedConnectionProvesNothing) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  peer.loopback().Stop();
  EXPECT_EQ(Unary(pipeline_, Options(), peer.Call()).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(report_.attempts, 1u);
  EXPECT_EQ(report_.reason, HF_R_NOT_IDEMPOTENT);
  EXPECT_FALSE(Unary(pipeline_, Options("k"), peer.Call()).ok());
  EXPECT_EQ(report_.attempts, 3u);
}

TEST_F(GrpcUnary, AServerThatDiesUnderTheCallProvesNothing) {
  std::latch entered(1), leave(1);
  Peer peer([&](auto&&...) {
    entered.count_down();
    leave.wait();
    return ::grpc::Status::OK;
  });
  std::thread killer([&] {
    entered.wait();
    peer.loopback().Stop();
  });
  const ::grpc::Status status = Unary(pipeline_, Options(), peer.Call());
  leave.count_down();
  killer.join();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(report_.attempts, 1u);
  EXPECT_EQ(report_.reason, HF_R_NOT_IDEMPOTENT);
}

TEST_F(GrpcUnary, TheServersRetryAfterIsWaitedFor) {
  Peer peer([](int attempt, ::grpc::ServerContext* context) {
    if (attempt == 2) return ::grpc::Status::OK;
    context->AddTrailingMetadata("holdfast-retry-after-ms", "3000");
    return ::grpc::Status(StatusCode::RESOURCE_EXHAUSTED, "busy");
  });
  EXPECT_TRUE(Unary(pipeline_, Options(), peer.Call()).ok());
  EXPECT_GE(clock_.elapsed(), seconds(3));
}

TEST_F(GrpcUnary, AnAbsurdRetryAfterParksNobody) {
  Peer peer([](int attempt, ::grpc::ServerContext* context) {
    if (attempt == 2) return ::grpc::Status::OK;
    context->AddTrailingMetadata("grpc-retry-pushback-ms", "2147483647");
    return ::grpc::Status(StatusCode::RESOURCE_EXHAUSTED, "busy");
  });
  EXPECT_TRUE(Unary(pipeline_, Options(), peer.Call()).ok());
  EXPECT_LE(clock_.elapsed(), seconds(6));
}

TEST_F(GrpcUnary, ANegativePushbackIsObeyed) {
  Peer peer([](int, ::grpc::ServerContext* context) {
    context->AddTrailingMetadata("grpc-retry-pushback-ms", "-1");
    return kUnavailable;
  });
  EXPECT_FALSE(Unary(pipeline_, Options("k"), peer.Call()).ok());
  EXPECT_EQ(peer.calls(), 1);
  EXPECT_EQ(report_.reason, HF_R_PUSHED_BACK);
}

TEST_F(GrpcUnary, TheDeadlineIsCarriedAndShrinks) {
  std::vector<Duration> left;
  std::mutex mutex;
  Peer peer([&](int attempt, ::grpc::ServerContext* context) {
    const std::lock_guard lock(mutex);
    left.push_back(context->deadline() - std::chrono::system_clock::now());
    return attempt < 3 ? kUnavailable : ::grpc::Status::OK;
  });
  UnaryOptions options = Options("k");
  options.call.timeout = seconds(900);
  const auto call = peer.Call();
  EXPECT_TRUE(Unary(pipeline_, options, [&](::grpc::ClientContext& context) {
                const ::grpc::Status status = call(context);
                clock_.Advance(seconds(200));
                return status;
              }).ok());
  const std::lock_guard lock(mutex);
  ASSERT_EQ(left.size(), 3u);
  // Less some backoff, and rounded up to three digits.
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(left[i], seconds(900 - 200 * i) + seconds(10));
    EXPECT_GE(left[i], seconds(900 - 200 * i) - seconds(60));
  }
}

TEST_F(GrpcUnary, TheEarliestOfAllDeadlinesHolds) {
  std::atomic<Duration> left{Duration{0}};
  Peer peer([&](int, ::grpc::ServerContext* context) {
    left = context->deadline() - std::chrono::system_clock::now();
    return ::grpc::Status::OK;
  });
  const Pipeline timed = *Pipeline::Create(
      {.retry = {}, .budget = {}, .breaker = {}, .bulkhead = {}, .attempt_timeout = seconds(300)});
  const ScopedContext attached(*Context::Start({.deadline = clock_.Now() + 600 * HF_S}));
  EXPECT_TRUE(Unary(timed, Options(), peer.Call()).ok());
  EXPECT_LE(left.load(), seconds(304));  // gRPC rounds what it sends up to three digits
  EXPECT_TRUE(Unary(pipeline_, Options(), peer.Call()).ok());
  EXPECT_LE(left.load(), seconds(607));
  EXPECT_GT(left.load(), seconds(304));
}

TEST_F(GrpcUnary, AContextOutOfTimeSendsNothing) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  const ScopedContext attached(*Context::Start({.deadline = clock_.Now()}));
  const ::grpc::Status status = Unary(pipeline_, Options(), peer.Call());
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_DEADLINE);
  EXPECT_THAT(status.error_message(), HasSubstr("(holdfast: deadline)"));
  EXPECT_EQ(peer.calls(), 0);
}

TEST_F(GrpcUnary, AnOpenBreakerAnswersInItsOwnName) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  const CircuitBreaker breaker = *CircuitBreaker::Create();
  ASSERT_TRUE(breaker.Force(BreakerState::kForcedOpen, clock_.Now()).ok());
  const ::grpc::Status status = Unary(ThreeAttempts(breaker), Options(), peer.Call());
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_BREAKER_FORCED_OPEN);
  EXPECT_EQ(peer.calls(), 0);
}

TEST_F(GrpcUnary, IllegalMetadataIsAnErrorAndNothingIsSent) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  const std::string large(8192, 'b');
  const std::pair<MetadataEntry, StatusCode> cases[] = {
      {{"X-Upper", "v"}, StatusCode::INVALID_ARGUMENT},
      {{"k", "line\nfeed"}, StatusCode::INVALID_ARGUMENT},
      {{"k", "tab\t"}, StatusCode::INVALID_ARGUMENT},
      {{"k", "Am\xC3\xA9lie"}, StatusCode::INVALID_ARGUMENT},
      {{"k\n", "v"}, StatusCode::INVALID_ARGUMENT},
      {{"", "v"}, StatusCode::INVALID_ARGUMENT},
      {{"grpc-timeout", "1n"}, StatusCode::INVALID_ARGUMENT},
      {{":path", "/x"}, StatusCode::INVALID_ARGUMENT},
      {{"traceparent", "v"}, StatusCode::INVALID_ARGUMENT},
      {{"idempotency-key", "v"}, StatusCode::INVALID_ARGUMENT},
      {{"baggage", large}, StatusCode::RESOURCE_EXHAUSTED},
  };
  for (const auto& [entry, code] : cases) {
    UnaryOptions options = Options();
    options.metadata = {&entry, 1};
    EXPECT_EQ(Unary(pipeline_, options, peer.Call()).error_code(), code) << entry.key;
  }
  EXPECT_EQ(Unary(pipeline_, Options(std::string(1025, 'k')), peer.Call()).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(peer.calls(), 0);
}

TEST_F(GrpcUnary, MetadataAndAnyKeyArrive) {
  Peer peer([](auto&&...) { return ::grpc::Status::OK; });
  const MetadataEntry entries[] = {{"x-shop", "a b"}, {"x-blob-bin", "\xFF\n"}};
  const std::string key(1024, '\xE9');
  UnaryOptions options = Options(key);
  options.metadata = entries;
  EXPECT_TRUE(Unary(pipeline_, options, peer.Call()).ok());
  const Seen seen = peer.seen().at(0);
  EXPECT_EQ(seen.Get("x-shop"), "a b");
  EXPECT_EQ(seen.Get("x-blob-bin"), "\xFF\n");
  EXPECT_EQ(seen.Get("idempotency-key-bin"), key);
  EXPECT_EQ(seen.headers.count("idempotency-key"), 0u);
  EXPECT_TRUE(Unary(pipeline_, Options(" k "), peer.Call()).ok());
  EXPECT_EQ(peer.seen().at(1).Get("idempotency-key-bin"), " k ");
}

TEST_F(GrpcUnary, AStopCancelsTheAttemptUnderWay) {
  std::latch entered(1), leave(1);
  Peer peer([&](auto&&...) {
    entered.count_down();
    leave.wait();
    return ::grpc::Status::OK;
  });
  std::stop_source stop;
  std::thread stopper([&] {
    entered.wait();
    stop.request_stop();
  });
  UnaryOptions options = Options("k");
  options.call.stop = stop.get_token();
  EXPECT_EQ(Unary(pipeline_, options, peer.Call()).error_code(), StatusCode::CANCELLED);
  leave.count_down();
  stopper.join();
  EXPECT_EQ(peer.calls(), 1);
}

TEST_F(GrpcUnary, WhatTheFunctionThrowsPassesThroughAndPermitsGoBack) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const Pipeline pipeline = ThreeAttempts({}, bulkhead);
  const auto boom = [](::grpc::ClientContext&) -> ::grpc::Status {
    throw std::runtime_error("boom");
  };
  EXPECT_THROW(Unary(pipeline, Options(), boom), std::runtime_error);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_F(GrpcUnary, AFunctionMayKnowTheAttemptAndSayMore) {
  Peer peer([](auto&&...) { return kUnavailable; });
  const auto call = peer.Call();
  uint32_t last = 0;
  const auto knowing = [&](::grpc::ClientContext& context, Attempt& attempt) {
    last = attempt.number();
    const ::grpc::Status status = call(context);
    hf_outcome outcome = OutcomeOf(status);
    outcome.effect = HF_EFFECT_NOT_STARTED;  // it knows better
    attempt.set_outcome(outcome);
    return status;
  };
  EXPECT_FALSE(Unary(pipeline_, Options(), knowing).ok());
  EXPECT_EQ(last, 3u);
}

}  // namespace
}  // namespace holdfast::grpc
