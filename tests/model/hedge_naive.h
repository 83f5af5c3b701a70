// SPDX-License-Identifier: Apache-2.0
// The naive hedged call: the rules of c/hedge.h told as one straight story, in 128-bit time that cannot
// overflow; the naive policy, which keeps every latency and sorts them; and the guards they share.
// Reference for hedge_model_test.cc.
#ifndef HOLDFAST_TESTS_MODEL_HEDGE_NAIVE_H_
#define HOLDFAST_TESTS_MODEL_HEDGE_NAIVE_H_

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/budget.h"
#include "engine/bulkhead.h"
#include "engine/hedge.h"
#include "engine/hedge_call.h"
#include "model/world_breaker.h"

namespace holdfast::model {

__extension__ typedef __int128 Wide;

// The guards that calls of one world share. Each may be left out.
template <typename Storage>
struct HedgeWorld {
  engine::CallRules rules;
  std::optional<WorldBreaker<Storage>> breaker;
  std::optional<engine::Bulkhead<Storage>> bulkhead;
  std::optional<engine::Budget<Storage>> budget;

  // Nobody waits for a place here.
  bool TakePlace(hf_time now) {
    uint32_t stamp = 0;
    engine::WakeList nobody;
    return bulkhead->TakeFree(now, &stamp, &nobody);
  }
  void GiveBackPlace(hf_time now) {
    engine::WakeList nobody;
    bulkhead->GiveBack(/*stamp=*/0, now, &nobody);
  }
};

class NaiveHedge {
 public:
  explicit NaiveHedge(const engine::HedgeRules& rules) : rules_(rules), tokens(rules.burst) {}

  Wide Begin(Wide now, uint32_t* max_attempts) {
    Turn(now);
    ++calls;
    tokens = std::min<int64_t>(rules_.burst, tokens + rules_.max_rate);
    *max_attempts = rules_.max_attempts;
    if (rules_.mode == HF_HEDGE_FIXED || !quantile_) return rules_.delay;
    return std::min(std::max<Wide>(*quantile_, rules_.min_delay), Wide{rules_.max_delay});
  }
  void Learn(Wide latency, Wide now) {
    Turn(now);
    current_.push_back(latency);
    ++ever_;
    if (Samples() == rules_.min_samples || ever_ % 128 == 0) Look();
  }
  void Update(const engine::HedgeRules& rules, Wide now) {
    newest_ = std::max(newest_, now);
    tokens = std::min<int64_t>(rules.burst, tokens * rules.burst / rules_.burst);
    rules_ = rules;
    end_ = std::min(end_, newest_ + rules.window);
    Turn(newest_);
    Look();
  }
  Wide Expected() const { return median_.value_or(0); }
  size_t Samples() const { return older_.size() + current_.size(); }

  uint64_t calls = 0, sent = 0, won = 0;
  uint64_t refused[5] = {};  // by HedgeRefusal

