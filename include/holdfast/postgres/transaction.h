// SPDX-License-Identifier: Apache-2.0
// Records that join the caller's own PostgreSQL transaction, on the caller's own PGconn: effect and record
// are committed together or not at all (G3). Nothing here begins or commits anything.
//
// CompleteIn: the claim was won through postgres::Store and is committed; the completion joins your work.
// Whoever lost the claim meanwhile cannot commit: the statement raises, and PostgreSQL turns the COMMIT of a
// transaction in which a statement failed into a ROLLBACK, whether the caller looks at the status or not.
//
// Inline: the claim itself joins. A duplicate waits for your commit or rollback; a crash leaves nothing, so
// no lease is needed. For an inbox: Inline, work, CompleteIn, COMMIT.
//
// Both block on `connection`, which must be the caller's alone meanwhile, not in pipeline mode, and inside a
// transaction: else FAILED_PRECONDITION, and nothing happens. Run them in READ COMMITTED, or be ready for
// ABORTED with SQLSTATE 40001: then roll back and run your transaction again.
#ifndef HOLDFAST_POSTGRES_TRANSACTION_H_
#define HOLDFAST_POSTGRES_TRANSACTION_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/record.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <cstdint>
#include <string>
#include <string_view>

struct pg_conn;  // libpq's PGconn

namespace holdfast::inline v0_5::postgres {

// The claim that is completed: what its winner knows.
struct JoinedClaim {
  uint8_t key_id[32] = {};
  uint64_t token = 0;
  Duration ttl{0};          // of the completed record, up to 100 years; default 24 h
  uint32_t max_body = 0;    // above it the SHA-256 is stored; default 64 KiB, at most 8 MiB
  std::string schema = {};  // the store's; default "holdfast"
};

// Stores `body` as the result of `claim`, with `code` (OK, or the code of a final error). Whatever its size the
// body stays with its record here, since making room elsewhere could fail your transaction.
// Errors: ABORTED HF_R_IDEM_FENCED: the claim is not this token's to complete, and the transaction can only
//   roll back. ABORTED without a reason: 40001 or 40P01, likewise, and may be run again. INVALID_ARGUMENT,
//   FAILED_PRECONDITION: nothing happened. UNAVAILABLE, RESOURCE_EXHAUSTED, DATA_LOSS: the transaction can
//   only roll back. UNKNOWN never: what was sent in an open transaction is not committed by anyone.
absl::Status CompleteIn(pg_conn* connection, const JoinedClaim& claim, std::string_view body,
                        hf_code code = HF_OK);

// What is claimed inside the caller's transaction.
struct InlineClaim {
  uint8_t key_id[32] = {};
  uint8_t fingerprint[32] = {};  // zero: matches any
  // How long to wait for another transaction that holds the key; then BUSY. Default 1 s; Duration::max():
  // as long as the connection's own lock_timeout.
  Duration lock_timeout{0};
  // Of the record if the transaction commits without CompleteIn: then it is an ordinary claim, and in doubt
  // afterwards. Default 30 s.
  Duration lease{0};
  uint32_t max_attempts = 0;  // default 10
  std::string_view label = {};
  std::string schema = {};  // default "holdfast"
};

// Claims. The reply's status as of Execute: WON (go on, then CompleteIn with reply.raw.token), REPLAY (body),
// BUSY, MISMATCH, IN_DOUBT, BACKOFF, POISON. After each of them the transaction is as good as before: a savepoint
// takes a lock_timeout back.
// Errors: as of CompleteIn, but FENCED. ABORTED without a reason in REPEATABLE READ and SERIALIZABLE where the
//   key was claimed since the transaction's snapshot.
absl::StatusOr<StoreReply> Inline(pg_conn* connection, const InlineClaim& claim);

// BEGIN. FAILED_PRECONDITION unless the connection is idle.
absl::Status Begin(pg_conn* connection);

// ROLLBACK, as far as there is anything to roll back. A lost connection has rolled back already.
void RollBack(pg_conn* connection);

// COMMIT. OK: committed. ABORTED: PostgreSQL rolled back instead, or refused the commit. UNKNOWN
// HF_R_STORE_INDETERMINATE: the connection was lost on the way.
absl::Status Commit(pg_conn* connection);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_POSTGRES_TRANSACTION_H_
