// SPDX-License-Identifier: Apache-2.0
// HedgedUnary: on a real server, and with attempts that end when the test says.
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client_hedge.h>
#include <holdfast/testing/virtual_timers.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::hours;
using std::chrono::milliseconds;

using DoneFn = std::function<void(::grpc::Status)>;

const ::grpc::Status kUnavailable(StatusCode::UNAVAILABLE, "gone");

HedgePolicy After(Duration delay, uint32_t attempts = 2) {
  return *HedgePolicy::Create(
      {.mode = HedgeMode::kFixed, .max_attempts = attempts, .delay = delay, .burst = 1000});
}

// Attempts that the test ends; the number of each is its order's.
class Bench {
 public:
  auto Start() {
    return [this](::grpc::ClientContext&, Attempt& attempt, std::string* reply, DoneFn done) {
      const std::lock_guard lock(mutex_);
      *reply = "of " + std::to_string(attempt.number());
      done_.push_back(std::move(done));
      started_.notify_all();
    };
  }
  auto Done() {
    return [this](::grpc::Status status, std::string reply) {
      reply_ = std::move(reply);
      ending_.Set(std::move(status));
    };
  }
  void AwaitStarted(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        started_.wait_for(lock, std::chrono::seconds(20), [&] { return done_.size() >= count; }));
  }
  void End(size_t attempt, ::grpc::Status status) {
    DoneFn done;
    {
      const std::lock_guard lock(mutex_);
      done = std::exchange(done_.at(attempt - 1), nullptr);
    }
    done(std::move(status));
  }
  size_t started() {
    const std::lock_guard lock(mutex_);
    return done_.size();
  }
  ::grpc::Status Await() { return ending_.Await(); }
  const std::string& reply() const { return reply_; }

 private:
  std::mutex mutex_;
  std::condition_variable started_;
  std::vector<DoneFn> done_;
  Ending ending_;
  std::string reply_;
};

class GrpcHedge : public ::testing::Test {
 protected:
  ClientOptions Options() { return {.call = {.idempotent = true, .report = &report_}}; }

  Bench bench_;
  CallReport report_;
  const Bulkhead bulkhead_ = *Bulkhead::Create({.limit = 8});
  const Pipeline pipeline_ = *Pipeline::Create({.bulkhead = bulkhead_});
};

TEST_F(GrpcHedge, AnAnswerInTimeIsNotHedged) {
  HedgedUnary<std::string>(After(hours(1)), pipeline_, Options(), bench_.Start(), bench_.Done());
  bench_.End(1, ::grpc::Status::OK);
  EXPECT_TRUE(bench_.Await().ok());
  EXPECT_EQ(bench_.reply(), "of 1");
  EXPECT_EQ(report_.attempts, 1u);
  EXPECT_EQ(bench_.started(), 1u);
}

TEST_F(GrpcHedge, ASlowOneGetsARivalAndTheFirstSuccessWins) {
  const HedgePolicy policy = After(milliseconds(1));
  HedgedUnary<std::string>(policy, pipeline_, Options(), bench_.Start(), bench_.Done());
  bench_.AwaitStarted(2);
  bench_.End(2, ::grpc::Status::OK);
  EXPECT_TRUE(bench_.Await().ok());
  EXPECT_EQ(bench_.reply(), "of 2");
  EXPECT_EQ(report_.attempts, 2u);
  EXPECT_EQ(policy.Snapshot(Clock::Steady().Now()).won, 1u);
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
  bench_.End(1, ::grpc::Status::OK);  // the loser is late, and nobody asks it
}

