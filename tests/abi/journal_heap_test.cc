// SPDX-License-Identifier: Apache-2.0
// The journal's memory: all of it is taken at once, and given back in the end.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"
#include "abi/journal.h"

namespace {

TEST_F(Heap, NoStepOfAJournalAllocates) {
  hf_journal_options options = HF_INIT(hf_journal_options);
  options.capacity = 8;
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(&options, &journal, nullptr), HF_OK);
  ExpectNoHeap([&] {
    holdfast::abi::Pen pen;
    pen.Connect(journal, 1);
    for (int i = 0; i < 20; ++i) pen.Write(HF_EVENT_KIND_REFUSED, i, HF_R_BREAKER_OPEN, 0, 0);
    hf_event events[5];
    size_t count = 0;
    WANT(hf_journal_drain(journal, events, 5, &count) == HF_OK);
    WANT(count == 5 && events[0].sequence == 13);
    hf_journal_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_journal_read(journal, &snapshot) == HF_OK);
    WANT(snapshot.waiting == 3);
    WANT(hf_event_kind_name(HF_EVENT_KIND_STATE) != nullptr);
  });
  hf_journal_unref(journal);
}

TEST_F(Heap, AJournalThatFindsNoMemoryLeavesNothingBehind) {
  for (int n = 1; n <= 2; ++n) {  // the handle, the ring
    hf_journal* journal = nullptr;
    hf_error error{};
    hf_code code = HF_OK;
    const Meter used =
        Measure([&] { code = hf_journal_new(nullptr, &journal, &error); }, /*fail_at=*/n);
    EXPECT_EQ(used.failures, 1) << n;
    EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
    EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
    EXPECT_EQ(journal, nullptr);
    EXPECT_EQ(used.live(), 0);
  }
}

TEST_F(Heap, TheWholeRingIsTakenAtOnceAndGivenBack) {
  hf_journal* journal = nullptr;
  const Meter made = Measure([&] { WANT(hf_journal_new(nullptr, &journal, nullptr) == HF_OK); });
  EXPECT_EQ(made.allocations, 2);
  const Meter dropped = Measure([&] { hf_journal_unref(journal); });
  EXPECT_EQ(dropped.frees, 2);
}

}  // namespace
