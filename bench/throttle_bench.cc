// SPDX-License-Identifier: Apache-2.0
// Throttle: admit and record, with `now` passed in, as a driver that reads its clock once would.
#include <benchmark/benchmark.h>
#include <holdfast/c/throttle.h>

#include <cstdlib>

namespace {

hf_throttle* NewThrottle() {
  hf_throttle_options options = HF_INIT(hf_throttle_options);
  options.max_rejection = 0.5;
  hf_throttle* throttle = nullptr;
  if (hf_throttle_new(&options, &throttle, nullptr) != HF_OK) std::abort();
  return throttle;
}

void Guard(benchmark::State& state, hf_throttle* throttle, hf_verdict verdict) {
  hf_time now = HF_S;
  uint64_t seed = 1;
  for (auto _ : state) {
    const hf_code code = hf_throttle_admit(throttle, seed, now, nullptr);
    if (code == HF_OK) hf_throttle_record(throttle, verdict, now);
    ++seed;
    now += 100;
  }
}

void Healthy(benchmark::State& state) {
  static hf_throttle* const throttle = NewThrottle();
  Guard(state, throttle, HF_VERDICT_SUCCESS);
}
BENCHMARK(Healthy)->Name("throttle/healthy")->Threads(1)->Threads(2)->UseRealTime();

// All fails: half is refused, the other half sent.
void Outage(benchmark::State& state) {
  static hf_throttle* const throttle = NewThrottle();
  Guard(state, throttle, HF_VERDICT_FAILURE);
}
BENCHMARK(Outage)->Name("throttle/outage")->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
