// SPDX-License-Identifier: Apache-2.0
//
// Memory, seen from outside (heap_meter.h):
//
//   on the call path   no step allocates or frees
//   in every *_new     the n-th allocation fails, for each n: RESOURCE_EXHAUSTED, nothing leaks
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>

#include "abi/heap_meter.h"

namespace {

constexpr hf_outcome kSuccess = {HF_OK, 0, 0, 0, 0};
constexpr hf_outcome kUnavailable = {HF_UNAVAILABLE, HF_VERDICT_FAILURE, HF_EFFECT_RETRYABLE, 0, 0};

TEST_F(Heap, TheMeterSeesAHandleBeingMade) {
  hf_retry* retry = nullptr;
  const Meter used = Measure([&] { WANT(hf_retry_new(nullptr, &retry, nullptr) == HF_OK); });
  EXPECT_GE(used.allocations, 1);
  const Meter dropped = Measure([&] { hf_retry_unref(retry); });
  EXPECT_EQ(dropped.frees, used.allocations);
}

TEST_F(Heap, TheMeterSeesEveryWayToAllocate) {
  const Meter used = Measure([] {
    void* volatile blocks[] = {std::malloc(8), std::calloc(2, 8), std::aligned_alloc(64, 64),
                               ::operator new(8), ::operator new(64, std::align_val_t{64})};
    blocks[0] = std::realloc(blocks[0], 4000);
    for (int i = 0; i < 3; ++i) std::free(blocks[i]);
    ::operator delete(blocks[3]);
    ::operator delete(blocks[4], std::align_val_t{64});
  });
  EXPECT_EQ(used.allocations, 6);
  EXPECT_EQ(used.frees, 5);
}

TEST_F(Heap, NoStepOfABreakerAllocates) {
  for (const hf_window window : {HF_WINDOW_COUNT, HF_WINDOW_TIME}) {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.window = window;
    options.minimum_calls = 4;
    options.window_calls = 8;
    options.probes = 1;
    hf_breaker* breaker = nullptr;
    ASSERT_EQ(hf_breaker_new(&options, &breaker, nullptr), HF_OK);
    ExpectNoHeap([&] {
      hf_time now = HF_S;
      hf_permit permit{};
      hf_rejection why{};
      hf_events events = 0, seen = 0;
      for (int i = 0; i < 50; ++i, now += HF_S) {
        if (hf_breaker_acquire(breaker, now, &permit, &why, &events) == HF_OK) {
          seen |= events;
          hf_breaker_record(breaker, &permit, i < 20 ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS, now,
                            &events);
        }
        seen |= events;
      }
      WANT((seen & HF_EVENT_BREAKER_OPENED) != 0);
      WANT((seen & HF_EVENT_BREAKER_HALF_OPENED) != 0);
      WANT((seen & HF_EVENT_BREAKER_CLOSED) != 0);
      hf_breaker_snapshot snapshot{};
      snapshot.struct_size = sizeof snapshot;
      WANT(hf_breaker_read(breaker, now, &snapshot) == HF_OK);
      WANT(hf_breaker_force(breaker, HF_BREAKER_FORCED_OPEN, now) == HF_OK);
      WANT(hf_breaker_force(breaker, HF_BREAKER_CLOSED, now) == HF_OK);
      hf_breaker_ref(breaker);
      hf_breaker_unref(breaker);
    });
    hf_breaker_unref(breaker);
  }
}

TEST_F(Heap, NoStepOfABulkheadAllocates) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = 1;
  options.queue = 2;
  hf_bulkhead* bulkhead = nullptr;
  ASSERT_EQ(hf_bulkhead_new(&options, &bulkhead, nullptr), HF_OK);
  int woken = 0;
  const hf_waker waker = {[](void* count) { ++*static_cast<int*>(count); }, &woken};
  ExpectNoHeap([&] {
    hf_permit held{}, permit{};
    hf_rejection why{};
    hf_time until = 0;
    hf_bulkhead_wait first{}, second{}, third{};
    WANT(hf_bulkhead_try_acquire(bulkhead, 1, &held, &why) == HF_OK);
    WANT(hf_bulkhead_wait_start(bulkhead, &first, &waker, 0, 1, &permit, &until, &why) ==
         HF_UNAVAILABLE);
    WANT(hf_bulkhead_wait_start(bulkhead, &second, &waker, 0, 1, &permit, &until, &why) ==
         HF_UNAVAILABLE);
    WANT(hf_bulkhead_wait_start(bulkhead, &third, &waker, 0, 1, &permit, &until, &why) ==
         HF_RESOURCE_EXHAUSTED);
    WANT(hf_bulkhead_wait_cancel(bulkhead, &second, 2) == HF_OK);
    WANT(hf_bulkhead_release(bulkhead, &held, 2) == HF_OK);
    WANT(hf_bulkhead_wait_poll(bulkhead, &first, 2, &permit, &why) == HF_OK);
    WANT(hf_bulkhead_release(bulkhead, &permit, 3) == HF_OK);
    WANT(woken == 1);
    hf_bulkhead_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_bulkhead_read(bulkhead, &snapshot) == HF_OK);
    WANT(snapshot.in_flight == 0);
  });
  hf_bulkhead_unref(bulkhead);
}