TEST_F(GrpcHedge, DelaysAndTheDeadlineAreKeptToTheNanosecond) {
  testing::VirtualClock clock;
  testing::VirtualTimers timers(clock);
  ClientOptions options = Options();
  options.call.clock = &clock;
  options.call.timeout = milliseconds(120);
  options.timers = &timers;
  HedgedUnary<std::string>(After(milliseconds(50), 3), pipeline_, options, bench_.Start(),
                           bench_.Done());
  EXPECT_EQ(bench_.started(), 1u);
  clock.Advance(milliseconds(50) - Duration{1});
  EXPECT_EQ(bench_.started(), 1u);
  clock.Advance(Duration{1});
  EXPECT_EQ(bench_.started(), 2u);
  clock.Advance(milliseconds(50));
  EXPECT_EQ(bench_.started(), 3u);
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 3u);
  clock.Advance(milliseconds(20));
  EXPECT_EQ(bench_.Await().error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(report_.reason, HF_R_DEADLINE);
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
  for (size_t attempt = 1; attempt <= 3; ++attempt) bench_.End(attempt, ::grpc::Status::OK);
  EXPECT_EQ(timers.size(), 0u);
}

TEST_F(GrpcHedge, AFailureIsFollowedAtOnce) {
  HedgedUnary<std::string>(After(hours(1)), pipeline_, Options(), bench_.Start(), bench_.Done());
  bench_.End(1, kUnavailable);
  bench_.AwaitStarted(2);
  bench_.End(2, ::grpc::Status::OK);
  EXPECT_TRUE(bench_.Await().ok());
  EXPECT_EQ(bench_.reply(), "of 2");
}

TEST_F(GrpcHedge, WhatIsNotIdempotentIsNotHedged) {
  ClientOptions options = Options();
  options.call.idempotent = false;
  HedgedUnary<std::string>(After(milliseconds(1), 8), pipeline_, options, bench_.Start(),
                           bench_.Done());
  bench_.End(1, kUnavailable);
  EXPECT_EQ(bench_.Await().error_message(), "gone");
  EXPECT_EQ(report_.reason, HF_R_NOT_IDEMPOTENT);
  EXPECT_EQ(bench_.started(), 1u);
}

TEST_F(GrpcHedge, AttemptsThatEndAtOnceTellTheirEndLater) {
  const std::thread::id here = std::this_thread::get_id();
  std::atomic<bool> elsewhere{false};
  Ending ending;
  HedgedUnary<int>(
      After(hours(1), 8), pipeline_, Options(),
      [](auto&, Attempt&, int*, DoneFn done) { done(kUnavailable); },
      [&](::grpc::Status status, int) {
        elsewhere = std::this_thread::get_id() != here;
        ending.Set(std::move(status));
      });
  EXPECT_EQ(ending.Await().error_message(), "gone");
  EXPECT_TRUE(elsewhere.load());
  EXPECT_EQ(report_.attempts, 8u);
}

TEST_F(GrpcHedge, TheResultWaitsForAnAttemptThatIsStillBeingStarted) {
  std::promise<void> begun;
  DoneFn first;
  std::atomic<bool> told{false};
  std::atomic<bool> told_within{true};
  Ending ending;
  HedgedUnary<int>(
      After(std::chrono::milliseconds(1), 2), pipeline_, Options(),
      [&](auto&, Attempt& attempt, int*, DoneFn done) {
        if (attempt.number() == 1) {
          first = std::move(done);
          return;
        }
        begun.get_future().wait();
        first(::grpc::Status::OK);
        told_within = told.load();
        done(::grpc::Status::CANCELLED);
      },
      [&](::grpc::Status status, int) {
        told = true;
        ending.Set(std::move(status));
      });
  begun.set_value();
  EXPECT_TRUE(ending.Await().ok());
  EXPECT_FALSE(told_within.load());
}

TEST_F(GrpcHedge, ARefusalIsToldWithItsReason) {
  const CircuitBreaker breaker = *CircuitBreaker::Create();
  ASSERT_TRUE(breaker.Force(BreakerState::kForcedOpen, Clock::Steady().Now()).ok());
  const Pipeline pipeline = *Pipeline::Create({.breaker = breaker});
  HedgedUnary<std::string>(After(hours(1)), pipeline, Options(), bench_.Start(), bench_.Done());
  const ::grpc::Status status = bench_.Await();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_BREAKER_FORCED_OPEN);
  EXPECT_EQ(bench_.started(), 0u);
}

