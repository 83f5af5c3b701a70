// SPDX-License-Identifier: Apache-2.0
// How a call ends where its caller or its result is unusual.
#include <gtest/gtest.h>
#include <holdfast/asio/call.h>
#include <holdfast/bulkhead.h>
#include <holdfast/pipeline.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <stdexcept>

namespace holdfast {

struct Unreadable {};

template <>
struct OutcomeTraits<Unreadable> {
  static hf_outcome Classify(const Unreadable&) { throw std::runtime_error("unreadable"); }
  static Unreadable FromRejection(const Rejection&) { return {}; }
};

namespace {

namespace net = boost::asio;

TEST(AsioCallEnds, WithWhatReadingTheResultThrowsAndNothingHeld) {
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1}).value();
  const Pipeline pipeline = Pipeline::Create({.bulkhead = bulkhead}).value();
  net::io_context io;
  int told = 0;
  asio::Call(
      io.get_executor(), pipeline, {},
      [](Attempt&) -> net::awaitable<Unreadable> { co_return Unreadable(); },
      [&told](std::exception_ptr thrown, Unreadable) {
        ++told;
        EXPECT_THROW(std::rethrow_exception(thrown), std::runtime_error);
      });
  io.run();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(bulkhead.TryAcquire().ok());
}

TEST(AsioCallEnds, AnyCancellationThatTheCoroutineLetsThroughPassesATimeoutsScope) {
  const Pipeline pipeline = Pipeline::Create({.attempt_timeout = std::chrono::hours(1)}).value();
  net::io_context io;
  net::cancellation_signal signal;
  absl::Status ended;
  const auto attempt = [](Attempt&) -> net::awaitable<absl::Status> {
    net::steady_timer timer(co_await net::this_coro::executor, std::chrono::hours(2));
    co_await timer.async_wait(net::as_tuple(net::use_awaitable));
    co_return absl::CancelledError("the timer");
  };
  const auto caller = [&]() -> net::awaitable<void> {
    co_await net::this_coro::reset_cancellation_state(net::enable_total_cancellation());
    ended = co_await asio::Call(pipeline, {}, attempt);
  };
  net::co_spawn(io, caller(), net::bind_cancellation_slot(signal.slot(), net::detached));
  io.poll();
  signal.emit(net::cancellation_type::total);
  io.poll();
  EXPECT_TRUE(io.stopped()) << "it still waits";
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled) << ended;
}

}  // namespace
}  // namespace holdfast