TEST_F(Heap, NoStepOfABudgetOrARetryDelayAllocates) {
  hf_budget* budget = nullptr;
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_budget_new(nullptr, &budget, nullptr), HF_OK);
  ASSERT_EQ(hf_retry_new(nullptr, &retry, nullptr), HF_OK);
  ExpectNoHeap([&] {
    for (int i = 0; i < 60; ++i) hf_budget_on_failure(budget);
    WANT(hf_budget_on_failure(budget) == HF_RESOURCE_EXHAUSTED);
    WANT(hf_budget_on_success(budget) == HF_OK);
    WANT(hf_budget_tokens(budget) > 0);
    hf_duration previous = 0, delay = 0;
    for (uint32_t n = 1; n < 100; ++n)
      WANT(hf_retry_delay(retry, n, 7, &previous, &delay) == HF_OK);
  });
  hf_budget_unref(budget);
  hf_retry_unref(retry);
}

TEST_F(Heap, NoStepOfACallAllocates) {
  hf_retry* retry = nullptr;
  hf_budget* budget = nullptr;
  hf_breaker* breaker = nullptr;
  hf_bulkhead* bulkhead = nullptr;
  hf_pipeline* pipeline = nullptr;
  hf_bulkhead_options one = HF_INIT(hf_bulkhead_options);
  one.limit = 1;
  one.queue = 1;
  ASSERT_EQ(hf_retry_new(nullptr, &retry, nullptr), HF_OK);
  ASSERT_EQ(hf_budget_new(nullptr, &budget, nullptr), HF_OK);
  ASSERT_EQ(hf_breaker_new(nullptr, &breaker, nullptr), HF_OK);
  ASSERT_EQ(hf_bulkhead_new(&one, &bulkhead, nullptr), HF_OK);
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  options.retry = retry;
  options.budget = budget;
  options.breaker = breaker;
  options.bulkhead = bulkhead;
  options.attempt_timeout = HF_S;
  ASSERT_EQ(hf_pipeline_new(&options, &pipeline, nullptr), HF_OK);
  hf_call_options call_options = HF_INIT(hf_call_options);
  call_options.seed = 42;
  call_options.deadline = 100 * HF_S;
  call_options.flags = HF_CALL_IDEMPOTENT;
  ExpectNoHeap([&] {
    unsigned kinds = 0;
    for (int call_number = 0; call_number < 20; ++call_number) {
      hf_permit held{};
      const bool crowded = call_number == 3;
      if (crowded) WANT(hf_bulkhead_try_acquire(bulkhead, HF_S, &held, nullptr) == HF_OK);
      hf_call call{};
      hf_action next{};
      hf_time now = HF_S;
      WANT(hf_call_start(&call, pipeline, &call_options, now, &next) == HF_OK);
      for (int step = 0; next.kind != HF_DO_FINISH && step < 50; ++step) {
        kinds |= 1u << next.kind;
        if (held.kind != HF_PERMIT_NONE) hf_bulkhead_release(bulkhead, &held, now);
        if (call_number == 5 && step == 2) break;
        const bool attempt = next.kind == HF_DO_ATTEMPT;
        if (!attempt && next.until > now && next.kind == HF_DO_SLEEP) now = next.until;
        const hf_outcome outcome = step < 2 ? kUnavailable : kSuccess;
        WANT(hf_call_resume(&call, attempt ? &outcome : nullptr, now, &next) == HF_OK);
      }
      hf_call_abort(&call, now);
    }
    WANT(kinds == (1u << HF_DO_ATTEMPT | 1u << HF_DO_SLEEP | 1u << HF_DO_WAIT));
  });
  hf_pipeline_unref(pipeline);
  hf_bulkhead_unref(bulkhead);
  hf_breaker_unref(breaker);
  hf_budget_unref(budget);
  hf_retry_unref(retry);
}

// A store of one record: the table of record.h is all it takes.
struct OneRecord {
  hf_record record{};
  bool present = false;

  hf_store_reply Execute(const hf_store_request& request, int64_t now) {
    hf_record next{};
    hf_record_change change = 0;
    hf_store_reply reply{};
    hf_record_apply(present ? &record : nullptr, &request, now, 0, &next, &change, &reply);
    if (change == HF_RECORD_WRITE) record = next;
    if (change != HF_RECORD_KEEP) present = change == HF_RECORD_WRITE;
    return reply;
  }
};

