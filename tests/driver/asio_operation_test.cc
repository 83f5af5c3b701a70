// SPDX-License-Identifier: Apache-2.0
// Call as an Asio operation: tokens, executors, allocators, work, and calls in their natural syntax.
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gtest/gtest.h>
#include <holdfast/asio/call.h>
#include <holdfast/asio/sleep.h>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>

#include "driver/asio_world.h"

namespace holdfast::driver_test {
namespace {

const Pipeline kPlain = Pipeline::Create({.timeout = 1h, .attempt_timeout = 1h}).value();
const Pipeline kRetries =
    Pipeline::Create(
        {.retry = RetryPolicy::Create({.max_attempts = 3, .jitter = Jitter::kNone}).value()})
        .value();

awaitable<absl::StatusOr<int>> Answer(Attempt&) { co_return 42; }

// Runs a coroutine to its end, on an executor.
template <class Executor, class Body>
void RunOn(const Executor& executor, Body body) {
  boost::asio::co_spawn(executor, body, boost::asio::use_future).get();
}

TEST(AsioOperation, TakesACallback) {
  boost::asio::io_context io;
  int got = 0;
  asio::Call(io.get_executor(), kPlain, {}, Answer,
             [&](std::exception_ptr thrown, absl::StatusOr<int> answer) {
               EXPECT_FALSE(thrown);
               got = *answer;
             });
  EXPECT_EQ(got, 0);
  io.run();
  EXPECT_EQ(got, 42);
}

TEST(AsioOperation, TakesUseFuture) {
  boost::asio::thread_pool pool(1);
  auto future = asio::Call(pool.get_executor(), kPlain, {}, Answer, boost::asio::use_future);
  EXPECT_EQ(future.get().value(), 42);
}

TEST(AsioOperation, TakesUseAwaitableAndAsTuple) {
  boost::asio::thread_pool pool(1);
  RunOn(pool.get_executor(), []() -> awaitable<void> {
    EXPECT_EQ((co_await asio::Call(kPlain, {}, Answer, use_awaitable)).value(), 42);
    const auto [thrown, answer] =
        co_await asio::Call(kPlain, {}, Answer, boost::asio::as_tuple(use_awaitable));
    EXPECT_FALSE(thrown);
    EXPECT_EQ(answer.value(), 42);
  });
}

TEST(AsioOperation, TakesDeferredAndStartsWhenAwaited) {
  boost::asio::thread_pool pool(1);
  RunOn(pool.get_executor(), []() -> awaitable<void> {
    int attempts = 0;
    const auto count = [&](Attempt&) -> awaitable<absl::Status> {
      ++attempts;
      co_return absl::OkStatus();
    };
    auto operation = asio::Call(kPlain, {}, count, deferred);
    EXPECT_EQ(attempts, 0);
    EXPECT_TRUE((co_await std::move(operation)(use_awaitable)).ok());
    EXPECT_EQ(attempts, 1);
  });
}

TEST(AsioOperation, ReadsWhatADeferredAttemptCompletesWith) {
  boost::asio::thread_pool pool(1);
  RunOn(pool.get_executor(), []() -> awaitable<void> {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::ip::tcp::acceptor acceptor(executor, {boost::asio::ip::address_v4::loopback(), 0});
    boost::asio::ip::tcp::socket socket(executor);
    const absl::Status connected = co_await asio::Call(
        kPlain, {}, [&] { return socket.async_connect(acceptor.local_endpoint(), deferred); });
    EXPECT_TRUE(connected.ok()) << connected;
    const absl::StatusOr<size_t> written = co_await asio::Call(kPlain, {}, [&](Attempt&) {
      return socket.async_write_some(boost::asio::buffer("hello", 5), deferred);
    });
    EXPECT_EQ(written.value(), 5u);
    acceptor.close();
    socket.close();
    const absl::StatusOr<size_t> closed = co_await asio::Call(kPlain, {}, [&](Attempt&) {
      return socket.async_write_some(boost::asio::buffer("hello", 5), deferred);
    });
    EXPECT_FALSE(closed.ok());
  });
}

TEST(AsioOperation, RunsOnAnyExecutor) {
  boost::asio::thread_pool pool(2);
  const auto body = []() -> awaitable<void> {
    int attempts = 0;
    const absl::Status status = co_await asio::Call(
        kRetries, {.timeout = 1h, .idempotent = true}, [&](Attempt&) -> awaitable<absl::Status> {
          co_return ++attempts < 2 ? absl::UnavailableError("") : absl::OkStatus();
        });
    EXPECT_TRUE(status.ok()) << status;
  };
  RunOn(pool.get_executor(), body);
  RunOn(boost::asio::make_strand(pool), body);
  RunOn(boost::asio::any_io_executor(pool.get_executor()), body);
  RunOn(boost::asio::any_io_executor(boost::asio::make_strand(pool)), body);
  RunOn(boost::asio::system_executor(), body);
  const auto callback = [](const auto& executor) {
    auto future = asio::Call(executor, kRetries, {.timeout = 1h}, Answer, boost::asio::use_future);
    EXPECT_TRUE(future.get().ok());
  };
  callback(pool.get_executor());
  callback(boost::asio::make_strand(pool));
  callback(boost::asio::any_io_executor(pool.get_executor()));
  callback(boost::asio::system_executor());
}

TEST(AsioOperation, CompletesOnTheHandlersOwnExecutor) {
  boost::asio::io_context io;
  boost::asio::io_context other;
  bool done = false;
  asio::Call(io.get_executor(), kPlain, {}, Answer,
             boost::asio::bind_executor(
                 other.get_executor(), [&](std::exception_ptr, absl::StatusOr<int>) {
                   EXPECT_TRUE(other.get_executor().running_in_this_thread());
                   done = true;
                 }));
  io.run();
  EXPECT_FALSE(done);
  other.run();
  EXPECT_TRUE(done);
}

// A context's run() lasts as long as the call, not as long as the timer that it never needed.
TEST(AsioOperation, RunReturnsWhenNothingWaits) {
  boost::asio::io_context io;
  boost::asio::co_spawn(io, asio::Call(kPlain, {}, Answer), [](std::exception_ptr, auto) {});
  EXPECT_GT(io.run(), 0u);
  EXPECT_TRUE(io.stopped());
  io.restart();
  EXPECT_EQ(io.run(), 0u) << "the timer, still armed for an hour, is nobody's work";
  io.restart();
  boost::asio::co_spawn(io, asio::Call(kPlain, {}, Answer), [](std::exception_ptr, auto) {});
  EXPECT_GT(io.run(), 0u);
}

TEST(AsioOperation, RunDoesNotReturnWhileACallSleeps) {
  boost::asio::io_context io;
  const Pipeline hasty =
      Pipeline::Create(
          {.retry = RetryPolicy::Create({.max_attempts = 3, .jitter = Jitter::kNone, .base = 2ms})
                        .value()})
          .value();
  int attempts = 0;
  bool done = false;
  asio::Call(
      io.get_executor(), hasty, {.idempotent = true},
      [&](Attempt&) -> awaitable<absl::Status> {
        ++attempts;
        co_return absl::UnavailableError("");
      },
      [&](std::exception_ptr, const absl::Status&) { done = true; });
  io.run();
  EXPECT_EQ(attempts, 3);
  EXPECT_TRUE(done);
}

// Counts, and fails the test if its memory leaks.
template <class T>
struct CountingAllocator {
  using value_type = T;
  int* live;
  int* total;

