// SPDX-License-Identifier: Apache-2.0
// The naive call: the rules of c/call.h told as one straight story, in 128-bit time that cannot overflow,
// and the world it lives in. Reference for call_model_test.cc.
#ifndef HOLDFAST_TESTS_MODEL_CALL_NAIVE_H_
#define HOLDFAST_TESTS_MODEL_CALL_NAIVE_H_

#include <map>
#include <optional>

#include "engine/breaker.h"
#include "engine/budget.h"
#include "engine/bulkhead.h"
#include "engine/call.h"

namespace holdfast::model {

// The guards that calls of one world share. Each may be left out.
template <typename Storage>
struct World {
  engine::CallRules rules;
  std::optional<engine::Breaker<Storage>> breaker;
  std::optional<engine::Bulkhead<Storage>> bulkhead;
  std::optional<engine::Budget<Storage>> budget;
  std::map<const void*, engine::Waiter> waiters;  // by call

  void Woken(engine::WakeList* list) {
    while (engine::Waiter* const waiter = list->Pop()) bulkhead->WakeDone(*waiter);
  }
  hf_code EnterBulkhead(engine::Waiter& waiter, const hf_waker& waker, hf_time deadline,
                        hf_time now, hf_permit* permit, hf_time* until, hf_rejection* why) {
    engine::WakeList nobody;
    engine::BulkheadTerms terms;
    if (now < deadline && bulkhead->TakeFree(now, &terms.stamp, &nobody)) {
      return BulkheadCode(engine::BulkheadAnswer::kGranted, permit, why);
    }
    const auto answer = bulkhead->Acquire({.deadline = deadline}, &waiter, waker, now, &terms);
    *until = terms.until;
    return BulkheadCode(answer, permit, why);
  }
  hf_code PollBulkhead(engine::Waiter& waiter, hf_time now, hf_permit* permit, hf_rejection* why) {
    engine::BulkheadTerms terms;
    return BulkheadCode(bulkhead->WaitPoll(waiter, now, &terms), permit, why);
  }
  void LeaveBulkhead(hf_time now) {
    engine::WakeList wake;
    bulkhead->GiveBack(/*stamp=*/0, now, &wake);
    Woken(&wake);
  }
  hf_code BulkheadCode(engine::BulkheadAnswer answer, hf_permit* permit, hf_rejection* why) {
    switch (answer) {
      case engine::BulkheadAnswer::kGranted:
        *permit = hf_permit{1, HF_PERMIT_NORMAL, 0};
        return HF_OK;
      case engine::BulkheadAnswer::kQueued:
        return HF_UNAVAILABLE;
      case engine::BulkheadAnswer::kFull:
        *why = {HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0};
        return why->code;
      default:
        *why = {HF_DEADLINE_EXCEEDED, HF_R_BULKHEAD_TIMEOUT, 0};
        return why->code;
    }
  }
};

template <typename Storage>
class NaiveCall {
 public:
  NaiveCall(World<Storage>& world, bool idempotent, hf_time deadline, hf_time now)
      : world_(world), idempotent_(idempotent), now_(now), deadline_(deadline) {
    if (deadline_ == 0) deadline_ = kNever;
    if (world_.rules.timeout != HF_INFINITE) {
      deadline_ = std::min<Wide>(deadline_, Wide{now} + world_.rules.timeout);
    }
  }

  hf_action Begin() {
    if (now_ >= deadline_) return Over(HF_R_DEADLINE, HF_DEADLINE_EXCEEDED, retry_after_);
    ++rounds_;
    if (!AskBreaker()) return Refused();
    if (!world_.bulkhead) return Attempt();
    hf_time until = 0;
    const hf_time bound = deadline_ >= HF_INFINITE ? HF_INFINITE : static_cast<hf_time>(deadline_);
    const hf_code code = world_.EnterBulkhead(world_.waiters[this], hf_waker{}, bound, Now(),
                                              &place_, &until, &why_);
    if (code == HF_OK) return Attempt();
    TellBreaker(HF_VERDICT_IGNORED);
    if (code != HF_UNAVAILABLE) return Over(why_.reason, why_.code, why_.retry_after);
    events_ |= HF_EVENT_QUEUED;
    return Pending(HF_DO_WAIT, until);
  }

  hf_action OnTime(hf_time now) {
    Clock(now);
    if (kind_ == HF_DO_SLEEP) return now_ < until_ ? Again() : Begin();
    const hf_code code = world_.PollBulkhead(world_.waiters[this], Now(), &place_, &why_);
    if (code == HF_UNAVAILABLE) return Again();
    if (code != HF_OK) return Over(why_.reason, why_.code, why_.retry_after);
    if (now_ >= deadline_) {
      LeaveBulkhead();
      return Over(HF_R_DEADLINE, HF_DEADLINE_EXCEEDED, retry_after_);
    }
    if (AskBreaker()) return Attempt();
    LeaveBulkhead();
    return Refused();
  }

