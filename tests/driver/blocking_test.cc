// SPDX-License-Identifier: Apache-2.0
// The blocking driver beyond the action scripts: result types, what an attempt is told, exceptions and
// cancellation at every point where a call can be, the report.
#include <gtest/gtest.h>
#include <holdfast/call.h>

#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "driver/scripts.h"

namespace holdfast::driver_test {
namespace {

// Retry three times 100 ms apart, a breaker, a bulkhead of one with a queue of one.
class Blocking : public ::testing::Test {
 protected:
  Blocking() {
    breaker = CircuitBreaker::Create().value();
    bulkhead = Bulkhead::Create({.limit = 1, .queue = 1}).value();
    pipeline = Pipeline::Create({.retry = RetryPolicy::Create({.jitter = Jitter::kNone}).value(),
                                 .breaker = breaker,
                                 .bulkhead = bulkhead,
                                 .attempt_timeout = 50ms})
                   .value();
  }
  ~Blocking() override {
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u) << "a permit was lost";
    EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  }
  // Every attempt gets number 7, and counts as `code`.
  Pipeline WithCannedResults(hf_code code) {
    const FaultRule rule{.kind = FaultKind::kResult,
                         .rate = 1,
                         .code = static_cast<absl::StatusCode>(code),
                         .result = 7};
    const FaultInjector faults = FaultInjector::Create({.rules = {&rule, 1}, .expiry = 1h}).value();
    EXPECT_TRUE(faults.Start(clock.Now()).ok());
    return Pipeline::Create({.retry = RetryPolicy::Create().value(), .fault = faults}).value();
  }
  CallOptions Options() {
    return {.idempotent = true, .report = &report, .observer = &log, .clock = &clock};
  }

  VirtualClock clock;
  testing::ActionLog log{clock};
  CallReport report;
  CircuitBreaker breaker;
  Bulkhead bulkhead;
  Pipeline pipeline;
};

TEST_F(Blocking, ReturnsTheFunctionsOwnValue) {
  const absl::StatusOr<std::string> result =
      Call(pipeline, Options(), [] { return absl::StatusOr<std::string>("value"); });
  EXPECT_EQ(result.value(), "value");
  EXPECT_EQ(report.code, absl::StatusCode::kOk);
  EXPECT_EQ(report.reason, HF_R_NONE);
  EXPECT_EQ(report.attempts, 1u);
  EXPECT_NE(report.seed, 0u);
}

TEST_F(Blocking, AMoveOnlyResultIsMovedOut) {
  auto result = Call(pipeline, Options(),
                     [] { return absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(7)); });
  EXPECT_EQ(**result, 7);
}

TEST_F(Blocking, AVoidFunctionGivesAStatus) {
  int ran = 0;
  const absl::Status status = Call(pipeline, Options(), [&] { ++ran; });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(ran, 1);
}

