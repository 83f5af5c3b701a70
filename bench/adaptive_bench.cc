// SPDX-License-Identifier: Apache-2.0
// Adaptive limit: one sample, with `now` passed in; a window is judged every 10000 samples or so.
#include <benchmark/benchmark.h>
#include <holdfast/c/adaptive.h>

#include <cstdlib>

namespace {

hf_adaptive* NewAdaptive(hf_adaptive_algorithm algorithm) {
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  options.algorithm = algorithm;
  options.window = HF_MS;
  hf_adaptive* adaptive = nullptr;
  if (hf_adaptive_new(&options, &adaptive, nullptr) != HF_OK) std::abort();
  return adaptive;
}

void Sample(benchmark::State& state) {
  static hf_adaptive* const adaptive = NewAdaptive(HF_ADAPTIVE_TREND);
  hf_time now = HF_S;
  uint32_t limit = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_adaptive_on_sample(adaptive, HF_MS, 20, 0, now, &limit));
    now += 100;
  }
}
BENCHMARK(Sample)->Name("adaptive/sample")->Threads(1)->Threads(2)->UseRealTime();

// Every sample closes a window: what a judgement costs, guard included.
void Window(benchmark::State& state) {
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  options.window = HF_MS;
  options.min_samples = 1;
  options.algorithm = static_cast<hf_adaptive_algorithm>(state.range(0));
  hf_adaptive* adaptive = nullptr;
  if (hf_adaptive_new(&options, &adaptive, nullptr) != HF_OK) std::abort();
  hf_time now = HF_S;
  uint32_t limit = 0;
  for (auto _ : state) {
    hf_adaptive_on_sample(adaptive, HF_MS / 2, limit, 0, now, &limit);
    now += HF_MS + now % 1000;
  }
  hf_adaptive_unref(adaptive);
}
BENCHMARK(Window)
    ->Name("adaptive/window")
    ->Arg(HF_ADAPTIVE_TREND)
    ->Arg(HF_ADAPTIVE_GRADIENT2)
    ->Arg(HF_ADAPTIVE_VEGAS)
    ->Arg(HF_ADAPTIVE_AIMD);

}  // namespace

BENCHMARK_MAIN();
