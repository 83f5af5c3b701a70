// SPDX-License-Identifier: Apache-2.0
// Fault injection: what an attempt pays while stopped, while nothing means it, and for a draw.
#include <benchmark/benchmark.h>
#include <holdfast/c/fault.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace {

hf_str Str(const char* text) { return {text, std::strlen(text)}; }

const hf_facts kFacts = {Str("payments.Charge"), Str("acme"), Str("order-1042"), Str("bank-7")};

hf_fault* NewFault(uint32_t rules, const char* operation, double rate, bool start = true) {
  std::array<hf_fault_rule, 16> all{};
  for (hf_fault_rule& rule : all) {
    rule.match.operation = Str(operation);
    rule.kind = HF_FAULT_ERROR;
    rule.rate = rate;
    rule.outcome.code = HF_UNAVAILABLE;
  }
  hf_fault_options options = HF_INIT(hf_fault_options);
  options.rules = all.data();
  options.rule_count = rules;
  options.rule_size = sizeof(hf_fault_rule);
  options.seed = 1;
  options.expiry = 3600 * HF_S;
  hf_fault* fault = nullptr;
  if (hf_fault_new(&options, &fault, nullptr) != HF_OK) std::abort();
  if (start && hf_fault_start(fault, 0, nullptr) != HF_OK) std::abort();
  return fault;
}

void Draw(benchmark::State& state, hf_fault* fault) {
  uint64_t seed = 0;
  for (auto _ : state) {
    hf_fault_decision decision;
    hf_fault_draw(fault, ++seed, 1, &kFacts, HF_S, &decision);
    benchmark::DoNotOptimize(decision);
  }
}

void Stopped(benchmark::State& state) {
  static hf_fault* const fault = NewFault(1, "", 1, false);
  Draw(state, fault);
}
BENCHMARK(Stopped)->Name("fault/stopped")->Threads(1)->Threads(2)->UseRealTime();

void NothingMeant(benchmark::State& state) {
  static hf_fault* const fault = NewFault(1, "payments.Refund", 1);
  Draw(state, fault);
}
BENCHMARK(NothingMeant)->Name("fault/nothing_meant")->Threads(1)->Threads(2)->UseRealTime();

void SixteenOthers(benchmark::State& state) {
  static hf_fault* const fault = NewFault(16, "payments.Refund", 1);
  Draw(state, fault);
}
BENCHMARK(SixteenOthers)->Name("fault/16_others");

void DrawnAndMissed(benchmark::State& state) {
  static hf_fault* const fault = NewFault(1, "payments.*", 1e-12);
  Draw(state, fault);
}
BENCHMARK(DrawnAndMissed)->Name("fault/drawn_missed");

void Injected(benchmark::State& state) {
  static hf_fault* const fault = NewFault(1, "payments.*", 1);
  Draw(state, fault);
}
BENCHMARK(Injected)->Name("fault/injected");

}  // namespace

BENCHMARK_MAIN();
