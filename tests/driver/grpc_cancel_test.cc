// SPDX-License-Identifier: Apache-2.0
// Cancelling a call whose answer does not come, of each kind and by each API; nothing stays behind.
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>

#include <memory>
#include <stop_token>
#include <thread>
#include <tuple>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;

class GrpcCancel : public ::testing::TestWithParam<std::tuple<Kind, Api>> {
 protected:
  GrpcCancel()
      : world_([](int) { return Fault::kSlow; }),
        server_(world_),
        stub_(test::Feed::NewStub(
            MakeChannel(server_.target(), ::grpc::InsecureChannelCredentials()))),
        pipeline_(*Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 3}),
                                     .breaker = breaker_,
                                     .bulkhead = bulkhead_})) {}

  void Check(const FeedAnswer& answer, const CallReport& report) {
    EXPECT_EQ(answer.status.error_code(), StatusCode::CANCELLED);
    EXPECT_EQ(report.attempts, 1u);
    EXPECT_EQ(world_.requests(), 1);
    EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
    EXPECT_EQ(breaker_.Snapshot(Clock::Steady().Now()).failures, 0u);
  }

  const CircuitBreaker breaker_ = *CircuitBreaker::Create();
  const Bulkhead bulkhead_ = *Bulkhead::Create({.limit = 1});
  FeedWorld world_;
  FeedServer server_;
  std::unique_ptr<test::Feed::Stub> stub_;
  const Pipeline pipeline_;
};

TEST_P(GrpcCancel, ByAStop) {
  const auto [kind, api] = GetParam();
  std::stop_source stop;
  std::thread stopper([&] {
    world_.AwaitStuck();
    stop.request_stop();
  });
  CallReport report;
  const ClientOptions options{
      .call = {.idempotent = true, .stop = stop.get_token(), .report = &report}, .resend = true};
  Check(Make({*stub_, pipeline_, options}, api, kind), report);
  stopper.join();
}

TEST_P(GrpcCancel, ByItsHandle) {
  const auto [kind, api] = GetParam();
  if (api == Api::kSync) return;  // has none
  std::thread canceller;
  CallReport report;
  const ClientOptions options{.call = {.idempotent = true, .report = &report}, .resend = true};
  const auto on_start = [&](CallHandle call) {
    canceller = std::thread([&, call = std::move(call)] {
      world_.AwaitStuck();
      call.Cancel();
    });
  };
  Check(Make({*stub_, pipeline_, options, on_start}, api, kind), report);
  canceller.join();
}

INSTANTIATE_TEST_SUITE_P(
    All, GrpcCancel,
    ::testing::Combine(::testing::Values(Kind::kUnary, Kind::kRead, Kind::kWrite, Kind::kBidi),
                       ::testing::Values(Api::kSync, Api::kCallback, Api::kQueue)),
    [](const auto& info) {
      return NameOf(std::get<0>(info.param)) + NameOf(std::get<1>(info.param));
    });

}  // namespace
}  // namespace holdfast::grpc