  template <class U>
  CountingAllocator<U> Rebind() const {
    return {live, total};
  }
  template <class U>
  operator CountingAllocator<U>() const {  // NOLINT: allocators convert
    return Rebind<U>();
  }
  T* allocate(size_t count) {
    ++*live;
    ++*total;
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, size_t count) {
    --*live;
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const CountingAllocator&, const CountingAllocator&) { return true; }
};

TEST(AsioOperation, TakesItsMemoryFromTheHandlersAllocatorAndGivesItBackFirst) {
  boost::asio::io_context io;
  int live = 0;
  int total = 0;
  int live_at_completion = -1;
  const int unrelated_handler_blocks = 1;  // Asio's own, of the dispatch that is running
  asio::Call(
      io.get_executor(), kPlain, {}, [&](Attempt&) { return boost::asio::post(io, deferred); },
      boost::asio::bind_allocator(
          CountingAllocator<void*>{&live, &total},
          [&](std::exception_ptr, const absl::Status&) { live_at_completion = live; }));
  EXPECT_GE(live, 1);
  io.run();
  EXPECT_LE(live_at_completion, unrelated_handler_blocks);
  EXPECT_EQ(live, 0);
  EXPECT_GE(total, 2);
}

// An operation that ends inside its own initiation.
template <class Token>
auto AsyncAtOnce(Token&& token) {
  return boost::asio::async_initiate<Token, void(absl::Status)>(
      [](auto&& handler) { std::move(handler)(absl::UnavailableError("at once")); }, token);
}

TEST(AsioOperation, AttemptsThatEndAtOnceDoNotRecurse) {
  AsioWorld world;
  const Pipeline stubborn =
      Pipeline::Create(
          {.retry = RetryPolicy::Create({.max_attempts = 100, .jitter = Jitter::kNone}).value()})
          .value();
  CallReport report;
  for (int i = 0; i < 100; ++i) {
    asio::Call(
        world.io.get_executor(), stubborn, world.Options({.idempotent = true, .report = &report}),
        [](Attempt&) { return AsyncAtOnce(deferred); },
        [](std::exception_ptr, const absl::Status&) {});
    world.Run();
    ASSERT_EQ(report.attempts, 100u);
  }
}

TEST(AsioOperation, ManyCallsInOneCoroutineDoNotGrowTheStack) {
  boost::asio::io_context io;
  const Pipeline full = Pipeline::Create({.timeout = 1h}).value();
  int calls = 0;
  boost::asio::co_spawn(
      io,
      [&]() -> awaitable<void> {
        for (int i = 0; i < 200'000; ++i) {
          calls += (co_await asio::Call(full, {}, Answer)).ok() ? 1 : 0;
        }
        for (int i = 0; i < 20'000; ++i) {
          calls += (co_await asio::Call(full, {.timeout = -1ns}, Answer)).ok() ? 0 : 1;
          calls +=
              (co_await asio::Call(full, {}, [](Attempt&) { return AsyncAtOnce(deferred); })).ok()
                  ? 0
                  : 1;
        }
      },
      [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
  io.run();
  EXPECT_EQ(calls, 240'000);
}

// What people write. Under GCC's AddressSanitizer this sees what GCC 12 destroys twice.
TEST(AsioOperation, NaturalSyntaxIsSafe) {
  boost::asio::thread_pool pool(1);
  RunOn(pool.get_executor(), []() -> awaitable<void> {
    const std::string order(100, 'x');
    const auto charge = [](std::string_view what) -> awaitable<absl::StatusOr<std::string>> {
      co_return std::string(what);
    };
    CallReport report;
    absl::StatusOr<std::string> receipt =
        co_await asio::Call(kPlain, {.timeout = 800ms, .idempotent = true, .report = &report},
                            [&](Attempt& attempt) -> awaitable<absl::StatusOr<std::string>> {
                              EXPECT_GT(attempt.remaining(), 0ns);
                              co_return co_await charge(order);
                            });
    EXPECT_EQ(receipt.value(), order);
    EXPECT_EQ(report.attempts, 1u);

    receipt = co_await asio::Call(kPlain, {}, [&] { return charge(order); });
    EXPECT_EQ(receipt.value(), order);
    receipt = co_await asio::Call(kPlain, {}, [&] { return charge(order); }, use_awaitable);
    EXPECT_EQ(receipt.value(), order);

    const auto named = [order, &charge](Attempt&) { return charge(order); };
    receipt = co_await asio::Call(kPlain, {.timeout = 1s}, named);
    EXPECT_EQ(receipt.value(), order);
    receipt = co_await asio::Call(kPlain, {.timeout = 1s}, std::ref(named));
    EXPECT_EQ(receipt.value(), order);
    receipt = co_await asio::Call(kPlain, {.timeout = 1s}, named, use_awaitable);
    EXPECT_EQ(receipt.value(), order);

    auto started_later = asio::Call(kPlain, {.timeout = 1s}, named);
    receipt = co_await std::move(started_later);
    EXPECT_EQ(receipt.value(), order);

    const auto twice = Idempotent([&](Attempt&) { return charge(order); });
    EXPECT_TRUE((co_await asio::Call(kPlain, {}, twice)).ok());
    EXPECT_TRUE(
        (co_await asio::Call(kPlain, {}, [](Attempt&) -> awaitable<void> { co_return; })).ok());
  });
}

TEST(AsioOperation, TheAllowanceOfAnOrIsCancelledWithIt) {
  using boost::asio::experimental::awaitable_operators::operator||;
  const Bulkhead one = Bulkhead::Create({.limit = 1}).value();
  const Pipeline guarded = Pipeline::Create({.bulkhead = one, .attempt_timeout = 1h}).value();
  AsioWorld world;
  size_t won = 9;
  boost::asio::co_spawn(
      world.io,
      [&]() -> awaitable<void> {
        const auto forever = [&](Attempt&) -> awaitable<absl::Status> {
          co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
          co_return absl::OkStatus();
        };
        auto call = asio::Call(guarded, world.Options(), forever);
        auto sleep = asio::SleepUntil(world.clock.Now() + HF_MS, &world.timers, use_awaitable);
        won = (co_await (std::move(call) || std::move(sleep))).index();
        EXPECT_EQ(one.Snapshot().in_flight, 0u);
      },
      [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
  world.Run();
  EXPECT_EQ(won, 1u);
  EXPECT_EQ(one.Snapshot().in_flight, 0u);
}

// What the attempt resets of its own cancellation stays inside it.
TEST(AsioOperation, AnAttemptMayResetItsCancellationState) {
  AsioWorld world;
  const Pipeline limited = Pipeline::Create({.attempt_timeout = 50ms}).value();
  End end;
  const auto attempt = [&](Attempt&) -> awaitable<absl::Status> {
    co_await boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
    co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
    co_return absl::OkStatus();
  };
  boost::asio::co_spawn(world.io, asio::Call(limited, world.Options(), attempt),
                        boost::asio::bind_cancellation_slot(
                            world.cancel.slot(), [&](std::exception_ptr thrown, absl::Status s) {
                              end.Set(thrown, s);
                            }));
  world.Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(world.clock.elapsed(), 50ms);
}

// The coroutine's cancellation works on after a call whose attempt was cut off.
TEST(AsioOperation, AfterACallTheCoroutineIsCancelledAsBefore) {
  AsioWorld world;
  const Pipeline limited = Pipeline::Create({.attempt_timeout = 50ms}).value();
  std::exception_ptr thrown;
  boost::asio::co_spawn(
      world.io,
      [&]() -> awaitable<void> {
        const absl::Status cut =
            co_await asio::Call(limited, world.Options(), [&](Attempt&) -> awaitable<absl::Status> {
              co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
              co_return absl::OkStatus();
            });
        EXPECT_EQ(cut.code(), absl::StatusCode::kDeadlineExceeded);
        co_await asio::SleepUntil(HF_INFINITE, &world.timers, use_awaitable);
      },
      boost::asio::bind_cancellation_slot(world.cancel.slot(),
                                          [&](std::exception_ptr t) { thrown = t; }));
  world.Run();
  EXPECT_FALSE(thrown);
  world.cancel.emit(cancellation_type::terminal);
  world.Run();
  EXPECT_THROW(std::rethrow_exception(thrown), boost::system::system_error);
}

}  // namespace
}  // namespace holdfast::driver_test