  // `code`, `verdict` and `effect` are complete: nothing is left to derive; `derived` if they were.
  hf_action OnOutcome(const hf_outcome& outcome, bool derived, hf_time now) {
    Clock(now);
    hf_verdict verdict = outcome.verdict;
    const bool late = now_ > until_;
    if (late) events_ |= HF_EVENT_LATE_RESULT;
    if (late && (derived || verdict != HF_VERDICT_IGNORED)) verdict = HF_VERDICT_FAILURE;
    if (now_ == until_ && derived && verdict == HF_VERDICT_IGNORED) verdict = HF_VERDICT_FAILURE;
    TellBreaker(verdict);
    LeaveBulkhead();
    error_ = outcome.code;
    retry_after_ = outcome.retry_after;
    const bool neutral = verdict == HF_VERDICT_IGNORED;
    if (outcome.code == HF_OK) {
      if (!neutral && world_.budget) world_.budget->OnSuccess();
      return Over(HF_R_NONE, HF_OK, 0);
    }
    if (neutral || outcome.effect == HF_EFFECT_FINAL) return Failed(HF_R_NOT_RETRYABLE);
    if (outcome.effect == HF_EFFECT_AMBIGUOUS && !idempotent_) return Failed(HF_R_NOT_IDEMPOTENT);
    bool may = true;
    if (outcome.effect != HF_EFFECT_NOT_STARTED && world_.budget) may = world_.budget->OnFailure();
    if (rounds_ >= world_.rules.backoff.max_attempts) return Failed(HF_R_ATTEMPTS_EXHAUSTED);
    if (!may) {
      events_ |= HF_EVENT_BUDGET_REFUSED;
      return Failed(HF_R_BUDGET_EXHAUSTED);
    }
    Wide delay = Backoff();
    const Wide asked = std::min<Wide>(outcome.retry_after, 5 * HF_S + delay);
    if (asked > delay) delay = asked;
    return Fits(delay) ? Pending(HF_DO_SLEEP, now_ + delay) : Failed(HF_R_DEADLINE);
  }

  void Abort(hf_time now) {
    Clock(now);
    if (kind_ == HF_DO_WAIT) {
      engine::WakeList wake;
      world_.bulkhead->WaitCancel(world_.waiters[this], Now(), &wake);
      world_.Woken(&wake);
    }
    TellBreaker(HF_VERDICT_IGNORED);
    LeaveBulkhead();
    kind_ = HF_DO_FINISH;
  }

 private:
  __extension__ typedef __int128 Wide;
  static constexpr Wide kNever = HF_INFINITE;

  hf_time Now() const { return static_cast<hf_time>(now_); }
  void Clock(hf_time now) {
    if (now > now_) now_ = now;
  }

  Wide Backoff() const {
    const engine::BackoffPolicy& policy = world_.rules.backoff;
    Wide delay = policy.base;
    for (uint32_t i = 1; i < rounds_ && delay < policy.cap; ++i) {
      delay *= static_cast<Wide>(policy.multiplier);  // whole numbers in this test
    }
    return std::min<Wide>(delay, policy.cap);
  }
  bool Fits(Wide delay) const {
    const Wide ready = now_ + delay;
    return ready < deadline_ && ready + world_.rules.backoff.min_attempt_time <= deadline_;
  }

  bool AskBreaker() {
    if (!world_.breaker) return true;
    const engine::Admission admission = world_.breaker->Acquire(Now());
    events_ |= admission.events;
    why_ = admission.why;
    if (why_.code != HF_OK) return false;
    probe_ = admission.permit;
    return true;
  }
  void TellBreaker(hf_verdict verdict) {
    if (!probe_) return;
    events_ |= world_.breaker->Record(*probe_, verdict, Now()).events;
    probe_.reset();
  }
  void LeaveBulkhead() {
    if (place_.kind == HF_PERMIT_NONE) return;
    place_ = hf_permit{};
    world_.LeaveBulkhead(Now());
  }

  hf_action Refused() {
    if (rounds_ < world_.rules.backoff.max_attempts) {
      const Wide delay = std::max<Wide>(Backoff(), why_.retry_after);
      if (why_.retry_after != HF_INFINITE && Fits(delay)) return Pending(HF_DO_SLEEP, now_ + delay);
    }
    return Over(why_.reason, why_.code, why_.retry_after);
  }
  hf_action Attempt() {
    ++attempts_;
    Wide until = deadline_;
    if (world_.rules.attempt_timeout != HF_INFINITE) {
      until = std::min(until, now_ + world_.rules.attempt_timeout);
    }
    return Pending(HF_DO_ATTEMPT, until);
  }
  hf_action Failed(hf_reason reason) { return Over(reason, error_, retry_after_); }

  hf_action Pending(hf_do kind, Wide until) {
    kind_ = kind;
    until_ = std::min(until, kNever);
    return Again();
  }
  hf_action Again() {
    hf_action action{};
    action.kind = kind_;
    action.attempt = attempts_;
    action.until = until_ == kNever ? 0 : static_cast<hf_time>(until_);
    action.events = std::exchange(events_, 0);
    return action;
  }
  hf_action Over(hf_reason reason, hf_code code, hf_duration retry_after) {
    kind_ = HF_DO_FINISH;
    hf_action action{};
    action.kind = kind_;
    action.code = attempts_ > 0 ? error_ : code;
    action.reason = reason;
    action.attempt = attempts_;
    action.retry_after = retry_after;
    action.events = std::exchange(events_, 0);
    return action;
  }

  World<Storage>& world_;
  const bool idempotent_;
  Wide now_;
  Wide deadline_;
  Wide until_ = 0;
  hf_do kind_ = 0;
  uint32_t rounds_ = 0;
  uint32_t attempts_ = 0;
  std::optional<hf_permit> probe_;
  hf_permit place_{};
  hf_rejection why_{};
  hf_code error_ = HF_OK;
  hf_duration retry_after_ = 0;
  hf_events events_ = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_CALL_NAIVE_H_
