// SPDX-License-Identifier: Apache-2.0
// UUIDv7 beside the clock read that it cannot do without.
#include <benchmark/benchmark.h>
#include <holdfast/uuid7.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace {

void WallClock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::system_clock::now());
}
BENCHMARK(WallClock)->Name("uuid7/floor_wall_clock");

void Fresh(benchmark::State& state) {
  for (auto _ : state) {
    const holdfast::Uuid7 id;
    benchmark::DoNotOptimize(id.bytes().data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Fresh)->Name("uuid7/fresh");

void FreshText(benchmark::State& state) {
  std::array<char, HF_UUID_TEXT_SIZE> text;
  for (auto _ : state) {
    const holdfast::Uuid7 id;
    hf_uuid7_format(id.bytes().data(), text.data());
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(FreshText)->Name("uuid7/fresh_text");

void Next(benchmark::State& state) {
  std::array<std::uint8_t, HF_UUID7_ENTROPY> entropy;
  entropy.fill(1);
  hf_uuid7 generator;
  if (hf_uuid7_start(&generator, entropy.data()) != HF_OK) std::abort();
  std::array<std::uint8_t, HF_UUID_SIZE> id;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_uuid7_next(&generator, 0x017F22E279B0, id.data()));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Next)->Name("uuid7/next");

void Parse(benchmark::State& state) {
  constexpr std::string_view kText = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
  std::array<std::uint8_t, HF_UUID_SIZE> id;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_uuid7_parse(kText.data(), kText.size(), id.data()));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Parse)->Name("uuid7/parse");

}  // namespace

BENCHMARK_MAIN();
