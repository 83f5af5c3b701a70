// SPDX-License-Identifier: Apache-2.0
// Hedge: rivals, winners and losers, in virtual time.
#include <gtest/gtest.h>
#include <holdfast/asio/sleep.h>

#include <boost/asio.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/asio_world.h"
#include "holdfast/asio/hedge.h"

namespace holdfast::driver_test {
namespace {

class AsioHedge : public ::testing::Test {
 protected:
  AsioHedge()
      : policy(HedgePolicy::Create(
                   {.mode = HedgeMode::kFixed, .max_attempts = 3, .delay = 10ms, .max_rate = 2})
                   .value()),
        bulkhead(Bulkhead::Create({.limit = 8}).value()),
        pipeline(Pipeline::Create({.bulkhead = bulkhead}).value()) {}

  asio::HedgeCallOptions Options(asio::HedgeCallOptions options = {.idempotent = true}) {
    options.report = &report;
    options.clock = &world.clock;
    options.timers = &world.timers;
    return options;
  }

  // Attempt n takes `lives[n - 1]`, and says so.
  struct Life {
    Duration takes{0};
    absl::Status says = {};
  };
  void Start(std::vector<Life> lives, const asio::HedgeCallOptions& options) {
    const auto attempt = [this, lives](Attempt& attempt) -> awaitable<absl::Status> {
      return Live(lives.at(attempt.number() - 1), attempt.number());
    };
    asio::Hedge(world.io.get_executor(), policy, pipeline, options, attempt,
                boost::asio::bind_cancellation_slot(
                    world.cancel.slot(), [this](std::exception_ptr thrown, absl::Status status) {
                      ended_at = world.clock.elapsed();
                      end.Set(thrown, status);
                    }));
  }

  awaitable<absl::Status> Live(Life life, uint32_t number) {
    story += "+" + std::to_string(number);
    const auto [error] =
        co_await asio::SleepUntil(AddTime(world.clock.Now(), life.takes), &world.timers,
                                  boost::asio::as_tuple(use_awaitable));
    story += (error ? "x" : "-") + std::to_string(number);
    if (error) throw boost::system::system_error(error);
    co_return life.says;
  }

  void ExpectNothingHeld() {
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
    EXPECT_EQ(world.timers.size(), 0u);
  }

