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

// Member by member: the compiler clears a structure of this size with `rep stos`, which costs more than
// the rest of many a request.
void Clear(hf_store_reply* reply) {
  reply->status = 0;
  reply->state = 0;
  reply->token = 0;
  reply->attempt = 0;
  reply->truncated = 0;
  reply->code = 0;
  reply->changed = 0;
  reply->retry_after = 0;
  reply->completed_at = 0;
  std::fill_n(reply->owner, sizeof(reply->owner), uint8_t{0});
  reply->body = {};
  reply->expires_in = 0;
}

class Transition {
 public:
  Transition(const hf_record* old, const hf_store_request& request, int64_t now, uint64_t floor,
             hf_record* next, hf_record_change* change, hf_store_reply* reply)
      : old_(old),
        request_(request),
        now_(now),
        floor_(floor),
        next_(*next),
        change_(*change),
        reply_(*reply),
        described_(old) {}

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
      described_ = nullptr;
      if (old_ != nullptr) reply_.token = old_->token;
      return Answer(HF_STORE_ABSENT);
    }
    described_ = &next_;  // all of it is new
    Lease(NextToken(), 1);
    std::copy_n(request_.fingerprint, sizeof(request_.fingerprint), next_.fingerprint);
    next_.truncated = HF_BODY_WHOLE;
    next_.completed_at = 0;
    next_.body = {};
    Write(HF_STORE_WON);
  }

  // A further attempt of a live record: its fingerprint stays, unless it had none.
  void WinAgain() {
    if (old_->attempt >= request_.max_attempts && request_.max_attempts > 0) {
      return Doubt(HF_STORE_POISON);
    }
    if (request_.verb == HF_STORE_READ) return Answer(HF_STORE_ABSENT);
    const bool ask_first = LeaseOver() && old_->on_expiry == HF_ON_EXPIRY_RECONCILE;
    hf_record& next = Next();
    if (IsZero(next.fingerprint)) {
      std::copy_n(request_.fingerprint, sizeof(request_.fingerprint), next.fingerprint);
    }
    Lease(NextToken(), next.attempt + 1);
    if (ask_first) {
      // Whoever comes after an owner that could not find out must not simply run the work.
      next.reconcile = 1;
      next.on_expiry = HF_ON_EXPIRY_RECONCILE;
    }
    Write(HF_STORE_WON);
    Won();
  }

  // To the owner, also where it asks again: what it has won, and how far the attempt before it got.
  void Won() {
    Answer(described_->reconcile != 0 ? HF_STORE_RECONCILE : HF_STORE_WON);
    reply_.body = described_->body;
  }

  void Lease(uint64_t token, uint32_t attempt) {
    hf_record& next = next_;
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
    hf_record& next = Next();
    next.state = HF_RECORD_IN_DOUBT;
    next.reconcile = 0;
    next.not_before = 0;
    next.expires_at = 0;
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
        Next().lease_until = AddSaturating(now_, request_.lease);
        return Write(HF_STORE_OK);
      case HF_STORE_CHECKPOINT:
        Next().body = request_.body;
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
    hf_record& next = Next();
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
    Next().code = request_.code;
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
    Next().lease_until = std::max<int64_t>(1, AddSaturating(now_, request_.retry_after));
    Write(HF_STORE_OK);
  }

  // No backoff asked for is none even if the store's clock steps back. And the record outlives its
  // backoff, or a short life would cut the backoff short.
  void Release() {
    hf_record& next = Next();
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
      hf_record& next = Next();
      next.body = {};
      next.truncated = HF_BODY_WHOLE;
      next.completed_at = 0;
    }
    SettleByForce();
  }

  void SettleByForce() {
    Next().token = NextToken();
    if (request_.effect == HF_EFFECT_FINAL) return Complete();
    if (request_.effect == HF_EFFECT_NOT_STARTED) return Erase();
    Next().code = request_.code;
    Next().attempt = 0;  // the operator's word: a fresh allowance of attempts
    Release();
  }

  void Erase() {
    const uint64_t token = Next().token;
    next_ = hf_record{};
    next_.token = token;
    change_ = HF_RECORD_ERASE;
    reply_.status = HF_STORE_OK;
  }

  void Write(hf_store_status status) {
    change_ = HF_RECORD_WRITE;
    reply_.status = status;
  }

  void Answer(hf_store_status status) { reply_.status = status; }

  void AnswerLater(hf_store_status status, int64_t when) {
    reply_.status = status;
    reply_.retry_after = when - now_;
  }

  // What is to be written: the old record at first. Only for requests that write.
  hf_record& Next() {
    if (described_ != &next_) next_ = *old_;
    described_ = &next_;
    return next_;
  }

  // What every reply says about the record as it is after the request.
  void DescribeRecord() {
    if (described_ == nullptr) return;
    reply_.state = described_->state;
    reply_.token = described_->token;
    reply_.attempt = described_->attempt;
    reply_.completed_at = described_->completed_at;
    reply_.changed = change_ == HF_RECORD_KEEP ? 0 : 1;
    std::copy_n(described_->nonce, sizeof(reply_.owner), reply_.owner);
  }

  const hf_record* old_;  // next_ may be the same record
  const hf_store_request& request_;
  int64_t now_;
  uint64_t floor_;
  hf_record& next_;
  hf_record_change& change_;
  hf_store_reply& reply_;
  const hf_record* described_;  // the record after the request; nullptr: there is none
};

}  // namespace

hf_code ApplyRecord(const hf_record* old, const hf_store_request& request, int64_t store_now,
                    uint64_t token_floor, hf_record* next, hf_record_change* change,
                    hf_store_reply* reply) {
  *change = HF_RECORD_KEEP;
  Clear(reply);
  if (!ValidRequest(request) || store_now < 0 || token_floor >= kTokenMax) {
    return HF_INVALID_ARGUMENT;
  }
  if (old != nullptr && (!PossibleRecord(*old) || old->token >= kTokenMax)) {
    reply->status = HF_STORE_CORRUPT;
    return HF_DATA_LOSS;
  }
  Transition(old, request, store_now, token_floor, next, change, reply).Apply();
  return HF_OK;
}

}  // namespace holdfast::engine
