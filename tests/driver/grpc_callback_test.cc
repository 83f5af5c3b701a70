// SPDX-License-Identifier: Apache-2.0
// UnaryAsync without a network: its attempts end when and where the test says.
#include <gtest/gtest.h>
#include <holdfast/clock.h>
#include <holdfast/grpc/client_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::hours;
using std::chrono::milliseconds;

const ::grpc::Status kUnavailable(StatusCode::UNAVAILABLE, "gone");

using DoneFn = std::function<void(::grpc::Status)>;

Pipeline Attempts(uint32_t most, Bulkhead bulkhead = {}, Duration base = milliseconds(1)) {
  return *Pipeline::Create(
      {.retry = *RetryPolicy::Create({.max_attempts = most, .jitter = Jitter::kNone, .base = base}),
       .bulkhead = std::move(bulkhead)});
}

TEST(GrpcCallback, AnAttemptThatEndsAtOnceDoesNotTellItsEndWithinTheCall) {
  Ending ending;
  const std::thread::id here = std::this_thread::get_id();
  std::atomic<bool> elsewhere{false};
  UnaryAsync(
      Attempts(3), {}, [](auto&, Attempt&, DoneFn done) { done(::grpc::Status::OK); },
      [&](::grpc::Status status) {
        elsewhere = std::this_thread::get_id() != here;
        ending.Set(std::move(status));
      });
  EXPECT_TRUE(ending.Await().ok());
  EXPECT_TRUE(elsewhere.load());
}

// Each attempt ends while it is being started, a thousand times: recursion would end the stack.
TEST(GrpcCallback, AttemptsThatEndAtOnceDoNotRecurse) {
  Ending ending;
  CallReport report;
  const Pipeline pipeline =
      *Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 1000,
                                                        .base = std::chrono::microseconds(1),
                                                        .cap = std::chrono::microseconds(1)})});
  UnaryAsync(
      pipeline, {.call = {.idempotent = true, .report = &report}},
      [](auto&, Attempt&, DoneFn done) { done(kUnavailable); },
      [&](::grpc::Status status) { ending.Set(std::move(status)); });
  EXPECT_EQ(ending.Await().error_message(), "gone");
  EXPECT_EQ(report.attempts, 1000u);
  EXPECT_EQ(report.reason, HF_R_ATTEMPTS_EXHAUSTED);
}

TEST(GrpcCallback, AnEndFromAnotherThreadMayComeBeforeTheStartHasReturned) {
  for (int i = 0; i < 200; ++i) {
    Ending ending;
    std::thread other;
    UnaryAsync(
        Attempts(1), {},
        [&](auto&, Attempt&, DoneFn done) {
          other = std::thread([done = std::move(done)] { done(::grpc::Status::OK); });
        },
        [&](::grpc::Status status) { ending.Set(std::move(status)); });
    EXPECT_TRUE(ending.Await().ok());
    other.join();
  }
}

TEST(GrpcCallback, TextsOfTheCallersOptionsAreKept) {
  Ending ending;
  std::string key, value;
  auto entry_value = std::make_unique<std::string>("a value that is too long to be kept in place");
  {
    const std::string temporary = "a key that is too long to be kept in place";
    const MetadataEntry entries[] = {{"x-shop", *entry_value}};
    UnaryAsync(
        Attempts(2),
        {.call = {.timeout = hours(1)}, .idempotency_key = temporary, .metadata = entries},
        [&](::grpc::ClientContext&, Attempt& attempt, DoneFn done) {
          done(attempt.number() == 1 ? kUnavailable : ::grpc::Status::OK);
        },
        [&](::grpc::Status status) { ending.Set(std::move(status)); });
  }
  entry_value.reset();  // ASan sees who still reads it
  EXPECT_TRUE(ending.Await().ok());
}

TEST(GrpcCallback, ItsCodeRunsUnderTheCallsContext) {
  Ending ending;
  std::string at_start, at_end;
  {
    const ScopedContext attached(*Context::Start({.correlation_id = "story-1"}));
    UnaryAsync(
        Attempts(2), {.call = {.idempotent = true}},
        [&](auto&, Attempt& attempt, DoneFn done) {
          at_start = Context::Current().correlation_id();
          done(attempt.number() == 1 ? kUnavailable : ::grpc::Status::OK);
        },
        [&](::grpc::Status status) {
          at_end = Context::Current().correlation_id();
          ending.Set(std::move(status));
        });
  }
  EXPECT_TRUE(ending.Await().ok());
  EXPECT_EQ(at_start, "story-1");
  EXPECT_EQ(at_end, "story-1");
}

