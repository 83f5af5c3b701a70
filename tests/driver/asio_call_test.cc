// SPDX-License-Identifier: Apache-2.0
// What the Asio drivers of Call do, each of them: timeouts, cancellation, exceptions, endings.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "driver/asio_world.h"
#include "holdfast/asio/call.h"

namespace holdfast::driver_test {
namespace {

class AsioCall : public ::testing::TestWithParam<Driver> {
 protected:
  // One attempt at a time, others queue; three attempts, 100 ms and 200 ms apart.
  AsioCall()
      : bulkhead(Bulkhead::Create({.limit = 1, .queue = 8, .max_wait = 1h}).value()),
        pipeline(MakePipeline(Duration{0})) {}

  Pipeline MakePipeline(Duration attempt_timeout) {
    return Pipeline::Create(
               {.retry = RetryPolicy::Create({.max_attempts = 3, .jitter = Jitter::kNone}).value(),
                .bulkhead = bulkhead,
                .attempt_timeout = attempt_timeout})
        .value();
  }
  void Start(const AsioWorld::Plan& plan, asio::CallOptions options = {.idempotent = true}) {
    options.report = &report;
    plan_ = plan;
    world.Start(GetParam(), pipeline, world.Options(options), plan_, end);
  }
  void Cancel() { world.cancel.emit(cancellation_type::terminal); }
  hf_reason reason() const {
    const auto rejection = RejectionOf(end.status);
    return rejection ? rejection->reason : HF_R_NONE;
  }
  void ExpectNothingHeld() {
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
    EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  }

  Bulkhead bulkhead;
  Pipeline pipeline;
  CallReport report;
  End end;
  AsioWorld world;

