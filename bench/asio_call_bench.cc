// SPDX-License-Identifier: Apache-2.0
// A call in a coroutine against the bare coroutine, with its allocations; and an alarm set and cancelled against
// an Asio timer.
#include <benchmark/benchmark.h>
#include <holdfast/asio/call.h>
#include <holdfast/asio/timers.h>

#include <boost/asio.hpp>
#include <chrono>
#include <cstdlib>
#include <vector>

namespace {

// Of this thread, Asio's own included, which do not come from operator new.
thread_local int64_t allocations = 0;

}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}

namespace {

using boost::asio::awaitable;
using holdfast::Attempt;
using holdfast::Pipeline;
using holdfast::asio::CallOptions;
using std::chrono::hours;
using std::chrono::seconds;

Pipeline Guarded(holdfast::Duration attempt_timeout) {
  return Pipeline::Create({.retry = holdfast::RetryPolicy::Create().value(),
                           .budget = holdfast::RetryBudget::Create().value(),
                           .breaker = holdfast::CircuitBreaker::Create().value(),
                           .bulkhead = holdfast::Bulkhead::Create().value(),
                           .attempt_timeout = attempt_timeout})
      .value();
}

// The loop is inside a coroutine, so that what is measured is what awaiting costs.
template <class Once>
void InCoroutine(benchmark::State& state, Once once) {
  boost::asio::io_context io(1);
  const auto loop = [&]() -> awaitable<void> {
    benchmark::DoNotOptimize(co_await once());
    const int64_t before = allocations;
    for (auto _ : state) benchmark::DoNotOptimize(co_await once());
    state.counters["allocations"] =
        static_cast<double>(allocations - before) / static_cast<double>(state.iterations());
  };
  boost::asio::co_spawn(io, loop, [](std::exception_ptr) {});
  io.run();
}

awaitable<absl::Status> Dependency() { co_return absl::OkStatus(); }

void Bare(benchmark::State& state) { InCoroutine(state, Dependency); }
BENCHMARK(Bare)->Name("asio/bare_coroutine");

void CallWith(benchmark::State& state, const Pipeline& pipeline, const CallOptions& options) {
  InCoroutine(state, [&] {
    return holdfast::asio::Call(pipeline, options, [](Attempt&) { return Dependency(); });
  });
}

void NoGuards(benchmark::State& state) { CallWith(state, Pipeline::Create({}).value(), {}); }
BENCHMARK(NoGuards)->Name("asio/call/no_guards");

void NoTimeout(benchmark::State& state) { CallWith(state, Guarded({}), {}); }
BENCHMARK(NoTimeout)->Name("asio/call/no_timeout");

void AttemptTimeout(benchmark::State& state) { CallWith(state, Guarded(seconds(1)), {}); }
BENCHMARK(AttemptTimeout)->Name("asio/call/attempt_timeout");

void Callback(benchmark::State& state) {
  const Pipeline pipeline = Guarded(seconds(1));
  boost::asio::io_context io(1);
  const auto work = boost::asio::make_work_guard(io);
  for (auto _ : state) {
    holdfast::asio::Call(
        io.get_executor(), pipeline, {},
        [&io](Attempt&) { return boost::asio::post(io, boost::asio::deferred); },
        [](std::exception_ptr, absl::Status status) { benchmark::DoNotOptimize(status); });
    io.poll();
  }
}
BENCHMARK(Callback)->Name("asio/call/callback_attempt_timeout");

void BarePost(benchmark::State& state) {
  boost::asio::io_context io(1);
  const auto work = boost::asio::make_work_guard(io);
  for (auto _ : state) {
    boost::asio::post(io, [] {});
    io.poll();
  }
}
BENCHMARK(BarePost)->Name("asio/bare_post");

class Silent final : public holdfast::Alarm {
  void OnTime() override {}
};

// The alarms beside it are due in the order in which they were set, as timeouts are.
void SetAndCancel(benchmark::State& state) {
  boost::asio::io_context io(1);
  holdfast::Timers& timers = holdfast::asio::TimersOf(io.get_executor());
  std::vector<Silent> others(static_cast<size_t>(state.range(0)) - 1);
  hf_time at = holdfast::Clock::Steady().Now() + 3600 * HF_S;
  for (Silent& other : others) timers.Set(other, ++at);
  Silent alarm;
  for (auto _ : state) {
    timers.Set(alarm, ++at);
    benchmark::DoNotOptimize(timers.Cancel(alarm));
  }
  for (Silent& other : others) timers.Cancel(other);
}
BENCHMARK(SetAndCancel)->Name("asio/alarm/set_and_cancel")->Arg(1)->Arg(10000);

// One in, the oldest out: what calls that all succeed in order would do.
void SetAndCancelOldest(benchmark::State& state) {
  boost::asio::io_context io(1);
  holdfast::Timers& timers = holdfast::asio::TimersOf(io.get_executor());
  std::vector<Silent> alarms(static_cast<size_t>(state.range(0)));
  hf_time at = holdfast::Clock::Steady().Now() + 3600 * HF_S;
  for (Silent& alarm : alarms) timers.Set(alarm, ++at);
  size_t oldest = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(timers.Cancel(alarms[oldest]));
    timers.Set(alarms[oldest], ++at);
    oldest = oldest + 1 == alarms.size() ? 0 : oldest + 1;
  }
  for (Silent& alarm : alarms) timers.Cancel(alarm);
}
BENCHMARK(SetAndCancelOldest)->Name("asio/alarm/set_and_cancel_oldest")->Arg(1)->Arg(10000);

void AsioTimer(benchmark::State& state) {
  boost::asio::io_context io(1);
  std::vector<boost::asio::steady_timer> others;
  for (int64_t i = 1; i < state.range(0); ++i) {
    others.emplace_back(io, hours(1)).async_wait([](const boost::system::error_code&) {});
  }
  boost::asio::steady_timer timer(io);
  int pending = 0;
  for (auto _ : state) {
    timer.expires_after(hours(1));
    timer.async_wait([](const boost::system::error_code&) {});
    timer.cancel();
    if (++pending % 64 == 0) io.poll();
  }
}
BENCHMARK(AsioTimer)->Name("asio/steady_timer/set_and_cancel")->Arg(1)->Arg(10000);

}  // namespace

BENCHMARK_MAIN();
