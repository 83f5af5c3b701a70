// SPDX-License-Identifier: Apache-2.0
// What a store's failures mean to a run-once session, and what FINISH says about them.
//
// Invariant: INDETERMINATE is in none of the sets here. It never means that nothing happened.
#ifndef HOLDFAST_ENGINE_IDEM_REPLY_H_
#define HOLDFAST_ENGINE_IDEM_REPLY_H_

#include <holdfast/c/record.h>

namespace holdfast::engine {

inline constexpr hf_rejection kStoreIndeterminate = {HF_UNKNOWN, HF_R_STORE_INDETERMINATE, 0};
inline constexpr hf_rejection kStoreUnavailable = {HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, 0};
inline constexpr hf_rejection kFenced = {HF_ABORTED, HF_R_IDEM_FENCED, 0};

// The storage's own failures in which nothing happened.
inline bool DidNothing(hf_store_status status) {
  return status == HF_STORE_UNAVAILABLE || status == HF_STORE_OVERLOADED ||
         status == HF_STORE_FULL || status == HF_STORE_LOCKED;
}

inline hf_rejection StorageRefusal(hf_store_status status, hf_duration retry_after) {
  switch (status) {
    case HF_STORE_OVERLOADED:
      return {HF_RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, retry_after};
    case HF_STORE_FULL:
      return {HF_RESOURCE_EXHAUSTED, HF_R_STORE_FULL, retry_after};
    case HF_STORE_LOCKED:
      return {HF_UNAVAILABLE, HF_R_STORE_LOCKED, retry_after};
    case HF_STORE_CORRUPT:
      return {HF_DATA_LOSS, HF_R_STORE_CORRUPT, 0};
    case HF_STORE_ERASED:
      return {HF_FAILED_PRECONDITION, HF_R_STORE_ERASED, 0};
    default:
      return {HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, retry_after};
  }
}

// Whoever does not look at the kind of a body must not take a digest or a reference for the result.
inline hf_reason FinalReason(hf_code code, uint32_t body_kind) {
  if (body_kind != HF_BODY_WHOLE) return HF_R_IDEM_OVERSIZE;
  return code == HF_OK ? HF_R_NONE : HF_R_NOT_RETRYABLE;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_IDEM_REPLY_H_
