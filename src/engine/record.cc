// SPDX-License-Identifier: Apache-2.0
// See record.h. Order of questions: is the request sound, is the record sound, which verb, whose
// token, which state. Time arithmetic saturates: a lease or a life can be long, never negative.
#include "engine/record.h"

#include <algorithm>
#include <span>

#include "engine/duration.h"
#include "engine/record_valid.h"

namespace holdfast::engine {
namespace {

bool Equal(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

class Transition {
 public:
  Transition(const hf_record* old, const hf_store_request& request, int64_t now, uint64_t floor,
             RecordResult* result, hf_store_reply* reply)
      : old_(old), request_(request), now_(now), floor_(floor), result_(*result), reply_(*reply) {
    result_.next = old_ != nullptr ? *old_ : hf_record{};
  }

  void Apply() {
    switch (request_.verb) {
      case HF_STORE_CLAIM:
      case HF_STORE_READ:
        Claim();
        break;
      case HF_STORE_RESOLVE:
        Resolve();
        break;
      case HF_STORE_RELEASE:
        ReleaseByForce();
        break;
      default:
        Settle();
        break;
    }
    DescribeRecord();
  }

 private:
  bool Expired() const {
    return (old_->state == HF_RECORD_COMPLETED || old_->state == HF_RECORD_RETRYABLE) &&
           old_->expires_at <= now_;
  }

  bool LeaseOver() const {
    return old_->state == HF_RECORD_IN_PROGRESS && old_->lease_until <= now_;
  }

  bool Mismatch() const {
    return !IsZero(request_.fingerprint) && !IsZero(old_->fingerprint) &&
           !Equal(request_.fingerprint, old_->fingerprint);
  }

  uint64_t NextToken() const {
    const uint64_t previous = std::max(old_ == nullptr ? 0 : old_->token, floor_);
    return std::max(previous + 1, static_cast<uint64_t>(now_ / 1000));
  }

  void Claim() {
    if (old_ == nullptr || Expired()) return WinAnew();
    if (Mismatch()) return Answer(HF_STORE_MISMATCH);
    switch (old_->state) {
      case HF_RECORD_IN_PROGRESS:
        return ClaimInProgress();
      case HF_RECORD_RETRYABLE:
        if (old_->not_before > now_) {
          return AnswerLater(HF_STORE_BACKOFF, old_->not_before);
        }
        return WinAgain();
      case HF_RECORD_COMPLETED:
        return Replay();
      default:
        return Answer(HF_STORE_IN_DOUBT);
    }
  }

  void ClaimInProgress() {
    // The owner asks again because a reply was lost: the lease stays as it was given.
    if (!IsZero(request_.nonce) && Equal(request_.nonce, old_->nonce)) return Won();
    if (!LeaseOver()) return AnswerLater(HF_STORE_BUSY, old_->lease_until);
    if (old_->on_expiry == HF_ON_EXPIRY_IN_DOUBT) return Doubt(HF_STORE_IN_DOUBT);
    WinAgain();
  }

  void WinAnew() {
    if (request_.verb == HF_STORE_READ) {
      result_.next = hf_record{};
      if (old_ != nullptr) result_.next.token = old_->token;
      return Answer(HF_STORE_ABSENT);
    }
    const uint64_t token = NextToken();
    if (old_ != nullptr) result_.next = hf_record{};
    std::copy_n(request_.fingerprint, sizeof(request_.fingerprint), result_.next.fingerprint);
    Lease(token, 1);
    Write(HF_STORE_WON);
  }

  // A further attempt of a live record: its fingerprint stays, unless it had none.
  void WinAgain() {
    if (old_->attempt >= request_.max_attempts && request_.max_attempts > 0) {
      return Doubt(HF_STORE_POISON);
    }
    if (request_.verb == HF_STORE_READ) return Answer(HF_STORE_ABSENT);
    if (IsZero(old_->fingerprint)) {
      std::copy_n(request_.fingerprint, sizeof(request_.fingerprint), result_.next.fingerprint);
    }
    const bool ask_first = LeaseOver() && old_->on_expiry == HF_ON_EXPIRY_RECONCILE;
    Lease(NextToken(), old_->attempt + 1);
    if (ask_first) {
      // Whoever comes after an owner that could not find out must not simply run the work.
      result_.next.reconcile = 1;
      result_.next.on_expiry = HF_ON_EXPIRY_RECONCILE;
    }
    Write(HF_STORE_WON);
    Won();
  }

  // To the owner, also where it asks again: what it has won, and how far the attempt before it got.
  void Won() {
    Answer(result_.next.reconcile != 0 ? HF_STORE_RECONCILE : HF_STORE_WON);
    reply_.body = result_.next.body;
  }

  void Lease(uint64_t token, uint32_t attempt) {
    hf_record& next = result_.next;
    next.state = HF_RECORD_IN_PROGRESS;
    next.on_expiry = request_.on_expiry;
    std::copy_n(request_.nonce, sizeof(request_.nonce), next.nonce);
    next.token = token;
    next.attempt = attempt;
    next.code = HF_OK;
    next.lease_until = AddSaturating(now_, request_.lease);
    next.not_before = 0;
    next.expires_at = 0;
    next.reconcile = 0;
    next.label = request_.label;
  }

  void Replay() {
    Answer(HF_STORE_REPLAY);
    reply_.code = old_->code;
    reply_.truncated = old_->truncated;
    reply_.body = old_->body;
    reply_.expires_in = old_->expires_at - now_;  // Claim found it above 0
  }

  void Doubt(hf_store_status status) {
    if (request_.verb == HF_STORE_READ) return Answer(status);
    result_.next.state = HF_RECORD_IN_DOUBT;
    result_.next.reconcile = 0;
    result_.next.not_before = 0;
    result_.next.expires_at = 0;
    Write(status);
  }

  // RENEW, CHECKPOINT, COMPLETE, FAIL, ABANDON: only for the holder of the token.
  void Settle() {
    if (old_ == nullptr || old_->token != request_.token) return Answer(HF_STORE_FENCED);
    if (request_.verb == HF_STORE_COMPLETE && old_->state == HF_RECORD_COMPLETED) {
      return Answer(HF_STORE_ALREADY);
    }
    if (old_->state != HF_RECORD_IN_PROGRESS) return Answer(HF_STORE_FENCED);
    switch (request_.verb) {
      case HF_STORE_RENEW:
        result_.next.lease_until = AddSaturating(now_, request_.lease);
        return Write(HF_STORE_OK);
      case HF_STORE_CHECKPOINT:
        result_.next.body = request_.body;
        return Write(HF_STORE_OK);
      case HF_STORE_COMPLETE:
        return Complete();
      case HF_STORE_FAIL:
        return Fail();
      default:
        return Erase();
    }
  }

  void Complete() {
    hf_record& next = result_.next;
    next.state = HF_RECORD_COMPLETED;
    next.code = request_.code;
    next.truncated = request_.truncated;
    next.body = request_.body;
    next.reconcile = 0;
    next.not_before = 0;
    next.completed_at = now_;
    next.expires_at = AddSaturating(now_, request_.ttl);
    Write(HF_STORE_OK);
  }

  void Fail() {
    result_.next.code = request_.code;
    if (request_.effect == HF_EFFECT_RETRYABLE) return Release();
    switch (old_->on_expiry) {
      case HF_ON_EXPIRY_TAKEOVER:
        return Release();
      case HF_ON_EXPIRY_RECONCILE:
        if (request_.on_expiry != HF_ON_EXPIRY_IN_DOUBT) return EndLease();
        return Doubt(HF_STORE_OK);
      default:
        return Doubt(HF_STORE_OK);
    }
  }

  // Whoever comes after retry_after finds the lease over.
  void EndLease() {
    result_.next.lease_until = std::max<int64_t>(1, AddSaturating(now_, request_.retry_after));
    Write(HF_STORE_OK);
  }

  // No backoff asked for is none even if the store's clock steps back. And the record outlives its
  // backoff, or a short life would cut the backoff short.
  void Release() {
    hf_record& next = result_.next;
    next.state = HF_RECORD_RETRYABLE;
    next.reconcile = 0;
    next.not_before = request_.retry_after == 0 ? 0 : AddSaturating(now_, request_.retry_after);
    next.expires_at = std::max(AddSaturating(now_, request_.ttl), next.not_before);
    Write(HF_STORE_OK);
  }

  // A lapsed lease nobody has asked about since is in doubt too, only not yet written down.
  void Resolve() {
    if (old_ == nullptr) return Answer(HF_STORE_ABSENT);
    const bool lapsed = LeaseOver() && old_->on_expiry == HF_ON_EXPIRY_IN_DOUBT;
    if (old_->state != HF_RECORD_IN_DOUBT && !lapsed) return Answer(HF_STORE_FENCED);
    SettleByForce();
  }

  void ReleaseByForce() {
    if (old_ == nullptr || Expired()) return Answer(HF_STORE_ABSENT);
    if (old_->state == HF_RECORD_COMPLETED) {  // its result is not a checkpoint
      result_.next.body = {};
      result_.next.truncated = HF_BODY_WHOLE;
      result_.next.completed_at = 0;
    }
    SettleByForce();
  }

  void SettleByForce() {
    result_.next.token = NextToken();
    if (request_.effect == HF_EFFECT_FINAL) return Complete();
    if (request_.effect == HF_EFFECT_NOT_STARTED) return Erase();
    result_.next.code = request_.code;
    result_.next.attempt = 0;  // the operator's word: a fresh allowance of attempts
    Release();
  }

  void Erase() {
    const uint64_t token = result_.next.token;
    result_.next = hf_record{};
    result_.next.token = token;
    result_.change = HF_RECORD_ERASE;
    reply_.status = HF_STORE_OK;
  }

  void Write(hf_store_status status) {
    result_.change = HF_RECORD_WRITE;
    reply_.status = status;
  }

  void Answer(hf_store_status status) { reply_.status = status; }

  void AnswerLater(hf_store_status status, int64_t when) {
    reply_.status = status;
    reply_.retry_after = when - now_;
  }

  // What every reply says about the record as it is after the request.
  void DescribeRecord() {
    reply_.state = result_.next.state;
    reply_.token = result_.next.token;
    reply_.attempt = result_.next.attempt;
    reply_.completed_at = result_.next.completed_at;
    reply_.changed = result_.change == HF_RECORD_KEEP ? 0 : 1;
    std::copy_n(result_.next.nonce, sizeof(reply_.owner), reply_.owner);
  }

  const hf_record* old_;
  const hf_store_request& request_;
  int64_t now_;
  uint64_t floor_;
  RecordResult& result_;
  hf_store_reply& reply_;
};

}  // namespace

void ApplyRecord(const hf_record* old, const hf_store_request& request, int64_t store_now,
                 uint64_t token_floor, RecordResult* result, hf_store_reply* reply) {
  result->code = HF_OK;
  result->change = HF_RECORD_KEEP;
  *reply = hf_store_reply{};
  if (!ValidRequest(request) || store_now < 0 || token_floor >= kTokenMax) {
    result->code = HF_INVALID_ARGUMENT;
    return;
  }
  if (old != nullptr && (!PossibleRecord(*old) || old->token >= kTokenMax)) {
    result->code = HF_DATA_LOSS;
    reply->status = HF_STORE_CORRUPT;
    return;
  }
  Transition(old, request, store_now, token_floor, result, reply).Apply();
}

}  // namespace holdfast::engine
