// SPDX-License-Identifier: Apache-2.0
// Context: the slot, and traceparent in and out.
#include <benchmark/benchmark.h>
#include <holdfast/c/context.h>

#include <cstdlib>
#include <string_view>

namespace {

constexpr std::string_view kHeader = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

void Swap(benchmark::State& state) {
  hf_context* context = nullptr;
  hf_context_options options = HF_INIT(hf_context_options);
  if (hf_context_new(&options, &context, nullptr) != HF_OK) std::abort();
  for (auto _ : state) {
    hf_context* const before = hf_context_swap(context);
    benchmark::DoNotOptimize(hf_context_current());
    hf_context_swap(before);
  }
  hf_context_unref(context);
}
BENCHMARK(Swap)->Name("context/attach_read_detach");

void Parse(benchmark::State& state) {
  hf_trace trace;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_traceparent_parse(kHeader.data(), kHeader.size(), &trace));
  }
}
BENCHMARK(Parse)->Name("context/traceparent_parse");

void Format(benchmark::State& state) {
  hf_trace trace;
  if (hf_traceparent_parse(kHeader.data(), kHeader.size(), &trace) != HF_OK) std::abort();
  char out[HF_TRACEPARENT_SIZE];
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_traceparent_format(&trace, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Format)->Name("context/traceparent_format");

}  // namespace

BENCHMARK_MAIN();
