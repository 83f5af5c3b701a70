/* SPDX-License-Identifier: Apache-2.0 */
/* Run once: a key, a record, and a session that asks the driver to use its store and to run the work.
 *
 * Two machines, both pure. hf_idem_* is the worker's side: claim, run, complete, and what to do about
 * each answer. hf_record_apply is the store's side: the one transition table (record.h), which a
 * store runs inside its own atomic step, so that every store tells the same truth.
 *
 *   hf_idem_start -> action; while action.kind is not FINISH: do it, hf_idem_resume -> action
 *
 *   action   the driver does                                            and resumes with
 *   STORE    hf_idem_request, executes it on the store, waiting for     hf_idem_on_reply
 *            it no longer than `until` (0: as the store sees fit)
 *   SLEEP    waits until `until` (busy, and the caller wanted to wait)  hf_idem_on_time, or
 *            or until it hears that the key is free                     hf_idem_on_wake
 *   RUN      runs the work, to be over by `until` (the lease)           hf_idem_on_result
 *   RECONCILE  finds out by `until` whether the attempt before happened  hf_idem_on_reconciled
 *   FINISH   reads hf_idem_read; code and reason tell the case          -
 *
 *   FINISH code          reason            meaning
 *   OK                   NONE              ran here and is stored, or (replayed) ran before
 *   OK                   IDEM_OVERSIZE     as above, but the stored body is a digest or a reference
 *   the work's code      by its effect     the work failed; stored as its effect says (below)
 *   ABORTED              IDEM_BUSY         another owner holds the lease; retry_after
 *   INVALID_ARGUMENT     IDEM_MISMATCH     the key was used for another request
 *   FAILED_PRECONDITION  IDEM_IN_DOUBT     may have happened; must be resolved
 *   FAILED_PRECONDITION  IDEM_POISON       claimed more often than max_attempts; now in doubt
 *   ABORTED              IDEM_FENCED       the lease was lost meanwhile; the result was not stored
 *   UNAVAILABLE          IDEM_BACKOFF      failed before; retry_after
 *   UNAVAILABLE          STORE_UNAVAILABLE the store did nothing: the work did not run
 *   UNKNOWN              STORE_INDETERMINATE  see `ran`: whether the work ran is known, whether it is
 *                                          stored is not
 *   FAILED_PRECONDITION  STORE_ERASED      it may have run; the key of its sealed result was erased
 *   others of STORE_*    ...               RESOURCE_EXHAUSTED, DATA_LOSS, ...
 *
 *   effect of the work   stored as    reason         a duplicate then gets
 *   FINAL                COMPLETED    NOT_RETRYABLE  the same bytes, code and reason, replayed
 *   RETRYABLE            RETRYABLE    IDEM_BACKOFF   IDEM_BACKOFF until retry_after, then runs; HF_INFINITE is 0
 *   AMBIGUOUS            IN_DOUBT     IDEM_IN_DOUBT  IDEM_IN_DOUBT, if on_expiry is IN_DOUBT
 *                        RETRYABLE    IDEM_BACKOFF   as RETRYABLE, if on_expiry is TAKEOVER
 *                        lease over   IDEM_BACKOFF   reconciles, if on_expiry is RECONCILE
 *   NOT_STARTED          absent       NONE           runs
 *                        RETRYABLE    NONE           runs, where there is a checkpoint to keep
 *
 *   the reconciler says  stored as    FINISH
 *   FINAL                COMPLETED    as for the work, but `ran` is 0
 *   NOT_STARTED          -            none yet: RUN
 *   AMBIGUOUS            IN_DOUBT     FAILED_PRECONDITION IDEM_IN_DOUBT
 *   RETRYABLE            lease over   UNAVAILABLE IDEM_BACKOFF; a duplicate reconciles after retry_after
 *
 * The lease is kept on the caller's steady clock, from before the request that gave it, less a tenth of
 * it. A claim won too late for that is renewed before the work runs, or given back. After the effect a
 * store that did nothing is asked again a few times (SLEEP between) before the end is UNKNOWN. Whoever was told
 * RECONCILE is under on_expiry RECONCILE, whatever its options say, and gives a key back to be reconciled again.
 * The checkpoint of the attempt before, if any, is the body of the reply that won.
 *
 * A function that refuses leaves the session as it was, and *next says FINISH with the refusal's
 * reason, so that a driver that ignores codes stops. Out of order: INVALID_ARGUMENT, HF_R_BAD_STATE.
 */
