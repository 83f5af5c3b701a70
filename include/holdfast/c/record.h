/* SPDX-License-Identifier: Apache-2.0 */
/* The idempotency record and its one transition table, for those who write a store.
 *
 * A store is: find the record by key id, hf_record_apply, write what it says, all in one atomic step. The
 * table is here so that memory, SQLite and a store of your own cannot disagree.
 *
 *   state        request (guard)                          next         status
 *   absent       CLAIM                                    IN_PROGRESS  WON, attempt 1
 *   COMPLETED or RETRYABLE, past expires_at: as absent; the token still rises
 *   any live     CLAIM, another fingerprint               same         MISMATCH, no body
 *   IN_PROGRESS  CLAIM, the owner's own nonce             same         WON or RECONCILE as before, same token
 *   IN_PROGRESS  CLAIM, lease live                        same         BUSY, retry_after
 *   IN_PROGRESS  CLAIM, lease over, on_expiry IN_DOUBT    IN_DOUBT     IN_DOUBT
 *   IN_PROGRESS  CLAIM, lease over, TAKEOVER              IN_PROGRESS  WON, token up, attempt + 1, checkpoint
 *   IN_PROGRESS  CLAIM, lease over, RECONCILE             IN_PROGRESS  RECONCILE, likewise: won, but ask first
 *   RETRYABLE    CLAIM, not_before ahead                  same         BACKOFF, retry_after
 *   RETRYABLE    CLAIM                                    IN_PROGRESS  WON, token up, attempt + 1, checkpoint
 *   ... where a WON would pass max_attempts               IN_DOUBT     POISON
 *   COMPLETED    CLAIM                                    same         REPLAY, body
 *   IN_DOUBT     CLAIM                                    same         IN_DOUBT
 *   IN_PROGRESS  RENEW (token)                            same         OK, lease from the store's now
 *   IN_PROGRESS  CHECKPOINT (token)                       same         OK, body replaces the last checkpoint
 *   IN_PROGRESS  COMPLETE (token)                         COMPLETED    OK
 *   COMPLETED    COMPLETE (token of that completion)      same         ALREADY
 *   IN_PROGRESS  FAIL (token), RETRYABLE                  RETRYABLE    OK
 *   IN_PROGRESS  FAIL (token), AMBIGUOUS                  IN_DOUBT, or RETRYABLE under TAKEOVER; OK. Under
 *                RECONCILE: same, the lease ends after retry_after, or IN_DOUBT if the request says so; OK
 *   IN_PROGRESS  ABANDON (token)                          absent       OK
 *   IN_DOUBT     RESOLVE (done | retry | discard)         COMPLETED | RETRYABLE | absent, token up; OK
 *   any live     RELEASE (retry | discard)                RETRYABLE | absent, token up; OK
 *   any          RENEW CHECKPOINT COMPLETE FAIL ABANDON otherwise      same         FENCED
 *   any          READ                                     same         as CLAIM would say, but ABSENT
 *                                                                      for a claim that would win anew
 *
 * RESOLVE is the answer to a doubt; RELEASE is an operator's force, and takes a key from a living owner.
 * The body of a record is its last checkpoint until it is COMPLETED, then the result. The label is the last
 * winner's, opaque to the table.
 *
 * on_expiry is the owner's word, kept in the record; of one who was told RECONCILE it is RECONCILE, whatever
 * the request said. A lapsed lease whose owner said IN_DOUBT is RESOLVEd
 * as IN_DOUBT is, though nobody wrote it down yet; RESOLVE otherwise: ABSENT or FENCED. After RESOLVE or
 * RELEASE as retry, attempts count from 0 again. A zero fingerprint, in the record or the request, matches any.
 * RETRYABLE, ABANDON and expiry must not make the token fall: the next one is
 * max(previous + 1, token_floor + 1, store now in microseconds). COMPLETE is taken from the owner even if
 * its lease is over, as long as nobody else has taken it.
 */
#ifndef HOLDFAST_C_RECORD_H_
#define HOLDFAST_C_RECORD_H_

#include <holdfast/c/outcome.h>

HF_BEGIN_DECLS

typedef int32_t hf_record_state;
#define HF_RECORD_ABSENT 0
#define HF_RECORD_IN_PROGRESS 1
#define HF_RECORD_COMPLETED 2
#define HF_RECORD_RETRYABLE 3
#define HF_RECORD_IN_DOUBT 4

typedef int32_t hf_on_expiry;
#define HF_ON_EXPIRY_IN_DOUBT 1 /* the default: a human or a reconciler decides; at most once */
#define HF_ON_EXPIRY_TAKEOVER \
  2 /* run again: for work that is transactional or idempotent downstream */
#define HF_ON_EXPIRY_RECONCILE 3 /* the next owner first finds out whether it happened */

typedef int32_t hf_store_verb;
#define HF_STORE_CLAIM 1
#define HF_STORE_RENEW 2
#define HF_STORE_COMPLETE 3
#define HF_STORE_FAIL 4
#define HF_STORE_ABANDON 5
#define HF_STORE_READ 6
#define HF_STORE_RESOLVE 7
#define HF_STORE_CHECKPOINT 8
#define HF_STORE_RELEASE 9

