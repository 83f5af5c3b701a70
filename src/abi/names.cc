// SPDX-License-Identifier: Apache-2.0
// The names of codes and reasons. The compiler refuses a value named twice; tests/unit/base_test.cc
// refuses one that base.h defines and this file does not name.
#include <holdfast/c/base.h>

const char* hf_code_name(hf_code code) noexcept {
  switch (code) {
    case HF_OK:
      return "OK";
    case HF_CANCELLED:
      return "CANCELLED";
    case HF_UNKNOWN:
      return "UNKNOWN";
    case HF_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case HF_DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case HF_NOT_FOUND:
      return "NOT_FOUND";
    case HF_ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case HF_PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case HF_RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case HF_FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case HF_ABORTED:
      return "ABORTED";
    case HF_OUT_OF_RANGE:
      return "OUT_OF_RANGE";
    case HF_UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case HF_INTERNAL:
      return "INTERNAL";
    case HF_UNAVAILABLE:
      return "UNAVAILABLE";
    case HF_DATA_LOSS:
      return "DATA_LOSS";
    case HF_UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    default:
      return "CODE_?";
  }
}

const char* hf_reason_name(hf_reason reason) noexcept {
  switch (reason) {
    case HF_R_NONE:
      return "none";
    case HF_R_NULL_ARGUMENT:
      return "null_argument";
    case HF_R_STRUCT_SIZE:
      return "struct_size";
    case HF_R_UNSUPPORTED_FIELD:
      return "unsupported_field";
    case HF_R_ABI_LEVEL:
      return "abi_level";
    case HF_R_OUT_OF_RANGE:
      return "out_of_range";
    case HF_R_ZERO_SEED:
      return "zero_seed";
    case HF_R_BAD_STATE:
      return "bad_state";
    case HF_R_BAD_OPTIONS:
      return "bad_options";
    case HF_R_BUFFER_TOO_SMALL:
      return "buffer_too_small";
    case HF_R_NO_MEMORY:
      return "no_memory";
    case HF_R_INTERNAL:
      return "internal";
    case HF_R_MALFORMED:
      return "malformed";
    case HF_R_BAD_PERMIT:
      return "bad_permit";
    case HF_R_DEADLINE:
      return "deadline";
    case HF_R_ATTEMPTS_EXHAUSTED:
      return "attempts_exhausted";
    case HF_R_BUDGET_EXHAUSTED:
      return "budget_exhausted";
    case HF_R_BREAKER_OPEN:
      return "breaker_open";
    case HF_R_BREAKER_PROBING:
      return "breaker_probing";
    case HF_R_BREAKER_FORCED_OPEN:
      return "breaker_forced_open";
    case HF_R_BULKHEAD_FULL:
      return "bulkhead_full";
    case HF_R_BULKHEAD_TIMEOUT:
      return "bulkhead_timeout";
    case HF_R_NOT_RETRYABLE:
      return "not_retryable";
    case HF_R_NOT_IDEMPOTENT:
      return "not_idempotent";
    case HF_R_ABORTED:
      return "aborted";
    case HF_R_ATTEMPT_TIMEOUT:
      return "attempt_timeout";
    case HF_R_DRAINING:
      return "draining";
    case HF_R_IDEM_BUSY:
      return "idem_busy";
    case HF_R_IDEM_MISMATCH:
      return "idem_mismatch";
    case HF_R_IDEM_IN_DOUBT:
      return "idem_in_doubt";
    case HF_R_IDEM_FENCED:
      return "idem_fenced";
    case HF_R_IDEM_BACKOFF:
      return "idem_backoff";
    case HF_R_IDEM_OVERSIZE:
      return "idem_oversize";
    case HF_R_IDEM_POISON:
      return "idem_poison";
    case HF_R_KEY_MISSING:
      return "key_missing";
    case HF_R_KEY_OVERSIZE:
      return "key_oversize";
    case HF_R_FINGERPRINT_MISSING:
      return "fingerprint_missing";
    case HF_R_STORE_UNAVAILABLE:
      return "store_unavailable";
    case HF_R_STORE_INDETERMINATE:
      return "store_indeterminate";
    case HF_R_STORE_OVERLOADED:
      return "store_overloaded";
    case HF_R_STORE_CORRUPT:
      return "store_corrupt";
    case HF_R_STORE_FULL:
      return "store_full";
    case HF_R_STORE_LOCKED:
      return "store_locked";
    case HF_R_ZERO_NONCE:
      return "zero_nonce";
    default:
      return "reason_?";
  }
}
