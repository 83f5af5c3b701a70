// SPDX-License-Identifier: Apache-2.0
// Bulkhead: take and give back a permit while nobody waits.
#include <benchmark/benchmark.h>
#include <holdfast/c/bulkhead.h>

#include <cstdlib>

namespace {

hf_bulkhead* NewBulkhead(uint32_t limit) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = limit;
  hf_bulkhead* bulkhead = nullptr;
  if (hf_bulkhead_new(&options, &bulkhead, nullptr) != HF_OK) std::abort();
  return bulkhead;
}

void Pair(benchmark::State& state) {
  static hf_bulkhead* const bulkhead = NewBulkhead(64);
  for (auto _ : state) {
    hf_permit permit;
    benchmark::DoNotOptimize(hf_bulkhead_try_acquire(bulkhead, HF_S, &permit, nullptr));
    benchmark::DoNotOptimize(hf_bulkhead_release(bulkhead, &permit, HF_S));
  }
}
BENCHMARK(Pair)->Name("bulkhead/pair")->Threads(1)->Threads(2)->UseRealTime();

void Refusal(benchmark::State& state) {
  hf_bulkhead* const bulkhead = NewBulkhead(1);
  hf_permit held;
  hf_bulkhead_try_acquire(bulkhead, HF_S, &held, nullptr);
  for (auto _ : state) {
    hf_permit permit;
    hf_rejection why;
    benchmark::DoNotOptimize(hf_bulkhead_try_acquire(bulkhead, HF_S, &permit, &why));
  }
  hf_bulkhead_release(bulkhead, &held, HF_S);
  hf_bulkhead_unref(bulkhead);
}
BENCHMARK(Refusal)->Name("bulkhead/refusal");

}  // namespace

BENCHMARK_MAIN();
