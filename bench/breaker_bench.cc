// SPDX-License-Identifier: Apache-2.0
// Breaker: acquire and record, with `now` passed in, as a driver that reads its clock once would.
#include <benchmark/benchmark.h>
#include <holdfast/c/breaker.h>

#include <cstdlib>

namespace {

hf_breaker_options Options(hf_window window) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.window = window;
  return options;
}

hf_breaker* NewBreaker(const hf_breaker_options& options) {
  hf_breaker* breaker = nullptr;
  if (hf_breaker_new(&options, &breaker, nullptr) != HF_OK) std::abort();
  return breaker;
}

template <int failing_every>
void Guard(benchmark::State& state, hf_breaker* breaker) {
  hf_time now = HF_S;
  int turn = 0;
  for (auto _ : state) {
    hf_permit permit;
    benchmark::DoNotOptimize(hf_breaker_acquire(breaker, now, &permit, nullptr, nullptr));
    const bool fails = failing_every > 0 && ++turn == failing_every;
    if (fails) turn = 0;
    benchmark::DoNotOptimize(hf_breaker_record(
        breaker, &permit, fails ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS, now, nullptr));
    now += 100;
  }
}

#define BREAKER_BENCH(Run, text, failing_every, ...)        \
  void Run(benchmark::State& state) {                       \
    static hf_breaker* const breaker = [] {                 \
      hf_breaker_options options = Options(HF_WINDOW_TIME); \
      __VA_ARGS__;                                          \
      return NewBreaker(options);                           \
    }();                                                    \
    Guard<failing_every>(state, breaker);                   \
  }                                                         \
  BENCHMARK(Run)->Name("breaker/" text)->Threads(1)->Threads(2)->UseRealTime()

BREAKER_BENCH(CountWindow, "count_window", 0, options.window = HF_WINDOW_COUNT);
BREAKER_BENCH(TimeWindow, "time_window", 0);
BREAKER_BENCH(CountWindowWithFailures, "count_window_10pct_failures", 10,
              options.window = HF_WINDOW_COUNT);
BREAKER_BENCH(TimeWindowWithFailures, "time_window_10pct_failures", 10);
BREAKER_BENCH(Slow, "time_window_slow_in_flight", 0, options.slow_after = HF_S);
BREAKER_BENCH(SlowCount, "count_window_slow_in_flight", 0, options.window = HF_WINDOW_COUNT;
              options.slow_after = HF_S);
BREAKER_BENCH(OneShard, "time_window_one_shard", 0, options.shards = 1);

void Refusal(benchmark::State& state) {
  hf_breaker* const breaker = NewBreaker(Options(HF_WINDOW_COUNT));
  hf_breaker_force(breaker, HF_BREAKER_FORCED_OPEN, HF_S);
  for (auto _ : state) {
    hf_permit permit;
    hf_rejection why;
    benchmark::DoNotOptimize(hf_breaker_acquire(breaker, HF_S, &permit, &why, nullptr));
  }
  hf_breaker_unref(breaker);
}
BENCHMARK(Refusal)->Name("breaker/refusal");

// Half-way up: every other call is refused.
void Ramping(benchmark::State& state) {
  hf_breaker_options options = Options(HF_WINDOW_TIME);
  options.consecutive_failures = 1;
  options.probes = 1;
  options.ramp_for = 24 * 3600 * HF_S;
  hf_breaker* const breaker = NewBreaker(options);
  hf_permit permit;
  hf_breaker_acquire(breaker, HF_S, &permit, nullptr, nullptr);
  hf_breaker_record(breaker, &permit, HF_VERDICT_FAILURE, HF_S, nullptr);
  hf_breaker_acquire(breaker, 6 * HF_S, &permit, nullptr, nullptr);
  hf_breaker_record(breaker, &permit, HF_VERDICT_SUCCESS, 6 * HF_S, nullptr);
  hf_time now = 12 * 3600 * HF_S;
  for (auto _ : state) {
    hf_rejection why;
    const hf_code code = hf_breaker_acquire(breaker, now, &permit, &why, nullptr);
    if (code == HF_OK) hf_breaker_record(breaker, &permit, HF_VERDICT_SUCCESS, now, nullptr);
    now += 100;
  }
  hf_breaker_unref(breaker);
}
BENCHMARK(Ramping)->Name("breaker/ramping");

}  // namespace

BENCHMARK_MAIN();
