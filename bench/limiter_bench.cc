// SPDX-License-Identifier: Apache-2.0
// Limiter: a take with `now` passed in, as a driver that reads its clock once would.
#include <benchmark/benchmark.h>
#include <holdfast/c/limiter.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace {

hf_limiter* NewLimiter(uint32_t permits, uint32_t burst) {
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.permits = permits;
  options.burst = burst;
  hf_limiter* limiter = nullptr;
  if (hf_limiter_new(&options, &limiter, nullptr) != HF_OK) std::abort();
  return limiter;
}

// Where the time of the next run begins: a limiter has seen that of the runs before.
std::atomic<hf_time> epoch{HF_S};

void EndRun(hf_time now) {
  hf_time seen = epoch.load();
  while (seen < now && !epoch.compare_exchange_weak(seen, now)) {
  }
}

// Time passes by `step` a call, in each thread.
void Take(benchmark::State& state, hf_limiter* limiter, hf_duration step) {
  hf_time now = epoch.load();
  int64_t granted = 0;
  for (auto _ : state) {
    granted += hf_limiter_try_acquire(limiter, 1, now, nullptr) == HF_OK ? 1 : 0;
    now += step;
  }
  EndRun(now);
  state.counters["granted"] =
      benchmark::Counter(static_cast<double>(granted) / static_cast<double>(state.iterations()),
                         benchmark::Counter::kAvgThreads);
}

// Far from the limit, which is where most calls of most limiters are: the bucket is all but full.
void Granted(benchmark::State& state) {
  static hf_limiter* const limiter = NewLimiter(1'000'000'000, 1'000'000);
  Take(state, limiter, 20);
}
BENCHMARK(Granted)->Name("limiter/granted")->Threads(1)->Threads(2)->UseRealTime();

// Half of the rate, with a burst of a thousandth of a second.
void HalfLoad(benchmark::State& state) {
  static hf_limiter* const limiter = NewLimiter(100'000'000, 100'000);
  Take(state, limiter, 40);
}
BENCHMARK(HalfLoad)->Name("limiter/half_load")->Threads(1)->Threads(2)->UseRealTime();

// Every call finds a full bucket and brings it up: the slow way, granted.
void BroughtUp(benchmark::State& state) {
  static hf_limiter* const limiter = NewLimiter(1'000'000, 100);
  Take(state, limiter, 1000);
}
BENCHMARK(BroughtUp)->Name("limiter/brought_up");

// Ten times the rate: nine of ten are refused.
void Overload(benchmark::State& state) {
  static hf_limiter* const limiter = NewLimiter(1'000'000, 1000);
  Take(state, limiter, 100);
}
BENCHMARK(Overload)->Name("limiter/overload")->Threads(1)->Threads(2)->UseRealTime();

void ReserveAndCancel(benchmark::State& state) {
  static hf_limiter* const limiter = NewLimiter(1'000'000'000, 1'000'000);
  hf_time now = epoch.load();
  for (auto _ : state) {
    hf_reservation reservation;
    benchmark::DoNotOptimize(
        hf_limiter_reserve(limiter, 1, 0, now, &reservation, nullptr, nullptr));
    benchmark::DoNotOptimize(hf_limiter_cancel(limiter, &reservation, now));
    now += 20;
  }
  EndRun(now);
}
BENCHMARK(ReserveAndCancel)->Name("limiter/reserve_cancel");

void MutexPair(benchmark::State& state) {
  static std::mutex mutex;
  for (auto _ : state) {
    mutex.lock();
    benchmark::ClobberMemory();
    mutex.unlock();
  }
}
BENCHMARK(MutexPair)->Name("limiter/mutex_pair")->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