typedef int32_t hf_store_status;
#define HF_STORE_OK 1
#define HF_STORE_WON 2
#define HF_STORE_REPLAY 3
#define HF_STORE_BUSY 4
#define HF_STORE_MISMATCH 5
#define HF_STORE_IN_DOUBT 6
#define HF_STORE_FENCED 7
#define HF_STORE_BACKOFF 8
#define HF_STORE_ALREADY 9
#define HF_STORE_POISON 10
#define HF_STORE_ABSENT 11
#define HF_STORE_RECONCILE 12
/* These come from the store, never from the table: */
#define HF_STORE_UNAVAILABLE 20   /* nothing happened */
#define HF_STORE_INDETERMINATE 21 /* it may have happened */
#define HF_STORE_OVERLOADED 22    /* refused: byte budget spent; nothing happened */
#define HF_STORE_CORRUPT 23       /* stored bytes fail their check; nothing happened */
#define HF_STORE_FULL 24          /* no space left; nothing happened */
#define HF_STORE_LOCKED 25        /* another process holds it; nothing happened */
#define HF_STORE_ERASED \
  26 /* to a CLAIM or READ: the key that seals this body was erased on purpose; nothing happened */

/* What is asked of a store. Fixed layout. */
typedef struct hf_store_request {
  hf_store_verb verb;
  hf_on_expiry on_expiry;
  uint8_t key_id[32];
  uint8_t fingerprint[32]; /* zero: matches any */
  uint8_t nonce[16];
  uint64_t token; /* the caller's, for all but CLAIM, READ, RESOLVE and RELEASE */
  hf_duration lease;
  hf_duration ttl;
  hf_duration retry_after; /* FAIL: not before now + this */
  hf_code code;            /* COMPLETE, FAIL, RESOLVE: the result's code */
  hf_effect
      effect; /* FAIL: RETRYABLE or AMBIGUOUS. RESOLVE: FINAL done, RETRYABLE retry, NOT_STARTED discard.
               * RELEASE: RETRYABLE or NOT_STARTED */
  uint32_t max_attempts;
  uint32_t truncated; /* COMPLETE: HF_BODY_* */
  hf_str body;        /* COMPLETE, RESOLVE, CHECKPOINT */
  hf_str label;       /* CLAIM: kept with the record, for operators; at most HF_RECORD_LABEL_MAX */
} hf_store_request;

#define HF_RECORD_LABEL_MAX 2048u /* bytes */

/* What a result's body is: hf_store_request.truncated and the like. */
#define HF_BODY_WHOLE 0u
#define HF_BODY_DIGEST 1u    /* the SHA-256 of a result above max_body */
#define HF_BODY_REFERENCE 2u /* where the owner put a result above max_body */

/* A record as a store keeps it. Times are the store's clock, nanoseconds since the Unix epoch. Fixed layout. */
typedef struct hf_record {
  hf_record_state state;
  hf_on_expiry on_expiry;
  uint8_t fingerprint[32];
  uint8_t nonce[16];
  uint64_t token;
  uint32_t attempt;
  uint32_t truncated;
  hf_code code;
  uint32_t reconcile; /* IN_PROGRESS: 1 if the owner was told RECONCILE */
  int64_t lease_until;
  int64_t not_before;
  int64_t expires_at; /* never applies to IN_PROGRESS and IN_DOUBT */
  int64_t completed_at;
  hf_str body;
  hf_str label;
} hf_record;

/* What a store answers. Fixed layout. */
typedef struct hf_store_reply {
  hf_store_status status;
  hf_record_state state; /* after the request */
  uint64_t token;
  uint32_t attempt;
  uint32_t truncated;
  hf_code code;     /* REPLAY: the stored code */
  uint32_t changed; /* 1: this very request wrote or erased the record */
  hf_duration retry_after;
  int64_t completed_at;
  uint8_t owner[16]; /* the nonce of the last winner; zero if absent */
  hf_str
      body; /* REPLAY: the result. WON, RECONCILE: the last checkpoint. Points into the record that was given */
  hf_duration
      expires_in; /* REPLAY: how long the store still keeps the result, from its own now; above 0 */
} hf_store_reply;

typedef int32_t hf_record_change;
#define HF_RECORD_KEEP 0  /* nothing to write */
#define HF_RECORD_WRITE 1 /* write *next */
#define HF_RECORD_ERASE 2 /* remove it, but remember next->token: see token_floor */

/* Applies a request to a record. Pure: no clock, no memory, no locks.
 * Contract: old NULL means absent. `token_floor` is the highest token that the store has given to any
 *   key it no longer holds (0 if it keeps no such mark: the clock then serves). On WRITE, *next is the
 *   whole new record; next->body and ->label point into old or request. On ERASE it has only a token.
 *   On KEEP it is untouched. *reply is always written. next may be old.
 *   Must run in the same atomic step as the read of old and the write of next.
 * Ownership: the caller's memory. Threads: any. Errors: INVALID_ARGUMENT for a bad request (NULL,
 *   unknown verb, range, store_now < 0) or DATA_LOSS for an old record that cannot be, with
 *   reply->status CORRUPT; then nothing is to be written. Since: 0.1 */
HF_API hf_code hf_record_apply(const hf_record* old, const hf_store_request* request,
                               int64_t store_now, uint64_t token_floor, hf_record* next,
                               hf_record_change* change, hf_store_reply* reply) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_RECORD_H_ */
