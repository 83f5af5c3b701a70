// SPDX-License-Identifier: Apache-2.0
// RunOnce on an executor: reconcilers, spills, checkpoints, stores with Submit, and waiting together.
#include <gtest/gtest.h>
#include <holdfast/asio/sleep.h>
#include <holdfast/memory/store.h>
#include <holdfast/testing/scripted_store.h>
#include <holdfast/waiters.h>

#include <boost/asio.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/asio_world.h"
#include "holdfast/asio/run_once.h"
#include "store/requests.h"
#include "store/submitting_store.h"

namespace holdfast::driver_test {
namespace {

using testing::SubmittingStore;
using Result = absl::StatusOr<RunOnceResult>;
using Body = absl::StatusOr<std::string>;

hf_reason ReasonOf(const absl::Status& status) {
  const auto rejection = RejectionOf(status);
  return rejection ? rejection->reason : HF_R_NONE;
}

class AsioSurface : public ::testing::Test {
 protected:
  asio::RunOnceOptions Options(asio::RunOnceOptions options = {}) {
    options.request = "request";
    options.report = &report;
    options.clock = &world.clock;
    options.timers = &world.timers;
    return options;
  }
  template <class Fn>
  void Start(std::optional<Result>& got, const Fn& fn, const asio::RunOnceOptions& options) {
    asio::RunOnce(world.io.get_executor(), *store, {.key = "order-7"}, options, fn,
                  boost::asio::bind_cancellation_slot(
                      world.cancel.slot(), [this, &got](std::exception_ptr error, Result result) {
                        thrown = error;
                        got = std::move(result);
                      }));
  }
  template <class Fn>
  Result Run(const Fn& fn, const asio::RunOnceOptions& options) {
    std::optional<Result> got;
    Start(got, fn, options);
    world.Run();
    return got.value();
  }
  // An owner who dies under `on_expiry`, and its lease is over.
  void Die(hf_on_expiry on_expiry, std::string_view checkpoint = {}) {
    const hf_store_request claim = testing::Claim("order-7", 1, on_expiry);
    const StoreReply won = memory->Execute(claim, Duration{0});
    ASSERT_EQ(won.raw.status, HF_STORE_WON);
    hf_store_request save = testing::Request(HF_STORE_CHECKPOINT, "order-7");
    save.token = won.raw.token;
    save.body = {checkpoint.data(), checkpoint.size()};
    ASSERT_EQ(memory->Execute(save, Duration{0}).raw.status, HF_STORE_OK);
    store_clock.Advance(60 * HF_S);
  }

