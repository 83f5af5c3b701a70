// SPDX-License-Identifier: Apache-2.0
// holdfast::Bulkhead and its permits; holdfast::Pipeline's making.
#include <gtest/gtest.h>
#include <holdfast/bulkhead.h>
#include <holdfast/pipeline.h>
#include <holdfast/testing/virtual_clock.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace holdfast {
namespace {

using testing::VirtualClock;
using namespace std::chrono_literals;  // NOLINT: tests speak in durations

TEST(BulkheadHandle, BadOptionsAreRefusedByName) {
  const auto refused = [](const BulkheadOptions& options) {
    return std::string(Bulkhead::Create(options).status().message());
  };
  EXPECT_NE(refused({.limit = 2'000'000}).find("limit"), std::string::npos);
  EXPECT_NE(refused({.queue = 2'000'000}).find("queue"), std::string::npos);
  EXPECT_NE(refused({.max_wait = -1ns}).find("max_wait"), std::string::npos);
  EXPECT_EQ(Bulkhead::Create({.limit = 0}).value().Snapshot().limit, 64u) << "0 is the default";
}

TEST(BulkheadHandle, APermitGoesBackWhenItIsDestroyed) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1}).value();
  {
    const auto permit = bulkhead.TryAcquire(clock);
    ASSERT_TRUE(permit.ok());
    const absl::Status full = bulkhead.TryAcquire(clock).status();
    EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(RejectionOf(full)->reason, HF_R_BULKHEAD_FULL);
  }
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  EXPECT_EQ(bulkhead.Snapshot().refused, 1u);
}

TEST(BulkheadHandle, AMovedPermitIsGivenBackOnce) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 2}).value();
  BulkheadPermit first = bulkhead.TryAcquire(clock).value();
  BulkheadPermit moved = std::move(first);
  EXPECT_FALSE(first.held());  // NOLINT: what a moved-from permit is, is the point
  EXPECT_TRUE(moved.held());
  BulkheadPermit second = bulkhead.TryAcquire(clock).value();
  second = std::move(moved);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u) << "what was overwritten went back";
  second.Release();
  second.Release();
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST(BulkheadHandle, APermitOutlivesTheHandleItCameFrom) {
  VirtualClock clock;
  std::optional<Bulkhead> bulkhead = Bulkhead::Create().value();
  BulkheadPermit permit = bulkhead->TryAcquire(clock).value();
  bulkhead.reset();
  permit.Release();
  EXPECT_FALSE(permit.held());
}

TEST(BulkheadHandle, AcquireWaitsItsTurn) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1, .queue = 1}).value();
  std::optional<BulkheadPermit> other = bulkhead.TryAcquire(clock).value();
  clock.After(30ms, [&] { other.reset(); });
  EXPECT_TRUE(bulkhead.Acquire(0, clock).ok());
  EXPECT_EQ(clock.elapsed(), 30ms);
}

TEST(BulkheadHandle, AcquireGivesUpAtItsDeadline) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1, .queue = 1}).value();
  const BulkheadPermit other = bulkhead.TryAcquire(clock).value();
  const absl::Status late = bulkhead.Acquire(clock.Now() + 20 * HF_MS, clock).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(RejectionOf(late)->reason, HF_R_BULKHEAD_TIMEOUT);
  EXPECT_EQ(clock.elapsed(), 20ms);
  EXPECT_EQ(bulkhead.Snapshot().timed_out, 1u);
  EXPECT_EQ(bulkhead.Acquire(0, clock).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(clock.elapsed(), 1020ms) << "max_wait holds without a deadline";
}

TEST(BulkheadHandle, AnExceptionOutOfTheWaitLeavesTheQueue) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1, .queue = 1}).value();
  const BulkheadPermit other = bulkhead.TryAcquire(clock).value();
  clock.After(10ms, [] { throw std::runtime_error("in the middle of the wait"); });
  EXPECT_THROW((void)bulkhead.Acquire(0, clock), std::runtime_error);
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
}

TEST(BulkheadHandle, AnEmptyOneRefusesInsteadOfCrashing) {
  VirtualClock clock;
  EXPECT_EQ(Bulkhead().TryAcquire(clock).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Bulkhead().Acquire(0, clock).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Bulkhead().Snapshot().limit, 0u);
}

TEST(BulkheadHandle, APermitSettlesWithASampleOnce) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 2, .refuse_no_time = true}).value();
  for (int i = 0; i < 8; ++i) {
    BulkheadPermit permit = bulkhead.TryAcquire(clock).value();
    clock.Advance(40ms);
    permit.Settle(HF_VERDICT_SUCCESS);
    EXPECT_FALSE(permit.held());
    permit.Settle(HF_VERDICT_SUCCESS);
  }
  EXPECT_EQ(bulkhead.Snapshot().latency, 40ms);
  const BulkheadPermit first = bulkhead.TryAcquire(clock).value();
  const absl::Status hopeless =
      bulkhead.TryAcquire({.deadline = clock.Now() + 30 * HF_MS}, clock).status();
  EXPECT_EQ(hopeless.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(RejectionOf(hopeless)->reason, HF_R_BULKHEAD_NO_TIME);
  EXPECT_EQ(bulkhead.Snapshot().no_time, 1u);
}

