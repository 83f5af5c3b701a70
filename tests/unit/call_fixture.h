// SPDX-License-Identifier: Apache-2.0
// The call machine over scripted guards, for its unit tests.
#ifndef HOLDFAST_TESTS_UNIT_CALL_FIXTURE_H_
#define HOLDFAST_TESTS_UNIT_CALL_FIXTURE_H_

#include <gtest/gtest.h>

#include "engine/call.h"
#include "unit/call_guards.h"

namespace holdfast::engine {

inline constexpr hf_rejection kOpen{HF_UNAVAILABLE, HF_R_BREAKER_OPEN, 400};
inline constexpr hf_rejection kForced{HF_UNAVAILABLE, HF_R_BREAKER_FORCED_OPEN, HF_INFINITE};
inline constexpr hf_rejection kAdmit{};

// Three attempts, 100 ns and 200 ns apart, no jitter, time in nanoseconds from 1000.
class CallOverScriptedGuards : public ::testing::Test {
 protected:
  CallOverScriptedGuards() {
    BackoffPolicy& backoff = guards.call_rules.backoff;
    backoff.max_attempts = 3;
    backoff.jitter = HF_JITTER_NONE;
    backoff.base = 100;
    backoff.cap = 1000000;
  }

  hf_action Start(hf_time deadline = 0, uint32_t flags = HF_CALL_IDEMPOTENT) {
    state = CallState{};
    state.attempt_timeout = guards.call_rules.limits.attempt_timeout;
    state.facts = nullptr;
    state.request = nullptr;
    state.context = nullptr;
    state.waker = {};
    state.cost = 1;
    state.seed = 1;
    state.flags = flags;
    state.retries_left = 100;
    return CallStep(state, guards, 1000).Start(deadline, guards.call_rules.limits.timeout);
  }
  hf_action Resume(hf_time now) { return CallStep(state, guards, now).Resume(nullptr); }
  hf_action End(hf_time now, hf_outcome outcome) {
    EXPECT_TRUE(CallAccepts(state, &outcome));
    return CallStep(state, guards, now).Resume(&outcome);
  }
  hf_action End(hf_time now, hf_code code, hf_effect effect = 0, hf_verdict verdict = 0) {
    return End(now, hf_outcome{code, verdict, effect, 0, 0});
  }

  void ExpectFinish(const hf_action& action, hf_code code, hf_reason reason, uint32_t attempts) {
    EXPECT_EQ(action.kind, HF_DO_FINISH);
    EXPECT_EQ(action.code, code) << hf_code_name(action.code);
    EXPECT_EQ(action.reason, reason) << hf_reason_name(action.reason);
    EXPECT_EQ(action.attempt, attempts);
    EXPECT_EQ(state.phase, CallPhase::kFinished);
    EXPECT_TRUE(guards.HoldNothing());
  }
  void ExpectSleep(const hf_action& action, hf_time until) {
    EXPECT_EQ(action.kind, HF_DO_SLEEP);
    EXPECT_EQ(action.until, until);
    EXPECT_TRUE(guards.HoldNothing()) << "no permit is held while sleeping";
  }
  void ExpectAttempt(const hf_action& action, uint32_t number, hf_time until) {
    EXPECT_EQ(action.kind, HF_DO_ATTEMPT);
    EXPECT_EQ(action.attempt, number);
    EXPECT_EQ(action.until, until);
  }

  ScriptedGuards guards;
  CallState state;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_CALL_FIXTURE_H_
