// SPDX-License-Identifier: Apache-2.0
// Fault injection's memory: all of it is taken when it is made, updates included.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

hf_fault_options Options(const hf_fault_rule* rule) {
  hf_fault_options options = HF_INIT(hf_fault_options);
  options.rules = rule;
  options.rule_count = 1;
  options.rule_size = sizeof *rule;
  options.seed = 3;
  options.expiry = 60 * HF_S;
  return options;
}

TEST_F(Heap, NoStepOfFaultInjectionAllocates) {
  hf_journal* journal = nullptr;
  hf_fault* fault = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_fault_rule rule{};
  rule.kind = HF_FAULT_DELAY;
  rule.rate = 0.5;
  rule.delay_min = HF_MS;
  hf_fault_options options = Options(&rule);
  options.journal = journal;
  ASSERT_EQ(hf_fault_new(&options, &fault, nullptr), HF_OK);
  ExpectNoHeap([&] {
    const hf_facts facts = {{"charge", 6}, {}, {}, {}};
    WANT(hf_fault_start(fault, 0, nullptr) == HF_OK);
    unsigned delays = 0;
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      hf_fault_decision decision;
      WANT(hf_fault_draw(fault, seed, 1, &facts, 1, &decision) == HF_OK);
      delays += decision.kind == HF_FAULT_DELAY ? 1 : 0;
      WANT(hf_fault_done(fault, &decision) == HF_OK);
      if (seed % 10 == 0) WANT(hf_fault_update(fault, &options, 1, nullptr) == HF_OK);
      WANT(hf_fault_preview(fault, seed, 1, nullptr, 1, &decision) == HF_OK);
    }
    WANT(delays > 20);
    WANT(hf_fault_stop(fault, HF_R_BREAKER_OPEN, 2) == HF_OK);
    hf_fault_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_fault_read(fault, 2, &snapshot) == HF_OK);
    WANT(snapshot.delays == delays && snapshot.active == 0);
    hf_fault_ref(fault);
    hf_fault_unref(fault);
  });
  hf_fault_unref(fault);
  hf_journal_unref(journal);
}

TEST_F(Heap, FaultInjectionThatFindsNoMemoryLeavesNothingBehind) {
  hf_fault_rule rule{};
  rule.kind = HF_FAULT_RESULT;
  rule.result = 1;
  rule.rate = 1;
  const hf_fault_options options = Options(&rule);
  hf_fault* fault = nullptr;
  hf_error error{};
  hf_code code = HF_OK;
  const Meter used = Measure([&] { code = hf_fault_new(&options, &fault, &error); }, /*fail_at=*/1);
  EXPECT_EQ(used.failures, 1);
  EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(fault, nullptr);
  const Meter made = Measure([&] { hf_fault_new(&options, &fault, nullptr); });
  EXPECT_EQ(made.allocations, 1);
  hf_fault_unref(fault);
}

}  // namespace