TEST_F(Heap, NoStepOfRunOnceAllocates) {
  ExpectNoHeap([&] {
    const hf_str none = {nullptr, 0}, key = {"order-1", 7};
    hf_idem_options options = HF_INIT(hf_idem_options);
    WANT(hf_idem_key_id(&none, &none, &none, &key, options.key_id) == HF_OK);
    WANT(hf_idem_fingerprint_keyed("0123456789abcdef", 16, "body", 4, options.fingerprint) ==
         HF_OK);
    WANT(hf_idem_fingerprint("body", 4, options.fingerprint) == HF_OK);
    options.seed = 9;
    options.max_wait = 60 * HF_S;
    OneRecord store;
    hf_store_request other{};
    other.verb = HF_STORE_CLAIM;
    other.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
    other.nonce[0] = 99;
    other.lease = other.ttl = 60 * HF_S;
    other.max_attempts = 1;
    unsigned kinds = 0;
    // The owner of the first round leaves by abort, the second runs, the third is a duplicate; in
    // the fourth another owner holds the lease, so it waits.
    for (uint8_t round = 1; round <= 4; ++round) {
      std::memset(options.nonce, round, sizeof options.nonce);
      if (round == 4) {
        store.present = false;
        std::memcpy(other.fingerprint, options.fingerprint, sizeof other.fingerprint);
        other.token = store.Execute(other, HF_S).token;
      }
      hf_idem idem{};
      hf_action next{};
      hf_store_request request{};
      hf_time now = HF_S * round;
      WANT(hf_idem_start(&idem, &options, now, &next) == HF_OK);
      for (int step = 0; next.kind != HF_DO_FINISH && step < 20; ++step, now += HF_MS) {
        kinds |= 1u << next.kind;
        if (next.kind == HF_DO_STORE) {
          WANT(hf_idem_request(&idem, &request) == HF_OK);
          const hf_store_reply reply = store.Execute(request, now);
          WANT(hf_idem_on_reply(&idem, &reply, now, &next) == HF_OK);
        } else if (next.kind == HF_DO_SLEEP) {
          now = next.until;
          other.verb = HF_STORE_COMPLETE;
          WANT(store.Execute(other, now).status == HF_STORE_OK);
          WANT(hf_idem_on_time(&idem, now, &next) == HF_OK);
        } else if (round == 1) {
          break;
        } else {
          hf_time lease_until = 0;
          WANT(hf_idem_renew(&idem, now, &request) == HF_OK);
          const hf_store_reply renewed = store.Execute(request, now);
          WANT(hf_idem_on_renewed(&idem, &renewed, now, &lease_until) == HF_OK);
          WANT(hf_idem_checkpoint(&idem, "half", 4, now, &request) == HF_OK);
          const hf_store_reply kept = store.Execute(request, now);
          WANT(hf_idem_on_checkpointed(&idem, &kept, now) == HF_OK);
          WANT(hf_idem_on_result(&idem, &kSuccess, "done", 4, now, &next) == HF_OK);
        }
      }
      hf_idem_snapshot snapshot{};
      snapshot.struct_size = sizeof snapshot;
      WANT(hf_idem_read(&idem, &snapshot) == HF_OK);
      if (hf_idem_abort(&idem, now, &request) == 1) {
        request.effect = HF_EFFECT_RETRYABLE;
        store.Execute(request, now);
        store.present = false;
      }
    }
    WANT(kinds == (1u << HF_DO_STORE | 1u << HF_DO_RUN | 1u << HF_DO_SLEEP));
  });
}

TEST_F(Heap, NoStepOfReconcilingAllocates) {
  ExpectNoHeap([&] {
    hf_idem_options options = HF_INIT(hf_idem_options);
    options.key_id[0] = options.fingerprint[0] = 1;
    options.seed = 9;
    options.max_wait = 60 * HF_S;
    options.label = {"shop", 4};
    for (const hf_effect found :
         {HF_EFFECT_FINAL, HF_EFFECT_NOT_STARTED, HF_EFFECT_AMBIGUOUS, HF_EFFECT_RETRYABLE}) {
      std::memset(options.nonce, 1 + found, sizeof options.nonce);
      hf_idem idem{};
      hf_action next{};
      WANT(hf_idem_start(&idem, &options, HF_S, &next) == HF_OK);
      hf_store_reply reply{};
      reply.status = HF_STORE_BUSY;
      WANT(hf_idem_on_reply(&idem, &reply, HF_S, &next) == HF_OK);
      WANT(hf_idem_on_wake(&idem, HF_S, &next) == HF_OK);
      reply.status = HF_STORE_RECONCILE;
      reply.token = reply.attempt = 2;
      WANT(hf_idem_on_reply(&idem, &reply, HF_S, &next) == HF_OK);
      WANT(next.kind == HF_DO_RECONCILE);
      hf_outcome outcome{};
      outcome.code = found == HF_EFFECT_FINAL ? HF_OK : HF_ABORTED;
      outcome.effect = found;
      WANT(hf_idem_on_reconciled(&idem, &outcome, "x", 1, HF_S, &next) == HF_OK);
      if (next.kind == HF_DO_RUN) {
        WANT(hf_idem_on_spilled(&idem, &kSuccess, "place", 5, HF_S, &next) == HF_OK);
      }
      reply.status = HF_STORE_OK;
      WANT(hf_idem_on_reply(&idem, &reply, HF_S, &next) == HF_OK);
      WANT(next.kind == HF_DO_FINISH);
    }
  });
}

