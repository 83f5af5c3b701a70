// SPDX-License-Identifier: Apache-2.0
// Breaker: acquire and record, with `now` passed in, as a driver that reads its clock once would.
#include <benchmark/benchmark.h>
#include <holdfast/c/breaker.h>

#include <cstdlib>

namespace {

hf_breaker* NewBreaker(hf_window window) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.window = window;
  hf_breaker* breaker = nullptr;
  if (hf_breaker_new(&options, &breaker, nullptr) != HF_OK) std::abort();
  return breaker;
}

void Guard(benchmark::State& state, hf_breaker* breaker, hf_verdict verdict, int failing_every) {
  hf_time now = HF_S;
  int turn = 0;
  for (auto _ : state) {
    hf_permit permit;
    benchmark::DoNotOptimize(hf_breaker_acquire(breaker, now, &permit, nullptr, nullptr));
    const bool fails = failing_every > 0 && ++turn % failing_every == 0;
    benchmark::DoNotOptimize(
        hf_breaker_record(breaker, &permit, fails ? HF_VERDICT_FAILURE : verdict, now, nullptr));
    now += 100;
  }
}

void CountWindow(benchmark::State& state) {
  static hf_breaker* const breaker = NewBreaker(HF_WINDOW_COUNT);
  Guard(state, breaker, HF_VERDICT_SUCCESS, 0);
}
BENCHMARK(CountWindow)->Name("breaker/count_window")->Threads(1)->Threads(2)->UseRealTime();

void CountWindowWithFailures(benchmark::State& state) {
  static hf_breaker* const breaker = NewBreaker(HF_WINDOW_COUNT);
  Guard(state, breaker, HF_VERDICT_SUCCESS, 10);
}
BENCHMARK(CountWindowWithFailures)->Name("breaker/count_window_10pct_failures");

void TimeWindow(benchmark::State& state) {
  static hf_breaker* const breaker = NewBreaker(HF_WINDOW_TIME);
  Guard(state, breaker, HF_VERDICT_SUCCESS, 0);
}
BENCHMARK(TimeWindow)->Name("breaker/time_window")->Threads(1)->Threads(2)->UseRealTime();

void Refusal(benchmark::State& state) {
  hf_breaker* const breaker = NewBreaker(HF_WINDOW_COUNT);
  hf_breaker_force(breaker, HF_BREAKER_FORCED_OPEN, HF_S);
  for (auto _ : state) {
    hf_permit permit;
    hf_rejection why;
    benchmark::DoNotOptimize(hf_breaker_acquire(breaker, HF_S, &permit, &why, nullptr));
  }
  hf_breaker_unref(breaker);
}
BENCHMARK(Refusal)->Name("breaker/refusal");

}  // namespace

BENCHMARK_MAIN();
