// SPDX-License-Identifier: Apache-2.0
// The floors: what the machine itself charges. Every other figure is read as a ratio to one of these,
// measured in the same run, so that it survives a slow or a noisy machine.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <mutex>

namespace {

void Clock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}
BENCHMARK(Clock)->Name("floor/clock");

void Atomic(benchmark::State& state) {
  static std::atomic<uint64_t> counter{0};
  for (auto _ : state) benchmark::DoNotOptimize(counter.fetch_add(1));
}
BENCHMARK(Atomic)->Name("floor/atomic")->Threads(1)->Threads(2)->UseRealTime();

void MutexPair(benchmark::State& state) {
  static std::mutex mutex;
  for (auto _ : state) {
    mutex.lock();
    benchmark::ClobberMemory();
    mutex.unlock();
  }
}
BENCHMARK(MutexPair)->Name("floor/mutex_pair")->Threads(1)->Threads(2)->UseRealTime();

[[gnu::noinline, gnu::noclone]] int Nothing(int value) {
  asm volatile("" : "+r"(value));
  return value;
}
void NoinlineCall(benchmark::State& state) {
  int value = 0;
  for (auto _ : state) benchmark::DoNotOptimize(value = Nothing(value));
}
BENCHMARK(NoinlineCall)->Name("floor/call");

void Allocation(benchmark::State& state) {
  for (auto _ : state) {
    void* block = ::operator new(64);
    benchmark::DoNotOptimize(block);
    ::operator delete(block);
  }
}
BENCHMARK(Allocation)->Name("floor/new_delete_64");

}  // namespace

BENCHMARK_MAIN();
