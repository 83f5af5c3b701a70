// SPDX-License-Identifier: Apache-2.0
// The fault table: what becomes of a call when its server breaks, by kind, API and fault. The API makes no
// difference; the kind only where it says so.
//
//   fault at the first request     declared       status       attempts  done  committed
//   refused by trailers alone      not            OK           2         1     yes
//   done, then the server dies     idempotent     OK           2         2     yes
//   done, then the server dies     not            UNAVAILABLE  1         1     no
//   done, the answer is late       idempotent     OK           2         2     yes
//   done, the answer is late       not            DEADLINE_..  1         1     no
//   half an answer, then a failure idempotent     UNAVAILABLE  1         1     yes
//   half an answer, server dies    idempotent     UNAVAILABLE  1         1     yes
//   the same, unary: no half yet   idempotent     OK           2         2     yes
//   GOAWAY under the call          not            OK           1         1     yes; the next call as well
//   nobody is there                idempotent     UNAVAILABLE  3         0     no
//   nobody is there                not            UNAVAILABLE  1         0     no
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>

#include <chrono>
#include <string>
#include <thread>
#include <tuple>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::milliseconds;

struct Expected {
  StatusCode code;
  uint32_t attempts;
  int applied;
  bool committed;
  hf_reason reason = HF_R_NONE;
};

class GrpcFaultTable : public ::testing::TestWithParam<std::tuple<Kind, Api>> {
 protected:
  void Check(const FeedAnswer& answer, const Expected& expected) {
    EXPECT_EQ(answer.status.error_code(), expected.code) << answer.status.error_message();
    EXPECT_EQ(report_.attempts, expected.attempts);
    EXPECT_EQ(report_.reason, expected.reason);
    EXPECT_EQ(committed_, expected.committed);
    EXPECT_EQ(world_->applied(), expected.applied);
    if (answer.status.ok()) {
      EXPECT_EQ(answer.received, kind() == Kind::kUnary || kind() == Kind::kWrite ? 1 : 2);
    }
    // What was held while the call ran is free again, and the breaker has seen what the server did.
    EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
    const BreakerSnapshot health = breaker_.Snapshot(Clock::Steady().Now());
    EXPECT_EQ(health.probes_out, 0u);
  }

  static Kind kind() { return std::get<0>(GetParam()); }
  static Api api() { return std::get<1>(GetParam()); }

  // The first request meets `fault`, the others none.
  void Meet(Fault fault) {
    world_.emplace([fault](int request) { return request == 1 ? fault : Fault::kNone; });
    server_.emplace(*world_);
    const auto channel = MakeChannel(server_->target(), ::grpc::InsecureChannelCredentials(),
                                     {.reconnect_initial = milliseconds(100)});
    // So that an attempt's timeout is all the server's.
    ASSERT_TRUE(
        channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)));
    stub_ = test::Feed::NewStub(channel);
  }

  FeedAnswer Call(bool idempotent, Duration attempt_timeout = std::chrono::seconds(20)) {
    const Pipeline pipeline = *Pipeline::Create(
        {.retry = *RetryPolicy::Create({.max_attempts = 3, .base = milliseconds(1)}),
         .breaker = breaker_,
         .bulkhead = bulkhead_,
         .attempt_timeout = attempt_timeout});
    const ClientOptions options{.call = {.idempotent = idempotent, .report = &report_},
                                .wait_for_ready = wait_for_ready_,
                                .committed = &committed_,
                                .resend = true};
    return Make({*stub_, pipeline, options}, api(), kind());
  }

  // The server dies while its answer is awaited, and comes back.
  std::thread Restart() {
    return std::thread([this] {
      world_->AwaitStuck();
      server_->Stop();
      server_->Start();
    });
  }

  std::optional<FeedWorld> world_;
  std::optional<FeedServer> server_;
  std::unique_ptr<test::Feed::Stub> stub_;
  const CircuitBreaker breaker_ = *CircuitBreaker::Create();
  const Bulkhead bulkhead_ = *Bulkhead::Create({.limit = 1});
  CallReport report_;
  bool committed_ = false;
  bool wait_for_ready_ = true;
};

