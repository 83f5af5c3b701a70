// SPDX-License-Identifier: Apache-2.0
// RateLimiter, the C++ layer: statuses that say when to come back, reservations that give themselves back.
#include <gtest/gtest.h>
#include <holdfast/limiter.h>
#include <holdfast/testing/virtual_clock.h>

#include <chrono>
#include <string>
#include <utility>

namespace holdfast {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RateLimiterTest : public ::testing::Test {
 protected:
  RateLimiter Make(const RateLimiterOptions& options) {
    auto limiter = RateLimiter::Create(options);
    EXPECT_TRUE(limiter.ok()) << limiter.status();
    return *limiter;
  }
  double Tokens(const RateLimiter& limiter) { return limiter.Snapshot(clock_).tokens; }

  testing::VirtualClock clock_;
};

TEST_F(RateLimiterTest, RefusesWithAReasonAndATime) {
  const RateLimiter limiter = Make({.permits = 10, .burst = 2});
  EXPECT_TRUE(limiter.TryAcquire(2, clock_).ok());
  const absl::Status refused = limiter.TryAcquire(1, clock_);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const auto rejection = RejectionOf(refused);
  ASSERT_TRUE(rejection.has_value());
  EXPECT_EQ(rejection->reason, HF_R_RATE_LIMITED);
  EXPECT_EQ(rejection->retry_after, milliseconds(100));
}

TEST_F(RateLimiterTest, AnUnusedReservationGivesItselfBack) {
  const RateLimiter limiter = Make({.permits = 10, .burst = 5});
  {
    auto turn = limiter.Reserve({.cost = 3}, clock_);
    ASSERT_TRUE(turn.ok());
    EXPECT_TRUE(turn->held());
    EXPECT_EQ(Tokens(limiter), 2);
    RateReservation moved = *std::move(turn);
    EXPECT_EQ(Tokens(limiter), 2);
  }
  EXPECT_EQ(Tokens(limiter), 5);
  EXPECT_EQ(limiter.Snapshot(clock_).refunded, 3u);
}

TEST_F(RateLimiterTest, AUsedReservationIsSpent) {
  const RateLimiter limiter = Make({.permits = 10, .burst = 5});
  {
    auto turn = limiter.Reserve({.cost = 3}, clock_);
    ASSERT_TRUE(turn.ok());
    turn->Use();
    EXPECT_FALSE(turn->held());
    turn->Cancel();
  }
  EXPECT_EQ(Tokens(limiter), 2);
}

TEST_F(RateLimiterTest, AssigningOverAReservationCancelsTheOldOne) {
  const RateLimiter limiter = Make({.permits = 10, .burst = 5});
  auto first = limiter.Reserve({.cost = 1}, clock_);
  auto second = limiter.Reserve({.cost = 2}, clock_);
  ASSERT_TRUE(first.ok() && second.ok());
  *first = *std::move(second);
  EXPECT_EQ(Tokens(limiter), 3);
  EXPECT_TRUE(first->held());
}

TEST_F(RateLimiterTest, AcquireWaitsForItsTurnOnTheGivenClock) {
  const RateLimiter limiter = Make({.permits = 10, .burst = 1});
  const hf_time start = clock_.Now();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.Acquire({}, clock_).ok());
  EXPECT_EQ(clock_.Now() - start, 400 * HF_MS);
}

TEST_F(RateLimiterTest, AcquireDoesNotWaitInVain) {
  const RateLimiter limiter = Make({.permits = 1, .period = seconds(10), .burst = 1});
  EXPECT_TRUE(limiter.Acquire({}, clock_).ok());
  const hf_time before = clock_.Now();
  EXPECT_EQ(limiter.Acquire({}, clock_).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(limiter.Acquire({.deadline = before}, clock_).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(clock_.Now(), before);
}

TEST_F(RateLimiterTest, UpdatesInPlaceOrSaysWhyNot) {
  const RateLimiter limiter = Make({.permits = 10});
  EXPECT_TRUE(limiter.Update({.permits = 20}, clock_.Now()).ok());
  EXPECT_EQ(Tokens(limiter), 20);
  const absl::Status refused = limiter.Update({.permits = 20, .cold_factor = 1}, clock_.Now());
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(refused.message()).find("cold_factor"), std::string::npos);
  EXPECT_EQ(limiter.Update({.adaptive = true}, clock_.Now()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(RateLimiter::Create({.max_wait = seconds(-1)}).ok());
}

TEST_F(RateLimiterTest, AnAdaptiveOneSlowsDownWhenTheServerThrottles) {
  const RateLimiter limiter = Make({.permits = 100, .adaptive = true});
  for (int i = 0; i < 20; ++i) {
    limiter.OnOutcome(i == 19, clock_);
    clock_.Advance(milliseconds(100));
  }
  EXPECT_LT(limiter.Snapshot(clock_).rate, 10);
}

TEST_F(RateLimiterTest, CopiesShareOneObject) {
  const RateLimiter limiter = Make({.permits = 10, .burst = 3});
  const RateLimiter copy = limiter;
  EXPECT_TRUE(copy.TryAcquire(2, clock_).ok());
  EXPECT_EQ(Tokens(limiter), 1);
  EXPECT_TRUE(static_cast<bool>(copy));
  EXPECT_FALSE(static_cast<bool>(RateLimiter()));
}

}  // namespace
}  // namespace holdfast
