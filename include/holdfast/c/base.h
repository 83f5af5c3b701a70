/* SPDX-License-Identifier: Apache-2.0 */
/* What every C header of holdfast shares: codes, reasons, time, strings, errors, the waker.
 *
 * The library decides, the caller acts. Nothing here reads a clock, sleeps, starts a thread, opens a
 * socket or calls user code (hf_waker excepted): every step takes `now`, and answers with what to do.
 *
 * Rules that hold for every function (docs/abi_policy.md):
 *  - Options structs begin with struct_size and abi_level. Use HF_INIT(type). Zero means default.
 *    A tail that this library does not know must be zero, or it is refused: HF_R_UNSUPPORTED_FIELD.
 *  - Handles (hf_x*) are reference counted and thread-safe; NULL is fine for hf_x_unref.
 *  - Sessions (hf_call, hf_idem, hf_bulkhead_wait) are the caller's memory, pinned while in use, one
 *    thread at a time.
 *  - Pointers passed in are borrowed for the call only, unless the field says otherwise.
 *  - The doc block of a function says Contract, Ownership, Threads, Errors, Since.
 */
#ifndef HOLDFAST_C_BASE_H_
#define HOLDFAST_C_BASE_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HF_API __attribute__((visibility("default")))
#else
#define HF_API
#endif

#ifdef __cplusplus
#define HF_NOEXCEPT noexcept
#define HF_BEGIN_DECLS extern "C" {
#define HF_END_DECLS }
#else
#define HF_NOEXCEPT
#define HF_BEGIN_DECLS
#define HF_END_DECLS
#endif

/* The level a caller was compiled with. The library never answers with an action, state or code newer
 * than the level it was given. */
#define HF_ABI_LEVEL 1u

#define HF_VERSION_MAJOR 0u
#define HF_VERSION_MINOR 5u
#define HF_VERSION_PATCH 0u

HF_BEGIN_DECLS

/* Canonical codes: exactly the numbers of absl::StatusCode and grpc::StatusCode. The set is closed. */
typedef int32_t hf_code;
#define HF_OK 0
#define HF_CANCELLED 1
#define HF_UNKNOWN 2
#define HF_INVALID_ARGUMENT 3
#define HF_DEADLINE_EXCEEDED 4
#define HF_NOT_FOUND 5
#define HF_ALREADY_EXISTS 6
#define HF_PERMISSION_DENIED 7
#define HF_RESOURCE_EXHAUSTED 8
#define HF_FAILED_PRECONDITION 9
#define HF_ABORTED 10
#define HF_OUT_OF_RANGE 11
#define HF_UNIMPLEMENTED 12
#define HF_INTERNAL 13
#define HF_UNAVAILABLE 14
#define HF_DATA_LOSS 15
#define HF_UNAUTHENTICATED 16

