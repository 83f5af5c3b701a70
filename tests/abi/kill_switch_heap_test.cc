// SPDX-License-Identifier: Apache-2.0
// The kill switch's memory: all of it is taken when it is made.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

TEST_F(Heap, NoStepOfAKillSwitchAllocates) {
  hf_journal* journal = nullptr;
  hf_kill_switch* kill_switch = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_kill_switch_options options = HF_INIT(hf_kill_switch_options);
  options.journal = journal;
  ASSERT_EQ(hf_kill_switch_new(&options, &kill_switch, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_kill_options rule = HF_INIT(hf_kill_options);
    rule.match.operation = {"charge", 6};
    rule.owner = {"ann", 3};
    rule.reason = {"why", 3};
    rule.expiry = 10 * HF_S;
    const hf_facts charge = {{"charge", 6}, {}, {}, {}};
    const hf_str who = {"bob", 3};
    hf_rejection why{};
    uint64_t token = 0;
    for (hf_time now = 0; now < 100 * HF_S; now += HF_S) {
      if (hf_kill_switch_arm(kill_switch, &rule, now, &token, nullptr) != HF_OK) break;
      WANT(hf_kill_switch_fire(kill_switch, token, now, nullptr) == HF_OK);
      WANT(hf_kill_switch_check(kill_switch, &charge, now, &why) == HF_UNAVAILABLE);
      if (now % 2 == 0) WANT(hf_kill_switch_lift(kill_switch, token, &who, now, nullptr) == HF_OK);
    }
    WANT(hf_kill_switch_check(kill_switch, &charge, 200 * HF_S, &why) == HF_OK);
    WANT(hf_kill_switch_lift_owned(kill_switch, &who, &who, 0, nullptr, nullptr) == HF_OK);
    WANT(hf_kill_switch_update(kill_switch, nullptr, 200 * HF_S, nullptr) == HF_OK);
    WANT(hf_match_fits(&rule.match, &charge, nullptr) == HF_OK);
    hf_kill_entry entries[4];
    size_t count = 0;
    WANT(hf_kill_switch_list(kill_switch, 0, entries, 4, &count) == HF_OK);
    WANT(count == 64);
    hf_kill_switch_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_kill_switch_read(kill_switch, 0, &snapshot) == HF_OK);
    WANT(snapshot.on == 0 && snapshot.refused == 100);
    hf_kill_switch_ref(kill_switch);
    hf_kill_switch_unref(kill_switch);
  });
  hf_kill_switch_unref(kill_switch);
  hf_journal_unref(journal);
}

TEST_F(Heap, AKillSwitchThatFindsNoMemoryLeavesNothingBehind) {
  hf_kill_switch* kill_switch = nullptr;
  hf_error error{};
  hf_code code = HF_OK;
  const Meter used =
      Measure([&] { code = hf_kill_switch_new(nullptr, &kill_switch, &error); }, /*fail_at=*/1);
  EXPECT_EQ(used.failures, 1);
  EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(kill_switch, nullptr);
  const Meter made = Measure([&] { hf_kill_switch_new(nullptr, &kill_switch, nullptr); });
  EXPECT_EQ(made.allocations, 1);
  hf_kill_switch_unref(kill_switch);
}

}  // namespace