#ifndef HOLDFAST_C_IDEMPOTENCY_H_
#define HOLDFAST_C_IDEMPOTENCY_H_

#include <holdfast/c/call.h>
#include <holdfast/c/record.h>

HF_BEGIN_DECLS

#define HF_IDEM_KEY_MAX 1024u         /* bytes of a key; any bytes, NUL included */
#define HF_IDEM_PART_MAX 256u         /* bytes of a namespace, tenant or operation */
#define HF_IDEM_BODY_MAX 8388608u     /* bytes of a stored body, the hard limit */
#define HF_IDEM_CHECKPOINT_MAX 65536u /* bytes of a checkpoint */

/* The id of a key: SHA-256 over version, then namespace, tenant, operation and key, each behind its
 * length, so that ("a:b", "c") is not ("a", "b:c"). Version: one byte, 1. Length: 4 bytes, big-endian.
 * Contract: key not empty. Ownership: writes 32 bytes, zeros on errors. Threads: any.
 * Errors: INVALID_ARGUMENT HF_R_KEY_MISSING, HF_R_KEY_OVERSIZE. Since: 0.1 */
HF_API hf_code hf_idem_key_id(const hf_str* space, const hf_str* tenant, const hf_str* operation,
                              const hf_str* key, uint8_t* id) HF_NOEXCEPT;

/* The fingerprint of a request: SHA-256 of its bytes.
 * Contract: size 0 is a request too. Ownership: writes 32 bytes. Threads: any.
 * Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_idem_fingerprint(const void* data, size_t size, uint8_t* fingerprint) HF_NOEXCEPT;

#define HF_IDEM_SECRET_MIN 16u
#define HF_IDEM_SECRET_MAX 64u

/* Likewise under a secret of HF_IDEM_SECRET_MIN..MAX bytes: BLAKE2b-256, keyed (RFC 7693). Whoever has the
 * fingerprint and not the secret cannot try out what the request may have been.
 * Contract: size 0 is a request too. Ownership: writes 32 bytes, zeros on errors. Threads: any.
 * Errors: INVALID_ARGUMENT, for the secret's size too. Since: 0.4 */
HF_API hf_code hf_idem_fingerprint_keyed(const void* secret, size_t secret_size, const void* data,
                                         size_t size, uint8_t* fingerprint) HF_NOEXCEPT;

typedef struct hf_idem_options {
  uint32_t struct_size, abi_level;
  uint8_t key_id[32];      /* hf_idem_key_id; not zero */
  uint8_t fingerprint[32]; /* hf_idem_fingerprint; zero only with HF_IDEM_NO_FINGERPRINT */
  uint8_t nonce[16];       /* who asks: 16 random bytes of this process, fresh per session */
  uint64_t seed;           /* for the jitter of waiting; not 0 */
  hf_time deadline;        /* for claiming and waiting; 0: none. Completing is never cut short */
  hf_duration lease;       /* 10 ms..24 h; default 30 s */
  hf_duration ttl;         /* lease..10 y; default 24 h */
  hf_duration max_wait;    /* how long to wait while busy; default 0: answer BUSY at once */
  uint32_t max_attempts;   /* claims before the key is poison; 1..1e6; default 10 */
  uint32_t max_body;       /* bytes stored; 1..HF_IDEM_BODY_MAX; default 64 KiB */
  hf_on_expiry on_expiry;  /* default HF_ON_EXPIRY_IN_DOUBT: the safe one */
  uint32_t flags;          /* HF_IDEM_* */
  hf_str
      label; /* kept with the record, for operators; pinned until FINISH; default none. Since: 0.4 */
} hf_idem_options;
#define HF_IDEM_NO_FINGERPRINT \
  1u /* any request matches: only for keys that are derived from the request */