TEST(GrpcCallback, WhatCannotBeSentIsToldLaterAndNothingStarts) {
  Ending ending;
  const MetadataEntry entries[] = {{"X-Upper", "v"}};
  std::atomic<int> starts{0};
  UnaryAsync(
      Attempts(3), {.metadata = entries}, [&](auto&, Attempt&, DoneFn) { ++starts; },
      [&](::grpc::Status status) { ending.Set(std::move(status)); });
  EXPECT_EQ(ending.Await().error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(starts.load(), 0);
}

TEST(GrpcCallback, ACancelEndsAPause) {
  Ending ending;
  const CallHandle call = UnaryAsync(
      Attempts(3, {}, hours(1)), {.call = {.idempotent = true}},
      [](auto&, Attempt&, DoneFn done) { done(kUnavailable); },
      [&](::grpc::Status status) { ending.Set(std::move(status)); });
  call.Cancel();
  EXPECT_EQ(ending.Await().error_message(), "gone");  // what came before
  call.Cancel();                                      // too late
}

TEST(GrpcCallback, ACancelGivesUpAPlaceInAQueueAndAStopDoesTheSame) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1, .queue = 4});
  auto taken = std::optional(bulkhead.TryAcquire(Clock::Steady()).value());
  std::stop_source stop;
  Ending cancelled, stopped;
  const auto never = [](auto&, Attempt&, DoneFn) { ADD_FAILURE() << "it was to wait"; };
  const Pipeline pipeline = Attempts(3, bulkhead);
  const CallHandle call =
      UnaryAsync(pipeline, {}, never, [&](::grpc::Status s) { cancelled.Set(std::move(s)); });
  UnaryAsync(pipeline, {.call = {.stop = stop.get_token()}}, never,
             [&](::grpc::Status s) { stopped.Set(std::move(s)); });
  EXPECT_EQ(bulkhead.Snapshot().waiting, 2u);
  call.Cancel();
  stop.request_stop();
  for (Ending* const ending : {&cancelled, &stopped}) {
    const ::grpc::Status status = ending->Await();
    EXPECT_EQ(status.error_code(), StatusCode::CANCELLED);
    EXPECT_EQ(RejectionOf(status)->reason, HF_R_ABORTED);
  }
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u);
}

TEST(GrpcCallback, AWakeUpGoesOnAtOnce) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1, .queue = 4});
  auto taken = std::optional(bulkhead.TryAcquire(Clock::Steady()).value());
  Ending ending;
  UnaryAsync(
      Attempts(1, bulkhead), {}, [](auto&, Attempt&, DoneFn done) { done(::grpc::Status::OK); },
      [&](::grpc::Status status) { ending.Set(std::move(status)); });
  taken.reset();
  EXPECT_TRUE(ending.Await().ok());
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

// Ends, wake-ups and cancellations of many calls at once, in any order: each ends once, all permits are back.
TEST(GrpcCallback, CancellationsAtAnyMomentLoseNothing) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 2, .queue = 16});
  const Pipeline pipeline = Attempts(3, bulkhead, std::chrono::microseconds(50));
  constexpr int kCalls = 2000;
  std::atomic<int> ended{0};
  Ending all;
  for (int i = 0; i < kCalls; ++i) {
    const CallHandle call = UnaryAsync(
        pipeline, {.call = {.idempotent = true}},
        [i](auto&, Attempt& attempt, DoneFn done) {
          if (i % 3 == 0) {
            std::thread([done = std::move(done)] { done(kUnavailable); }).detach();
          } else {
            done(attempt.number() < 3 ? kUnavailable : ::grpc::Status::OK);
          }
        },
        [&](::grpc::Status) {
          if (ended.fetch_add(1) + 1 == kCalls) all.Set(::grpc::Status::OK);
        });
    if (i % 2 == 0) call.Cancel();
  }
  EXPECT_TRUE(all.Await().ok());
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
}

}  // namespace
}  // namespace holdfast::grpc
