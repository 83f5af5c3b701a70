// SPDX-License-Identifier: Apache-2.0
// The way from RUN or RECONCILE to FINISH: renew, checkpoint, complete, fail, abandon, abort; see idem.h.
//
// After the effect, giving up early is the costly mistake: the record then says less than what is true.
// So a store that did nothing is asked again after a pause, whatever the deadline says.
#include <algorithm>

#include "engine/duration.h"
#include "engine/idem.h"
#include "engine/idem_reply.h"

namespace holdfast::engine {
namespace {

constexpr hf_duration kFirstPause = 20 * HF_MS;
constexpr hf_duration kLongestPause = HF_S;

}  // namespace

hf_action IdemSession::OnResult(const hf_outcome& outcome, const IdemBody& body, hf_time now) {
  Observe(now);
  ran_ = outcome.effect != HF_EFFECT_NOT_STARTED;
  at_stake_ = ran_;
  const bool may_come_back =
      outcome.effect == HF_EFFECT_RETRYABLE || config_.on_expiry != HF_ON_EXPIRY_IN_DOUBT;
  switch (outcome.effect) {
    case HF_EFFECT_FINAL:
      PlanComplete(outcome, body);
      break;
    case HF_EFFECT_NOT_STARTED:
      PlanGiveBack(outcome.code);
      verdict_ = {outcome.code, HF_R_NONE, outcome.retry_after};
      break;
    default:
      PlanFail(outcome.code, outcome.effect, outcome.retry_after);
      verdict_ = {outcome.code, may_come_back ? HF_R_IDEM_BACKOFF : HF_R_IDEM_IN_DOUBT,
                  outcome.retry_after};
      break;
  }
  return Settle();
}

// The reconciler's own failure is not the work's: whoever asked is told what a duplicate would be.
hf_action IdemSession::OnReconciled(const hf_outcome& outcome, const IdemBody& body, hf_time now) {
  Observe(now);
  switch (outcome.effect) {
    case HF_EFFECT_FINAL:
      at_stake_ = true;
      PlanComplete(outcome, body);
      break;
    case HF_EFFECT_NOT_STARTED:
      ask_first_ = false;
      return BeginOrRenew();
    case HF_EFFECT_RETRYABLE:
      PlanFail(outcome.code, HF_EFFECT_AMBIGUOUS, outcome.retry_after);
      verdict_ = {HF_UNAVAILABLE, HF_R_IDEM_BACKOFF, outcome.retry_after};
      break;
    default:
      at_stake_ = true;
      PlanFail(outcome.code, HF_EFFECT_AMBIGUOUS, 0);
      settle_on_expiry_ = HF_ON_EXPIRY_IN_DOUBT;
      verdict_ = {HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT, 0};
      break;
  }
  return Settle();
}

hf_action IdemSession::OnJoined(const hf_outcome& outcome, hf_time now) {
  Observe(now);
  result_code_ = outcome.code;
  ran_ = true;
  return Finish({outcome.code, FinalReason(outcome.code, HF_BODY_WHOLE), 0});
}

void IdemSession::PlanComplete(const hf_outcome& outcome, const IdemBody& body) {
  settle_verb_ = HF_STORE_COMPLETE;
  settle_effect_ = HF_EFFECT_FINAL;
  result_code_ = outcome.code;
  body_ = body.bytes;
  body_kind_ = body.kind;
  verdict_ = {outcome.code, FinalReason(outcome.code, body.kind), 0};
}

void IdemSession::PlanFail(hf_code code, hf_effect effect, hf_duration retry_after) {
  settle_verb_ = HF_STORE_FAIL;
  settle_effect_ = effect;
  settle_on_expiry_ = config_.on_expiry;
  // "Not by itself" is no time: whoever opens what refused the work does not tell the record.
  settle_retry_after_ = retry_after == HF_INFINITE ? 0 : retry_after;
  result_code_ = code;
}

void IdemSession::PlanGiveBack(hf_code why) {
  if (ask_first_) return PlanFail(why, HF_EFFECT_AMBIGUOUS, 0);
  if (has_checkpoint_) return PlanFail(why, HF_EFFECT_RETRYABLE, 0);
  settle_verb_ = HF_STORE_ABANDON;
  result_code_ = why;
}

hf_action IdemSession::GiveBack(const hf_rejection& why) {
  PlanGiveBack(why.code);
  verdict_ = why;
  return Settle();
}

hf_action IdemSession::Settle() {
  phase_ = IdemPhase::kSettling;
  besides_ = 0;
  may_stand_ = false;
  reasks_ = 0;
  rounds_ = 0;
  return Store(0);
}

std::optional<hf_action> IdemSession::OnSettled(const hf_store_reply& reply) {
  switch (reply.status) {
    case HF_STORE_OK:
      return Finish(verdict_);
    case HF_STORE_ALREADY:
      if (settle_verb_ != HF_STORE_COMPLETE) return std::nullopt;
      return Finish(verdict_);
    case HF_STORE_FENCED:
      return OnSettleFenced(reply);
    case HF_STORE_CORRUPT:
      return Finish(StorageRefusal(reply.status, 0));
    default:
      break;
  }
  if (!DidNothing(reply.status) && reply.status != HF_STORE_INDETERMINATE) return std::nullopt;
  return OnSettleFailed(reply.status);
}

hf_action IdemSession::OnSettleFenced(const hf_store_reply& reply) {
  // Nothing was to be told, so whoever has the key now is welcome to it.
  if (!at_stake_) return Finish(verdict_);
  // The earlier asking was applied after all: the table has no ALREADY for a failure.
  const bool failed_before =
      settle_verb_ == HF_STORE_FAIL && may_stand_ && reply.token == token_ &&
      (reply.state == HF_RECORD_RETRYABLE || reply.state == HF_RECORD_IN_DOUBT);
  return Finish(failed_before ? verdict_ : kFenced);
}

hf_action IdemSession::OnSettleFailed(hf_store_status status) {
  if (status == HF_STORE_INDETERMINATE) {
    may_stand_ = true;
    if (reasks_ < kStoreReasks) {
      ++reasks_;
      return Store(0);
    }
  } else if (rounds_ < kSettlePauses) {
    const hf_duration pause = Jittered(kFirstPause, kLongestPause, rounds_++);
    return Sleep(IdemPhase::kPausing, AddSaturating(now_, pause));
  }
  // Where nothing was to be told, nothing is unknown: the lease runs out by itself.
  return Finish(at_stake_ ? kStoreIndeterminate : verdict_);
}

void IdemSession::LoseLease() { lease_until_ = std::min(lease_until_, now_); }

hf_store_request IdemSession::Renew(hf_time now) {
  Observe(now);
  besides_ = HF_STORE_RENEW;
  renew_asked_ = now_;
  return RequestFor(HF_STORE_RENEW);
}

hf_code IdemSession::OnRenewed(const hf_store_reply& reply, hf_time now) {
  Observe(now);
  const bool nothing = DidNothing(reply.status);
  switch (reply.status) {
    case HF_STORE_OK:
      lease_until_ = LeaseFrom(renew_asked_);
      break;
    case HF_STORE_FENCED:
      LoseLease();
      break;
    case HF_STORE_INDETERMINATE:
    case HF_STORE_CORRUPT:
      break;
    default:
      if (!nothing) return HF_INVALID_ARGUMENT;
  }
  besides_ = 0;
  if (nothing) return HF_UNAVAILABLE;
  if (reply.status == HF_STORE_FENCED) return HF_ABORTED;
  if (reply.status == HF_STORE_INDETERMINATE) return HF_UNKNOWN;
  return reply.status == HF_STORE_CORRUPT ? HF_DATA_LOSS : HF_OK;
}

hf_store_request IdemSession::Checkpoint(hf_str bytes, hf_time now) {
  Observe(now);
  besides_ = HF_STORE_CHECKPOINT;
  hf_store_request request = RequestFor(HF_STORE_CHECKPOINT);
  request.body = bytes;
  return request;
}

hf_code IdemSession::OnCheckpointed(const hf_store_reply& reply, hf_time now) {
  Observe(now);
  switch (reply.status) {
    case HF_STORE_OK:
      besides_ = 0;
      has_checkpoint_ = true;
      return HF_OK;
    case HF_STORE_FENCED:
      besides_ = 0;
      LoseLease();
      return HF_ABORTED;
    case HF_STORE_INDETERMINATE:
      besides_ = 0;
      has_checkpoint_ = true;  // it may
      return HF_UNKNOWN;
    default:
      break;
  }
  if (!DidNothing(reply.status) && reply.status != HF_STORE_CORRUPT) return HF_INVALID_ARGUMENT;
  besides_ = 0;
  return StorageRefusal(reply.status, 0).code;
}

bool IdemSession::Abort(hf_store_request* request) {
  const IdemPhase phase = phase_;
  phase_ = IdemPhase::kFinished;
  besides_ = 0;
  switch (phase) {
    case IdemPhase::kRenewing:
    case IdemPhase::kReconciling:
      PlanGiveBack(HF_CANCELLED);
      break;
    case IdemPhase::kRunning:
      ran_ = true;
      PlanFail(HF_CANCELLED, HF_EFFECT_AMBIGUOUS, 0);
      break;
    case IdemPhase::kSettling:
    case IdemPhase::kPausing:
      break;
    default:
      return false;
  }
  *request = RequestFor(settle_verb_);
  return true;
}

}  // namespace holdfast::engine
