// SPDX-License-Identifier: Apache-2.0
// The limiter's memory: taken by hf_limiter_new at once, none by any step.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

class LimiterHeap : public Heap {};

TEST_F(LimiterHeap, NoStepOfALimiterAllocates) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.flags = HF_LIMITER_ADAPTIVE;
  options.warm_up = HF_S;
  options.journal = journal;
  hf_limiter* limiter = nullptr;
  ASSERT_EQ(hf_limiter_new(&options, &limiter, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_time now = HF_S;
    int granted = 0, refused = 0, waiting = 0, cancelled = 0;
    for (int i = 0; i < 500; ++i, now += HF_MS) {
      hf_rejection why{};
      if (hf_limiter_try_acquire(limiter, 1 + static_cast<uint32_t>(i) % 5, now, &why) == HF_OK) {
        ++granted;
      } else {
        ++refused;
      }
      hf_reservation reservation;
      hf_time at = 0;
      if (hf_limiter_reserve(limiter, 2, 0, now, &reservation, &at, &why) == HF_OK) {
        waiting += at > now ? 1 : 0;
        if (i % 2 == 0) {
          WANT(hf_limiter_cancel(limiter, &reservation, now) == HF_OK);
          ++cancelled;
        }
      }
      WANT(hf_limiter_on_outcome(limiter, i % 50 == 49 ? 1 : 0, now) == HF_OK);
      options.burst = 50 + static_cast<uint32_t>(i) % 7;
      if (i % 10 == 0) WANT(hf_limiter_update(limiter, &options, now, nullptr) == HF_OK);
      hf_limiter_snapshot snapshot{};
      snapshot.struct_size = sizeof snapshot;
      WANT(hf_limiter_read(limiter, now, &snapshot) == HF_OK);
    }
    WANT(granted > 0 && refused > 0 && waiting > 0 && cancelled > 0);
  });
  hf_limiter_unref(limiter);
  hf_journal_unref(journal);
}

TEST_F(LimiterHeap, WhenMemoryRunsOutNothingIsLeftBehind) {
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.flags = HF_LIMITER_ADAPTIVE;
  for (int n = 1; n <= 2; ++n) {
    hf_limiter* limiter = nullptr;
    hf_code code = HF_OK;
    const Meter used = Measure([&] { code = hf_limiter_new(&options, &limiter, nullptr); }, n);
    EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED) << n;
    EXPECT_EQ(limiter, nullptr);
    EXPECT_EQ(used.live(), 0) << n;
  }
  hf_limiter* limiter = nullptr;
  const Meter used = Measure([&] { hf_limiter_new(&options, &limiter, nullptr); });
  EXPECT_EQ(used.allocations, 2) << "itself and what an adaptive one has besides";
  const Meter dropped = Measure([&] { hf_limiter_unref(limiter); });
  EXPECT_EQ(dropped.frees, 2);
}

}  // namespace