 private:
  AsioWorld::Plan plan_;
};

const AsioWorld::Work kFails{.takes = 10ms, .says = absl::UnavailableError("down")};
const AsioWorld::Work kHangs{.takes = 1h, .says = absl::OkStatus()};

TEST_P(AsioCall, RetriesUntilSuccess) {
  int attempts = 0;
  Start([&](Attempt& attempt) {
    EXPECT_EQ(attempt.number(), static_cast<uint32_t>(++attempts));
    return attempts < 3 ? kFails : AsioWorld::Work{.takes = 10ms};
  });
  world.Run();
  ASSERT_TRUE(end.done);
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(report.attempts, 3u);
  EXPECT_EQ(world.clock.elapsed(), 330ms);
  ExpectNothingHeld();
}

TEST_P(AsioCall, GivesTheLastErrorWithWhoStopped) {
  Start([](Attempt&) { return kFails; });
  world.Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(end.status.message(), "down");
  EXPECT_EQ(reason(), HF_R_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(report.attempts, 3u);
}

TEST_P(AsioCall, CancelsAnAttemptWhoseTimeIsUp) {
  pipeline = MakePipeline(50ms);
  int attempts = 0;
  Start([&](Attempt& attempt) {
    EXPECT_EQ(attempt.remaining(), 50ms);
    return ++attempts < 3 ? kHangs : AsioWorld::Work{.takes = 49ms};
  });
  world.Run();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(world.clock.elapsed(), 50ms + 100ms + 50ms + 200ms + 49ms);
  ExpectNothingHeld();
}

TEST_P(AsioCall, TellsOfATimeoutAsADeadlineExceeded) {
  pipeline = MakePipeline(50ms);
  Start([](Attempt&) { return kHangs; });
  world.Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kDeadlineExceeded) << end.status;
  EXPECT_EQ(reason(), HF_R_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(report.attempts, 3u);
}

TEST_P(AsioCall, CancelsAnAttemptAtTheDeadlineOfTheCall) {
  Start([](Attempt&) { return kHangs; }, {.timeout = 70ms, .idempotent = true});
  world.Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kDeadlineExceeded) << end.status;
  EXPECT_EQ(reason(), HF_R_DEADLINE);
  EXPECT_EQ(world.clock.elapsed(), 70ms);
  EXPECT_EQ(report.attempts, 1u);
}

TEST_P(AsioCall, ASuccessThatComesWithTheTimeoutIsTheCallers) {
  pipeline = MakePipeline(50ms);
  Start([](Attempt&) { return AsioWorld::Work{.takes = 50ms}; });
  world.Run();
  ASSERT_TRUE(end.done);
  EXPECT_EQ(world.timers.size(), 0u);
  ExpectNothingHeld();
}

TEST_P(AsioCall, CancelledInAnAttemptItEndsAsCancelled) {
  Start([](Attempt&) { return kHangs; });
  world.RunFor(5ms);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u);
  Cancel();
  world.Poll();
  ASSERT_TRUE(end.done);
  EXPECT_EQ(end.status.code(), absl::StatusCode::kCancelled) << end.status;
  EXPECT_EQ(report.attempts, 1u);
  ExpectNothingHeld();
}

TEST_P(AsioCall, CancelledInASleepItKeepsTheLastError) {
  Start([](Attempt&) { return kFails; });
  world.RunFor(50ms);
  Cancel();
  world.Poll();
  ASSERT_TRUE(end.done);
  EXPECT_EQ(end.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reason(), HF_R_ABORTED);
  EXPECT_EQ(report.attempts, 1u);
  EXPECT_EQ(world.timers.size(), 0u);
  ExpectNothingHeld();
}

TEST_P(AsioCall, CancelledInAQueueItLeavesTheQueue) {
  auto other = bulkhead.TryAcquire(world.clock);
  Start([](Attempt&) { return kHangs; });
  world.RunFor(50ms);
  EXPECT_EQ(bulkhead.Snapshot().waiting, 1u);
  Cancel();
  world.Poll();
  ASSERT_TRUE(end.done);
  EXPECT_EQ(end.status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(reason(), HF_R_ABORTED);
  EXPECT_EQ(report.attempts, 0u);
  other->Release();
  ExpectNothingHeld();
}

TEST_P(AsioCall, IsWokenWhenAPermitComesBack) {
  auto other = bulkhead.TryAcquire(world.clock);
  Start([](Attempt&) { return AsioWorld::Work{}; });
  world.RunFor(50ms);
  other->Release();
  EXPECT_FALSE(end.done) << "a waker only posts";
  world.Poll();
  ASSERT_TRUE(end.done);
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(world.clock.elapsed(), 50ms);
}

TEST_P(AsioCall, AnExceptionPassesThroughAndNothingIsHeld) {
  Start([](Attempt&) {
    return AsioWorld::Work{.takes = 1ms, .then = [] { throw std::runtime_error("no"); }};
  });
  world.Run();
  ASSERT_TRUE(end.done);
  EXPECT_THROW(std::rethrow_exception(end.thrown), std::runtime_error);
  ExpectNothingHeld();
}

TEST_P(AsioCall, AContextThatGoesTakesTheCallWithIt) {
  for (const Duration when :
       {0ms, 5ms, 50ms}) {  // before the attempt, in it, in the sleep after it
    SCOPED_TRACE(when.count());
    const auto kept = std::make_shared<int>();
    {
      AsioWorld doomed;
      End never;
      const AsioWorld::Plan plan = [kept](Attempt&) { return kFails; };
      doomed.Start(GetParam(), pipeline, doomed.Options({.idempotent = true}), plan, never);
      if (when.count() > 0) doomed.RunFor(when);
      EXPECT_FALSE(never.done);
    }
    EXPECT_EQ(kept.use_count(), 1);
    ExpectNothingHeld();
  }
}

TEST_P(AsioCall, AContextThatGoesLeavesTheQueue) {
  auto other = bulkhead.TryAcquire(world.clock);
  {
    AsioWorld doomed;
    End never;
    const AsioWorld::Plan plan = [](Attempt&) { return kFails; };
    doomed.Start(GetParam(), pipeline, doomed.Options(), plan, never);
    doomed.RunFor(1ms);
    EXPECT_EQ(bulkhead.Snapshot().waiting, 1u);
  }
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  other->Release();
  ExpectNothingHeld();
}

TEST_P(AsioCall, ARefusalIsNeverInline) {
  auto other = bulkhead.TryAcquire(world.clock);
  const Pipeline none =
      Pipeline::Create({.bulkhead = Bulkhead::Create({.limit = 1}).value()}).value();
  const AsioWorld::Plan plan = [](Attempt&) { return kHangs; };
  world.Start(GetParam(), none, world.Options({.timeout = -1ns}), plan, end);
  EXPECT_FALSE(end.done);
  world.Poll();
  ASSERT_TRUE(end.done);
  EXPECT_EQ(reason(), HF_R_DEADLINE);
}

INSTANTIATE_TEST_SUITE_P(All, AsioCall, ::testing::ValuesIn(kDrivers),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace holdfast::driver_test
