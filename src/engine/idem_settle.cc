// SPDX-License-Identifier: Apache-2.0
// The way from RUN to FINISH: renew, complete, fail, abandon, abort; see idem.h.
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

hf_action IdemSession::OnResult(const hf_outcome& outcome, hf_str body, bool truncated,
                                hf_time now) {
  Observe(now);
  result_code_ = outcome.code;
  ran_ = outcome.effect != HF_EFFECT_NOT_STARTED;
  settle_effect_ = outcome.effect;
  settle_retry_after_ = 0;
  switch (outcome.effect) {
    case HF_EFFECT_FINAL:
      settle_verb_ = HF_STORE_COMPLETE;
      body_ = body;
      truncated_ = truncated;
      verdict_ = {outcome.code, FinalReason(outcome.code, truncated), 0};
      break;
    case HF_EFFECT_RETRYABLE:
      settle_verb_ = HF_STORE_FAIL;
      settle_retry_after_ = outcome.retry_after;
      verdict_ = {outcome.code, HF_R_IDEM_BACKOFF, outcome.retry_after};
      break;
    case HF_EFFECT_NOT_STARTED:
      settle_verb_ = HF_STORE_ABANDON;
      verdict_ = {outcome.code, HF_R_NONE, outcome.retry_after};
      break;
    default:
      settle_verb_ = HF_STORE_FAIL;
      settle_retry_after_ = outcome.retry_after;
      verdict_ = {
          outcome.code,
          config_.on_expiry == HF_ON_EXPIRY_TAKEOVER ? HF_R_IDEM_BACKOFF : HF_R_IDEM_IN_DOUBT,
          outcome.retry_after};
      break;
  }
  return Settle();
}

hf_action IdemSession::OnJoined(const hf_outcome& outcome, hf_time now) {
  Observe(now);
  result_code_ = outcome.code;
  ran_ = true;
  return Finish({outcome.code, FinalReason(outcome.code, false), 0});
}

hf_action IdemSession::GiveBack(const hf_rejection& why) {
  settle_verb_ = HF_STORE_ABANDON;
  verdict_ = why;
  return Settle();
}

hf_action IdemSession::Settle() {
  phase_ = IdemPhase::kSettling;
  renewal_out_ = false;
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
  // Nothing ran, so whoever has the key now is welcome to it.
  if (settle_verb_ == HF_STORE_ABANDON) return Finish(verdict_);
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
  // Where nothing ran, nothing is unknown: the lease runs out by itself.
  return Finish(ran_ ? kStoreIndeterminate : verdict_);
}

hf_store_request IdemSession::Renew(hf_time now) {
  Observe(now);
  renewal_out_ = true;
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
      lease_until_ = std::min(lease_until_, now_);
      break;
    case HF_STORE_INDETERMINATE:
    case HF_STORE_CORRUPT:
      break;
    default:
      if (!nothing) return HF_INVALID_ARGUMENT;
  }
  renewal_out_ = false;
  if (nothing) return HF_UNAVAILABLE;
  if (reply.status == HF_STORE_FENCED) return HF_ABORTED;
  if (reply.status == HF_STORE_INDETERMINATE) return HF_UNKNOWN;
  return reply.status == HF_STORE_CORRUPT ? HF_DATA_LOSS : HF_OK;
}

bool IdemSession::Abort(hf_store_request* request) {
  const IdemPhase phase = phase_;
  phase_ = IdemPhase::kFinished;
  renewal_out_ = false;
  switch (phase) {
    case IdemPhase::kRenewing:
      *request = RequestFor(HF_STORE_ABANDON);
      return true;
    case IdemPhase::kRunning:
      ran_ = true;
      result_code_ = HF_CANCELLED;
      settle_effect_ = HF_EFFECT_AMBIGUOUS;
      settle_retry_after_ = 0;
      *request = RequestFor(HF_STORE_FAIL);
      return true;
    case IdemPhase::kSettling:
    case IdemPhase::kPausing:
      *request = RequestFor(settle_verb_);
      return true;
    default:
      return false;
  }
}

}  // namespace holdfast::engine
