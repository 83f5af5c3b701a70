// SPDX-License-Identifier: Apache-2.0
// The breaker's memory: all of it is taken when it is made. No step allocates, an update included.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

TEST_F(Heap, NoStepOfABreakerWithEverythingOnAllocates) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.minimum_calls = 4;
  options.probes = 1;
  options.slow_after = 100 * HF_MS;
  options.slow_rate = 0.5;
  options.open_multiplier = 2;
  options.open_jitter = 0.5;
  options.seed = 5;
  options.ramp_for = 3 * HF_S;
  options.peers = 2;
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  options.journal = journal;
  hf_breaker* breaker = nullptr;
  ASSERT_EQ(hf_breaker_new(&options, &breaker, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_time now = HF_S;
    hf_events seen = 0;
    for (int i = 0; i < 400; ++i, now += 50 * HF_MS) {
      hf_permit permit{};
      hf_rejection why{};
      hf_events events = 0;
      if (i % 50 == 0) {
        options.window = i % 100 == 0 ? HF_WINDOW_TIME : HF_WINDOW_COUNT;
        WANT(hf_breaker_update(breaker, &options, now, nullptr) == HF_OK);
      }
      if (hf_breaker_acquire(breaker, now, &permit, &why, &events) == HF_OK) {
        seen |= events;
        const hf_verdict verdict = i < 100 ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS;
        hf_breaker_record(breaker, &permit, verdict, now, &events);
      }
      seen |= events;
    }
    WANT((seen & HF_EVENT_BREAKER_OPENED) != 0);
    WANT((seen & HF_EVENT_BREAKER_CLOSED) != 0);
    const hf_breaker_counts counts = {sizeof counts, 10, 1, 1};
    WANT(hf_breaker_merge(breaker, 1, &counts, now, nullptr) == HF_OK);
    hf_breaker_saved saved{};
    saved.struct_size = sizeof saved;
    WANT(hf_breaker_save(breaker, now, &saved) == HF_OK);
    WANT(hf_breaker_restore(breaker, &saved, now, nullptr) == HF_OK);
    WANT(hf_breaker_force(breaker, HF_BREAKER_METRICS_ONLY, now) == HF_OK);
  });
  hf_breaker_unref(breaker);
  hf_journal_unref(journal);
}

}  // namespace
