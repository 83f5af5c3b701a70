// SPDX-License-Identifier: Apache-2.0
// The naive call: the rules of c/call.h told as one straight story, in 128-bit time that cannot overflow,
// and the world it lives in. Reference for call_model_test.cc.
#ifndef HOLDFAST_TESTS_MODEL_CALL_NAIVE_H_
#define HOLDFAST_TESTS_MODEL_CALL_NAIVE_H_

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "engine/budget.h"
#include "engine/bulkhead.h"
#include "engine/call.h"
#include "model/world_breaker.h"

namespace holdfast::model {

// A rate limit that is easy to see through: one call each `interval`, reservations up to `max_wait`, and a
// refund for the last one only. The real one has a model test of its own.
struct PlainLimit {
  hf_duration interval = 0, max_wait = 0;
  hf_time next = 0;

  hf_code Take(hf_time now, hf_time deadline, hf_time* at, hf_rejection* why) {
    const hf_time moment = std::max(now, next);
    if (moment - now > max_wait || moment >= deadline) {
      *why = {HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, moment - now};
      return why->code;
    }
    next = moment + interval;
    *at = moment;
    return moment == now ? HF_OK : HF_UNAVAILABLE;
  }
  void Cancel(hf_time moment) {
    if (next == moment + interval) next = moment;
  }
};

// The guards that calls of one world share. Each may be left out.
template <typename Storage>
struct World {
  engine::CallRules rules;
  std::optional<WorldBreaker<Storage>> breaker;
  std::optional<engine::Bulkhead<Storage>> bulkhead;
  std::optional<engine::Budget<Storage>> budget;
  std::optional<PlainLimit> limits[2];  // by level
  uint32_t call_places = 0;             // of a bulkhead before the call, without a queue; 0: none
  uint32_t call_in_flight = 0;
  bool killed = false;
  bool throttled = false;
  std::optional<engine::Injection> fault;
  uint32_t faults_out = 0;
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
  NaiveCall(World<Storage>& world, bool idempotent, uint32_t retries, hf_time deadline, hf_time now)
      : world_(world),
        idempotent_(idempotent),
        retries_left_(retries),
        now_(now),
        started_(now),
        deadline_(deadline) {
    if (deadline_ == 0) deadline_ = kNever;
    if (world_.rules.limits.timeout != HF_INFINITE) {
      deadline_ = std::min<Wide>(deadline_, Wide{now} + world_.rules.limits.timeout);
    }
  }

  hf_action Begin() {
    if (world_.killed) return Over(HF_R_KILLED, HF_UNAVAILABLE, 9);
    if (now_ >= deadline_) return Over(HF_R_DEADLINE, HF_DEADLINE_EXCEEDED, retry_after_);
    return Limited(0);
  }

  hf_action OnTime(hf_time now) {
    Clock(now);
    if (kind_ == HF_DO_WAIT) return OnPlace();
    if (now_ < until_) return Again();
    if (sleep_is_for_ == 'r') return Round();
    if (sleep_is_for_ == 'd') return AfterDelay();
    if (now_ >= deadline_) return OverLate();
    if (world_.killed) return Over(HF_R_KILLED, HF_UNAVAILABLE, 9);
    if (sleep_is_for_ == '0') return CallPlace();
    return AskBreaker() ? Place() : Refused();
  }

  // `code`, `verdict` and `effect` are complete: nothing is left to derive; `derived` if they were.
  hf_action OnOutcome(const hf_outcome& reported, bool reported_derived, hf_time now) {
    Clock(now);
    const bool canned = canned_ != 0;
    const hf_outcome outcome = canned ? engine::DeriveOutcome(fault_.outcome) : reported;
    const bool derived = canned || reported_derived;
    hf_verdict verdict = outcome.verdict;
    const bool late = now_ > attempt_until_;
    if (late) events_ |= HF_EVENT_LATE_RESULT;
    if (late && (derived || verdict != HF_VERDICT_IGNORED)) verdict = HF_VERDICT_FAILURE;
    if (now_ == attempt_until_ && derived && verdict == HF_VERDICT_IGNORED) {
      verdict = HF_VERDICT_FAILURE;
    }
    GiveBack(verdict);
    error_ = outcome.code;
    retry_after_ = outcome.retry_after;
    const bool neutral = verdict == HF_VERDICT_IGNORED;
    retries_left_ -= std::min(retries_left_, outcome.retried);
    retried_ += outcome.retried;
    if (outcome.code == HF_OK) {
      if (!neutral && world_.budget) world_.budget->OnSuccess();
      return Over(HF_R_NONE, HF_OK, 0);
    }
    if (neutral) return Failed(HF_R_NOT_RETRYABLE);
    const bool stop = outcome.retry_after == HF_INFINITE;
    if (outcome.effect == HF_EFFECT_FINAL)
      return Failed(stop ? HF_R_PUSHED_BACK : HF_R_NOT_RETRYABLE);
    if (outcome.effect == HF_EFFECT_AMBIGUOUS && !idempotent_) {
      return Failed(stop ? HF_R_PUSHED_BACK : HF_R_NOT_IDEMPOTENT);
    }
    const bool sent = outcome.effect != HF_EFFECT_NOT_STARTED;
    bool may = true;
    if (sent && world_.budget) may = world_.budget->OnFailure();
    if (stop) return Failed(HF_R_PUSHED_BACK);
    if (rounds_ >= Attempts()) return Failed(HF_R_ATTEMPTS_EXHAUSTED);
    if (!may) {
      events_ |= HF_EVENT_BUDGET_REFUSED;
      return Failed(HF_R_BUDGET_EXHAUSTED);
    }
    Wide delay = Backoff();
    const Wide asked = std::min<Wide>(outcome.retry_after, 5 * HF_S + delay);
    if (asked > delay) delay = asked;
    if (!Fits(delay)) return Failed(HF_R_DEADLINE);
    if (TooLong(delay)) return Failed(HF_R_ELAPSED);
    if (sent) {
      if (retries_left_ == 0) return Failed(HF_R_RETRIED_ELSEWHERE);
      --retries_left_;
      ++retried_;
    }
    return Sleep('r', now_ + delay);
  }