TEST_F(Blocking, AVoidFunctionCanFailByItsOutcome) {
  const absl::Status status = Call(pipeline, Options(), [](Attempt& attempt) {
    attempt.set_outcome(OutcomeOfCode(HF_ABORTED));
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(report.attempts, 3u);
}

TEST_F(Blocking, AnErrorCodeIsReturnedAsItIs) {
  const std::error_code reset = std::make_error_code(std::errc::connection_reset);
  EXPECT_EQ(Call(pipeline, Options(), [&] { return reset; }), reset);
  EXPECT_EQ(report.reason, HF_R_ATTEMPTS_EXHAUSTED);
}

TEST_F(Blocking, TheLastErrorComesBackWithTheReasonAttached) {
  int number = 0;
  const absl::Status status = Call(pipeline, Options(), [&] {
    return absl::UnavailableError("attempt " + std::to_string(++number));
  });
  EXPECT_EQ(status.message(), "attempt 3");
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_ATTEMPTS_EXHAUSTED);
}

TEST_F(Blocking, AnAttemptKnowsItsNumberAndItsTime) {
  std::string seen;
  Call(pipeline, Options(), [&](Attempt& attempt) {
    seen += std::to_string(attempt.number()) + ":" + testing::Text(attempt.remaining()) + " ";
    EXPECT_EQ(attempt.deadline(), clock.Now() + (50 * HF_MS));
    clock.Advance(20ms);
    seen += testing::Text(attempt.remaining()) + " ";
    clock.Advance(40ms);
    EXPECT_EQ(attempt.remaining(), Duration{0}) << "never negative";
    return absl::UnavailableError("");
  }).IgnoreError();
  EXPECT_EQ(seen, "1:50ms 30ms 2:50ms 30ms 3:50ms 30ms ");
}

TEST_F(Blocking, WithoutATimeoutThereIsNoEnd) {
  const Pipeline bare = Pipeline::Create().value();
  EXPECT_TRUE(Call(bare, Options(), [](Attempt& attempt) {
                EXPECT_EQ(attempt.deadline(), HF_INFINITE);
                EXPECT_EQ(attempt.remaining(), Duration::max());
                EXPECT_FALSE(attempt.stop_requested());
              }).ok());
}

TEST_F(Blocking, CooperativeWorkIsToldWhenItsTimeIsUp) {
  const absl::Status status = Call(pipeline, Options(), [&](Attempt& attempt) -> absl::Status {
    const AttemptStop stop = attempt.stop_token();
    while (!stop.stop_requested()) clock.Advance(10ms);
    return absl::CancelledError("time is up");
  });
  EXPECT_EQ(report.attempts, 3u) << "a timeout is a failure, not a wish of the caller";
  EXPECT_EQ(breaker.Snapshot(clock.Now()).failures, 3u);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST_F(Blocking, TheTimeoutAndTheDeadlineBothHoldTheEarlierOne) {
  CallOptions options = Options();
  options.timeout = 30ms;
  options.deadline = clock.Now() + 20 * HF_MS;
  Call(pipeline, options, [&](Attempt& attempt) {
    EXPECT_EQ(attempt.remaining(), 20ms);
  }).IgnoreError();
  options.deadline = clock.Now() + 40 * HF_MS;
  Call(pipeline, options, [&](Attempt& attempt) {
    EXPECT_EQ(attempt.remaining(), 30ms);
  }).IgnoreError();
}

TEST_F(Blocking, NoTimeLeftMeansNoAttempt) {
  for (const Duration timeout : {Duration{-1}, Duration{-HF_S}, Duration::min()}) {
    CallOptions options = Options();
    options.timeout = timeout;
    const absl::Status status = Call(pipeline, options, [] { FAIL() << "no time for that"; });
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(RejectionOf(status)->reason, HF_R_DEADLINE);
  }
}

TEST_F(Blocking, AnEmptyPipelineAndABadDeadlineAreRefused) {
  EXPECT_EQ(Call(Pipeline(), Options(), [] {}).code(), absl::StatusCode::kInvalidArgument);
  CallOptions options = Options();
  options.deadline = -1;
  EXPECT_EQ(Call(pipeline, options, [] {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(report.reason, HF_R_OUT_OF_RANGE);
}

TEST_F(Blocking, AnOutcomeThatCannotBeEndsTheCallInsteadOfLooping) {
  int ran = 0;
  const absl::Status status = Call(pipeline, Options(), [&](Attempt& attempt) {
    ++ran;
    attempt.set_outcome(OutcomeOfCode(99));
    return absl::UnknownError("x");
  });
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(report.code, absl::StatusCode::kInvalidArgument);
}

TEST_F(Blocking, TheSameSeedGivesTheSameCall) {
  const Pipeline jittered = Pipeline::Create({.retry = RetryPolicy::Create().value()}).value();
  const auto story = [&](uint64_t seed) {
    log.Clear();
    CallOptions options = Options();
    options.seed = seed;
    Call(jittered, options, [] { return absl::UnavailableError(""); }).IgnoreError();
    EXPECT_EQ(report.seed, seed);
    return log.text();
  };
  EXPECT_EQ(story(7), story(7));
  EXPECT_NE(story(7), story(8));
}

// --- exceptions -------------------------------------------------------------------------------------

TEST_F(Blocking, AnExceptionPassesThroughAndEveryPermitGoesBack) {
  for (const uint32_t at : {1u, 2u, 3u}) {
    const auto fn = [&](Attempt& attempt) -> absl::Status {
      if (attempt.number() == at) throw std::runtime_error("boom");
      return absl::UnavailableError("");
    };
    EXPECT_THROW(Call(pipeline, Options(), fn).IgnoreError(), std::runtime_error);
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  }
  // An exception is neither success nor failure of the dependency.
  EXPECT_EQ(breaker.Snapshot(clock.Now()).calls, 3u);
}

// A result whose copy or move throws at the worst moment.
struct Fragile {
  explicit Fragile(bool breaks) : breaks_on_move(breaks) {}
  Fragile(Fragile&& other) : breaks_on_move(other.breaks_on_move) {
    if (breaks_on_move) throw std::runtime_error("moved");
  }
  bool breaks_on_move;
};
hf_outcome HoldfastOutcome(const Fragile&) { throw std::runtime_error("classified"); }
Fragile HoldfastRejection(const Rejection&, std::type_identity<Fragile>) { return Fragile(false); }

TEST_F(Blocking, AnExceptionWhileTheResultIsReadLosesNoPermit) {
  EXPECT_THROW(Call(pipeline, Options(), [] { return Fragile(true); }), std::runtime_error);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  EXPECT_THROW(Call(pipeline, Options(), [] { return Fragile(false); }), std::runtime_error);
}

// --- cancellation -----------------------------------------------------------------------------------

// Throws in a wait, and gives the permit back before the driver can leave the queue.
class ThrowingClock final : public Clock {
 public:
  hf_time Now() override {
    if (thrown_) released.reset();
    return HF_S;
  }
  bool WaitUntil(hf_time, Wakeup&) override {
    thrown_ = true;
    throw std::runtime_error("no time");
  }
  std::optional<BulkheadPermit> released;

 private:
  bool thrown_ = false;
};

// The address sanitizer sees a wake-up that comes too late.
TEST_F(Blocking, AnExceptionOutOfAWaitLeavesNobodyToWake) {
  ThrowingClock throwing;
  throwing.released = bulkhead.TryAcquire(clock).value();
  EXPECT_THROW((void)Call(pipeline, {.clock = &throwing}, [] {}), std::runtime_error);
}

TEST_F(Blocking, ACannedResultIsGivenByAFunctionThatKnowsItsAttempt) {
  pipeline = WithCannedResults(HF_OK);
  const absl::StatusOr<int> result = Call(pipeline, Options(), [](Attempt& attempt) {
    return absl::StatusOr<int>(attempt.fault() == 7 ? 42 : 0);
  });
  EXPECT_EQ(*result, 42);
}

// It cannot know that it is not to be made; and what it would do is counted as something else.
TEST_F(Blocking, AFunctionThatDoesNotKnowItsAttemptIsNotRunForACannedResult) {
  int ran = 0;
  pipeline = WithCannedResults(HF_OK);
  const absl::StatusOr<int> result =
      Call(pipeline, Options(), [&] { return absl::StatusOr<int>(++ran); });
  EXPECT_EQ(RejectionOf(result.status())->reason, HF_R_FAULT_INJECTED);
  pipeline = WithCannedResults(HF_UNAVAILABLE);
  EXPECT_FALSE(Call(pipeline, Options(), [&] { ++ran; }).ok());
  EXPECT_EQ(report.code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(report.attempts, 3u);
  EXPECT_EQ(ran, 0);
}

TEST_F(Blocking, StoppedBeforeItBeginsNothingIsAttempted) {
  std::stop_source source;
  source.request_stop();
  CallOptions options = Options();
  options.stop = source.get_token();
  const absl::Status status = Call(pipeline, options, [] { FAIL() << "was stopped"; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_ABORTED);
  EXPECT_EQ(report.attempts, 0u);
}

TEST_F(Blocking, StoppedDuringASleepTheLastErrorIsKept) {
  std::stop_source source;
  CallOptions options = Options();
  options.stop = source.get_token();
  clock.After(40ms, [&] { source.request_stop(); });
  const absl::Status status =
      Call(pipeline, options, [] { return absl::UnavailableError("down"); });
  EXPECT_EQ(status.message(), "down");
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_ABORTED);
  EXPECT_EQ(report.attempts, 1u);
  EXPECT_EQ(clock.elapsed(), 40ms) << "the sleep ended early";
}

TEST_F(Blocking, StoppedInTheQueueThePlaceIsGivenUp) {
  const BulkheadPermit other = bulkhead.TryAcquire(clock).value();
  std::stop_source source;
  CallOptions options = Options();
  options.stop = source.get_token();
  clock.After(40ms, [&] { source.request_stop(); });
  const absl::Status status = Call(pipeline, options, [] { FAIL() << "was stopped"; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(log.text(), "WAIT 1s; FINISH CANCELLED aborted");
  EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  EXPECT_EQ(clock.elapsed(), 40ms);
}

TEST_F(Blocking, StoppedWhileItIsServedThePermitIsPassedOn) {
  std::optional<BulkheadPermit> other = bulkhead.TryAcquire(clock).value();
  std::stop_source source;
  CallOptions options = Options();
  options.stop = source.get_token();
  clock.After(40ms, [&] {
    other.reset();  // the call is granted the permit at the very moment
    source.request_stop();
  });
  EXPECT_EQ(Call(pipeline, options, [] { FAIL() << "was stopped"; }).code(),
            absl::StatusCode::kCancelled);
}

TEST_F(Blocking, StoppedDuringAnAttemptTheFunctionIsToldAndDecides) {
  std::stop_source source;
  CallOptions options = Options();
  options.stop = source.get_token();
  const absl::Status status = Call(pipeline, options, [&](Attempt& attempt) -> absl::Status {
    EXPECT_FALSE(attempt.stop_requested());
    source.request_stop();
    EXPECT_TRUE(attempt.stop_requested());
    EXPECT_TRUE(attempt.stop_token().caller().stop_requested());
    return absl::CancelledError("as you wish");
  });
  EXPECT_EQ(status.message(), "as you wish");
  EXPECT_EQ(report.attempts, 1u);
  EXPECT_EQ(breaker.Snapshot(clock.Now()).calls, 0u) << "neutral to the breaker";
}

TEST_F(Blocking, AnotherThreadsReleaseWakesAQueuedCall) {
  // Real time and threads: the wait has no other end than the wake-up.
  const Bulkhead slots =
      Bulkhead::Create({.limit = 1, .queue = 1, .max_wait = std::chrono::hours(1)}).value();
  const Pipeline real = Pipeline::Create({.bulkhead = slots}).value();
  std::optional<BulkheadPermit> other = slots.TryAcquire().value();
  std::thread releaser([&] {
    while (slots.Snapshot().waiting == 0) std::this_thread::yield();
    other.reset();
  });
  CallReport seen;
  EXPECT_TRUE(Call(real, {.report = &seen}, [] {}).ok());
  releaser.join();
  EXPECT_EQ(seen.events & HF_EVENT_QUEUED, HF_EVENT_QUEUED);
  EXPECT_EQ(slots.Snapshot().in_flight, 0u);
}

}  // namespace
}  // namespace holdfast::driver_test
