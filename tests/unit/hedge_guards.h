// SPDX-License-Identifier: Apache-2.0
// Guards that answer what a test says and keep a ledger of what they gave, for tests of
// engine/hedge_call.h; and a call over them that is played step by step.
#ifndef HOLDFAST_TESTS_UNIT_HEDGE_GUARDS_H_
#define HOLDFAST_TESTS_UNIT_HEDGE_GUARDS_H_

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "engine/cells.h"
#include "engine/hedge_call.h"

namespace holdfast::engine {

class ScriptedHedgeGuards {
 public:
  // What the test says.
  CallRules call_rules;
  std::map<int, hf_rejection> refusals;  // by the number of the question, from 1
  bool budget_allows = true;

  // What they gave and got back. Permits are numbered from 1.
  int asked = 0;
  std::set<uint64_t> out;
  std::map<uint64_t, hf_verdict> verdicts;
  int charged = 0;
  int hedges_charged = 0;
  int rewarded = 0;

  const CallLimits& limits() const { return call_rules.limits; }

  hf_code Enter(hf_time, HedgePermits* permits, hf_rejection* why, hf_events*) {
    *permits = HedgePermits{};
    const auto refusal = refusals.find(++asked);
    if (refusal != refusals.end()) {
      *why = refusal->second;
      return why->code;
    }
    permits->breaker = {static_cast<uint64_t>(++given_), HF_PERMIT_NORMAL, 0};
    out.insert(permits->breaker.generation);
    return HF_OK;
  }
  void Leave(HedgePermits* permits, hf_verdict verdict, hf_time, hf_events*) {
    EXPECT_EQ(out.erase(permits->breaker.generation), 1u) << "given back twice, or never taken";
    verdicts[permits->breaker.generation] = verdict;
    *permits = HedgePermits{};
  }
  void LeaveUnused(HedgePermits* permits, hf_time now, hf_events* events) {
    Leave(permits, HF_VERDICT_IGNORED, now, events);
  }
  bool BudgetCharge() {
    ++charged;
    return budget_allows;
  }
  bool BudgetHedge() {
    if (budget_allows) ++hedges_charged;
    return budget_allows;
  }
  void BudgetReward() { ++rewarded; }

 private:
  int given_ = 0;
};

using PlainHedge = Hedge<PlainCells>;

// Three attempts 100 ns apart, at most; the cap out of the way. Time in nanoseconds from 1000.
inline HedgeRules FixedRules() {
  HedgeRules rules;
  rules.mode = HF_HEDGE_FIXED;
  rules.max_attempts = 3;
  rules.delay = 100;
  rules.burst = 1000 * kOneHedge;
  return rules;
}

class HedgedCall : public ::testing::Test {
 protected:
  hf_hedge_action Start(hf_time deadline = 0, hf_time now = 1000,
                        uint32_t flags = HF_CALL_IDEMPOTENT) {
    state = HedgeCallState{};
    state.flags = flags;
    return HedgeStep(state, policy, guards, now).Start(deadline);
  }
  hf_hedge_action OnTime(hf_time now) { return HedgeStep(state, policy, guards, now).OnTime(); }
  hf_hedge_action End(uint32_t attempt, hf_time now, hf_outcome outcome) {
    EXPECT_TRUE(HedgeCallAwaits(state, attempt));
    return HedgeStep(state, policy, guards, now).OnOutcome(attempt, outcome);
  }
  hf_hedge_action End(uint32_t attempt, hf_time now, hf_code code,
                      hf_effect effect = HF_EFFECT_DERIVE, hf_duration retry_after = 0) {
    return End(attempt, now, hf_outcome{code, HF_VERDICT_DERIVE, effect, 0, retry_after});
  }
  void Abort(hf_time now) { HedgeStep(state, policy, guards, now).Abort(); }

  void ExpectAttempt(const hf_hedge_action& action, uint32_t number, hf_time until = 0) {
    EXPECT_EQ(action.kind, HF_DO_ATTEMPT);
    EXPECT_EQ(action.attempt, number);
    EXPECT_EQ(action.attempts, number);
    EXPECT_EQ(action.until, until);
  }
  void ExpectWait(const hf_hedge_action& action, hf_time until) {
    EXPECT_EQ(action.kind, HF_DO_WAIT);
    EXPECT_EQ(action.until, until);
  }
  void ExpectFinish(const hf_hedge_action& action, hf_code code, hf_reason reason,
                    uint32_t attempt) {
    EXPECT_EQ(action.kind, HF_DO_FINISH);
    EXPECT_EQ(action.code, code) << hf_code_name(action.code);
    EXPECT_EQ(action.reason, reason) << hf_reason_name(action.reason);
    EXPECT_EQ(action.attempt, attempt);
    EXPECT_TRUE(guards.out.empty()) << "every permit is back";
    EXPECT_EQ(state.in_flight, 0u);
  }

  PlainHedge policy{FixedRules()};
  ScriptedHedgeGuards guards;
  HedgeCallState state;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_HEDGE_GUARDS_H_
