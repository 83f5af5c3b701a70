// SPDX-License-Identifier: Apache-2.0
// The Asio drivers on several threads, in real time: permits are handed over between threads, timeouts ring in
// one thread and cut off what runs in another, calls are cancelled meanwhile. For ThreadSanitizer; what is asserted is that
// every operation completes and nothing is held in the end. HF_STRESS_ROUNDS sets how many each worker makes.
#include <gtest/gtest.h>
#include <holdfast/asio/asio.h>
#include <holdfast/memory/store.h>

#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "driver/asio_world.h"
#include "model/dice.h"

namespace holdfast::driver_test {
namespace {

constexpr int kWorkers = 8;

int Rounds() {
  const char* const given = std::getenv("HF_STRESS_ROUNDS");
  if (given != nullptr) return std::atoi(given);
  return model::kSlowness > 1 ? 100 : 400;
}
const int kRounds = Rounds();

class AsioStress : public ::testing::Test {
 protected:
  AsioStress()
      : bulkhead(Bulkhead::Create({.limit = 2, .queue = 100, .max_wait = 10s}).value()),
        pipeline(Pipeline::Create(
                     {.retry = RetryPolicy::Create(
                                   {.max_attempts = 3, .jitter = Jitter::kNone, .base = 20us})
                                   .value(),
                      .bulkhead = bulkhead,
                      .attempt_timeout = 300us})
                     .value()) {}

  void ExpectNothingHeld() {
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
    EXPECT_EQ(bulkhead.Snapshot().waiting, 0u);
  }

  // Each worker's rounds, one after another, on a strand of its own.
  template <class Round>
  void Work(Round round) {
    boost::asio::thread_pool pool(4);
    std::vector<std::future<void>> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers.push_back(boost::asio::co_spawn(
          boost::asio::make_strand(pool),
          [worker, &round]() -> awaitable<void> {
            model::Dice dice(static_cast<uint64_t>(worker) + 1);
            for (int i = 0; i < kRounds; ++i) co_await round(dice);
          },
          boost::asio::use_future));
    }
    for (auto& each : workers) each.get();
    pool.join();
    ExpectNothingHeld();
  }

  Bulkhead bulkhead;
  Pipeline pipeline;
};

// However it ended: what counts is that it did.
void Used(const absl::Status&) {}

awaitable<absl::Status> Attempted(model::Dice& dice) {
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor, std::chrono::microseconds(dice.Between(0, 600)));
  if (dice.Chance(70)) co_await timer.async_wait(use_awaitable);
  co_return dice.Chance(30) ? absl::UnavailableError("") : absl::OkStatus();
}

TEST_F(AsioStress, CoroutinesOnStrands) {
  Work([this](model::Dice& dice) -> awaitable<void> {
    Used(co_await asio::Call(pipeline, {.timeout = 20ms, .idempotent = true},
                             [&](Attempt&) { return Attempted(dice); }));
  });
}

TEST_F(AsioStress, OperationsOnStrands) {
  Work([this](model::Dice& dice) -> awaitable<void> {
    Used(co_await asio::Call(
        pipeline, {.timeout = 20ms, .idempotent = true}, [&](Attempt&) { return Attempted(dice); },
        use_awaitable));
  });
}

TEST_F(AsioStress, CallsThatAreCancelledFromTheirStrand) {
  Work([this](model::Dice& dice) -> awaitable<void> {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto cancel = std::make_shared<cancellation_signal>();
    boost::asio::steady_timer soon(executor, std::chrono::microseconds(dice.Between(0, 500)));
    soon.async_wait([cancel](const boost::system::error_code& error) {
      if (!error) cancel->emit(cancellation_type::terminal);
    });
    co_await asio::Call(
        pipeline, {.idempotent = true}, [&](Attempt&) { return Attempted(dice); },
        boost::asio::bind_cancellation_slot(cancel->slot(), boost::asio::as_tuple(use_awaitable)));
  });
}

TEST_F(AsioStress, PermitsBetweenThreads) {
  Work([this](model::Dice& dice) -> awaitable<void> {
    absl::StatusOr<BulkheadPermit> permit =
        co_await asio::Acquire(bulkhead, {.timeout = dice.Chance(20) ? 50us : 5s});
    if (dice.Chance(50)) {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, use_awaitable);
    }
  });
}

TEST_F(AsioStress, Hedges) {
  const HedgePolicy policy =
      HedgePolicy::Create(
          {.mode = HedgeMode::kFixed, .max_attempts = 3, .delay = 100us, .max_rate = 7})
          .value();
  const Bulkhead plenty = Bulkhead::Create({.limit = 1000}).value();
  const Pipeline guarded = Pipeline::Create({.bulkhead = plenty}).value();
  Work([&](model::Dice& dice) -> awaitable<void> {
    const uint64_t seed = dice.Below(1000);
    Used(co_await asio::Hedge(policy, guarded, {.timeout = 5ms, .idempotent = true},
                              [seed](Attempt& attempt) -> awaitable<absl::Status> {
                                model::Dice own(seed + attempt.number());
                                co_return co_await Attempted(own);
                              }));
  });
  EXPECT_EQ(plenty.Snapshot().in_flight, 0u);
}

TEST_F(AsioStress, RunOnceOnAPool) {
  const auto memory = memory::Store::Create().value();
  boost::asio::thread_pool blocking(2);
  std::atomic<int> ran{0};
  Work([&](model::Dice& dice) -> awaitable<void> {
    const std::string key = std::to_string(dice.Below(100));
    const auto once = [&](asio::Ticket&) -> awaitable<absl::StatusOr<std::string>> {
      ++ran;
      co_return "done";
    };
    const absl::StatusOr<RunOnceResult> result = co_await asio::RunOnce(
        *memory, {.key = key}, {.pool = &blocking, .no_fingerprint = true, .max_wait = 10s}, once);
    EXPECT_EQ(result.value().body, "done");
  });
  EXPECT_EQ(ran, 100);
}

// Without a strand nothing may be cancelled, so nothing here has a limit of time; wakers come from everywhere.
TEST_F(AsioStress, WithoutAStrandNorALimit) {
  const Pipeline unlimited = Pipeline::Create({.bulkhead = bulkhead}).value();
  boost::asio::thread_pool pool(4);
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < kRounds; ++i) {
    calls.push_back(asio::Call(
        pool.get_executor(), unlimited, {},
        [&](Attempt&) { return boost::asio::post(pool, deferred); }, boost::asio::use_future));
    calls.push_back(boost::asio::co_spawn(
        pool,
        asio::Call(unlimited, {},
                   [](Attempt&) -> awaitable<absl::Status> { co_return absl::OkStatus(); }),
        boost::asio::use_future));
    if (i % 40 == 39) {
      for (auto& call : calls) EXPECT_TRUE(call.get().ok());
      calls.clear();
    }
  }
  for (auto& call : calls) call.get().IgnoreError();
  pool.join();
  ExpectNothingHeld();
}

}  // namespace
}  // namespace holdfast::driver_test
