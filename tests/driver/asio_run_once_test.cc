// SPDX-License-Identifier: Apache-2.0
// RunOnce on an executor: results, replays, refusals, cancellation at each step, and no record left dangling.
#include <gtest/gtest.h>
#include <holdfast/asio/sleep.h>
#include <holdfast/memory/store.h>
#include <holdfast/testing/scripted_store.h>

#include <atomic>
#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "driver/asio_world.h"
#include "holdfast/asio/run_once.h"

namespace holdfast::driver_test {
namespace {

using testing::Cue;
using testing::ScriptedStore;

// A store that blocks, and notes who it blocks.
class BlockingStore final : public Store {
 public:
  explicit BlockingStore(Store& behind) : behind_(behind) {}
  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    if (std::this_thread::get_id() == caller) ++blocked_the_caller;
    ++requests;
    return behind_.Execute(request, timeout);
  }
  Guarantee guarantee() const override { return behind_.guarantee(); }

  std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> requests{0};
  std::atomic<int> blocked_the_caller{0};

 private:
  Store& behind_;
};

hf_reason ReasonOf(const absl::Status& status) {
  const auto rejection = RejectionOf(status);
  return rejection ? rejection->reason : HF_R_NONE;
}

class AsioRunOnce : public ::testing::Test {
 protected:
  using Result = absl::StatusOr<RunOnceResult>;
  using Work = std::function<awaitable<absl::StatusOr<std::string>>(asio::Ticket&)>;

  asio::RunOnceOptions Options(asio::RunOnceOptions options = {}) {
    options.no_fingerprint = true;
    options.report = &report;
    options.clock = &world.clock;
    options.timers = &world.timers;
    return options;
  }

  // `world.cancel` cancels it.
  void Start(std::optional<Result>& got, const Work& work, const asio::RunOnceOptions& options) {
    asio::RunOnce(world.io.get_executor(), store, {.key = "order-7"}, options, work,
                  boost::asio::bind_cancellation_slot(
                      world.cancel.slot(), [this, &got](std::exception_ptr error, Result result) {
                        thrown = error;
                        got = std::move(result);
                      }));
  }
  Result Run(const Work& work) {
    std::optional<Result> got;
    Start(got, work, Options());
    world.Run();
    return got.value();
  }
  void Cancel() {
    world.cancel.emit(cancellation_type::terminal);
    world.Poll();
  }
  // What a duplicate is told.
  hf_reason Duplicate() {
    return ReasonOf(Run([](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
                      co_return "ran again";
                    }).status());
  }

