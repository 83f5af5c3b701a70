// SPDX-License-Identifier: Apache-2.0
// Kill switch: what a call pays while nothing is on, and while rules are on that mean others or itself.
#include <benchmark/benchmark.h>
#include <holdfast/c/kill_switch.h>

#include <cstdlib>
#include <cstring>

namespace {

hf_str Str(const char* text) { return {text, std::strlen(text)}; }

const hf_facts kFacts = {Str("payments.Charge"), Str("acme"), Str("order-1042"), Str("bank-7")};

hf_kill_switch* NewSwitch(int rules, const char* operation) {
  hf_kill_switch* kill_switch = nullptr;
  if (hf_kill_switch_new(nullptr, &kill_switch, nullptr) != HF_OK) std::abort();
  for (int i = 0; i < rules; ++i) {
    hf_kill_options options = HF_INIT(hf_kill_options);
    options.match.operation = Str(operation);
    options.match.tenant = Str("acme*");
    options.owner = Str("bench");
    options.reason = Str("bench");
    options.expiry = 3600 * HF_S;
    uint64_t token = 0;
    if (hf_kill_switch_arm(kill_switch, &options, 0, &token, nullptr) != HF_OK) std::abort();
    if (hf_kill_switch_fire(kill_switch, token, 0, nullptr) != HF_OK) std::abort();
  }
  return kill_switch;
}

void Check(benchmark::State& state, hf_kill_switch* kill_switch) {
  hf_rejection why;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_kill_switch_check(kill_switch, &kFacts, HF_S, &why));
  }
}

void NothingOn(benchmark::State& state) {
  static hf_kill_switch* const kill_switch = NewSwitch(0, "");
  Check(state, kill_switch);
}
BENCHMARK(NothingOn)->Name("kill_switch/nothing_on")->Threads(1)->Threads(2)->UseRealTime();

void OneOther(benchmark::State& state) {
  static hf_kill_switch* const kill_switch = NewSwitch(1, "payments.Refund");
  Check(state, kill_switch);
}
BENCHMARK(OneOther)->Name("kill_switch/one_other")->Threads(1)->Threads(2)->UseRealTime();

void AllOther(benchmark::State& state) {
  static hf_kill_switch* const kill_switch = NewSwitch(64, "payments.Refund");
  Check(state, kill_switch);
}
BENCHMARK(AllOther)->Name("kill_switch/64_others");

void Refused(benchmark::State& state) {
  static hf_kill_switch* const kill_switch = NewSwitch(1, "payments.*");
  Check(state, kill_switch);
}
BENCHMARK(Refused)->Name("kill_switch/refused")->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
