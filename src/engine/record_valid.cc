// SPDX-License-Identifier: Apache-2.0
#include "engine/record_valid.h"

#include "engine/record.h"

namespace holdfast::engine {
namespace {

bool ValidCode(hf_code code) { return code >= HF_OK && code <= HF_UNAUTHENTICATED; }

bool ValidPolicy(hf_on_expiry policy) {
  return policy == HF_ON_EXPIRY_IN_DOUBT || policy == HF_ON_EXPIRY_TAKEOVER ||
         policy == HF_ON_EXPIRY_RECONCILE;
}

bool ValidBytes(const hf_str& bytes, size_t max) {
  return bytes.size <= max && (bytes.size == 0 || bytes.data != nullptr);
}

bool ValidBody(const hf_str& body, uint32_t truncated) {
  if (!ValidBytes(body, kRecordBodyMax)) return false;
  if (truncated == HF_BODY_DIGEST) return body.size == kDigestSize;
  return truncated == HF_BODY_WHOLE || (truncated == HF_BODY_REFERENCE && body.size > 0);
}

bool ValidCheckpoint(const hf_str& body) { return ValidBytes(body, HF_IDEM_CHECKPOINT_MAX); }

bool ValidLabel(const hf_str& label) { return ValidBytes(label, HF_RECORD_LABEL_MAX); }

bool ValidClaim(const hf_store_request& request) {
  return !IsZero(request.nonce) && ValidPolicy(request.on_expiry) && request.lease > 0 &&
         request.lease <= kLeaseMax && request.max_attempts > 0 && ValidLabel(request.label);
}

bool ValidFail(const hf_store_request& request) {
  return (request.effect == HF_EFFECT_RETRYABLE || request.effect == HF_EFFECT_AMBIGUOUS) &&
         ValidCode(request.code) && request.ttl > 0 && request.retry_after >= 0;
}

bool ValidResolve(const hf_store_request& request) {
  switch (request.effect) {
    case HF_EFFECT_FINAL:
      return ValidCode(request.code) && request.ttl > 0 &&
             ValidBody(request.body, request.truncated);
    case HF_EFFECT_RETRYABLE:
      return ValidCode(request.code) && request.ttl > 0 && request.retry_after >= 0;
    case HF_EFFECT_NOT_STARTED:
      return true;
    default:
      return false;
  }
}

bool ValidRelease(const hf_store_request& request) {
  return request.effect != HF_EFFECT_FINAL && ValidResolve(request);
}

}  // namespace

bool ValidRequest(const hf_store_request& request) {
  switch (request.verb) {
    case HF_STORE_CLAIM:
      return ValidClaim(request);
    case HF_STORE_RENEW:
      return request.lease > 0 && request.lease <= kLeaseMax;
    case HF_STORE_COMPLETE:
      return ValidCode(request.code) && request.ttl > 0 &&
             ValidBody(request.body, request.truncated);
    case HF_STORE_FAIL:
      return ValidFail(request);
    case HF_STORE_ABANDON:
    case HF_STORE_READ:
      return true;
    case HF_STORE_CHECKPOINT:
      return ValidCheckpoint(request.body);
    case HF_STORE_RESOLVE:
      return ValidResolve(request);
    case HF_STORE_RELEASE:
      return ValidRelease(request);
    default:
      return false;
  }
}

bool PossibleRecord(const hf_record& record) {
  if (record.token == 0 || record.token > kTokenMax) return false;
  if (!ValidPolicy(record.on_expiry) || !ValidCode(record.code)) return false;
  if (!ValidLabel(record.label) || record.reconcile > 1) return false;
  if (record.lease_until < 0 || record.not_before < 0 || record.expires_at < 0 ||
      record.completed_at < 0) {
    return false;
  }
  if (record.state != HF_RECORD_COMPLETED) {
    if (!ValidCheckpoint(record.body) || record.truncated != 0) return false;
  }
  if (record.reconcile != 0 && record.state != HF_RECORD_IN_PROGRESS) return false;
  switch (record.state) {
    case HF_RECORD_IN_PROGRESS:
      return record.attempt > 0 && !IsZero(record.nonce) && record.lease_until > 0;
    case HF_RECORD_COMPLETED:
      return record.attempt > 0 && record.expires_at > 0 &&
             ValidBody(record.body, record.truncated);
    case HF_RECORD_RETRYABLE:
      return record.expires_at > 0;
    case HF_RECORD_IN_DOUBT:
      return record.attempt > 0;
    default:
      return false;
  }
}

}  // namespace holdfast::engine