/* Why, in the library's own words. The set is open: act on the code if a reason is not known. */
typedef uint32_t hf_reason;
#define HF_R_NONE 0u
/* 1xx: the arguments */
#define HF_R_NULL_ARGUMENT 100u     /* a required pointer is NULL */
#define HF_R_STRUCT_SIZE 101u       /* struct_size is smaller than the first published layout */
#define HF_R_UNSUPPORTED_FIELD 102u /* a field this library does not know is not zero */
#define HF_R_ABI_LEVEL 103u         /* abi_level is 0 or newer than this library */
#define HF_R_OUT_OF_RANGE 104u      /* a value is outside its documented range */
#define HF_R_ZERO_SEED 105u         /* seed 0: a fleet must not jitter in step */
#define HF_R_BAD_STATE 106u         /* a session used out of order, finished, or never started */
#define HF_R_BAD_OPTIONS 107u       /* options that contradict each other */
#define HF_R_BUFFER_TOO_SMALL 108u  /* *need tells the size */
#define HF_R_NO_MEMORY 109u
#define HF_R_INTERNAL 110u   /* an exception was stopped at the boundary: a defect of ours */
#define HF_R_MALFORMED 111u  /* bytes that do not parse */
#define HF_R_BAD_PERMIT 112u /* a permit that this object did not give, or used twice */
/* 2xx: who stopped the call */
#define HF_R_DEADLINE 200u /* the call's deadline came, or would come before the next attempt */
#define HF_R_ATTEMPTS_EXHAUSTED 201u /* every attempt allowed was made */
#define HF_R_BUDGET_EXHAUSTED 202u   /* the retry budget has no token left */
#define HF_R_BREAKER_OPEN 203u       /* the breaker is open, come back after retry_after */
#define HF_R_BREAKER_PROBING 204u    /* half-open, and all probes are out */
#define HF_R_BREAKER_FORCED_OPEN 205u
#define HF_R_BULKHEAD_FULL 206u    /* limit reached and the queue is full */
#define HF_R_BULKHEAD_TIMEOUT 207u /* waited in the queue until the deadline */
#define HF_R_NOT_RETRYABLE 208u    /* the outcome is final */
#define HF_R_NOT_IDEMPOTENT 209u   /* may have happened, and the call is not declared idempotent */
#define HF_R_ABORTED 210u          /* hf_call_abort or hf_idem_abort ended the session */
#define HF_R_ATTEMPT_TIMEOUT 211u  /* the attempt's own timeout came first */
#define HF_R_DRAINING 212u         /* the server is going away and refused before starting */
#define HF_R_RATE_LIMITED 213u     /* the rate limit has no token left */
#define HF_R_THROTTLED 214u        /* the dependency refuses too much: left alone, by chance */
#define HF_R_KILLED 215u           /* somebody's kill switch is on */
#define HF_R_FAULT_INJECTED 216u   /* a fault injected on purpose */
#define HF_R_BULKHEAD_OVERLOADED 217u /* dropped from a queue that stands too long (CoDel) */
#define HF_R_BULKHEAD_NO_TIME 218u    /* queue wait and expected latency exceed the time left */
#define HF_R_BULKHEAD_SHARE 219u      /* over this partition's, priority's or user's share */
#define HF_R_BREAKER_RAMPING 220u     /* closed again, but not at full load yet */
#define HF_R_RETRIED_ELSEWHERE \
  221u                          /* layers above or below have used up the retries of this call */
#define HF_R_PUSHED_BACK 222u   /* the peer asked not to be tried again */
#define HF_R_REGISTRY_FULL 223u /* every key is in use and none may be evicted */
#define HF_R_UPDATE_BUSY 224u   /* too many earlier configurations are still in use by calls */
#define HF_R_CHANGED_SHAPE 225u /* an update that would lose state: make a new object instead */
#define HF_R_ELAPSED 226u       /* the retries' own time is over: max_elapsed */
#define HF_R_HEDGE_UNSUPPORTED 227u /* the pipeline hedges and this driver cannot, see hedge.h */
/* 3xx: idempotency */
#define HF_R_IDEM_BUSY 300u     /* another owner holds a live lease */
#define HF_R_IDEM_MISMATCH 301u /* same key, other request */
#define HF_R_IDEM_IN_DOUBT 302u /* may have happened: an operator or reconciler must resolve it */
#define HF_R_IDEM_FENCED 303u   /* the lease was lost: the result was not stored */
#define HF_R_IDEM_BACKOFF 304u  /* failed before, and may be tried again after retry_after */
#define HF_R_IDEM_OVERSIZE 305u /* body larger than max_body: a digest or a reference was kept */
#define HF_R_IDEM_POISON 306u   /* more claims than max_attempts: now in doubt */
#define HF_R_KEY_MISSING 307u   /* no key given: never run un-guarded silently */
#define HF_R_KEY_OVERSIZE 308u  /* key, tenant, operation or namespace above its limit */
#define HF_R_FINGERPRINT_MISSING 309u /* no fingerprint, and not opted out by flag */
#define HF_R_STORE_UNAVAILABLE 310u   /* the store did nothing */
#define HF_R_STORE_INDETERMINATE \
  311u                             /* the store may have done it, and reading back did not tell */
