// SPDX-License-Identifier: Apache-2.0
// Guards that answer what a test says and keep a ledger of what they gave, for tests of engine/call.h.
#ifndef HOLDFAST_TESTS_UNIT_CALL_GUARDS_H_
#define HOLDFAST_TESTS_UNIT_CALL_GUARDS_H_

#include <deque>
#include <vector>

#include "engine/call.h"

namespace holdfast::engine {

class ScriptedGuards {
 public:
  // What the test says.
  CallRules call_rules;
  std::deque<hf_rejection> breaker_refusals;  // one per question; empty: admitted
  hf_code bulkhead_enters = HF_OK;            // HF_UNAVAILABLE: queued until bulkhead_until
  hf_code bulkhead_polls = HF_OK;
  hf_time bulkhead_until = 0;
  hf_rejection bulkhead_refusal{HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0};
  bool budget_allows = true;
  hf_events events_on_record = 0;

  // What they gave and got back.
  int breaker_out = 0;
  int bulkhead_out = 0;
  int in_queue = 0;
  int charged = 0;
  int rewarded = 0;
  hf_time entered_with_deadline = 0;
  std::vector<hf_verdict> verdicts;

  bool HoldNothing() const { return breaker_out == 0 && bulkhead_out == 0 && in_queue == 0; }

  const CallRules& rules() const { return call_rules; }

  hf_code BreakerAcquire(hf_time, hf_permit* permit, hf_rejection* why, hf_events*) {
    if (!breaker_refusals.empty()) {
      *why = breaker_refusals.front();
      breaker_refusals.pop_front();
      if (why->code != HF_OK) return why->code;
    }
    *permit = hf_permit{7, HF_PERMIT_NORMAL, 0};
    ++breaker_out;
    return HF_OK;
  }
  void BreakerRecord(hf_permit* permit, hf_verdict verdict, hf_time, hf_events* events) {
    if (permit->kind == HF_PERMIT_NONE) return;
    *permit = hf_permit{};
    --breaker_out;
    verdicts.push_back(verdict);
    *events |= events_on_record;
  }
  hf_code BulkheadEnter(hf_bulkhead_wait*, const hf_waker&, hf_time deadline, hf_time,
                        hf_permit* permit, hf_time* until, hf_rejection* why) {
    entered_with_deadline = deadline;
    return Answer(bulkhead_enters, permit, until, why);
  }
  hf_code BulkheadPoll(hf_bulkhead_wait*, hf_time, hf_permit* permit, hf_rejection* why) {
    if (bulkhead_polls == HF_UNAVAILABLE) return HF_UNAVAILABLE;
    --in_queue;
    return Answer(bulkhead_polls, permit, nullptr, why);
  }
  void BulkheadLeave(hf_bulkhead_wait*, hf_time) { --in_queue; }
  void BulkheadRelease(hf_permit* permit, hf_time) {
    if (permit->kind == HF_PERMIT_NONE) return;
    *permit = hf_permit{};
    --bulkhead_out;
  }
  bool BudgetCharge() {
    ++charged;
    return budget_allows;
  }
  void BudgetReward() { ++rewarded; }

 private:
  hf_code Answer(hf_code code, hf_permit* permit, hf_time* until, hf_rejection* why) {
    if (code == HF_OK) {
      *permit = hf_permit{8, HF_PERMIT_NORMAL, 0};
      ++bulkhead_out;
    } else if (code == HF_UNAVAILABLE) {
      *until = bulkhead_until;
      ++in_queue;
    } else {
      *why = bulkhead_refusal;
    }
    return code;
  }
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_CALL_GUARDS_H_
