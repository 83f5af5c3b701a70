// SPDX-License-Identifier: Apache-2.0
// Retry: what a delay and a token cost.
#include <benchmark/benchmark.h>
#include <holdfast/c/retry.h>

#include <cstdlib>

namespace {

void Delay(benchmark::State& state) {
  hf_retry_options options = HF_INIT(hf_retry_options);
  options.jitter = static_cast<hf_jitter>(state.range(0));
  hf_retry* retry = nullptr;
  if (hf_retry_new(&options, &retry, nullptr) != HF_OK) std::abort();
  uint64_t seed = 1;
  for (auto _ : state) {
    hf_duration previous = 0;
    hf_duration delay = 0;
    benchmark::DoNotOptimize(hf_retry_delay(retry, 3, seed++, &previous, &delay));
    benchmark::DoNotOptimize(delay);
  }
  hf_retry_unref(retry);
}
BENCHMARK(Delay)->Name("retry/delay")->Arg(HF_JITTER_FULL)->Arg(HF_JITTER_DECORRELATED);

hf_budget* NewBudget() {
  hf_budget* budget = nullptr;
  if (hf_budget_new(nullptr, &budget, nullptr) != HF_OK) std::abort();
  return budget;
}

// The budget is full in good times, so its common case is a success that changes nothing.
void BudgetSuccess(benchmark::State& state) {
  static hf_budget* const budget = NewBudget();
  for (auto _ : state) benchmark::DoNotOptimize(hf_budget_on_success(budget));
}
BENCHMARK(BudgetSuccess)->Name("budget/success")->Threads(1)->Threads(2)->UseRealTime();

void BudgetFailure(benchmark::State& state) {
  static hf_budget* const budget = NewBudget();
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_budget_on_failure(budget));
    for (int i = 0; i < 10; ++i) hf_budget_on_success(budget);
  }
}
BENCHMARK(BudgetFailure)->Name("budget/failure_and_10_successes");

// One operation at a time, of which one in ten is a failure.
void BudgetMixed(benchmark::State& state) {
  static hf_budget* const budget = NewBudget();
  int turn = 0;
  for (auto _ : state) {
    const bool fails = ++turn % 10 == 0;
    benchmark::DoNotOptimize(fails ? hf_budget_on_failure(budget) : hf_budget_on_success(budget));
  }
}
BENCHMARK(BudgetMixed)->Name("budget/mixed")->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
