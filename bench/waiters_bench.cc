// SPDX-License-Identifier: Apache-2.0
// Ten thousand callers of one key of the memory store: one wins, the others wait, and how long it takes from the
// winner's last word until each of them has the result in its hands: the half of them, and all but one in a hundred.
//
// A run with more than one winner, or with a wrong result, is no run.
#include <benchmark/benchmark.h>
#include <holdfast/memory/store.h>
#include <holdfast/run_once_async.h>
#include <holdfast/steady_timers.h>
#include <holdfast/waiters.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using holdfast::AsyncTicket;
using holdfast::FinishWork;
using Result = absl::StatusOr<holdfast::RunOnceResult>;

constexpr size_t kCallers = 10000;

// Nanoseconds from the word to each waiter's result, in order.
std::vector<hf_time> Herd(holdfast::Store& store, holdfast::Timers& timers,
                          holdfast::Waiters& waiters, uint64_t number) {
  holdfast::RunOnceOptions options{.no_fingerprint = true};
  options.max_wait = std::chrono::minutes(1);
  options.waiters = &waiters;
  const std::string key = "hot-" + std::to_string(number);
  std::vector<hf_time> heard(kCallers);
  std::atomic<size_t> ended{0};
  std::optional<FinishWork> winner;
  size_t winners = 0;
  for (size_t i = 0; i < kCallers; ++i) {
    holdfast::RunOnceAsync(
        store, timers, {.operation = "charge", .key = key}, options,
        [&](AsyncTicket&, FinishWork finish) {
          ++winners;
          winner = std::move(finish);
        },
        [&](const Result& result) {
          if (!result.ok() || result->body != "confirmed") std::abort();
          heard[ended.fetch_add(1)] = holdfast::Clock::Steady().Now();
        });
  }
  if (winners != 1 || waiters.stats().waiting != kCallers - 1) std::abort();
  const hf_time word = holdfast::Clock::Steady().Now();
  (*winner)("confirmed");
  while (ended != kCallers) std::this_thread::yield();
  if (winners != 1) std::abort();
  for (hf_time& at : heard) at -= word;
  std::sort(heard.begin(), heard.end());
  return heard;
}

void Wake(benchmark::State& state, size_t rank) {
  auto store = holdfast::memory::Store::Create().value();
  const auto timers = holdfast::SteadyTimers::Create().value();
  const auto waiters = holdfast::Waiters::Create(*store).value();
  uint64_t number = 0;
  for (auto _ : state) {
    const std::vector<hf_time> heard = Herd(*store, *timers, *waiters, number++);
    state.SetIterationTime(static_cast<double>(heard[rank]) / 1e9);
  }
  state.SetLabel("wall");
}
BENCHMARK_CAPTURE(Wake, p50, kCallers / 2)
    ->Name("waiters/wake_p50")
    ->UseManualTime()
    ->Iterations(5)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Wake, p99, kCallers * 99 / 100)
    ->Name("waiters/wake_p99")
    ->UseManualTime()
    ->Iterations(5)
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
