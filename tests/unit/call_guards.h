// SPDX-License-Identifier: Apache-2.0
// Guards that answer what a test says and keep a ledger of what they gave, for tests of engine/call.h.
#ifndef HOLDFAST_TESTS_UNIT_CALL_GUARDS_H_
#define HOLDFAST_TESTS_UNIT_CALL_GUARDS_H_

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
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
  std::deque<bool> killed;  // one per question; empty: not killed
  bool throttled = false;
  hf_code limiter_takes = HF_OK;  // at `limited_level`; HF_UNAVAILABLE: at limiter_until
  CallLevel limited_level = CallLevel::kAttempt;
  hf_time limiter_until = 0;
  bool call_bulkhead = false;  // answers as the other one does
  std::optional<Injection> fault;
  int32_t retries_told = -1;  // by the layers above; -1: not told

  // What they gave and got back.
  int breaker_out = 0;
  int bulkhead_out = 0;
  int in_queue = 0;
  int call_out = 0;
  int reserved = 0;
  int faults_out = 0;
  uint32_t noted = 0;
  std::vector<hf_verdict> throttle_heard;
  std::vector<hf_code> limiter_heard;
  int charged = 0;
  int rewarded = 0;
  hf_time entered_with_deadline = 0;
  std::vector<hf_verdict> verdicts;

  bool HoldNothing() const { return HoldNothingOfAnAttempt() && call_out == 0 && in_queue == 0; }
  bool HoldNothingOfAnAttempt() const {
    return breaker_out == 0 && bulkhead_out == 0 && faults_out == 0 && reserved == 0;
  }

  BackoffPolicy RetryPolicyAfter(hf_code code) const {
    return call_rules.rules.Applied(call_rules.backoff, code);
  }
  hf_effect EffectAfter(hf_code code) const { return call_rules.rules.At(code).effect; }

  bool Allows(hf_time, hf_rejection* why) {
    const bool refuse = !killed.empty() && killed.front();
    if (!killed.empty()) killed.pop_front();
    if (refuse) *why = {HF_UNAVAILABLE, HF_R_KILLED, 600};
    return !refuse;
  }
  bool ThrottleAdmits(uint64_t, hf_time, hf_rejection* why) {
    if (throttled) *why = {HF_UNAVAILABLE, HF_R_THROTTLED, 50};
    return !throttled;
  }
  void ThrottleRecord(hf_verdict verdict, hf_time) { throttle_heard.push_back(verdict); }
  hf_code LimiterTake(CallLevel level, CallReservation* reservation, hf_time, hf_time,
                      hf_time* until, hf_rejection* why) {
    if (level != limited_level || limiter_takes == HF_OK) return HF_OK;
    if (limiter_takes == HF_UNAVAILABLE) {
      ++reserved;
      reservation->cost = 1;
      *until = limiter_until;
    } else {
      *why = {limiter_takes, HF_R_RATE_LIMITED, 70};
    }
    return limiter_takes;
  }
  void LimiterCancel(CallLevel, CallReservation* reservation, hf_time) {
    if (reservation->cost != 0) --reserved;
    reservation->cost = 0;
  }
  void LimiterLearn(hf_code code, hf_time) { limiter_heard.push_back(code); }

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
  hf_code BulkheadEnter(CallLevel level, CallState& call, hf_time, hf_permit* permit,
                        hf_time* until, hf_rejection* why) {
    if (level == CallLevel::kCall && !call_bulkhead) return HF_OK;
    entered_with_deadline = call.deadline;
    return Answer(bulkhead_enters, level, permit, until, why);
  }
  hf_code BulkheadPoll(CallLevel level, CallState&, hf_time, hf_permit* permit, hf_rejection* why) {
    if (bulkhead_polls == HF_UNAVAILABLE) return HF_UNAVAILABLE;
    --in_queue;
    return Answer(bulkhead_polls, level, permit, nullptr, why);
  }
  void BulkheadLeave(CallLevel, CallState&, hf_time) { --in_queue; }
  void BulkheadSettle(CallLevel level, hf_permit* permit, hf_time started, hf_verdict verdict,
                      hf_time) {
    if (permit->kind == HF_PERMIT_NONE) return;
    *permit = hf_permit{};
    --(level == CallLevel::kCall ? call_out : bulkhead_out);
    settled = {started, verdict};
  }
  bool FaultDraw(CallState& call, hf_time) {
    if (!fault) return false;
    ++faults_out;
    call.fault_ticket = 1;
    call.injection = *fault;
    return true;
  }
  void FaultDone(uint64_t* ticket, hf_time) {
    if (*ticket != 0) --faults_out;
    *ticket = 0;
  }
  bool BudgetCharge(hf_time) {
    ++charged;
    return budget_allows;
  }
  bool TakeRetry(uint32_t* left) {
    if (retries_told >= 0) return retries_told > 0 && retries_told-- > 0;
    if (*left == 0) return false;
    --*left;
    return true;
  }
  void NoteRetried(uint32_t* left, uint32_t count) {
    noted += count;
    *left -= std::min(*left, count);
    if (retries_told >= 0) retries_told = std::max(0, retries_told - static_cast<int32_t>(count));
  }
  uint32_t RetriesLeft() const {
    return retries_told >= 0 ? static_cast<uint32_t>(retries_told) : 9;
  }

  std::pair<hf_time, hf_verdict> settled{};
  void BudgetReward() { ++rewarded; }

 private:
  hf_code Answer(hf_code code, CallLevel level, hf_permit* permit, hf_time* until,
                 hf_rejection* why) {
    if (code == HF_OK) {
      *permit = hf_permit{8, HF_PERMIT_NORMAL, 0};
      ++(level == CallLevel::kCall ? call_out : bulkhead_out);
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