  std::unique_ptr<memory::Store> memory = memory::Store::Create().value();
  ScriptedStore store{*memory};
  RunOnceReport report;
  std::exception_ptr thrown;
  AsioWorld world;
  const Work says_done = [](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
    co_return "done";
  };
  const Work hangs = [this](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
    co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
    co_return "done";
  };
};

TEST_F(AsioRunOnce, RunsAndReplays) {
  const Result first = Run(says_done);
  EXPECT_EQ(first.value().body, "done");
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(report.ran);
  const Result second = Run([](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
    ADD_FAILURE() << "ran twice";
    co_return "again";
  });
  EXPECT_EQ(second.value().body, "done");
  EXPECT_TRUE(second->replayed);
  EXPECT_TRUE(report.replayed);
}

TEST_F(AsioRunOnce, AFailureIsStoredAsItsEffectSays) {
  const Result failed = Run([](asio::Ticket& ticket) -> awaitable<absl::StatusOr<std::string>> {
    ticket.SetEffect(HF_EFFECT_NOT_STARTED);
    co_return absl::UnavailableError("down");
  });
  EXPECT_EQ(failed.status().message(), "down");
  EXPECT_TRUE(Run(says_done).ok());
}

TEST_F(AsioRunOnce, AnAnswerHasItsOwnCodeAndBody) {
  const std::string body(100, 'b');
  const auto refuses = [&](asio::Ticket&) -> awaitable<Answer> {
    co_await boost::asio::post(world.io, use_awaitable);
    co_return Answer{.outcome = OutcomeOfCode(HF_NOT_FOUND), .body = body};
  };
  for (const bool replayed : {false, true}) {
    std::optional<Result> got;
    asio::RunOnce(world.io.get_executor(), store, {.key = "order-7"}, Options(), refuses,
                  [&](std::exception_ptr, Result result) { got = std::move(result); });
    world.Run();
    EXPECT_EQ(got->value().code, absl::StatusCode::kNotFound);
    EXPECT_EQ(got->value().body, body);
    EXPECT_EQ(got->value().replayed, replayed);
  }
}

TEST_F(AsioRunOnce, ADuplicateIsBusyOrWaits) {
  std::optional<Result> first;
  const Work slow = [this](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
    co_await asio::SleepUntil(AddTime(world.clock.Now(), 50ms), &world.timers, use_awaitable);
    co_return "slow";
  };
  Start(first, slow, Options());
  world.Poll();
  std::optional<Result> busy;
  asio::RunOnce(world.io.get_executor(), store, {.key = "order-7"}, Options(), says_done,
                [&](std::exception_ptr, Result result) { busy = std::move(result); });
  std::optional<Result> patient;
  asio::RunOnce(world.io.get_executor(), store, {.key = "order-7"}, Options({.max_wait = 10s}),
                says_done, [&](std::exception_ptr, Result result) { patient = std::move(result); });
  world.Run();
  EXPECT_EQ(first->value().body, "slow");
  EXPECT_EQ(ReasonOf(busy->status()), HF_R_IDEM_BUSY);
  EXPECT_EQ(patient->value().body, "slow");
  EXPECT_TRUE(patient->value().replayed);
}

TEST_F(AsioRunOnce, ABlockingStoreRunsOnThePoolAndNeverHere) {
  BlockingStore blocking(*memory);
  boost::asio::thread_pool pool(1);
  std::optional<Result> got;
  asio::RunOnce(
      world.io.get_executor(), blocking, {.key = "order-7"},
      {.pool = &pool, .no_fingerprint = true},
      [&](asio::Ticket& ticket) -> awaitable<absl::Status> {
        EXPECT_TRUE((co_await ticket.Renew()).ok());
        co_return absl::OkStatus();
      },
      [&](std::exception_ptr, Result result) { got = std::move(result); });
  world.io.run();
  EXPECT_TRUE(got.value().ok()) << got->status();
  EXPECT_EQ(blocking.requests, 3);
  EXPECT_EQ(blocking.blocked_the_caller, 0);
}

TEST_F(AsioRunOnce, ABlockingStoreWithoutAPoolIsRefused) {
  BlockingStore blocking(*memory);
  std::optional<Result> got;
  asio::RunOnce(world.io.get_executor(), blocking, {.key = "order-7"}, Options(), says_done,
                [&](std::exception_ptr, Result result) { got = std::move(result); });
  world.Run();
  EXPECT_EQ(ReasonOf(got->status()), HF_R_BAD_OPTIONS);
  EXPECT_EQ(blocking.requests, 0);
}

TEST_F(AsioRunOnce, BadOptionsAreRefusedByName) {
  std::optional<Result> got;
  asio::RunOnceOptions options = Options();
  options.no_fingerprint = false;
  Start(got, says_done, options);
  world.Run();
  EXPECT_EQ(ReasonOf(got->status()), HF_R_FINGERPRINT_MISSING);
}

TEST_F(AsioRunOnce, CancelledWhileWaitingItEndsAndNothingRan) {
  std::optional<Result> first;
  asio::RunOnce(world.io.get_executor(), store, {.key = "order-7"}, Options(), hangs,
                [&](std::exception_ptr, Result result) { first = std::move(result); });
  world.Poll();
  std::optional<Result> waiting;
  Start(waiting, says_done, Options({.max_wait = 10s}));
  world.RunFor(20ms);
  EXPECT_FALSE(waiting.has_value());
  Cancel();
  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(waiting->status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ReasonOf(waiting->status()), HF_R_ABORTED);
  EXPECT_FALSE(report.ran);
}

TEST_F(AsioRunOnce, CancelledAfterTheClaimItGivesTheClaimBack) {
  store.Script({Cue::After([this] { world.cancel.emit(cancellation_type::terminal); })});
  std::optional<Result> got;
  Start(got, says_done, Options());
  world.Run();
  EXPECT_EQ(ReasonOf(got->status()), HF_R_ABORTED);
  EXPECT_EQ(store.verbs(), "claim abandon");
  EXPECT_EQ(Duplicate(), HF_R_NONE) << "the key is free";
}

TEST_F(AsioRunOnce, CancelledInTheWorkTheRecordIsInDoubt) {
  std::optional<Result> got;
  Start(got, hangs, Options());
  world.Poll();
  Cancel();
  ASSERT_TRUE(got.has_value());
  EXPECT_THROW(std::rethrow_exception(thrown), boost::system::system_error);
  EXPECT_EQ(store.verbs(), "claim fail");
  EXPECT_EQ(Duplicate(), HF_R_IDEM_IN_DOUBT);
}

TEST_F(AsioRunOnce, CancelledInTheWorkWhatItSaidOfItsEffectHolds) {
  std::optional<Result> got;
  Start(
      got,
      [this](asio::Ticket& ticket) -> awaitable<absl::StatusOr<std::string>> {
        ticket.SetEffect(HF_EFFECT_NOT_STARTED);
        return hangs(ticket);
      },
      Options());
  world.Poll();
  Cancel();
  EXPECT_EQ(Duplicate(), HF_R_NONE);
}

TEST_F(AsioRunOnce, CancelledAfterTheWorkItsResultIsStoredAllTheSame) {
  store.Script(
      {Cue::Pass(), Cue::After([this] { world.cancel.emit(cancellation_type::terminal); })});
  std::optional<Result> got;
  Start(got, says_done, Options());
  world.Run();
  EXPECT_EQ(got->value().body, "done");
  EXPECT_TRUE(Run(hangs).value().replayed);
}

TEST_F(AsioRunOnce, CompletingIsTriedAgainAlthoughCancelled) {
  store.Script(
      {Cue::Pass(), {.reaches_the_store = false, .answer = HF_STORE_UNAVAILABLE, .before = [this] {
                       world.cancel.emit(cancellation_type::terminal);
                     }}});
  std::optional<Result> got;
  Start(got, says_done, Options());
  world.Run();
  EXPECT_EQ(got->value().body, "done");
  EXPECT_EQ(store.verbs(), "claim complete complete");
}

TEST_F(AsioRunOnce, AnExceptionPassesThroughAndTheRecordIsSettled) {
  std::optional<Result> got;
  Start(
      got,
      [](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
        throw std::runtime_error("no");
        co_return "";
      },
      Options());
  world.Run();
  EXPECT_THROW(std::rethrow_exception(thrown), std::runtime_error);
  EXPECT_EQ(Duplicate(), HF_R_IDEM_IN_DOUBT);
}

TEST_F(AsioRunOnce, AContextThatGoesHasTheRecordSettled) {
  {
    AsioWorld doomed;
    asio::RunOnce(
        doomed.io.get_executor(), store, {.key = "order-7"},
        {.no_fingerprint = true, .clock = &doomed.clock, .timers = &doomed.timers},
        [&](asio::Ticket&) -> awaitable<absl::Status> {
          co_await asio::SleepUntil(HF_INFINITE, &doomed.timers, use_awaitable);
          co_return absl::OkStatus();
        },
        [&](std::exception_ptr, const Result&) { ADD_FAILURE(); });
    doomed.Poll();
  }
  EXPECT_EQ(store.verbs(), "claim fail");
  EXPECT_EQ(Duplicate(), HF_R_IDEM_IN_DOUBT);
}

TEST_F(AsioRunOnce, NaturalSyntaxIsSafe) {
  boost::asio::thread_pool pool(2);
  BlockingStore blocking(*memory);
  boost::asio::co_spawn(
      pool,
      [&]() -> awaitable<void> {
        const std::string key(100, 'k');
        const std::string bytes(100, 'b');
        const absl::StatusOr<RunOnceResult> result = co_await asio::RunOnce(
            blocking, {.operation = "charge", .key = key}, {.pool = &pool, .request = bytes},
            [&](asio::Ticket& ticket) -> awaitable<absl::StatusOr<std::string>> {
              co_return ticket.DownstreamKey("card") + bytes;
            });
        EXPECT_EQ(result.value().body.substr(64), "/charge-card" + bytes);
      },
      boost::asio::use_future)
      .get();
}

}  // namespace
}  // namespace holdfast::driver_test
