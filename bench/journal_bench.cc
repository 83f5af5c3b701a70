// SPDX-License-Identifier: Apache-2.0
// Journal: what an object pays where it would write an event, without a journal, with the kind muted, and
// with it written; and what a page of metrics costs whoever asks for it.
#include <benchmark/benchmark.h>
#include <holdfast/journal.h>
#include <holdfast/metrics.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "abi/journal.h"

namespace {

hf_journal* NewJournal(uint32_t muted) {
  hf_journal_options options = HF_INIT(hf_journal_options);
  options.muted = muted;
  hf_journal* journal = nullptr;
  if (hf_journal_new(&options, &journal, nullptr) != HF_OK) std::abort();
  return journal;
}

// Each thread has its own object, as different primitives of one service would be.
void Write(benchmark::State& state, hf_journal* journal) {
  holdfast::abi::Pen pen;
  pen.Connect(journal, static_cast<uint64_t>(state.thread_index()));
  hf_time now = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(&pen);
    pen.Write(HF_EVENT_KIND_REFUSED, ++now, HF_R_BREAKER_OPEN, 0, 1);
    benchmark::ClobberMemory();
  }
}

void NoJournal(benchmark::State& state) { Write(state, nullptr); }
BENCHMARK(NoJournal)->Name("journal/none");

void Muted(benchmark::State& state) {
  static hf_journal* const journal = NewJournal(1u << HF_EVENT_KIND_REFUSED);
  Write(state, journal);
}
BENCHMARK(Muted)->Name("journal/muted")->Threads(1)->Threads(2)->UseRealTime();

void Written(benchmark::State& state) {
  static hf_journal* const journal = NewJournal(0);
  Write(state, journal);
}
BENCHMARK(Written)->Name("journal/write")->Threads(1)->Threads(2)->UseRealTime();

// Per event, a whole ring at once.
void Drain(benchmark::State& state) {
  constexpr int kEvents = 1024;
  const holdfast::Journal journal = holdfast::Journal::Create().value();
  holdfast::abi::Pen pen;
  pen.Connect(journal.raw(), 1);
  uint64_t sum = 0;
  for (auto _ : state) {
    for (int i = 0; i < kEvents; ++i) pen.Write(HF_EVENT_KIND_LOST, i, HF_R_NONE, 0, 1);
    journal.Drain([&](const hf_event& event) { sum += event.sequence; });
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * kEvents);
}
BENCHMARK(Drain)->Name("journal/write_and_drain_1024");

// A page of a breaker, a bulkhead and a budget for each of so many dependencies, as text.
void Page(benchmark::State& state) {
  const auto breaker = holdfast::CircuitBreaker::Create().value();
  const auto bulkhead = holdfast::Bulkhead::Create().value();
  const auto budget = holdfast::RetryBudget::Create().value();
  std::vector<std::string> names;
  for (int i = 0; i < state.range(0); ++i) names.push_back("dependency-" + std::to_string(i));
  size_t bytes = 0;
  for (auto _ : state) {
    holdfast::MetricsPage page;
    for (const std::string& name : names) {
      page.Add(name, breaker, hf_time{HF_S});
      page.Add(name, bulkhead);
      page.Add(name, budget);
    }
    bytes += MetricsText(page).size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(Page)->Name("metrics/page")->Arg(10)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