/* The session: the caller's memory, pinned from start to finish or abort. */
typedef struct hf_idem {
  uint64_t opaque[64];
} hf_idem;

/* What the session knows. Views are the driver's own bytes (the last reply's body). */
typedef struct hf_idem_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t attempt;     /* claims of this key so far */
  uint64_t token;       /* the fencing token to hand to the resource; rises for ever per key */
  hf_time lease_until;  /* on the caller's clock: stop by then */
  int32_t replayed;     /* 1: the body is a stored result */
  int32_t ran;          /* 1: the work ran in this session */
  hf_code result_code;  /* of the stored or fresh result */
  uint32_t truncated;   /* HF_BODY_* of the stored result */
} hf_idem_snapshot;

/* Begins.
 * Contract: the first action is STORE (claim), or FINISH if the deadline has passed.
 * Ownership: *idem pinned. Threads: one at a time; no allocation.
 * Errors: INVALID_ARGUMENT naming it by reason: HF_R_KEY_MISSING, HF_R_FINGERPRINT_MISSING,
 *   HF_R_ZERO_NONCE, HF_R_ZERO_SEED, HF_R_OUT_OF_RANGE, ... Since: 0.1 */
HF_API hf_code hf_idem_start(hf_idem* idem, const hf_idem_options* options, hf_time now,
                             hf_action* next) HF_NOEXCEPT;

/* The request to execute, after STORE.
 * Contract: the same until the reply is in; body is that of the last hf_idem_on_result.
 * Ownership: body is borrowed from the driver. Threads: one at a time. Errors: HF_R_BAD_STATE. Since: 0.1 */
HF_API hf_code hf_idem_request(const hf_idem* idem, hf_store_request* request) HF_NOEXCEPT;

/* Goes on with the store's reply.
 * Contract: after STORE. An INDETERMINATE claim or completion is asked again under the same nonce, up to
 *   twice, which reads back what happened. `now` of the claim is that of the step that asked for it,
 *   so the lease is kept on the caller's steady clock from before the request.
 * Ownership: reply borrowed. Threads: one at a time; no allocation. Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_idem_on_reply(hf_idem* idem, const hf_store_reply* reply, hf_time now,
                                hf_action* next) HF_NOEXCEPT;

/* Goes on after SLEEP.
 * Contract: early gives SLEEP again. Ownership: none. Threads: one at a time. Errors: HF_R_BAD_STATE. Since: 0.1 */
HF_API hf_code hf_idem_on_time(hf_idem* idem, hf_time now, hf_action* next) HF_NOEXCEPT;

/* Goes on after SLEEP, early: somebody says that the key may be free.
 * Contract: while waiting for a busy key the next action is STORE (claim); any other sleep goes on as it was.
 * Ownership: none. Threads: one at a time. Errors: HF_R_BAD_STATE. Since: 0.4 */
HF_API hf_code hf_idem_on_wake(hf_idem* idem, hf_time now, hf_action* next) HF_NOEXCEPT;

/* Goes on with what was found out about the attempt before this one, after RECONCILE.
 * Contract: effect FINAL: it happened, and this is its result, stored as the work's own (body as for
 *   hf_idem_on_result). NOT_STARTED (with a code that is not OK): it did not happen; the next action is RUN. AMBIGUOUS: nobody can tell;
 *   in doubt. RETRYABLE: ask again after retry_after; the key stays as it is until then.
 * Ownership: body pinned. Threads: one at a time; no allocation. Errors: INVALID_ARGUMENT. Since: 0.4 */
HF_API hf_code hf_idem_on_reconciled(hf_idem* idem, const hf_outcome* outcome, const void* body,
                                     size_t size, hf_time now, hf_action* next) HF_NOEXCEPT;

