// SPDX-License-Identifier: Apache-2.0
// A guarded call to a guarded method whose answer is lost: it is done once, and the next attempt brings the stored
// answer, by each API.
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/server.h>
#include <holdfast/memory/store.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

// Puts once for each key; the first answer does not come.
class PutOnce final : public test::Feed::Service {
 public:
  PutOnce(FeedWorld& world, Guard guard, std::atomic<int>& done)
      : world_(world), guard_(std::move(guard)), done_(done) {}

  ::grpc::Status Put(::grpc::ServerContext* context, const Item* request, Item* reply) override {
    const ::grpc::Status status =
        guard_.Handle(context, *request, reply, "feed.Put", [&](ServerCall&) {
          reply->set_order("done " + std::to_string(done_.fetch_add(1) + 1) + " time");
          return ::grpc::Status::OK;
        });
    // The record is there by now.
    const ::grpc::Status way_back = world_.Serve(*context, [] {}, {[] {}, {}});
    return way_back.ok() ? status : way_back;
  }

 private:
  FeedWorld& world_;
  const Guard guard_;
  std::atomic<int>& done_;
};

class GrpcClientReplay : public ::testing::TestWithParam<Api> {};

TEST_P(GrpcClientReplay, WhatWasDoneIsNotDoneAgain) {
  const auto store = *memory::Store::Create();
  const Guard guard = *Guard::Create({.store = store.get(), .space = "feed"});
  FeedWorld world([](int request) { return request == 1 ? Fault::kDropped : Fault::kNone; });
  std::atomic<int> done{0};
  FeedServer server([&] { return std::make_unique<PutOnce>(world, guard, done); });
  const auto stub =
      test::Feed::NewStub(MakeChannel(server.target(), ::grpc::InsecureChannelCredentials(),
                                      {.reconnect_initial = std::chrono::milliseconds(100)}));
  const Pipeline pipeline = *Pipeline::Create(
      {.retry = *RetryPolicy::Create({.max_attempts = 3, .base = std::chrono::milliseconds(1)})});
  std::thread restart([&] {
    world.AwaitStuck();
    server.Stop();
    server.Start();
  });
  CallReport report;
  bool replayed = false;
  const ClientOptions options{.call = {.report = &report},
                              .idempotency_key = "order-17",
                              .wait_for_ready = true,
                              .replayed = &replayed};
  const FeedAnswer answer = Make({*stub, pipeline, options}, GetParam(), Kind::kUnary);
  restart.join();
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(report.attempts, 2u);
  EXPECT_EQ(done.load(), 1);
  EXPECT_TRUE(replayed);
}

INSTANTIATE_TEST_SUITE_P(All, GrpcClientReplay,
                         ::testing::Values(Api::kSync, Api::kCallback, Api::kQueue),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace holdfast::grpc