  void Abort(hf_time now) {
    Clock(now);
    if (kind_ == HF_DO_WAIT) {
      engine::WakeList wake;
      world_.bulkhead->WaitCancel(world_.waiters[this], Now(), &wake);
      world_.Woken(&wake);
    }
    GiveBack(HF_VERDICT_IGNORED);
    LeaveCall();
    kind_ = HF_DO_FINISH;
  }

 private:
  __extension__ typedef __int128 Wide;
  static constexpr Wide kNever = HF_INFINITE;

  hf_time Now() const { return static_cast<hf_time>(now_); }
  hf_time Deadline() const {
    return deadline_ >= HF_INFINITE ? HF_INFINITE : static_cast<hf_time>(deadline_);
  }
  void Clock(hf_time now) {
    if (now > now_) now_ = now;
  }

  // --- the gates, in order --------------------------------------------------------------------------
  hf_action Limited(int level) {
    hf_time at = 0;
    hf_code code = HF_OK;
    if (world_.limits[level]) code = world_.limits[level]->Take(Now(), Deadline(), &at, &why_);
    if (code == HF_OK || code == HF_UNAVAILABLE) {
      if (world_.limits[level]) reserved_ = {level, at};
      if (code == HF_OK) return level == 0 ? CallPlace() : Place();
      TellBreaker(HF_VERDICT_IGNORED);
      return Sleep(level == 0 ? '0' : '1', at);
    }
    return Over(why_.reason, why_.code, why_.retry_after);
  }

  hf_action CallPlace() {
    if (world_.call_places != 0) {
      if (world_.call_in_flight == world_.call_places) {
        return Over(HF_R_BULKHEAD_FULL, HF_RESOURCE_EXHAUSTED, 0);
      }
      ++world_.call_in_flight;
      in_call_ = true;
    }
    reserved_.reset();
    return Round();
  }

  hf_action Round() {
    if (now_ >= deadline_) return OverLate();
    if (rounds_ > 0 && world_.killed) return Over(HF_R_KILLED, HF_UNAVAILABLE, 9);
    ++rounds_;
    if (!AskBreaker()) return Refused();
    if (world_.throttled) return Over(HF_R_THROTTLED, HF_UNAVAILABLE, 4);
    return Limited(1);
  }

  hf_action Place() {
    if (!world_.bulkhead) return Attempt();
    hf_time until = 0;
    const hf_code code = world_.EnterBulkhead(world_.waiters[this], hf_waker{}, Deadline(), Now(),
                                              &place_, &until, &why_);
    if (code == HF_OK) return Attempt();
    if (code != HF_UNAVAILABLE) return Over(why_.reason, why_.code, why_.retry_after);
    TellBreaker(HF_VERDICT_IGNORED);
    events_ |= HF_EVENT_QUEUED;
    return Pending(HF_DO_WAIT, until);
  }

  hf_action OnPlace() {
    const hf_code code = world_.PollBulkhead(world_.waiters[this], Now(), &place_, &why_);
    if (code == HF_UNAVAILABLE) return Again();
    if (code != HF_OK) return Over(why_.reason, why_.code, why_.retry_after);
    if (now_ >= deadline_) return OverLate();
    if (world_.killed) return Over(HF_R_KILLED, HF_UNAVAILABLE, 9);
    return AskBreaker() ? Attempt() : Refused();
  }

  hf_action Attempt() {
    reserved_.reset();
    ++attempts_;
    attempt_until_ = deadline_;
    if (world_.rules.limits.attempt_timeout != HF_INFINITE) {
      attempt_until_ = std::min(attempt_until_, now_ + world_.rules.limits.attempt_timeout);
    }
    if (!world_.fault) return Pending(HF_DO_ATTEMPT, attempt_until_);
    fault_ = *world_.fault;
    events_ |= HF_EVENT_FAULT;
    ++world_.faults_out;
    faulty_ = true;
    if (fault_.until <= now_) return AfterDelay();
    return Sleep('d', std::min<Wide>(fault_.until, attempt_until_));
  }

