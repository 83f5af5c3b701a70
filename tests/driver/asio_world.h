// SPDX-License-Identifier: Apache-2.0
// A virtual world for the Asio drivers: an io_context whose calls wait on a virtual clock, and the ways to
// make one and the same call.
#ifndef HOLDFAST_TESTS_DRIVER_ASIO_WORLD_H_
#define HOLDFAST_TESTS_DRIVER_ASIO_WORLD_H_

#include <absl/status/status.h>
#include <gtest/gtest.h>
#include <holdfast/asio/call.h>
#include <holdfast/asio/sleep.h>
#include <holdfast/bulkhead.h>
#include <holdfast/pipeline.h>
#include <holdfast/testing/virtual_clock.h>
#include <holdfast/testing/virtual_timers.h>

#include <boost/asio.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace holdfast::driver_test {

using namespace std::chrono_literals;  // NOLINT: durations are the vocabulary here
using boost::asio::awaitable;
using boost::asio::cancellation_signal;
using boost::asio::cancellation_type;
using boost::asio::deferred;
using boost::asio::use_awaitable;

// The drivers, and what their attempts are.
enum class Driver {
  kCoroutine,          // co_await, attempts are awaitables in it
  kCoroutineDeferred,  // co_await, attempts are deferred operations
  kCallback,           // a callback, attempts are awaitables
  kCallbackDeferred,   // a callback, attempts are deferred operations
};
inline constexpr Driver kDrivers[] = {Driver::kCoroutine, Driver::kCoroutineDeferred,
                                      Driver::kCallback, Driver::kCallbackDeferred};
inline const char* NameOf(Driver driver) {
  constexpr const char* kNames[] = {"Coroutine", "CoroutineDeferred", "Callback",
                                    "CallbackDeferred"};
  return kNames[static_cast<int>(driver)];
}

// How a call ended, once it has.
struct End {
  bool done = false;
  absl::Status status;
  std::exception_ptr thrown;

  void Set(std::exception_ptr error, absl::Status result) {
    EXPECT_FALSE(done) << "completed twice";
    *this = {true, std::move(result), std::move(error)};
  }
};

// Ends in the order in which a real one would: no more alarms, then the context, and time last of all.
struct AsioWorld {
  testing::VirtualClock clock;
  boost::asio::io_context io;
  testing::VirtualTimers timers{clock};
  cancellation_signal cancel;

  // To the end of time, or only until `by` from now.
  void Run() { testing::RunVirtually(io, clock); }
  void RunFor(Duration by) {
    Poll();
    clock.Advance(by);
    Poll();
  }
  void Poll() {
    io.restart();
    io.poll();
  }

  asio::CallOptions Options(asio::CallOptions options = {}) {
    options.clock = &clock;
    options.timers = &timers;
    return options;
  }

  // What an attempt does: takes its time, unless it is cancelled, and then says this.
  struct Work {
    Duration takes{0};
    absl::Status says = {};
    std::function<void()> then = {};  // may throw
  };
  using Plan = std::function<Work(Attempt&)>;

  // Starts the call, which `cancel` cancels. The plan must outlive it.
  void Start(Driver driver, const Pipeline& pipeline, const asio::CallOptions& options,
             const Plan& plan, End& end) {
    const auto awaited = [this, &plan](Attempt& attempt) { return Await(plan(attempt)); };
    const auto started = [this, &plan](Attempt& attempt) {
      const Work work = plan(attempt);
      return boost::asio::async_initiate<const boost::asio::deferred_t,
                                         void(std::exception_ptr, absl::Status)>(
          [this](auto&& handler, const Work& todo) {
            boost::asio::co_spawn(io, Await(todo), std::move(handler));
          },
          deferred, work);
    };
    auto callback = boost::asio::bind_cancellation_slot(
        cancel.slot(),
        [&end](std::exception_ptr thrown, absl::Status status) { end.Set(thrown, status); });
    const auto executor = io.get_executor();
    switch (driver) {
      case Driver::kCoroutine:
        boost::asio::co_spawn(io, asio::Call(pipeline, options, awaited), callback);
        break;
      case Driver::kCoroutineDeferred:
        boost::asio::co_spawn(io, asio::Call(pipeline, options, started), callback);
        break;
      case Driver::kCallback:
        asio::Call(executor, pipeline, options, awaited, callback);
        break;
      case Driver::kCallbackDeferred:
        asio::Call(executor, pipeline, options, started, callback);
        break;
    }
  }

  awaitable<absl::Status> Await(Work work) {
    if (work.takes.count() > 0) {
      co_await asio::SleepUntil(AddTime(clock.Now(), work.takes), &timers, use_awaitable);
    }
    if (work.then) work.then();
    co_return work.says;
  }
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_ASIO_WORLD_H_
