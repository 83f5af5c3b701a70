// SPDX-License-Identifier: Apache-2.0
// sqlite::Store: idempotency records in one SQLite file, and work that joins them.
//
// One writer thread owns the one connection. Callers queue requests; the thread takes what is there,
// runs it in one transaction with one fsync (WAL, synchronous=FULL), then answers all. Nothing waits
// for company: a lone request is committed at once.
//
// Work can join its record: InTransaction runs your SQL and completes the record in one commit, so
// that both are there or neither is (G3). Your tables live in the same file.
#ifndef HOLDFAST_SQLITE_STORE_H_
#define HOLDFAST_SQLITE_STORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/sqlite/options.h>
#include <holdfast/store.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct sqlite3;

namespace holdfast::inline v0_5::sqlite {

// The claim that joined work belongs to: what RunOnceJoined knows from winning it.
struct JoinedClaim {
  uint8_t key_id[32] = {};
  uint64_t token = 0;
  Duration ttl{0};        // of the completed record; default 24 h
  uint32_t max_body = 0;  // above it the digest is stored; default 64 KiB
};

// How joined work ended.
struct JoinedReply {
  // raw.status OK: rows and record are committed. FENCED: the claim was lost, all is rolled back.
  // INDETERMINATE: the commit may have happened, and reading back did not tell. All others: nothing
  // happened. 0 where `work` is not OK: the work itself refused, and its rows are rolled back.
  StoreReply store;
  absl::Status work;
  std::string body;        // what the work returned
  bool truncated = false;  // only the digest of `body` is stored
};

// Runs on the writer thread, inside its transaction: it holds up every other request, so no waiting, no
// calls to other services, no thread-locals, and no use of this store (refused). It must finalize its
// statements (the store may reopen the file, which ends them all), and cannot COMMIT, ROLLBACK, ATTACH,
// set PRAGMAs or write to holdfast's own tables (SQLITE_AUTH); savepoints of its own are fine. An
// exception rolls back and reaches the caller.
using Work = std::function<absl::StatusOr<std::string>(sqlite3*)>;
using Script = std::function<absl::Status(sqlite3*)>;

// What Verify found.
struct VerifyReport {
  uint64_t records = 0;             // looked at
  uint64_t damaged = 0;             // of those
  std::vector<KeyId> damaged_keys;  // the first of them, as they could be read
  std::string unreadable;           // what SQLite said where it could not read on; empty: it could
};

// Thread-safe. Not to be used in a child after fork.
class Store final : public OperableStore {
 public:
  // Opens or creates the file.
  // Errors: INVALID_ARGUMENT (HF_R_OUT_OF_RANGE, HF_R_BAD_OPTIONS) naming the option; UNAVAILABLE
  //   HF_R_STORE_LOCKED: another process holds it; FAILED_PRECONDITION: a file of another program, of a newer
  //   holdfast, or of an older one and not to be migrated; DATA_LOSS HF_R_STORE_CORRUPT: not a database, or damaged; RESOURCE_EXHAUSTED
  //   HF_R_STORE_FULL; UNAVAILABLE HF_R_STORE_UNAVAILABLE: not accessible. Nothing is changed then.
  static absl::StatusOr<std::unique_ptr<Store>> Open(Options options);

  // Answers all that was accepted, then closes.
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // `timeout`: a request still queued then is taken back, UNAVAILABLE (nothing happened); one that is
  // running is waited for by settle_timeout more, then INDETERMINATE.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;

  // The answer comes on the writer thread, after the commit; a refusal (OVERLOADED, closing) inside Submit. A
  // request that is still queued after `timeout` is not run, and hears so when its turn comes. The waiter
  // must not destroy the store, nor call what blocks.
  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override;

  // Up to max_batch requests share a commit.
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override;

  // Durable; joined for work that goes through InTransaction.
  Guarantee guarantee() const override;

  // Runs `work` and completes `claim`'s record with what it returns, in one transaction. Throws only what
  // `work` throws. The timeout as for Execute; work that runs is always waited for.
  JoinedReply RunJoined(const JoinedClaim& claim, const Work& work, Duration timeout = Duration{0});

  // RunJoined as one status. OK: committed. Else the work's own error (rolled back), ABORTED
  // HF_R_IDEM_FENCED (rolled back), UNKNOWN HF_R_STORE_INDETERMINATE (may be committed), or a store
  // error (nothing happened).
  absl::StatusOr<std::string> InTransaction(const JoinedClaim& claim, const Work& work,
                                            Duration timeout = Duration{0});

  // As RunJoined and InTransaction, but what `work` returns (at most 64 KiB) becomes the claim's checkpoint and
  // the claim goes on: rows of one step, and the mark that it is done, in one commit. Whoever wins the key
  // after a crash is given the last checkpoint.
  JoinedReply RunJoinedStep(const JoinedClaim& claim, const Work& work,
                            Duration timeout = Duration{0});
  absl::Status CheckpointInTransaction(const JoinedClaim& claim, const Work& work,
                                       Duration timeout = Duration{0});

  // Runs `script` in a transaction of its own and commits if it returns OK: migrations, fixtures.
  absl::Status Setup(const Script& script, Duration timeout = Duration{0});

  // Runs `script` read-only on committed data, between transactions.
  absl::Status Read(const Script& script, Duration timeout = Duration{0});

  // Operators. Each reads between transactions, in pieces that hold up the others for a moment only; Purge
  // commits up to 500 records at a time.
  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) override;
  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) override;
  StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                            Duration timeout) override;
  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              Duration timeout) override;
  absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) override;
  absl::StatusOr<StoreInfo> Info(Duration timeout) override;

  // Checks the sums of every record; `timeout` is for each piece. Names up to `max_keys` damaged ones. The file's
  // own structure: Read with PRAGMA integrity_check. Errors as of OperableStore, but never DATA_LOSS.
  absl::StatusOr<VerifyReport> Verify(uint32_t max_keys, Duration timeout);

  Stats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  JoinedReply Join(hf_store_verb verb, const JoinedClaim& claim, const Work& work,
                   Duration timeout);
  void ReadBack(const JoinedClaim& claim, JoinedReply* result);

  std::unique_ptr<Impl> impl_;
};

// Has this SQLite (sqlite3_libversion_number) the WAL-reset bug? See Options::multi_process.
bool HasWalResetBug(int version);

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_SQLITE_STORE_H_
