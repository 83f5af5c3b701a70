// SPDX-License-Identifier: Apache-2.0
// No step of a bulkhead allocates, whatever is configured.
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

TEST_F(Heap, NoStepOfABulkheadWithSharesAllocates) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = 4;
  options.queue = 4;
  options.order = HF_BULKHEAD_CODEL_LIFO;
  options.refuse_no_time = 1;
  options.partitions = 2;
  options.partition_share[0] = options.partition_share[1] = 0.5;
  options.user_share = 0.5;
  options.criticality_share[3] = 0.5;
  options.journal = journal;
  hf_bulkhead* bulkhead = nullptr;
  ASSERT_EQ(hf_bulkhead_new(&options, &bulkhead, nullptr), HF_OK);
  int woken = 0;
  const hf_waker waker = {[](void* count) { ++*static_cast<int*>(count); }, &woken};
  ExpectNoHeap([&] {
    hf_rejection why{};
    hf_time until = 0;
    hf_bulkhead_wait waits[4]{};
    hf_permit permits[4]{};
    for (hf_time now = HF_S; now < 20 * HF_S; now += HF_S) {
      hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
      for (uint32_t i = 0; i < 4; ++i) {
        request.partition = i % 2;
        request.user = i / 2 + 1;
        hf_bulkhead_acquire(bulkhead, &request, nullptr, nullptr, now, &permits[i], nullptr, &why);
      }
      request.user = 9;
      request.criticality = HF_SHEDDABLE;
      hf_bulkhead_acquire(bulkhead, &request, nullptr, nullptr, now, &permits[3], nullptr, &why);
      request.criticality = HF_CRITICAL_PLUS;
      for (uint32_t i = 0; i < 4; ++i) {
        request.user = 10 + i;
        request.deadline = i == 0 ? now + 1 : 0;
        hf_bulkhead_acquire(bulkhead, &request, &waits[i], &waker, now, &permits[3], &until, &why);
      }
      for (hf_permit& permit : permits) {
        hf_bulkhead_settle(bulkhead, &permit, now, HF_VERDICT_SUCCESS, now + 50 * HF_MS);
      }
      WANT(hf_bulkhead_set_limit(bulkhead, 8, now) == HF_OK);
      for (hf_bulkhead_wait& wait : waits) {
        hf_permit permit{};
        if (hf_bulkhead_wait_poll(bulkhead, &wait, now + HF_S, &permit, &why) == HF_OK) {
          WANT(hf_bulkhead_release(bulkhead, &permit, now + HF_S) == HF_OK);
        }
        WANT(hf_bulkhead_wait_cancel(bulkhead, &wait, now) == HF_OK);
      }
      WANT(hf_bulkhead_update(bulkhead, &options, now, nullptr) == HF_OK);
    }
    hf_bulkhead_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_bulkhead_read(bulkhead, &snapshot) == HF_OK);
    WANT(snapshot.over_share > 0);
    WANT(snapshot.no_time > 0);
    WANT(woken > 0);
  });
  hf_bulkhead_unref(bulkhead);
  hf_journal_unref(journal);
}

}  // namespace