  hf_action AfterDelay() {
    EndFault();
    if (now_ >= attempt_until_) {
      return OnOutcome({HF_DEADLINE_EXCEEDED, HF_VERDICT_FAILURE, HF_EFFECT_NOT_STARTED, 0, 0},
                       true, Now());
    }
    using Kind = engine::Injection::Kind;
    if (fault_.kind == Kind::kOutcome) {
      return OnOutcome(engine::DeriveOutcome(fault_.outcome), true, Now());
    }
    canned_ = fault_.kind == Kind::kResult ? fault_.result : 0;
    return Pending(HF_DO_ATTEMPT, attempt_until_);
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

  hf_action Refused() {
    if (rounds_ < Attempts()) {
      const Wide delay = std::max<Wide>(Backoff(), why_.retry_after);
      if (why_.retry_after != HF_INFINITE && Fits(delay) && !TooLong(delay)) {
        GiveBack(HF_VERDICT_IGNORED);
        return Sleep('r', now_ + delay);
      }
    }
    return Over(why_.reason, why_.code, why_.retry_after);
  }

  // --- time and retries -----------------------------------------------------------------------------
  uint32_t Attempts() const {
    const uint32_t by_rule = world_.rules.rules.At(error_).max_attempts;
    return by_rule != 0 ? by_rule : world_.rules.backoff.max_attempts;
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
  bool TooLong(Wide delay) const {
    return now_ + delay - started_ > world_.rules.backoff.max_elapsed;
  }

  // --- giving back, and the end ---------------------------------------------------------------------
  void TellBreaker(hf_verdict verdict) {
    if (!probe_) return;
    events_ |= world_.breaker->Record(*probe_, verdict, Now()).events;
    probe_.reset();
  }
  void EndFault() {
    if (faulty_) --world_.faults_out;
    faulty_ = false;
    canned_ = 0;
  }
  void GiveBack(hf_verdict verdict) {
    EndFault();
    TellBreaker(verdict);
    if (reserved_) world_.limits[reserved_->first]->Cancel(reserved_->second);
    reserved_.reset();
    if (place_.kind == HF_PERMIT_NONE) return;
    place_ = hf_permit{};
    world_.LeaveBulkhead(Now());
  }
  void LeaveCall() {
    if (in_call_) --world_.call_in_flight;
    in_call_ = false;
  }

  hf_action Sleep(char what_for, Wide until) {
    sleep_is_for_ = what_for;
    return Pending(HF_DO_SLEEP, until);
  }
  hf_action Pending(hf_do kind, Wide until) {
    kind_ = kind;
    until_ = std::min(std::min(until, deadline_), kNever);
    return Again();
  }
  hf_action Again() {
    hf_action action{};
    action.kind = kind_;
    action.attempt = attempts_;
    action.until = until_ == kNever ? 0 : static_cast<hf_time>(until_);
    action.events = std::exchange(events_, 0);
    if (kind_ == HF_DO_ATTEMPT) action.retries = retries_left_;
    if (kind_ == HF_DO_ATTEMPT) action.fault = canned_;
    return action;
  }
  hf_action OverLate() { return Over(HF_R_DEADLINE, HF_DEADLINE_EXCEEDED, retry_after_); }
  hf_action Failed(hf_reason reason) { return Over(reason, error_, retry_after_); }
  hf_action Over(hf_reason reason, hf_code code, hf_duration retry_after) {
    GiveBack(HF_VERDICT_IGNORED);
    LeaveCall();
    kind_ = HF_DO_FINISH;
    hf_action action{};
    action.kind = kind_;
    action.code = attempts_ > 0 ? error_ : code;
    action.reason = reason;
    action.attempt = attempts_;
    action.retry_after = retry_after;
    action.events = std::exchange(events_, 0);
    action.retries = retried_;
    return action;
  }

  World<Storage>& world_;
  const bool idempotent_;
  uint32_t retries_left_;
  Wide now_;
  const Wide started_;
  Wide deadline_;
  Wide until_ = 0;
  Wide attempt_until_ = 0;
  hf_do kind_ = 0;
  char sleep_is_for_ = 0;  // 'r': the next round, 'd': a fault, '0' and '1': a rate limit's moment
  uint32_t rounds_ = 0;
  uint32_t attempts_ = 0;
  uint32_t retried_ = 0;
  uint64_t canned_ = 0;
  engine::Injection fault_;
  bool faulty_ = false;
  bool in_call_ = false;
  std::optional<std::pair<int, hf_time>> reserved_;  // level and moment
  std::optional<hf_permit> probe_;
  hf_permit place_{};
  hf_rejection why_{};
  hf_code error_ = HF_OK;
  hf_duration retry_after_ = 0;
  hf_events events_ = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_CALL_NAIVE_H_