  HedgePolicy policy;
  Bulkhead bulkhead;
  Pipeline pipeline;
  CallReport report;
  End end;
  Duration ended_at{-1};
  std::string story;
  AsioWorld world;
};

TEST_F(AsioHedge, AFastFirstAttemptHasNoRival) {
  Start({{5ms}}, Options());
  world.Run();
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(story, "+1-1");
  EXPECT_EQ(ended_at, 5ms);
  ExpectNothingHeld();
}

TEST_F(AsioHedge, ARivalWinsAndTheSlowOneIsCancelled) {
  Start({{1h}, {3ms}}, Options());
  world.Run();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(story, "+1+2-2x1");
  EXPECT_EQ(ended_at, 13ms);
  EXPECT_EQ(report.attempts, 2u);
  ExpectNothingHeld();
}

TEST_F(AsioHedge, TheFirstMayStillWin) {
  Start({{15ms}, {1h}}, Options());
  world.Run();
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(story, "+1+2-1x2");
  ExpectNothingHeld();
}

TEST_F(AsioHedge, AFailureSendsTheNextAtOnce) {
  Start({{2ms, absl::UnavailableError("")}, {2ms}}, Options());
  world.Run();
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(story, "+1-1+2-2");
  EXPECT_EQ(ended_at, 4ms);
}

TEST_F(AsioHedge, WhenAllFailTheLastErrorIsTheCallers) {
  const absl::Status down = absl::UnavailableError("down");
  Start({{2ms, down}, {2ms, down}, {2ms, down}}, Options());
  world.Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(end.status.message(), "down");
  EXPECT_EQ(report.attempts, 3u);
  ExpectNothingHeld();
}

TEST_F(AsioHedge, WithoutIdempotenceThereIsOneAttempt) {
  Start({{50ms}}, Options({.idempotent = false}));
  world.Run();
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(story, "+1-1");
}

TEST_F(AsioHedge, TheDeadlineCancelsAll) {
  Start({{1h}, {1h}, {1h}}, Options({.timeout = 45ms, .idempotent = true}));
  world.Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kDeadlineExceeded) << end.status;
  EXPECT_EQ(RejectionOf(end.status)->reason, HF_R_DEADLINE);
  EXPECT_EQ(story, "+1+2+3x1x2x3");
  EXPECT_EQ(ended_at, 45ms);
  ExpectNothingHeld();
}

TEST_F(AsioHedge, CancellationCancelsAll) {
  Start({{1h}, {1h}}, Options());
  world.RunFor(15ms);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 2u);
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  ASSERT_TRUE(end.done);
  EXPECT_EQ(end.status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(RejectionOf(end.status)->reason, HF_R_ABORTED);
  EXPECT_EQ(story, "+1+2x1x2");
  ExpectNothingHeld();
}

TEST_F(AsioHedge, AnExceptionPassesThroughWhenTheOthersHaveEnded) {
  int thrown = 0;
  const auto attempt = [&](Attempt& attempt) -> awaitable<absl::Status> {
    if (attempt.number() == 2) throw std::runtime_error("no");
    co_return co_await Live({1h}, attempt.number());
  };
  asio::Hedge(world.io.get_executor(), policy, pipeline, Options(), attempt,
              [&](std::exception_ptr error, const absl::Status&) {
                EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
                EXPECT_EQ(story, "+1x1");
                ++thrown;
              });
  world.Run();
  EXPECT_EQ(thrown, 1);
  ExpectNothingHeld();
}

TEST_F(AsioHedge, AnExceptionFromStartingAnAttemptPassesThrough) {
  const auto attempt = [&](Attempt&) -> awaitable<absl::Status> {
    throw std::runtime_error("not even started");
    return Live({1h}, 1);
  };
  bool done = false;
  asio::Hedge(world.io.get_executor(), policy, pipeline, Options(), attempt,
              [&](std::exception_ptr error, const absl::Status&) {
                EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
                done = true;
              });
  EXPECT_FALSE(done);
  world.Run();
  EXPECT_TRUE(done);
  ExpectNothingHeld();
}

TEST_F(AsioHedge, ARefusalIsACompletionLikeAnyOther) {
  const Bulkhead full = Bulkhead::Create({.limit = 1}).value();
  auto other = full.TryAcquire(world.clock);
  pipeline = Pipeline::Create({.bulkhead = full}).value();
  Start({}, Options());
  EXPECT_FALSE(end.done);
  world.Run();
  EXPECT_EQ(RejectionOf(end.status)->reason, HF_R_BULKHEAD_FULL);
}

TEST_F(AsioHedge, AContextThatGoesTakesAllWithIt) {
  const auto kept = std::make_shared<int>();
  {
    AsioWorld doomed;
    asio::HedgeCallOptions options{
        .idempotent = true, .clock = &doomed.clock, .timers = &doomed.timers};
    const auto attempt = [&doomed, kept](Attempt&) -> awaitable<absl::Status> {
      const auto keeper = kept;
      co_await asio::SleepUntil(HF_INFINITE, &doomed.timers, use_awaitable);
      co_return absl::OkStatus();
    };
    asio::Hedge(doomed.io.get_executor(), policy, pipeline, options, attempt,
                [kept](std::exception_ptr, const absl::Status&) { ADD_FAILURE(); });
    doomed.RunFor(15ms);
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 2u);
  }
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_F(AsioHedge, NaturalSyntaxIsSafeOnSeveralThreads) {
  boost::asio::thread_pool pool(2);
  const HedgePolicy eager =
      HedgePolicy::Create(
          {.mode = HedgeMode::kFixed, .max_attempts = 3, .delay = 1us, .max_rate = 7})
          .value();
  boost::asio::co_spawn(
      pool,
      [&]() -> awaitable<void> {
        for (int i = 0; i < 200; ++i) {
          const absl::StatusOr<std::string> page = co_await asio::Hedge(
              eager, pipeline, {.timeout = 1h, .idempotent = true},
              [&](Attempt& attempt) -> awaitable<absl::StatusOr<std::string>> {
                boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                                attempt.number() == 1 ? 1ms : 10us);
                co_await timer.async_wait(use_awaitable);
                co_return "page";
              });
          EXPECT_EQ(page.value(), "page");
        }
      },
      boost::asio::use_future)
      .get();
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

}  // namespace
}  // namespace holdfast::driver_test