TEST_P(GrpcFaultTable, RefusedBeforeHeaders) {
  Meet(Fault::kRefused);
  Check(Call(false), {StatusCode::OK, 2, 1, true});
}

TEST_P(GrpcFaultTable, DroppedAfterItWasDone) {
  Meet(Fault::kDropped);
  std::thread operator_thread = Restart();
  Check(Call(true), {StatusCode::OK, 2, 2, true});
  operator_thread.join();
}

TEST_P(GrpcFaultTable, DroppedAfterItWasDoneAndNotIdempotent) {
  Meet(Fault::kDropped);
  std::thread operator_thread = Restart();
  Check(Call(false), {StatusCode::UNAVAILABLE, 1, 1, false, HF_R_NOT_IDEMPOTENT});
  operator_thread.join();
}

TEST_P(GrpcFaultTable, Slow) {
  Meet(Fault::kSlow);
  Check(Call(true, milliseconds(400)), {StatusCode::OK, 2, 2, true});
}

TEST_P(GrpcFaultTable, SlowAndNotIdempotent) {
  Meet(Fault::kSlow);
  Check(Call(false, milliseconds(400)),
        {StatusCode::DEADLINE_EXCEEDED, 1, 1, false, HF_R_NOT_IDEMPOTENT});
}

TEST_P(GrpcFaultTable, HalfAnAnswerIsNeverMadeAgain) {
  Meet(Fault::kHalf);
  const FeedAnswer answer = Call(true);
  Check(answer, {StatusCode::UNAVAILABLE, 1, 1, true, HF_R_NOT_RETRYABLE});
  EXPECT_EQ(answer.status.error_message(), "half");
  EXPECT_EQ(answer.received, kind() == Kind::kRead || kind() == Kind::kBidi ? 1 : 0);
}

TEST_P(GrpcFaultTable, HalfAnAnswerAndTheServerDies) {
  Meet(Fault::kHalfDropped);
  std::thread operator_thread = Restart();
  if (kind() == Kind::kUnary) {  // its headers would have come with its answer
    Check(Call(true), {StatusCode::OK, 2, 2, true});
  } else {
    Check(Call(true), {StatusCode::UNAVAILABLE, 1, 1, true, HF_R_NOT_RETRYABLE});
  }
  operator_thread.join();
}

TEST_P(GrpcFaultTable, GoAwayByAServerThatRestarts) {
  Meet(Fault::kSlow);
  std::thread operator_thread([this] {
    world_->AwaitStuck();
    std::thread drain([this] { server_->Drain(); });
    world_->Release();
    drain.join();
    server_->Start();
  });
  Check(Call(false), {StatusCode::OK, 1, 1, true});
  operator_thread.join();
  Check(Call(false), {StatusCode::OK, 1, 2, true});
}

TEST_P(GrpcFaultTable, NobodyIsThere) {
  Meet(Fault::kNone);
  server_->Stop();
  wait_for_ready_ = false;
  Check(Call(true), {StatusCode::UNAVAILABLE, 3, 0, false, HF_R_ATTEMPTS_EXHAUSTED});
  Check(Call(false), {StatusCode::UNAVAILABLE, 1, 0, false, HF_R_NOT_IDEMPOTENT});
}

INSTANTIATE_TEST_SUITE_P(
    All, GrpcFaultTable,
    ::testing::Combine(::testing::Values(Kind::kUnary, Kind::kRead, Kind::kWrite, Kind::kBidi),
                       ::testing::Values(Api::kSync, Api::kCallback, Api::kQueue)),
    [](const auto& info) {
      return NameOf(std::get<0>(info.param)) + NameOf(std::get<1>(info.param));
    });

}  // namespace
}  // namespace holdfast::grpc
