// SPDX-License-Identifier: Apache-2.0
// Acquire: a bulkhead's permits and a rate limiter's tokens, waited for on an executor.
#include <gtest/gtest.h>
#include <holdfast/testing/virtual_clock.h>
#include <holdfast/testing/virtual_timers.h>

#include <boost/asio.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "driver/asio_world.h"
#include "holdfast/asio/acquire.h"

namespace holdfast::driver_test {
namespace {

enum class Style { kCoroutine, kCallback };

class AsioAcquire : public ::testing::TestWithParam<Style> {
 protected:
  AsioAcquire()
      : bulkhead(Bulkhead::Create({.limit = 1, .queue = 2, .max_wait = 1h}).value()),
        limiter(RateLimiter::Create({.permits = 1, .period = 1s, .max_wait = 1h}).value()) {}

  asio::AcquireOptions Options(asio::AcquireOptions options = {}) {
    options.clock = &world.clock;
    options.timers = &world.timers;
    return options;
  }

  // `got` must be kept in place.
  template <class Guard, class Result>
  void Start(const Guard& guard, const asio::AcquireOptions& options, std::optional<Result>& got) {
    if (GetParam() == Style::kCallback) {
      asio::Acquire(guard, options,
                    boost::asio::bind_executor(world.io.get_executor(),
                                               boost::asio::bind_cancellation_slot(
                                                   world.cancel.slot(), [&got](Result result) {
                                                     got.emplace(std::move(result));
                                                   })));
      return;
    }
    boost::asio::co_spawn(
        world.io,
        [&got, guard, options]() -> awaitable<void> {
          got.emplace(co_await asio::Acquire(guard, options));
        },
        boost::asio::bind_cancellation_slot(world.cancel.slot(), [](std::exception_ptr) {}));
  }

  AsioWorld world;
  Bulkhead bulkhead;
  RateLimiter limiter;
  std::optional<absl::StatusOr<BulkheadPermit>> permit;
  std::optional<absl::Status> turn;
};

hf_reason ReasonOf(const absl::Status& status) {
  const auto rejection = RejectionOf(status);
  return rejection ? rejection->reason : HF_R_NONE;
}

TEST_P(AsioAcquire, GetsAFreePlaceAtOnceButNotInline) {
  Start(bulkhead, Options(), permit);
  EXPECT_FALSE(permit.has_value());
  world.Run();
  ASSERT_TRUE(permit.has_value() && permit->ok());
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u);
  permit.reset();
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_P(AsioAcquire, WaitsItsTurn) {
  auto other = bulkhead.TryAcquire(world.clock);
  Start(bulkhead, Options(), permit);
  world.RunFor(20ms);
  EXPECT_FALSE(permit.has_value());
  EXPECT_EQ(bulkhead.Snapshot().waiting, 1u);
  other->Release();
  EXPECT_FALSE(permit.has_value()) << "a waker only posts";
  world.Poll();
  ASSERT_TRUE(permit.has_value() && permit->ok());
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u);
  EXPECT_EQ(world.timers.size(), 0u);
}

TEST_P(AsioAcquire, WaitsNoLongerThanItsTimeout) {
  auto other = bulkhead.TryAcquire(world.clock);
  Start(bulkhead, Options({.timeout = 30ms}), permit);
  world.Run();
  ASSERT_TRUE(permit.has_value());
  EXPECT_EQ(permit->status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(permit->status()), HF_R_BULKHEAD_TIMEOUT);
  EXPECT_EQ(world.clock.elapsed(), 30ms);
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
}

TEST_P(AsioAcquire, IsToldThatTheQueueIsFull) {
  const Bulkhead none = Bulkhead::Create({.limit = 1}).value();
  auto other = none.TryAcquire(world.clock);
  Start(none, Options(), permit);
  world.Run();
  ASSERT_TRUE(permit.has_value());
  EXPECT_EQ(ReasonOf(permit->status()), HF_R_BULKHEAD_FULL);
}

TEST_P(AsioAcquire, LeavesTheQueueIfCancelled) {
  auto other = bulkhead.TryAcquire(world.clock);
  Start(bulkhead, Options(), permit);
  world.RunFor(20ms);
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  ASSERT_TRUE(permit.has_value());
  EXPECT_EQ(permit->status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ReasonOf(permit->status()), HF_R_ABORTED);
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  other->Release();
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

// The permit was granted, and the cancellation came before it was taken.
TEST_P(AsioAcquire, APermitGrantedToACancelledWaiterGoesBack) {
  auto other = bulkhead.TryAcquire(world.clock);
  Start(bulkhead, Options(), permit);
  world.RunFor(20ms);
  other->Release();
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  ASSERT_TRUE(permit.has_value());
  permit.reset();
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_P(AsioAcquire, AContextThatGoesLeavesTheQueue) {
  auto other = bulkhead.TryAcquire(world.clock);
  std::optional<absl::StatusOr<BulkheadPermit>> never;
  {
    AsioWorld doomed;
    const asio::AcquireOptions options{.clock = &doomed.clock, .timers = &doomed.timers};
    boost::asio::co_spawn(
        doomed.io,
        [&]() -> awaitable<void> { never.emplace(co_await asio::Acquire(bulkhead, options)); },
        [](std::exception_ptr) {});
    asio::Acquire(bulkhead, options,
                  boost::asio::bind_executor(doomed.io.get_executor(),
                                             [&](absl::StatusOr<BulkheadPermit> result) {
                                               never.emplace(std::move(result));
                                             }));
    doomed.RunFor(1ms);
    EXPECT_EQ(bulkhead.Snapshot().waiting, 2u);
  }
  EXPECT_FALSE(never.has_value());
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
}

TEST_P(AsioAcquire, TokensAreTakenWhenTheyAreThere) {
  Start(limiter, Options(), turn);
  world.Run();
  EXPECT_TRUE(turn.has_value() && turn->ok());
  EXPECT_EQ(world.clock.elapsed(), 0ns);
  turn.reset();
  Start(limiter, Options(), turn);
  world.Run();
  EXPECT_TRUE(turn.has_value() && turn->ok());
  EXPECT_EQ(world.clock.elapsed(), 1s);
}

TEST_P(AsioAcquire, TokensThatWouldComeTooLateAreRefusedAtOnce) {
  ASSERT_TRUE(limiter.TryAcquire(1, world.clock).ok());
  Start(limiter, Options({.timeout = 500ms}), turn);
  world.Run();
  ASSERT_TRUE(turn.has_value());
  EXPECT_EQ(ReasonOf(*turn), HF_R_RATE_LIMITED);
  EXPECT_EQ(world.clock.elapsed(), 0ns);
}

TEST_P(AsioAcquire, TokensOfACancelledWaitGoBack) {
  ASSERT_TRUE(limiter.TryAcquire(1, world.clock).ok());
  Start(limiter, Options(), turn);
  world.RunFor(500ms);
  EXPECT_EQ(limiter.Snapshot(world.clock).granted, 2u);
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  ASSERT_TRUE(turn.has_value());
  EXPECT_EQ(ReasonOf(*turn), HF_R_ABORTED);
  EXPECT_EQ(limiter.Snapshot(world.clock).granted, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, AsioAcquire, ::testing::Values(Style::kCoroutine, Style::kCallback),
                         [](const auto& info) {
                           return info.param == Style::kCoroutine ? "Coroutine" : "Callback";
                         });

}  // namespace
}  // namespace holdfast::driver_test
