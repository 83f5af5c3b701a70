// SPDX-License-Identifier: Apache-2.0
// Log: the text of a context for one line, beside what copying the same bytes costs.
#include <benchmark/benchmark.h>
#include <holdfast/log.h>

#include <cstring>

namespace {

using holdfast::Context;
using holdfast::LogText;

Context Order() {
  return Context::Start({.correlation_id = "order-4711-2026", .causation_id = "b9c7c989f97918e1"})
      .value();
}

void Text(benchmark::State& state) {
  const holdfast::ScopedContext scope(Order());
  for (auto _ : state) {
    const LogText text;
    benchmark::DoNotOptimize(text.view().data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Text)->Name("log/text");

void Value(benchmark::State& state) {
  const holdfast::ScopedContext scope(Order());
  char buffer[holdfast::kLogValueMax];
  for (auto _ : state) {
    benchmark::DoNotOptimize(holdfast::WriteLogValue(holdfast::LogField::kCorrelationId, buffer));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Value)->Name("log/value");

void Copy(benchmark::State& state) {
  const LogText text(Order());
  char buffer[holdfast::kLogTextMax];
  for (auto _ : state) {
    std::memcpy(buffer, text.view().data(), text.view().size());
    benchmark::DoNotOptimize(buffer);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Copy)->Name("log/copy_of_the_text");

void Hashed(benchmark::State& state) {
  const holdfast::LogHashKey key = holdfast::FreshLogHashKey();
  const holdfast::Redacted<std::string> token("0123456789abcdef0123456789abcdef");
  for (auto _ : state) benchmark::DoNotOptimize(token.Hashed(key));
}
BENCHMARK(Hashed)->Name("log/hashed_secret");

}  // namespace

BENCHMARK_MAIN();
