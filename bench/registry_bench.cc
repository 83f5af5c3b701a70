// SPDX-License-Identifier: Apache-2.0
// Registry: what a known key costs at a thousand keys and at a million, what a new one costs at most, and
// how many bytes a key takes in all.
#include <benchmark/benchmark.h>
#include <holdfast/c/registry.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

// 24 bytes, as "payments-eu-0000123.svc:443" and its like.
std::string KeyOf(uint64_t n) {
  char text[32];
  const int size =
      std::snprintf(text, sizeof text, "host-%014llu:8443", static_cast<unsigned long long>(n));
  return {text, static_cast<size_t>(size)};
}

hf_registry* NewRegistry(uint32_t capacity) {
  hf_breaker_options breaker = HF_INIT(hf_breaker_options);
  breaker.window = HF_WINDOW_TIME;
  hf_registry_options options = HF_INIT(hf_registry_options);
  options.breaker = &breaker;
  options.capacity = capacity;
  options.seed = 0x5eed5eed5eed5eed;
  hf_registry* registry = nullptr;
  if (hf_registry_new(&options, &registry, nullptr) != HF_OK) std::abort();
  return registry;
}

hf_breaker* Get(hf_registry* registry, const hf_str& key) {
  hf_breaker* breaker = nullptr;
  if (hf_registry_breaker(registry, nullptr, &key, HF_S, &breaker, nullptr) != HF_OK) std::abort();
  return breaker;
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

// A registry with that many keys, and the keys in an order that no cache expects.
struct Filled {
  explicit Filled(uint32_t count) : registry(NewRegistry(count)) {
    const uint64_t before = ResidentBytes();
    for (uint32_t n = 0; n < count; ++n) {
      const std::string key = KeyOf(n);
      hf_breaker_unref(Get(registry, {key.data(), key.size()}));
    }
    bytes_per_key = static_cast<double>(ResidentBytes() - before) / count;
    uint64_t random = 88172645463325252;
    order.reserve(kAsks);
    for (size_t i = 0; i < kAsks; ++i) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      order.push_back(KeyOf(random % count));
    }
  }
  static constexpr size_t kAsks = 1 << 16;
  hf_registry* const registry;
  double bytes_per_key = 0;
  std::vector<std::string> order;
};

Filled& Thousand() {
  static Filled filled(1000);
  return filled;
}
Filled& Million() {
  static Filled filled(1000000);
  return filled;
}

// The asks are laid out in a row, so that what is measured is the registry's memory and not theirs.
void AskKnown(benchmark::State& state, Filled& filled) {
  size_t i = static_cast<size_t>(state.thread_index()) * 7919;
  for (auto _ : state) {
    const std::string& key = filled.order[i++ % Filled::kAsks];
    hf_breaker_unref(Get(filled.registry, {key.data(), key.size()}));
  }
}
void Known1e3(benchmark::State& state) { AskKnown(state, Thousand()); }
BENCHMARK(Known1e3)->Name("registry/known_1e3")->Threads(1)->Threads(2)->UseRealTime();
void Known1e6(benchmark::State& state) {
  AskKnown(state, Million());
  state.counters["bytes_per_key"] =
      benchmark::Counter(Million().bytes_per_key, benchmark::Counter::kAvgThreads);
}
BENCHMARK(Known1e6)->Name("registry/known_1e6")->Threads(1)->Threads(2)->UseRealTime();

// What the memory itself asks for a million keys: a random slot of an index, and from there a random line of
// the entries, one after the other, as a hit does; no hash, no comparison, no atomic step.
void FloorOfTwoMisses(benchmark::State& state) {
  struct alignas(64) Line {
    uint32_t next_slot;
  };
  constexpr uint32_t kKeys = 1000000;
  static std::vector<uint64_t> slots(kKeys * 2);
  static std::vector<Line> lines(kKeys * 6);  // as far apart as entries are
  if (slots[0] == 0) {
    uint64_t random = 88172645463325252;
    const auto next = [&random] {
      random ^= random << 13;
      random ^= random >> 7;
      return random ^= random << 17;
    };
    for (uint64_t& slot : slots) slot = next() % kKeys * 6 + 1;
    for (Line& line : lines) line.next_slot = static_cast<uint32_t>(next() % slots.size());
  }
  // With a step of its own: a random walk alone soon goes in a circle that fits into a cache.
  uint32_t slot = 0, step = 0;
  for (auto _ : state) {
    step += 2654435761u;
    slot = (lines[slots[slot] - 1].next_slot ^ step) % (2 * kKeys);
  }
  benchmark::DoNotOptimize(slot);
}
BENCHMARK(FloorOfTwoMisses)->Name("registry/floor_two_misses");

// One key that everybody wants.
void KnownHot(benchmark::State& state) {
  const std::string& key = Thousand().order[0];
  for (auto _ : state) hf_breaker_unref(Get(Thousand().registry, {key.data(), key.size()}));
}
BENCHMARK(KnownHot)->Name("registry/known_hot")->Threads(1)->Threads(2)->UseRealTime();

// The whole of a guarded call: find, acquire, record, let go.
void Call(benchmark::State& state, Filled& filled) {
  size_t i = 0;
  for (auto _ : state) {
    const std::string& key = filled.order[i++ % Filled::kAsks];
    hf_breaker* const breaker = Get(filled.registry, {key.data(), key.size()});
    hf_permit permit;
    benchmark::DoNotOptimize(hf_breaker_acquire(breaker, HF_S, &permit, nullptr, nullptr));
    benchmark::DoNotOptimize(
        hf_breaker_record(breaker, &permit, HF_VERDICT_SUCCESS, HF_S, nullptr));
    hf_breaker_unref(breaker);
  }
}
void Call1e3(benchmark::State& state) { Call(state, Thousand()); }
BENCHMARK(Call1e3)->Name("registry/call_1e3");
void Call1e6(benchmark::State& state) { Call(state, Million()); }
BENCHMARK(Call1e6)->Name("registry/call_1e6");

// From empty to a million: the mean, and the slowest single one.
void FillMillion(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  constexpr uint32_t kKeys = 1000000;
  std::vector<int64_t> took(kKeys);
  for (auto _ : state) {
    hf_registry* const registry = NewRegistry(kKeys);
    for (uint32_t n = 0; n < kKeys; ++n) {
      const std::string key = KeyOf(n);
      const Clock::time_point start = Clock::now();
      hf_breaker_unref(Get(registry, {key.data(), key.size()}));
      took[n] = (Clock::now() - start).count();
    }
    state.PauseTiming();
    hf_registry_unref(registry);
    state.ResumeTiming();
  }
  std::sort(took.begin(), took.end());
  state.SetItemsProcessed(state.iterations() * kKeys);
  state.counters["p50_ns"] = static_cast<double>(took[kKeys / 2]);
  state.counters["p9999_ns"] = static_cast<double>(took[kKeys / 10000 * 9999]);
  state.counters["max_ns"] = static_cast<double>(took.back());
}
BENCHMARK(FillMillion)->Name("registry/fill_1e6")->Iterations(1)->Unit(benchmark::kMillisecond);

// A new key in the place of another.
void Churn(benchmark::State& state) {
  static hf_registry* const registry = NewRegistry(10000);
  uint64_t n = 0;
  for (auto _ : state) {
    const std::string key = KeyOf(n++);
    hf_breaker_unref(Get(registry, {key.data(), key.size()}));
  }
}
BENCHMARK(Churn)->Name("registry/churn_1e4");

}  // namespace

BENCHMARK_MAIN();
