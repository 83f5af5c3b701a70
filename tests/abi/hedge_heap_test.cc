// SPDX-License-Identifier: Apache-2.0
// Hedging's memory: taken by hf_hedge_new at once, none by any step.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

constexpr hf_outcome kSuccess = {HF_OK, 0, 0, 0, 0};
constexpr hf_outcome kUnavailable = {HF_UNAVAILABLE, 0, 0, 0, 0};

class HedgeHeap : public Heap {
 protected:
  void SetUp() override {
    Heap::SetUp();
    hf_journal_new(nullptr, &journal, nullptr);
    hf_hedge_options hedging = HF_INIT(hf_hedge_options);
    hedging.max_attempts = 4;
    hedging.min_samples = 3;
    hedging.delay = 10 * HF_MS;
    hedging.window = 100 * HF_MS;
    hedging.max_rate = 7;
    hedging.burst = 1000;
    hedging.journal = journal;
    ASSERT_EQ(hf_hedge_new(&hedging, &hedge, nullptr), HF_OK);
    hf_bulkhead_options slots = HF_INIT(hf_bulkhead_options);
    slots.limit = 2;
    hf_retry_new(nullptr, &retry, nullptr);
    hf_budget_new(nullptr, &budget, nullptr);
    hf_breaker_options lenient = HF_INIT(hf_breaker_options);
    lenient.failure_rate = 1;
    hf_breaker_new(&lenient, &breaker, nullptr);
    hf_bulkhead_new(&slots, &bulkhead, nullptr);
    hf_pipeline_options options = HF_INIT(hf_pipeline_options);
    options.retry = retry;
    options.budget = budget;
    options.breaker = breaker;
    options.bulkhead = bulkhead;
    options.attempt_timeout = 500 * HF_MS;
    ASSERT_EQ(hf_pipeline_new(&options, &pipeline, nullptr), HF_OK);
  }
  void TearDown() override {
    hf_pipeline_unref(pipeline);
    hf_bulkhead_unref(bulkhead);
    hf_breaker_unref(breaker);
    hf_budget_unref(budget);
    hf_retry_unref(retry);
    hf_hedge_unref(hedge);
    hf_journal_unref(journal);
  }

  hf_journal* journal = nullptr;
  hf_hedge* hedge = nullptr;
  hf_retry* retry = nullptr;
  hf_budget* budget = nullptr;
  hf_breaker* breaker = nullptr;
  hf_bulkhead* bulkhead = nullptr;
  hf_pipeline* pipeline = nullptr;
};

// Calls that succeed at once, by a hedge, by a third attempt, by none, at the deadline, or never end.
TEST_F(HedgeHeap, NoStepOfHedgingAllocates) {
  hf_hedge_call_options options = HF_INIT(hf_hedge_call_options);
  options.flags = HF_CALL_IDEMPOTENT;
  hf_hedge_options update = HF_INIT(hf_hedge_options);
  update.min_samples = 2;
  ExpectNoHeap([&] {
    unsigned kinds = 0;
    hf_time now = HF_S;
    for (int round = 0; round < 60; ++round, now += 40 * HF_MS) {
      const int story = round % 6;
      options.deadline = now + HF_S;
      hf_hedge_call call{};
      hf_hedge_action next{};
      WANT(hf_hedge_call_start(&call, hedge, pipeline, &options, now, &next) == HF_OK);
      for (int step = 0; next.kind != HF_DO_FINISH && step < 12; ++step) {
        kinds |= 1u << next.kind;
        if (next.kind == HF_DO_WAIT && next.until > now) now = next.until;
        const bool ends = next.attempts >= static_cast<uint32_t>(story);
        if (story > 0 && story < 4 && ends) {
          const hf_outcome& outcome = story == 3 ? kUnavailable : kSuccess;
          hf_hedge_call_on_outcome(&call, next.attempts, &outcome, now, &next);
        } else {
          WANT(hf_hedge_call_on_time(&call, now, &next) == HF_OK);
        }
        if (story == 5 && step == 2) break;
      }
      hf_hedge_call_abort(&call, now);
    }
    hf_hedge_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_hedge_update(hedge, &update, now, nullptr) == HF_OK);
    WANT(hf_hedge_read(hedge, now, &snapshot) == HF_OK);
    WANT(snapshot.hedges > 20);
    WANT(snapshot.won > 5);
    WANT(snapshot.refused > 0);
    WANT(snapshot.updates == 1);
    WANT(kinds == (1u << HF_DO_ATTEMPT | 1u << HF_DO_WAIT));
  });
}

TEST_F(HedgeHeap, APolicyIsOneBlockAndAFailureLeavesNothing) {
  hf_hedge* made = nullptr;
  const Meter taken = Measure([&] { WANT(hf_hedge_new(nullptr, &made, nullptr) == HF_OK); });
  EXPECT_EQ(taken.allocations, 1);
  const Meter dropped = Measure([&] { hf_hedge_unref(made); });
  EXPECT_EQ(dropped.frees, 1);
  hf_error error{};
  hf_code code = HF_OK;
  const Meter failed = Measure([&] { code = hf_hedge_new(nullptr, &made, &error); }, 1);
  EXPECT_EQ(failed.failures, 1);
  EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(failed.live(), 0);
}

}  // namespace