#define HF_R_STORE_OVERLOADED 312u /* the store refuses new keys rather than forget old ones */
#define HF_R_STORE_CORRUPT 313u    /* stored bytes fail their check */
#define HF_R_STORE_FULL 314u       /* no space left: nothing was written */
#define HF_R_STORE_LOCKED 315u     /* another process holds the store */
#define HF_R_ZERO_NONCE 316u       /* the owner nonce must be 16 random bytes */
#define HF_R_STORE_ERASED 317u     /* the key that seals the result was erased on purpose */
/* 4xx: contracts */
#define HF_R_CONTRACT_MANIFEST 400u /* the manifest, or a descriptor set it names, is no good */
#define HF_R_CONTRACT_BROKEN 401u   /* a version breaks the compatibility level that was declared */
#define HF_R_CONTRACT_UNREGISTERED 402u /* no contract has the event's type as its name */
#define HF_R_CONTRACT_UNVERSIONED 403u  /* the event does not say which version it is written in */
#define HF_R_CONTRACT_VERSION 404u      /* the contract has no such version */
#define HF_R_CONTRACT_SUNSET 405u       /* the version is past its sunset */
#define HF_R_CONTRACT_DEPRECATED 406u   /* the version is deprecated */
#define HF_R_CONTRACT_MESSAGE 407u      /* the payload is another message than the contract's */
#define HF_R_CONTRACT_PAYLOAD 408u      /* the payload does not parse as the contract's message */
#define HF_R_CONTRACT_UNKNOWN_FIELDS 409u /* the payload has fields that its schema does not */
#define HF_R_CONTRACT_NO_PATH 410u        /* no chain of conversions leads to that version */
#define HF_R_CONTRACT_CONVERSION 411u     /* a conversion gave something else than it promised */
#define HF_R_CONTRACT_FAN_OUT 412u        /* conversions make more events of one than allowed */

/* Nanoseconds on the caller's own steady clock; any origin, never negative. 0 as a deadline: none. */
typedef int64_t hf_time;
/* Nanoseconds. In options: 0 is the default, HF_INFINITE is "never", negative is refused. */
typedef int64_t hf_duration;
#define HF_INFINITE INT64_MAX
#define HF_US ((hf_duration)1000)
#define HF_MS ((hf_duration)1000000)
#define HF_S ((hf_duration)1000000000)

/* Borrowed bytes; data may be NULL if size is 0. Not terminated. */
typedef struct hf_str {
  const char* data;
  size_t size;
} hf_str;

/* Why something was refused: always who, why and when to come back. Fixed layout. */
typedef struct hf_rejection {
  hf_code code;
  hf_reason reason;
  hf_duration retry_after; /* 0: unknown; HF_INFINITE: never by itself */
} hf_rejection;

/* A message for people, in the caller's memory; nullable wherever it is taken. Fixed layout. */
typedef struct hf_error {
  hf_code code;
  hf_reason reason;
  char text[248]; /* terminated; names the field or the byte at fault, never a secret */
} hf_error;

/* How much a request matters, in the order in which they are let in; a closed set. */
typedef int32_t hf_criticality;
#define HF_CRITICAL_PLUS 1
#define HF_CRITICAL 2 /* the default */
#define HF_SHEDDABLE_PLUS 3
#define HF_SHEDDABLE 4
#define HF_CRITICALITIES 4

/* How a waiting session is woken, the one upcall of the library. fn may run on any thread, with no
 * lock held; it must not block, throw, or call back into the same object; it runs at most once per
 * wait, and never after the abort or the finishing resume of its session has returned (these wait
 * for a wake that is under way). */
typedef struct hf_waker {
  void (*fn)(void* data);
  void* data;
} hf_waker;

/* An options struct with struct_size and abi_level filled and all else zero:
 *   hf_retry_options options = HF_INIT(hf_retry_options); */
#ifdef __cplusplus
#define HF_INIT(type)                                              \
  ([] {                                                            \
    type hf_initial_{}; /* no name of the caller's is shadowed */  \
    hf_initial_.struct_size = static_cast<uint32_t>(sizeof(type)); \
    hf_initial_.abi_level = HF_ABI_LEVEL;                          \
    return hf_initial_;                                            \
  }())
#else
#define HF_INIT(type) {.struct_size = (uint32_t)sizeof(type), .abi_level = HF_ABI_LEVEL}
#endif

/* The library's version, (major << 16) | (minor << 8) | patch.
 * Contract: compare with HF_VERSION_*. Ownership: none. Threads: any. Errors: none. Since: 0.1 */
HF_API uint32_t hf_version(void) HF_NOEXCEPT;

/* The newest abi_level this library knows.
 * Contract: at least 1. Ownership: none. Threads: any. Errors: none. Since: 0.1 */
HF_API uint32_t hf_abi_level(void) HF_NOEXCEPT;

/* The name of a code ("UNAVAILABLE"), or "CODE_?" if unknown.
 * Contract: terminated. Ownership: static storage. Threads: any. Errors: none. Since: 0.1 */
HF_API const char* hf_code_name(hf_code code) HF_NOEXCEPT;

/* The name of a reason ("breaker_open"), or "reason_?" if unknown.
 * Contract: terminated. Ownership: static storage. Threads: any. Errors: none. Since: 0.1 */
HF_API const char* hf_reason_name(hf_reason reason) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_BASE_H_ */