TEST_F(GrpcHedge, ACancelEndsAllAndAStopDoesTheSame) {
  for (const bool by_stop : {false, true}) {
    Bench bench;
    std::stop_source stop;
    ClientOptions options = Options();
    options.call.stop = stop.get_token();
    const CallHandle call = HedgedUnary<std::string>(After(milliseconds(1), 3), pipeline_, options,
                                                     bench.Start(), bench.Done());
    bench.AwaitStarted(3);
    by_stop ? (void)stop.request_stop() : call.Cancel();
    const ::grpc::Status status = bench.Await();
    EXPECT_EQ(status.error_code(), StatusCode::CANCELLED);
    EXPECT_EQ(RejectionOf(status)->reason, HF_R_ABORTED);
    EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
    for (size_t attempt = 1; attempt <= 3; ++attempt) bench.End(attempt, kUnavailable);
  }
}

TEST_F(GrpcHedge, AStopThatCameBeforeStartsNothingThatStays) {
  std::stop_source stop;
  stop.request_stop();
  ClientOptions options = Options();
  options.call.stop = stop.get_token();
  Ending ending;
  HedgedUnary<int>(
      After(hours(1)), pipeline_, options,
      [](::grpc::ClientContext&, Attempt&, int*, DoneFn done) { done(::grpc::Status::CANCELLED); },
      [&](::grpc::Status status, int) { ending.Set(std::move(status)); });
  EXPECT_EQ(ending.Await().error_code(), StatusCode::CANCELLED);
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
}

TEST_F(GrpcHedge, WhatCannotBeSentIsToldLaterAndNothingStarts) {
  const MetadataEntry entries[] = {{"X-Upper", "v"}};
  ClientOptions options = Options();
  options.metadata = entries;
  HedgedUnary<std::string>(After(hours(1)), pipeline_, options, bench_.Start(), bench_.Done());
  EXPECT_EQ(bench_.Await().error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(bench_.started(), 0u);
}

TEST_F(GrpcHedge, OnARealServerTheLoserIsCancelled) {
  FeedWorld world([](int request) { return request == 1 ? Fault::kSlow : Fault::kNone; });
  FeedServer server(world);
  const auto stub =
      test::Feed::NewStub(MakeChannel(server.target(), ::grpc::InsecureChannelCredentials()));
  const Item request = FeedRequest();
  Item reply;
  const ::grpc::Status status =
      AwaitHedgedUnary(After(milliseconds(20)), pipeline_, Options(), &reply,
                       [&](::grpc::ClientContext& context, Attempt&, Item* each, DoneFn done) {
                         stub->async()->Put(&context, &request, each, std::move(done));
                       });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.order(), "re 17");
  EXPECT_EQ(report_.attempts, 2u);
  world.AwaitUnstuck();  // by its cancellation: nothing else ends it in time
}

// Ends, rivals and cancellations of many calls at once: each ends once, all permits are back.
TEST_F(GrpcHedge, CancellationsAtAnyMomentLoseNothing) {
  const HedgePolicy policy = After(std::chrono::microseconds(20), 4);
  constexpr int kCalls = 1000;
  std::atomic<int> ended{0};
  Ending all;
  for (int i = 0; i < kCalls; ++i) {
    const CallHandle call = HedgedUnary<int>(
        policy, pipeline_, {.call = {.idempotent = true}},
        [i](auto&, Attempt& attempt, int*, DoneFn done) {
          const bool fails = (i + static_cast<int>(attempt.number())) % 3 != 0;
          const ::grpc::Status status = fails ? kUnavailable : ::grpc::Status::OK;
          if (i % 5 != 0) return done(status);
          std::thread([done = std::move(done), status] { done(status); }).detach();
        },
        [&](::grpc::Status, int) {
          if (ended.fetch_add(1) + 1 == kCalls) all.Set(::grpc::Status::OK);
        });
    if (i % 2 == 0) call.Cancel();
  }
  EXPECT_TRUE(all.Await().ok());
  EXPECT_EQ(bulkhead_.Snapshot().in_flight, 0u);
}

}  // namespace
}  // namespace holdfast::grpc
