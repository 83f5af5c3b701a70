// SPDX-License-Identifier: Apache-2.0
// What a hedged call remembers between two steps, and the decisions that need no guard.
//
// The machine itself is engine/hedge_call.h. Everything here is a value or a pure function of values.
// Locking: none. Memory: HedgeCallState lives in the caller's hf_hedge_call.
#ifndef HOLDFAST_ENGINE_HEDGE_STATE_H_
#define HOLDFAST_ENGINE_HEDGE_STATE_H_

#include <holdfast/c/hedge.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "engine/hedge.h"

namespace holdfast::engine {

// What one attempt holds of the pipeline's guards.
struct HedgePermits {
  hf_permit breaker;
  hf_permit bulkhead;
};

struct HedgeAttempt {
  HedgePermits permits;
  hf_time started;
  hf_time until;  // HF_INFINITE: no limit
};

// Sets of attempts are masks: bit n - 1 is attempt n.
constexpr uint32_t AttemptBit(uint32_t attempt) { return 1u << (attempt - 1); }
// Needs a set that is not empty.
constexpr uint32_t OldestOf(uint32_t set) {
  return static_cast<uint32_t>(std::countr_zero(set)) + 1;
}

struct HedgeCallState {
  hf_time now = 0;  // the latest seen
  hf_time deadline = HF_INFINITE;
  hf_time hedge_at = HF_INFINITE;  // when the next attempt is due; HF_INFINITE: none is to follow
  hf_time not_before = 0;          // a peer asked for no attempt before it
  hf_duration delay = HF_INFINITE;
  hf_duration stop_retry_after = 0;
  hf_duration last_retry_after = 0;   // what the last failure's peer asked for
  hf_reason stop_reason = HF_R_NONE;  // why no attempt is to follow
  hf_code last_code = HF_OK;          // of the last failure
  uint32_t last_attempt = 0;          // whose it was; 0: cut off, so there is no result of it
  uint32_t flags = 0;
  uint32_t max_attempts = 1;
  uint32_t attempts = 0;
  uint32_t in_flight = 0;
  uint32_t cut_off = 0;  // cancelled while the call goes on, and yet to report
  bool is_paid = false;  // the budget was charged for the next attempt when one failed
  std::array<HedgeAttempt, kMaxHedgeAttempts> made;  // the first `attempts` of them mean something
};

// Whether attempt n may report.
inline bool HedgeCallAwaits(const HedgeCallState& state, uint32_t attempt) {
  if (attempt == 0 || attempt > state.attempts) return false;
  return ((state.in_flight | state.cut_off) & AttemptBit(attempt)) != 0;
}

// When the call has something to do though no attempt ends. HF_INFINITE: never.
inline hf_time HedgeCallUntil(const HedgeCallState& state) {
  hf_time until = std::min(state.deadline, state.hedge_at);
  for (uint32_t left = state.in_flight; left != 0; left &= left - 1) {
    until = std::min(until, state.made[OldestOf(left) - 1].until);
  }
  return until;
}

// What a call that is not over waits for.
inline hf_hedge_action PendingHedgeAction(const HedgeCallState& state) {
  const hf_time until = HedgeCallUntil(state);
  hf_hedge_action action{};
  action.kind = HF_DO_WAIT;
  action.attempts = state.attempts;
  action.until = until == HF_INFINITE ? 0 : until;
  return action;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEDGE_STATE_H_