TEST(BulkheadHandle, TheTimeInTheQueueIsNoPartOfTheSample) {
  VirtualClock clock;
  const Bulkhead bulkhead =
      Bulkhead::Create({.limit = 1, .queue = 1, .refuse_no_time = true}).value();
  for (int i = 0; i < 8; ++i) {
    std::optional<BulkheadPermit> other = bulkhead.TryAcquire(clock).value();
    clock.After(30ms, [&] { other.reset(); });
    BulkheadPermit permit = bulkhead.Acquire(0, clock).value();
    clock.Advance(10ms);
    permit.Settle(HF_VERDICT_SUCCESS);
  }
  EXPECT_EQ(bulkhead.Snapshot().latency, 10ms);
}

TEST(BulkheadHandle, AVerdictOutOfRangeReleasesAllTheSame) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1}).value();
  BulkheadPermit permit = bulkhead.TryAcquire(clock).value();
  permit.Settle(HF_VERDICT_DERIVE);
  EXPECT_FALSE(permit.held());
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST(BulkheadHandle, RequestsHaveTheirShares) {
  VirtualClock clock;
  const double shares[] = {0.3, 0.7};
  const Bulkhead bulkhead =
      Bulkhead::Create({.limit = 10, .partition_share = shares, .user_share = 0.2}).value();
  const BulkheadPermit one = bulkhead.TryAcquire({.partition = 1, .user = 5}, clock).value();
  const BulkheadPermit two = bulkhead.Acquire({.partition = 1, .user = 5}, clock).value();
  const absl::Status third = bulkhead.TryAcquire({.partition = 1, .user = 5}, clock).status();
  EXPECT_EQ(RejectionOf(third)->reason, HF_R_BULKHEAD_SHARE);
  const BulkheadSnapshot now = bulkhead.Snapshot();
  EXPECT_EQ(now.partition_count, 2u);
  EXPECT_EQ(now.partitions[1].guarantee, 7u);
  EXPECT_EQ(now.partitions[1].in_flight, 2u);
  EXPECT_EQ(now.over_share, 1u);
  EXPECT_EQ(bulkhead.TryAcquire({.partition = 2}, clock).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Bulkhead::Create({.partition_share = std::vector<double>(9, 0.1)}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BulkheadHandle, UpdateAndSetLimitTakeEffectAtOnce) {
  VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1}).value();
  const BulkheadPermit first = bulkhead.TryAcquire(clock).value();
  EXPECT_TRUE(bulkhead.SetLimit(2, clock.Now()).ok());
  const BulkheadPermit second = bulkhead.TryAcquire(clock).value();
  EXPECT_TRUE(bulkhead.Update({.limit = 3}, clock.Now()).ok());
  EXPECT_TRUE(bulkhead.TryAcquire(clock).ok());
  EXPECT_EQ(bulkhead.SetLimit(0, clock.Now()).code(), absl::StatusCode::kInvalidArgument);
  const absl::Status bad = bulkhead.Update({.user_share = 2}, clock.Now());
  EXPECT_NE(std::string(bad.message()).find("user_share"), std::string::npos);
  EXPECT_EQ(bulkhead.Snapshot().limit, 3u);
}

TEST(PipelineHandle, BadOptionsAreRefusedByName) {
  const absl::Status lonely = Pipeline::Create({.budget = RetryBudget::Create().value()}).status();
  EXPECT_EQ(lonely.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RejectionOf(lonely)->reason, HF_R_BAD_OPTIONS);
  EXPECT_NE(Pipeline::Create({.timeout = -1s}).status().message().find("timeout"),
            absl::string_view::npos);
  EXPECT_TRUE(Pipeline::Create({.attempt_timeout = Duration::max()}).ok());
}

TEST(VirtualClock, AWaitRunsWhatIsScheduledInOrderOfTime) {
  VirtualClock clock;
  std::string story;
  clock.After(20ms, [&] { story += "b"; });
  clock.After(10ms, [&] { story += "a"; });
  clock.After(31ms, [&] { story += "d"; });
  clock.After(15ms, [&] { clock.After(10ms, [&] { story += "c"; }); });
  Wakeup nobody;
  EXPECT_FALSE(clock.WaitUntil(clock.Now() + 30 * HF_MS, nobody));
  EXPECT_EQ(story, "abc");
  EXPECT_EQ(clock.elapsed(), 30ms);
}

TEST(VirtualClock, AWakeEndsTheWaitAtItsMoment) {
  VirtualClock clock;
  Wakeup wakeup;
  clock.After(10ms, [&] { wakeup.Wake(); });
  EXPECT_TRUE(clock.WaitUntil(clock.Now() + HF_S, wakeup));
  EXPECT_EQ(clock.elapsed(), 10ms);
  EXPECT_FALSE(clock.WaitUntil(clock.Now() + HF_S, wakeup)) << "one Wake ends one wait";
}

TEST(VirtualClock, NeverStepsBack) {
  VirtualClock clock;
  Wakeup nobody;
  clock.Advance(1s);
  clock.WaitUntil(5, nobody);
  clock.Advance(-10s);
  EXPECT_EQ(clock.elapsed(), 1s);
}

}  // namespace
}  // namespace holdfast