/* Goes on with the work's result, after RUN.
 * Contract: outcome as for hf_call_resume, and FINAL if it is OK; body (nullable if size is 0) is pinned
 *   until FINISH. A body larger than max_body is stored as its digest, never an error after the effect.
 * Ownership: body pinned. Threads: one at a time; no allocation. Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_idem_on_result(hf_idem* idem, const hf_outcome* outcome, const void* body,
                                 size_t size, hf_time now, hf_action* next) HF_NOEXCEPT;

/* Goes on with a result that the driver has put elsewhere, because its body is larger than max_body.
 * Contract: instead of hf_idem_on_result or hf_idem_on_reconciled; the outcome is FINAL; where tells a duplicate
 *   the place, and is stored as HF_BODY_REFERENCE; size is 1..max_body. Where it is refused, the session is as it
 *   was: hand in the body itself, and its digest is stored.
 * Ownership: where is pinned until FINISH. Threads: one at a time; no allocation. Errors: INVALID_ARGUMENT.
 * Since: 0.4 */
HF_API hf_code hf_idem_on_spilled(hf_idem* idem, const hf_outcome* outcome, const void* where,
                                  size_t size, hf_time now, hf_action* next) HF_NOEXCEPT;

/* Says that the work's own transaction stored the result (record.h: a joined completion).
 * Contract: instead of hf_idem_on_result, after RUN; the outcome is FINAL; the next action is FINISH.
 * Ownership: none. Threads: one at a time. Errors: HF_R_BAD_STATE. Since: 0.1 */
HF_API hf_code hf_idem_on_joined(hf_idem* idem, const hf_outcome* outcome, hf_time now,
                                 hf_action* next) HF_NOEXCEPT;

/* Prepares a renewal of the lease, between RUN (or RECONCILE) and its result.
 * Contract: *request is to be executed, its reply given to hf_idem_on_renewed; one at a time. Ownership: none.
 * Threads: one at a time. Errors: HF_R_BAD_STATE. Since: 0.1 */
HF_API hf_code hf_idem_renew(hf_idem* idem, hf_time now, hf_store_request* request) HF_NOEXCEPT;

/* Takes in the reply to a renewal.
 * Contract: *lease_until is the new limit. Ownership: none. Threads: one at a time.
 * Errors: ABORTED HF_R_IDEM_FENCED: lost, stop the work. UNAVAILABLE (nothing happened), UNKNOWN (it may
 *   have), DATA_LOSS: the old limit holds. INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_idem_on_renewed(hf_idem* idem, const hf_store_reply* reply, hf_time now,
                                  hf_time* lease_until) HF_NOEXCEPT;

/* Prepares a checkpoint of the work, between RUN (or RECONCILE) and its result: what the next owner is given.
 * Contract: as hf_idem_renew, and one of the two at a time; size at most HF_IDEM_CHECKPOINT_MAX.
 * Ownership: data is borrowed until the reply is in. Threads: one at a time.
 * Errors: HF_R_BAD_STATE; HF_R_OUT_OF_RANGE for its size. Since: 0.4 */
HF_API hf_code hf_idem_checkpoint(hf_idem* idem, const void* data, size_t size, hf_time now,
                                  hf_store_request* request) HF_NOEXCEPT;

/* Takes in the reply to a checkpoint.
 * Contract: the lease is as it was. Ownership: none. Threads: one at a time.
 * Errors: ABORTED HF_R_IDEM_FENCED: lost, stop the work. Otherwise the last checkpoint may stand or this one:
 *   RESOURCE_EXHAUSTED, UNAVAILABLE, DATA_LOSS: nothing happened. UNKNOWN. INVALID_ARGUMENT. Since: 0.4 */
HF_API hf_code hf_idem_on_checkpointed(hf_idem* idem, const hf_store_reply* reply,
                                       hf_time now) HF_NOEXCEPT;

/* Ends early.
 * Contract: returns 1 if *request must still be executed, best effort, so that the record is not left
 *   dangling: ABANDON where the work had not begun, FAIL as AMBIGUOUS where it was running or being reconciled,
 *   and where it was over the request that was to settle it (its body is still needed). Else 0.
 *   Idempotent. Ownership: *idem is the caller's again. Threads: one at a time. Errors: none. Since: 0.1 */
HF_API int32_t hf_idem_abort(hf_idem* idem, hf_time now, hf_store_request* request) HF_NOEXCEPT;

/* Contract: writes at most out->struct_size bytes. Ownership: the caller's. Threads: one at a time.
 * Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_idem_read(const hf_idem* idem, hf_idem_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_IDEMPOTENCY_H_ */