  testing::StoreClock store_clock;
  std::unique_ptr<memory::Store> memory =
      memory::Store::Create({.clock = store_clock.Function()}).value();
  Store* store = memory.get();
  RunOnceReport report;
  std::exception_ptr thrown;
  AsioWorld world;
  static constexpr auto kNever = [](asio::Ticket&) -> awaitable<Body> {
    ADD_FAILURE();
    co_return "ran";
  };
};

TEST_F(AsioSurface, AReconcilerIsAwaited) {
  Die(HF_ON_EXPIRY_RECONCILE, "step 2");
  const asio::Reconcile ask = [&](asio::Ticket& ticket) -> awaitable<Finding> {
    co_await asio::SleepUntil(AddTime(world.clock.Now(), 5ms), &world.timers, use_awaitable);
    EXPECT_EQ(ticket.checkpoint(), "step 2");
    EXPECT_TRUE((co_await ticket.Renew()).ok());
    co_return Finding::Happened("charged");
  };
  const Result result =
      Run(kNever, Options({.on_expiry = OnExpiry::kReconcile, .reconcile = &ask}));
  EXPECT_EQ(result.value().body, "charged");
  EXPECT_TRUE(result->replayed);
  EXPECT_TRUE(report.reconciled);
}

TEST_F(AsioSurface, WhatDidNotHappenRunsNow) {
  Die(HF_ON_EXPIRY_RECONCILE);
  const asio::Reconcile ask = [](asio::Ticket&) -> awaitable<Finding> {
    co_return Finding::NotHappened();
  };
  const auto work = [](asio::Ticket& ticket) -> awaitable<Body> {
    EXPECT_TRUE((co_await ticket.Checkpoint("half")).ok());
    EXPECT_EQ(ReasonOf(co_await ticket.Checkpoint(std::string(65537, 'x'))), HF_R_OUT_OF_RANGE);
    co_return "done";
  };
  const Result result = Run(work, Options({.on_expiry = OnExpiry::kReconcile, .reconcile = &ask}));
  EXPECT_EQ(result.value().body, "done");
  EXPECT_EQ(result->attempt, 2u);
}

TEST_F(AsioSurface, WithoutAReconcilerTheRecordIsLeftToWhoHasOne) {
  Die(HF_ON_EXPIRY_RECONCILE);
  EXPECT_EQ(ReasonOf(Run(kNever, Options()).status()), HF_R_IDEM_IN_DOUBT);
  EXPECT_EQ(ReasonOf(Run(kNever, Options({.on_expiry = OnExpiry::kReconcile})).status()),
            HF_R_BAD_OPTIONS);
  const asio::Reconcile ask = [](asio::Ticket&) -> awaitable<Finding> {
    co_return Finding::Happened("known");
  };
  EXPECT_EQ(Run(kNever, Options({.reconcile = &ask})).value().body, "known");
}

TEST_F(AsioSurface, CancelledWhileItReconcilesTheRecordIsLeftToTheNextOne) {
  Die(HF_ON_EXPIRY_RECONCILE);
  const asio::Reconcile hangs = [&](asio::Ticket&) -> awaitable<Finding> {
    co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
    co_return Finding::Unknown();
  };
  std::optional<Result> got;
  Start(got, kNever, Options({.reconcile = &hangs}));
  world.Poll();
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  EXPECT_TRUE(thrown) << "as cancellation does in an awaited operation";
  const asio::Reconcile knows = [](asio::Ticket&) -> awaitable<Finding> {
    co_return Finding::Happened("known");
  };
  EXPECT_EQ(Run(kNever, Options({.reconcile = &knows})).value().body, "known");
}

TEST_F(AsioSurface, ASpillIsAwaitedAndItsFailureCostsTheResultOnly) {
  const auto large = [](asio::Ticket&) -> awaitable<Body> { co_return std::string(11, 'x'); };
  const asio::Spill spill = [&](asio::Ticket&, std::string_view body) -> awaitable<Body> {
    co_await asio::SleepUntil(AddTime(world.clock.Now(), 5ms), &world.timers, use_awaitable);
    if (body.size() == 12) throw std::runtime_error("no disk");
    co_return "blob/7";
  };
  const asio::RunOnceOptions options =
      Options({.max_body = 10, .oversize = Oversize::kSpill, .spill = &spill});
  const Result first = Run(large, options), second = Run(kNever, options);
  EXPECT_EQ(first.value().stored_as, StoredAs::kReference);
  EXPECT_EQ(first->body, std::string(11, 'x'));
  EXPECT_EQ(second.value().body, "blob/7");
  memory = memory::Store::Create({.clock = store_clock.Function()}).value();
  store = memory.get();
  const auto larger = [](asio::Ticket&) -> awaitable<Body> { co_return std::string(12, 'x'); };
  EXPECT_EQ(Run(larger, options).value().stored_as, StoredAs::kDigest);
}

TEST_F(AsioSurface, AStoreWithSubmitNeedsNoPool) {
  for (const auto answers :
       {SubmittingStore::Answers::kAtOnce, SubmittingStore::Answers::kOnDemand}) {
    memory = memory::Store::Create({.clock = store_clock.Function()}).value();
    SubmittingStore submitting(*memory, answers);
    store = &submitting;
    std::optional<Result> got;
    const auto work = [](asio::Ticket& ticket) -> awaitable<Body> {
      EXPECT_TRUE((co_await ticket.Renew()).ok());
      co_return "done";
    };
    Start(got, work, Options());
    world.Poll();
    while (submitting.AnswerOne()) world.Poll();
    EXPECT_EQ(got.value().value().body, "done");
    EXPECT_EQ(submitting.submitted, 3);
    EXPECT_EQ(submitting.executed, 0);
  }
}

TEST_F(AsioSurface, ARequestThatIsUnderWayIsNotBrokenOff) {
  SubmittingStore submitting(*memory, SubmittingStore::Answers::kOnDemand);
  store = &submitting;
  std::optional<Result> got;
  Start(got, kNever, Options());
  world.Poll();
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  EXPECT_FALSE(got.has_value());
  submitting.AnswerOne();
  world.Poll();
  EXPECT_EQ(submitting.pending(), 1u) << "the claim is given back";
  submitting.AnswerOne();
  world.Poll();
  EXPECT_EQ(ReasonOf(got.value().status()), HF_R_ABORTED);
}

TEST_F(AsioSurface, CoroutinesWaitTogetherAndAreWokenByTheHolder) {
  const auto waiters =
      Waiters::Create(*memory, {.own_thread = false, .clock = &world.clock}).value();
  bool finish = false;
  const auto slow = [&](asio::Ticket&) -> awaitable<Body> {
    while (!finish) {
      co_await asio::SleepUntil(AddTime(world.clock.Now(), 1ms), &world.timers, use_awaitable);
    }
    co_return "slow";
  };
  std::optional<Result> holder;
  Start(holder, slow, Options({.waiters = waiters.get()}));
  world.Poll();
  std::vector<std::optional<Result>> got(100);
  for (auto& result : got) {
    asio::RunOnce(world.io.get_executor(), *store, {.key = "order-7"},
                  Options({.max_wait = 10s, .waiters = waiters.get()}), kNever,
                  [&](std::exception_ptr, Result end) { result = std::move(end); });
  }
  world.Poll();
  EXPECT_EQ(waiters->stats().waiting, 100u);
  finish = true;
  world.RunFor(1ms);
  for (const auto& result : got) EXPECT_EQ(result.value().value().body, "slow");
  EXPECT_EQ(waiters->stats().looks, 0u);
}

TEST_F(AsioSurface, ACancelledWaiterLeavesAndTheHolderNeverNotices) {
  const auto waiters =
      Waiters::Create(*memory, {.own_thread = false, .clock = &world.clock}).value();
  Die(HF_ON_EXPIRY_TAKEOVER);
  hf_store_request claim = testing::Claim("order-7", 2, HF_ON_EXPIRY_TAKEOVER);
  const StoreReply held = memory->Execute(claim, Duration{0});
  ASSERT_EQ(held.raw.status, HF_STORE_WON);
  std::optional<Result> got;
  Start(got, kNever, Options({.max_wait = 10s, .waiters = waiters.get()}));
  world.Poll();
  EXPECT_EQ(waiters->stats().waiting, 1u);
  world.cancel.emit(cancellation_type::terminal);
  world.Poll();
  EXPECT_EQ(ReasonOf(got.value().status()), HF_R_ABORTED);
  EXPECT_EQ(waiters->stats().waiting, 0u);
  const StoreReply done =
      memory->Execute(testing::Complete("order-7", held.raw.token, "x"), Duration{0});
  EXPECT_EQ(done.raw.status, HF_STORE_OK);
}

TEST_F(AsioSurface, AContextThatGoesTakesItsWaitersWithIt) {
  const auto waiters =
      Waiters::Create(*memory, {.own_thread = false, .clock = &world.clock}).value();
  std::optional<Result> holder;
  const auto hangs = [&](asio::Ticket&) -> awaitable<Body> {
    co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
    co_return "x";
  };
  Start(holder, hangs, Options());
  world.Poll();
  {
    AsioWorld doomed;
    asio::RunOnceOptions options = Options({.max_wait = 10s, .waiters = waiters.get()});
    options.timers = &doomed.timers;
    options.report = nullptr;
    asio::RunOnce(doomed.io.get_executor(), *store, {.key = "order-7"}, options, kNever,
                  [](std::exception_ptr, const Result&) { ADD_FAILURE(); });
    doomed.Poll();
    EXPECT_EQ(waiters->stats().waiting, 1u);
  }
  EXPECT_EQ(waiters->stats().waiting, 0u);
}

TEST_F(AsioSurface, NaturalSyntaxIsSafe) {
  boost::asio::thread_pool pool(2);
  const auto waiters = Waiters::Create(*memory).value();
  boost::asio::co_spawn(
      pool,
      [&]() -> awaitable<void> {
        const std::string key(100, 'k');
        const std::string bytes(100, 'b');
        const std::string secret(32, 's');
        const std::string place(50, 'p');
        const asio::Reconcile ask = [key](asio::Ticket&) -> awaitable<Finding> {
          co_return Finding::Happened(key);
        };
        const asio::Spill spill = [place](asio::Ticket&, std::string_view) -> awaitable<Body> {
          co_return place;
        };
        for (int i = 0; i < 2; ++i) {
          const Result result =
              co_await asio::RunOnce(*memory, {.operation = "charge", .key = key},
                                     {.request = bytes,
                                      .fingerprint_secret = secret,
                                      .on_expiry = OnExpiry::kReconcile,
                                      .reconcile = &ask,
                                      .max_wait = 1s,
                                      .waiters = waiters.get(),
                                      .max_body = 80,
                                      .oversize = Oversize::kSpill,
                                      .spill = &spill},
                                     [&](asio::Ticket& ticket) -> awaitable<Body> {
                                       EXPECT_TRUE((co_await ticket.Checkpoint(bytes)).ok());
                                       co_return bytes;
                                     });
          EXPECT_EQ(result.value().body, i == 0 ? bytes : place);
        }
      },
      boost::asio::use_future)
      .get();
}

}  // namespace
}  // namespace holdfast::driver_test
