// SPDX-License-Identifier: Apache-2.0
// A whole guarded call through the C++ driver: real clock, fresh seed, success at once. The session
// alone, with `now` passed in, shows what of it is decision and what is clock.
#include <benchmark/benchmark.h>
#include <holdfast/call.h>

#include <chrono>
#include <cstdlib>

namespace {

using std::chrono::seconds;

holdfast::Pipeline NewPipeline() {
  return holdfast::Pipeline::Create({.retry = holdfast::RetryPolicy::Create().value(),
                                     .budget = holdfast::RetryBudget::Create().value(),
                                     .breaker = holdfast::CircuitBreaker::Create().value(),
                                     .bulkhead = holdfast::Bulkhead::Create().value()})
      .value();
}

void Guarded(benchmark::State& state) {
  static const holdfast::Pipeline pipeline = NewPipeline();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        holdfast::Call(pipeline, {.timeout = seconds(1)}, [] { return absl::OkStatus(); }));
  }
}
BENCHMARK(Guarded)->Name("call/guarded");
BENCHMARK(Guarded)->Name("call/guarded")->Threads(2)->UseRealTime();

void Unguarded(benchmark::State& state) {
  const holdfast::Pipeline pipeline = holdfast::Pipeline::Create({}).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(holdfast::Call(pipeline, {}, [] { return absl::OkStatus(); }));
  }
}
BENCHMARK(Unguarded)->Name("call/no_guards");

void Session(benchmark::State& state) {
  const holdfast::Pipeline pipeline = NewPipeline();
  hf_call_options options = HF_INIT(hf_call_options);
  options.seed = 7;
  options.deadline = 3 * HF_S;
  const hf_outcome success{};
  for (auto _ : state) {
    hf_call call;
    hf_action action;
    hf_call_start(&call, pipeline.raw(), &options, HF_S, &action);
    hf_call_resume(&call, &success, HF_S, &action);
    if (action.kind != HF_DO_FINISH) std::abort();
  }
}
BENCHMARK(Session)->Name("call/session");

// What a refusal costs: a status with its reason and payload.
void Refused(benchmark::State& state) {
  const holdfast::CircuitBreaker breaker = holdfast::CircuitBreaker::Create().value();
  if (!breaker.Force(holdfast::BreakerState::kForcedOpen, HF_S).ok()) std::abort();
  const holdfast::Pipeline pipeline = holdfast::Pipeline::Create({.breaker = breaker}).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(holdfast::Call(pipeline, {}, [] { return absl::OkStatus(); }));
  }
}
BENCHMARK(Refused)->Name("call/refused");

}  // namespace

BENCHMARK_MAIN();
