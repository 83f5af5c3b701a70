// SPDX-License-Identifier: Apache-2.0
// The way to RUN: claim, wait, and what every step shares; see idem.h. The margin of a tenth of the lease covers the way back from the store and the steps of
// the work between two looks at its clock.
#include "engine/idem.h"

#include <algorithm>

#include "engine/duration.h"
#include "engine/idem_reply.h"
#include "engine/rng.h"

namespace holdfast::engine {
namespace {

constexpr hf_duration kFirstPoll = 5 * HF_MS;
constexpr hf_duration kLongestPoll = 250 * HF_MS;
constexpr hf_duration kShortestPoll = HF_MS;

}  // namespace

void IdemSession::Observe(hf_time now) { now_ = NotBefore(now, now_); }

hf_time IdemSession::LeaseFrom(hf_time asked) const {
  return AddSaturating(asked, config_.lease - config_.lease / 10);
}

// Between half of the delay and all of it: spread enough for a herd, and never at once.
hf_duration IdemSession::Jittered(hf_duration first, hf_duration cap, uint32_t round) {
  const hf_duration full = std::min(cap, first << std::min(round, 16u));
  Rng rng(config_.seed, draws_++);
  return full - static_cast<hf_duration>(rng.UpTo(static_cast<uint64_t>(full / 2)));
}

hf_action IdemSession::Action(hf_do kind) const {
  hf_action action = {};
  action.kind = kind;
  action.attempt = attempt_;
  return action;
}

hf_action IdemSession::Store(hf_time until) {
  hf_action action = Action(HF_DO_STORE);
  action.until = until;
  return action;
}

hf_action IdemSession::Sleep(IdemPhase phase, hf_time until) {
  phase_ = phase;
  until_ = until;
  hf_action action = Action(HF_DO_SLEEP);
  action.until = until;
  return action;
}

hf_action IdemSession::Finish(const hf_rejection& verdict) {
  phase_ = IdemPhase::kFinished;
  besides_ = 0;
  hf_action action = Action(HF_DO_FINISH);
  action.code = verdict.code;
  action.reason = verdict.reason;
  action.retry_after = verdict.retry_after;
  return action;
}

hf_action IdemSession::Start(hf_time now) {
  Observe(now);
  wait_until_ = AddSaturating(now_, config_.max_wait);
  if (now_ >= config_.deadline) return Finish({HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0});
  return Claim();
}

hf_action IdemSession::Claim() {
  may_stand_ = false;
  reasks_ = 0;
  return ReaskClaim();
}

hf_action IdemSession::ReaskClaim() {
  phase_ = IdemPhase::kClaiming;
  if (!keeps_base_) lease_base_ = now_;
  return Store(std::min(config_.deadline, LeaseFrom(now_)));
}

bool IdemSession::AwaitsReply() const {
  return phase_ == IdemPhase::kClaiming || phase_ == IdemPhase::kRenewing ||
         phase_ == IdemPhase::kSettling;
}

hf_store_request IdemSession::RequestFor(hf_store_verb verb) const {
  hf_store_request request = {};
  request.verb = verb;
  request.on_expiry = config_.on_expiry;
  std::copy_n(config_.key_id, sizeof(request.key_id), request.key_id);
  std::copy_n(config_.fingerprint, sizeof(request.fingerprint), request.fingerprint);
  std::copy_n(config_.nonce, sizeof(request.nonce), request.nonce);
  request.token = token_;
  request.lease = config_.lease;
  request.ttl = config_.ttl;
  request.max_attempts = config_.max_attempts;
  if (verb == HF_STORE_CLAIM) request.label = config_.label;
  if (verb == HF_STORE_COMPLETE || verb == HF_STORE_FAIL) {
    request.code = result_code_;
    request.effect = settle_effect_;
    request.retry_after = settle_retry_after_;
  }
  if (verb == HF_STORE_FAIL) request.on_expiry = settle_on_expiry_;
  if (verb == HF_STORE_COMPLETE) {
    request.body = body_;
    request.truncated = body_kind_;
  }
  return request;
}

hf_store_request IdemSession::Request() const {
  switch (phase_) {
    case IdemPhase::kClaiming:
      return RequestFor(HF_STORE_CLAIM);
    case IdemPhase::kRenewing:
      return RequestFor(HF_STORE_RENEW);
    default:
      return RequestFor(settle_verb_);
  }
}

std::optional<hf_action> IdemSession::OnReply(const hf_store_reply& reply, hf_time now) {
  Observe(now);
  switch (phase_) {
    case IdemPhase::kClaiming:
      return OnClaimed(reply);
    case IdemPhase::kRenewing:
      return OnRenewedBeforeRun(reply);
    default:
      return OnSettled(reply);
  }
}

std::optional<hf_action> IdemSession::OnClaimed(const hf_store_reply& reply) {
  switch (reply.status) {
    case HF_STORE_WON:
    case HF_STORE_RECONCILE:
      if (reply.token == 0 || reply.attempt == 0) return std::nullopt;
      return OnWon(reply);
    case HF_STORE_REPLAY:
      return OnReplay(reply);
    case HF_STORE_BUSY:
      return OnBusy(reply);
    case HF_STORE_BACKOFF:
      return Finish({HF_UNAVAILABLE, HF_R_IDEM_BACKOFF, reply.retry_after});
    case HF_STORE_MISMATCH:
      return Finish({HF_INVALID_ARGUMENT, HF_R_IDEM_MISMATCH, 0});
    case HF_STORE_IN_DOUBT:
      return Finish({HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT, 0});
    case HF_STORE_POISON:
      return Finish({HF_FAILED_PRECONDITION, HF_R_IDEM_POISON, 0});
    case HF_STORE_CORRUPT:
    case HF_STORE_ERASED:
      return Finish(StorageRefusal(reply.status, 0));
    default:
      break;
  }
  if (!DidNothing(reply.status) && reply.status != HF_STORE_INDETERMINATE) return std::nullopt;
  return OnClaimFailed(reply.status, reply.retry_after);
}

hf_action IdemSession::OnClaimFailed(hf_store_status status, hf_duration retry_after) {
  if (status == HF_STORE_INDETERMINATE) {
    may_stand_ = true;
    keeps_base_ = true;
  }
  if (!may_stand_) return Finish(StorageRefusal(status, retry_after));
  if (reasks_ == kStoreReasks || now_ >= config_.deadline) return Finish(kStoreIndeterminate);
  ++reasks_;
  return ReaskClaim();
}

hf_action IdemSession::OnWon(const hf_store_reply& reply) {
  token_ = reply.token;
  attempt_ = reply.attempt;
  has_checkpoint_ = reply.body.size > 0;
  if (reply.status == HF_STORE_RECONCILE) {
    ask_first_ = true;
    config_.on_expiry = HF_ON_EXPIRY_RECONCILE;  // the word of the owner before, and of the record
  }
  lease_until_ = LeaseFrom(lease_base_);
  return BeginOrRenew();
}

// Won long ago, or told so late that no time is left: asks for a lease that starts now.
hf_action IdemSession::BeginOrRenew() {
  if (now_ < lease_until_ || now_ >= config_.deadline) return BeginOrGiveBack();
  phase_ = IdemPhase::kRenewing;
  besides_ = 0;
  renew_asked_ = now_;
  return Store(std::min(config_.deadline, LeaseFrom(now_)));
}

std::optional<hf_action> IdemSession::OnRenewedBeforeRun(const hf_store_reply& reply) {
  if (reply.status == HF_STORE_OK) {
    lease_until_ = LeaseFrom(renew_asked_);
    return BeginOrGiveBack();
  }
  if (reply.status == HF_STORE_FENCED) return Finish(kFenced);
  if (reply.status == HF_STORE_CORRUPT) return Finish(StorageRefusal(reply.status, 0));
  if (!DidNothing(reply.status) && reply.status != HF_STORE_INDETERMINATE) return std::nullopt;
  return GiveBack(kStoreUnavailable);
}

hf_action IdemSession::BeginOrGiveBack() {
  if (now_ >= config_.deadline) return GiveBack({HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 0});
  if (now_ >= lease_until_) return GiveBack(kStoreUnavailable);
  phase_ = ask_first_ ? IdemPhase::kReconciling : IdemPhase::kRunning;
  hf_action action = Action(ask_first_ ? HF_DO_RECONCILE : HF_DO_RUN);
  action.until = lease_until_;
  return action;
}

std::optional<hf_action> IdemSession::OnReplay(const hf_store_reply& reply) {
  if (reply.truncated > HF_BODY_REFERENCE) return std::nullopt;
  token_ = reply.token;
  attempt_ = reply.attempt;
  replayed_ = true;
  body_kind_ = reply.truncated;
  result_code_ = reply.code;
  return Finish({reply.code, FinalReason(reply.code, body_kind_), 0});
}

hf_action IdemSession::OnBusy(const hf_store_reply& reply) {
  if (now_ >= wait_until_) return Finish({HF_ABORTED, HF_R_IDEM_BUSY, reply.retry_after});
  busy_for_ = reply.retry_after;
  const hf_duration poll = Jittered(kFirstPoll, kLongestPoll, rounds_++);
  const hf_duration lease_left = std::max(kShortestPoll, reply.retry_after);
  const hf_time wake = AddSaturating(now_, std::min(poll, lease_left));
  return Sleep(IdemPhase::kWaiting, std::min({wake, wait_until_, config_.deadline}));
}

hf_action IdemSession::OnTime(hf_time now) {
  Observe(now);
  if (now_ < until_) return Sleep(phase_, until_);
  if (phase_ == IdemPhase::kPausing) {
    phase_ = IdemPhase::kSettling;
    return Store(0);
  }
  return ClaimUnlessLate();
}

hf_action IdemSession::OnWake(hf_time now) {
  Observe(now);
  if (phase_ == IdemPhase::kPausing) return Sleep(phase_, until_);
  return ClaimUnlessLate();
}

hf_action IdemSession::ClaimUnlessLate() {
  if (now_ >= config_.deadline) return Finish({HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, busy_for_});
  return Claim();
}

hf_idem_snapshot IdemSession::Snapshot() const {
  hf_idem_snapshot snapshot = {};
  snapshot.struct_size = sizeof(snapshot);
  snapshot.attempt = attempt_;
  snapshot.token = token_;
  snapshot.lease_until = lease_until_;
  snapshot.replayed = replayed_ ? 1 : 0;
  snapshot.ran = ran_ ? 1 : 0;
  snapshot.result_code = result_code_;
  snapshot.truncated = body_kind_;
  return snapshot;
}

}  // namespace holdfast::engine