 private:
  void Turn(Wide now) {
    if (now < end_) return;
    newest_ = std::max(newest_, now);
    older_.clear();
    if (newest_ - end_ >= rules_.window) {
      current_.clear();
      end_ = newest_;
    }
    std::swap(older_, current_);
    end_ += rules_.window;
    Look();
  }
  void Look() {
    quantile_.reset();
    median_.reset();
    if (Samples() < rules_.min_samples) return;
    std::vector<Wide> all = older_;
    all.insert(all.end(), current_.begin(), current_.end());
    std::sort(all.begin(), all.end());
    quantile_ = RoundedUp(all[Place(all.size(), rules_.quantile)]);
    median_ = RoundedUp(all[Place(all.size(), 500'000)]);
  }
  // The first place below which, itself included, at least `quantile` of all are.
  static size_t Place(size_t count, uint64_t quantile) {
    size_t place = 0;
    while ((place + 1) * 1'000'000 < count * quantile) ++place;
    return place;
  }
  // To a sixteenth of the power of two below.
  static Wide RoundedUp(Wide latency) {
    Wide power = 1024;
    if (latency < power) return power - 1;
    while (power * 2 <= latency) power *= 2;
    return latency / (power / 16) * (power / 16) + power / 16 - 1;
  }

  engine::HedgeRules rules_;
  std::vector<Wide> older_, current_;
  std::optional<Wide> quantile_, median_;
  Wide end_ = 0;
  Wide newest_ = 0;
  uint64_t ever_ = 0;

 public:
  int64_t tokens;
};

template <typename Storage>
class NaiveHedgedCall {
 public:
  NaiveHedgedCall(HedgeWorld<Storage>& world, NaiveHedge& policy, bool idempotent, Wide deadline,
                  Wide now)
      : world_(world), policy_(policy), idempotent_(idempotent), now_(now) {
    if (deadline != 0) deadline_ = deadline;
    if (world.rules.limits.timeout != HF_INFINITE) {
      deadline_ = std::min(deadline_, now + world.rules.limits.timeout);
    }
  }

  hf_hedge_action Begin() {
    if (now_ >= deadline_) return Over(HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0, 0);
    Attempt first;
    if (!Ask(&first)) return Over(why_.code, why_.reason, why_.retry_after, 0);
    delay_ = policy_.Begin(now_, &most_);
    if (!idempotent_) most_ = 1;
    return Fly(first);
  }

  hf_hedge_action OnTime(hf_time now) {
    now_ = std::max<Wide>(now_, now);
    return GoOn();
  }

  // `outcome` is complete; `derived` if its verdict was.
  hf_hedge_action OnOutcome(size_t number, const hf_outcome& outcome, bool derived, hf_time now) {
    now_ = std::max<Wide>(now_, now);
    Attempt& attempt = attempts_[number - 1];
    if (attempt.where == kCut) {
      attempt.where = kGone;
      events_ |= HF_EVENT_LATE_RESULT;
      return GoOn();
    }
    hf_verdict verdict = outcome.verdict;
    const bool late = now_ > attempt.until, at_the_end = now_ == attempt.until;
    if (late) events_ |= HF_EVENT_LATE_RESULT;
    const bool answered = verdict != HF_VERDICT_FAILURE && verdict != HF_VERDICT_IGNORED;
    if (late && (derived || verdict != HF_VERDICT_IGNORED)) verdict = HF_VERDICT_FAILURE;
    if (at_the_end && derived && verdict == HF_VERDICT_IGNORED) verdict = HF_VERDICT_FAILURE;
    const bool timed_out = (late || at_the_end) && verdict == HF_VERDICT_FAILURE;
    if (number == 1 && (answered || timed_out)) policy_.Learn(now_ - attempt.started, now_);
    Settle(&attempt, verdict);
    attempt.where = kGone;
    if (outcome.code == HF_OK) {
      if (verdict != HF_VERDICT_IGNORED && world_.budget) world_.budget->OnSuccess();
      if (number > 1) ++policy_.won;
      return Over(HF_OK, HF_R_NONE, 0, number);
    }
    error_ = {outcome.code, outcome.retry_after, number};
    if (verdict == HF_VERDICT_IGNORED || outcome.effect == HF_EFFECT_FINAL) {
      return Failed(HF_R_NOT_RETRYABLE);
    }
    Next(outcome.effect, outcome.retry_after);
    return GoOn();
  }

  void Abort(hf_time now) {
    now_ = std::max<Wide>(now_, now);
    for (Attempt& attempt : attempts_) {
      if (attempt.where == kFlying) Settle(&attempt, HF_VERDICT_IGNORED);
      attempt.where = kGone;
    }
  }

  bool Awaits(size_t number) const {
    return number >= 1 && number <= attempts_.size() && attempts_[number - 1].where != kGone;
  }

 private:
  static constexpr Wide kNever = HF_INFINITE;
  enum Where { kFlying, kCut, kGone };
  struct Attempt {
    Wide started = 0, until = 0;
    Where where = kFlying;
    std::optional<hf_permit> probe;
    bool place = false;
  };
  struct Error {
    hf_code code = HF_OK;
    hf_duration retry_after = 0;
    size_t attempt = 0;
  };

  bool Ask(Attempt* attempt) {
    if (world_.breaker) {
      const engine::Admission admission = world_.breaker->Acquire(static_cast<hf_time>(now_));
      events_ |= admission.events;
      why_ = admission.why;
      if (why_.code != HF_OK) return false;
      attempt->probe = admission.permit;
    }
    if (!world_.bulkhead) return true;
    attempt->place = world_.TakePlace(static_cast<hf_time>(now_));
    if (attempt->place) return true;
    Settle(attempt, HF_VERDICT_IGNORED);
    why_ = {HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, 0};
    return false;
  }
  void Settle(Attempt* attempt, hf_verdict verdict) {
    const hf_time now = static_cast<hf_time>(now_);
    if (attempt->probe) events_ |= world_.breaker->Record(*attempt->probe, verdict, now).events;
    if (attempt->place) world_.GiveBackPlace(now);
    attempt->probe.reset();
    attempt->place = false;
  }
  hf_hedge_action Fly(Attempt attempt) {
    attempt.started = now_;
    attempt.until = deadline_;
    if (world_.rules.limits.attempt_timeout != HF_INFINITE) {
      attempt.until = std::min(deadline_, now_ + world_.rules.limits.attempt_timeout);
    }
    attempts_.push_back(attempt);
    free_ = false;
    due_ = delay_ == 0 ? kNever : now_ + delay_;
    hf_hedge_action action = Say(HF_DO_ATTEMPT, attempt.until);
    action.attempt = static_cast<uint32_t>(attempts_.size());
    return action;
  }

  // An attempt has failed: may another follow, and when?
  void Next(hf_effect effect, hf_duration retry_after) {
    if (effect == HF_EFFECT_AMBIGUOUS && !idempotent_) return;
    bool allowed = true;
    if (effect != HF_EFFECT_NOT_STARTED && world_.budget) allowed = world_.budget->OnFailure();
    if (Full()) return;
    if (retry_after > 5 * HF_S) {
      Stop(engine::HedgeRefusal::kPushedBack, HF_R_PUSHED_BACK, retry_after);
    } else if (!allowed) {
      events_ |= HF_EVENT_BUDGET_REFUSED;
      Stop(engine::HedgeRefusal::kBudget, HF_R_BUDGET_EXHAUSTED, 0);
    } else {
      push_ = std::max(push_, now_ + retry_after);
      due_ = std::max(push_, now_);
      free_ = true;
    }
  }
  void Stop(engine::HedgeRefusal who, hf_reason reason, hf_duration retry_after) {
    ++policy_.refused[static_cast<int>(who)];
    stopped_ = hf_rejection{HF_OK, reason, retry_after};
  }
  bool Full() const { return stopped_ || attempts_.size() >= most_; }

  // Sends what is due, or tells why it cannot.
  std::optional<Attempt> Due() {
    if (deadline_ != kNever && deadline_ - now_ < policy_.Expected()) {
      Stop(engine::HedgeRefusal::kTooLate, HF_R_DEADLINE, 0);
      return std::nullopt;
    }
    if (policy_.tokens < 1000) {
      Stop(engine::HedgeRefusal::kCap, HF_R_RATE_LIMITED, 0);
      return std::nullopt;
    }
    Attempt attempt;
    if (!Ask(&attempt)) {
      Stop(engine::HedgeRefusal::kGuard, why_.reason, why_.retry_after);
      return std::nullopt;
    }
    if (!free_ && world_.budget) {
      const int64_t left = static_cast<int64_t>(world_.budget->Tokens()) - 1000;
      if (left * 2 <= static_cast<int64_t>(world_.budget->policy().max)) {
        Settle(&attempt, HF_VERDICT_IGNORED);
        events_ |= HF_EVENT_BUDGET_REFUSED;
        Stop(engine::HedgeRefusal::kBudget, HF_R_BUDGET_EXHAUSTED, 0);
        return std::nullopt;
      }
      world_.budget->OnFailure();
    }
    policy_.tokens -= 1000;
    ++policy_.sent;
    return attempt;
  }

  hf_hedge_action GoOn() {
    if (now_ >= deadline_) {
      if (!Full() && due_ < kNever)
        ++policy_.refused[static_cast<int>(engine::HedgeRefusal::kTooLate)];
      verdict_of_the_oldest_ = HF_VERDICT_FAILURE;
      const hf_code code = error_.code == HF_OK ? HF_DEADLINE_EXCEEDED : error_.code;
      return Over(code, HF_R_DEADLINE, error_.retry_after, error_.attempt);
    }
    for (size_t i = 0; i < attempts_.size(); ++i) {
      if (attempts_[i].where != kFlying || now_ < attempts_[i].until) continue;
      Drop(i, HF_VERDICT_FAILURE);
      attempts_[i].where = kCut;
      error_ = {HF_DEADLINE_EXCEEDED, 0, 0};
      Next(HF_EFFECT_AMBIGUOUS, 0);
    }
    if (!Full() && now_ >= due_) {
      if (const std::optional<Attempt> attempt = Due()) return Fly(*attempt);
    }
    Wide until = deadline_;
    if (!Full()) until = std::min(until, due_);
    bool flying = false;
    for (const Attempt& attempt : attempts_) {
      if (attempt.where != kFlying) continue;
      flying = true;
      until = std::min(until, attempt.until);
    }
    if (flying || (!Full() && due_ < deadline_)) return Say(HF_DO_WAIT, until);
    if (!Full()) return Failed(HF_R_DEADLINE);
    if (!stopped_) return Failed(idempotent_ ? HF_R_ATTEMPTS_EXHAUSTED : HF_R_NOT_IDEMPOTENT);
    return Over(error_.code, stopped_->reason, std::max(error_.retry_after, stopped_->retry_after),
                error_.attempt);
  }

  // Takes attempt i down from here.
  void Drop(size_t i, hf_verdict verdict) {
    Attempt& attempt = attempts_[i];
    if (i == 0) policy_.Learn(now_ - attempt.started, now_);
    Settle(&attempt, verdict);
    cancel_ |= 1u << i;
  }

  hf_hedge_action Failed(hf_reason reason) {
    return Over(error_.code, reason, error_.retry_after, error_.attempt);
  }
  hf_hedge_action Over(hf_code code, hf_reason reason, hf_duration retry_after, size_t attempt) {
    hf_verdict verdict = verdict_of_the_oldest_;
    for (size_t i = 0; i < attempts_.size(); ++i) {
      if (attempts_[i].where == kFlying) {
        Drop(i, verdict);
        verdict = HF_VERDICT_IGNORED;
      }
      attempts_[i].where = kGone;
    }
    hf_hedge_action action = Say(HF_DO_FINISH, kNever);
    action.code = code;
    action.reason = reason;
    action.retry_after = retry_after;
    action.attempt = static_cast<uint32_t>(attempt);
    return action;
  }
  hf_hedge_action Say(hf_do kind, Wide until) {
    hf_hedge_action action{};
    action.kind = kind;
    action.attempts = static_cast<uint32_t>(attempts_.size());
    action.cancel = std::exchange(cancel_, 0);
    action.until = until >= kNever ? 0 : static_cast<hf_time>(until);
    action.events = std::exchange(events_, 0);
    return action;
  }

  HedgeWorld<Storage>& world_;
  NaiveHedge& policy_;
  const bool idempotent_;
  Wide now_;
  Wide deadline_ = kNever;
  Wide delay_ = 0;  // 0: none
  Wide due_ = kNever;
  Wide push_ = 0;
  uint32_t most_ = 1;
  bool free_ = false;  // paid already
  std::vector<Attempt> attempts_;
  std::optional<hf_rejection> stopped_;
  Error error_;
  hf_rejection why_{};
  hf_verdict verdict_of_the_oldest_ = HF_VERDICT_IGNORED;
  uint32_t cancel_ = 0;
  hf_events events_ = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_HEDGE_NAIVE_H_