TEST_F(Heap, NoStepOfAContextOrATraceparentAllocates) {
  hf_context_options options = HF_INIT(hf_context_options);
  options.correlation_id = {"order-1", 7};
  hf_context* context = nullptr;
  ASSERT_EQ(hf_context_new(&options, &context, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_context* const before = hf_context_swap(context);
    WANT(hf_context_current() == context);
    hf_context_options out = HF_INIT(hf_context_options);
    WANT(hf_context_get(context, &out) == HF_OK);
    WANT(hf_context_swap(before) == context);
    hf_trace trace{};
    char text[HF_TRACEPARENT_SIZE];
    WANT(hf_traceparent_parse("00-12345678901234567890123456789012-1234567890123456-01", 55,
                              &trace) == HF_OK);
    WANT(hf_traceparent_format(&trace, text) == HF_OK);
    hf_outcome outcome = {HF_ABORTED, 0, 0, 0, 0};
    WANT(hf_outcome_derive(&outcome) == HF_OK);
  });
  hf_context_unref(context);
}

// --- Out of memory -----------------------------------------------------------------------------------

class OutOfMemory : public Heap {
 protected:
  // Fails each allocation of `create` in turn, alone and with all that follow it.
  template <typename Handle>
  void Sweep(const std::function<hf_code(Handle**, hf_error*)>& create, void (*unref)(Handle*)) {
    const int needed = [&] {
      Handle* handle = nullptr;
      const Meter used = Measure([&] { create(&handle, nullptr); });
      EXPECT_NE(handle, nullptr);
      unref(handle);
      return used.allocations;
    }();
    ASSERT_GE(needed, 1) << "nothing to fail: the sweep proves nothing";
    for (const bool and_all_after : {false, true}) {
      for (int n = 1; n <= needed; ++n) {
        Handle* handle = nullptr;
        hf_error error{};
        hf_code code = HF_OK;
        const Meter used = Measure([&] { code = create(&handle, &error); }, n, and_all_after);
        EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED) << n;
        EXPECT_EQ(error.code, HF_RESOURCE_EXHAUSTED);
        EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
        EXPECT_NE(error.text[0], '\0');
        EXPECT_EQ(handle, nullptr);
        EXPECT_EQ(used.live(), 0) << "leaked when allocation " << n << " failed";
      }
    }
  }
};

TEST_F(OutOfMemory, LeavesNothingBehindInAnyConstructor) {
  Sweep<hf_retry>([](auto** out, auto* e) { return hf_retry_new(nullptr, out, e); },
                  hf_retry_unref);
  Sweep<hf_budget>([](auto** out, auto* e) { return hf_budget_new(nullptr, out, e); },
                   hf_budget_unref);
  Sweep<hf_bulkhead>([](auto** out, auto* e) { return hf_bulkhead_new(nullptr, out, e); },
                     hf_bulkhead_unref);
  Sweep<hf_context>([](auto** out, auto* e) { return hf_context_new(nullptr, out, e); },
                    hf_context_unref);
  Sweep<hf_pipeline>([](auto** out, auto* e) { return hf_pipeline_new(nullptr, out, e); },
                     hf_pipeline_unref);
  for (const hf_window window : {HF_WINDOW_COUNT, HF_WINDOW_TIME}) {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.window = window;
    options.window_calls = 4096;
    Sweep<hf_breaker>([&](auto** out, auto* e) { return hf_breaker_new(&options, out, e); },
                      hf_breaker_unref);
  }
}

TEST_F(OutOfMemory, TakesNoReferenceWhenAPipelineFails) {
  hf_retry* retry = nullptr;
  ASSERT_EQ(hf_retry_new(nullptr, &retry, nullptr), HF_OK);
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  options.retry = retry;
  Sweep<hf_pipeline>([&](auto** out, auto* e) { return hf_pipeline_new(&options, out, e); },
                     hf_pipeline_unref);
  // If a failed pipeline had kept a reference, this would not be the last one.
  const Meter dropped = Measure([&] { hf_retry_unref(retry); });
  EXPECT_GE(dropped.frees, 1);
}

}  // namespace
