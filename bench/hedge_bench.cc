// SPDX-License-Identifier: Apache-2.0
// Hedging: a session that is not hedged, as nearly all are; one that is; and what the policy costs alone.
// `now` is passed in.
#include <benchmark/benchmark.h>
#include <holdfast/c/hf.h>

#include <cstdlib>

namespace {

hf_hedge* NewPolicy() {
  hf_hedge_options options = HF_INIT(hf_hedge_options);
  options.max_rate = 1;
  options.delay = 10 * HF_MS;
  hf_hedge* hedge = nullptr;
  if (hf_hedge_new(&options, &hedge, nullptr) != HF_OK) std::abort();
  return hedge;
}

hf_pipeline* NewPipeline() {
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  hf_pipeline* pipeline = nullptr;
  hf_bulkhead_options slots = HF_INIT(hf_bulkhead_options);
  slots.limit = 1000;
  if (hf_retry_new(nullptr, &options.retry, nullptr) != HF_OK ||
      hf_budget_new(nullptr, &options.budget, nullptr) != HF_OK ||
      hf_breaker_new(nullptr, &options.breaker, nullptr) != HF_OK ||
      hf_bulkhead_new(&slots, &options.bulkhead, nullptr) != HF_OK ||
      hf_pipeline_new(&options, &pipeline, nullptr) != HF_OK) {
    std::abort();
  }
  return pipeline;
}

// Every `hedged_every`-th call is hedged, and its hedge wins; 0: none.
void Session(benchmark::State& state, hf_hedge* hedge, hf_pipeline* pipeline, int hedged_every) {
  hf_hedge_call_options options = HF_INIT(hf_hedge_call_options);
  options.flags = HF_CALL_IDEMPOTENT;
  const hf_outcome success{};
  hf_time now = HF_S;
  int turn = 0;
  for (auto _ : state) {
    hf_hedge_call call;
    hf_hedge_action next;
    options.deadline = now + HF_S;
    hf_hedge_call_start(&call, hedge, pipeline, &options, now, &next);
    hf_hedge_call_on_time(&call, now, &next);  // what to wait for
    if (hedged_every != 0 && ++turn % hedged_every == 0) {
      hf_hedge_call_on_time(&call, next.until, &next);
    }
    hf_hedge_call_on_outcome(&call, next.attempts, &success, now + HF_MS, &next);
    if (next.kind != HF_DO_FINISH) std::abort();
    now += 1000;
  }
}

void Unhedged(benchmark::State& state) {
  static hf_hedge* const hedge = NewPolicy();
  static hf_pipeline* const pipeline = NewPipeline();
  Session(state, hedge, pipeline, 0);
}
BENCHMARK(Unhedged)->Name("hedge/session")->Threads(1)->Threads(2)->UseRealTime();

void OneInTwenty(benchmark::State& state) {
  static hf_hedge* const hedge = NewPolicy();
  static hf_pipeline* const pipeline = NewPipeline();
  Session(state, hedge, pipeline, 20);
}
BENCHMARK(OneInTwenty)->Name("hedge/session_5pct_hedged")->Threads(1)->Threads(2)->UseRealTime();

void EveryOne(benchmark::State& state) {
  static hf_hedge* const hedge = NewPolicy();
  static hf_pipeline* const pipeline = NewPipeline();
  Session(state, hedge, pipeline, 1);
}
BENCHMARK(EveryOne)->Name("hedge/session_all_hedged");

// The policy's own part: no guards around.
void Alone(benchmark::State& state) {
  static hf_hedge* const hedge = NewPolicy();
  Session(state, hedge, nullptr, 0);
}
BENCHMARK(Alone)->Name("hedge/session_no_guards")->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
