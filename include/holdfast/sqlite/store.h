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
#include <holdfast/c/idempotency.h>
#include <holdfast/store.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

struct sqlite3;

namespace holdfast::inline v0_4::sqlite {

// Zero means the default, everywhere.
struct Options {
  // The file; its folder must exist and be writable. Never empty, ":memory:" or a "file:" URI.
  std::string path = {};
  // A registered sqlite3_vfs; empty: the process's default.
  std::string vfs = {};
  // Your own tables: SQL that may run again and again (CREATE TABLE IF NOT EXISTS ...), as it does at
  // each opening of the file, also when the store reopens it after a failure.
  std::string init_sql = {};
  // Enforce foreign keys in your tables.
  bool foreign_keys = false;

  // How long to wait for another process that holds the file. Default 1 s.
  Duration busy_timeout{0};
  // For Execute and the like with timeout 0. Default 5 s.
  Duration default_timeout{0};
  // How much longer to wait for a transaction that is already running. Default 5 s.
  Duration settle_timeout{0};

  uint32_t max_batch = 0;      // requests in one commit; 1..4096, default 256
  uint32_t max_queue = 0;      // requests waiting, then OVERLOADED; default 16384
  size_t max_queue_bytes = 0;  // bodies waiting, then OVERLOADED; default 64 MiB
  // Bytes of one stored body, above it its digest (truncated); default and at most HF_IDEM_BODY_MAX.
  uint32_t max_body = 0;
  // New keys are refused (OVERLOADED) above these; keys that exist can always be settled. Default: none.
  uint64_t max_records = 0;
  uint64_t max_bytes = 0;  // of the file's pages in use, yours included

  uint32_t purge_per_batch = 0;   // expired records erased per commit; default 32
  uint32_t checkpoint_pages = 0;  // WAL pages before a checkpoint; default 1000 (4 MB)

  // Several processes share the file. Refused with SQLite 3.7.0 to 3.51.2 (but 3.44.6 and 3.50.7): with
  // two connections their WAL reset can lose or corrupt commits.
  bool multi_process = false;
  bool allow_multi_process_despite_wal_reset_bug = false;

  // The store's clock, nanoseconds since the Unix epoch; for tests. Default: the system clock. Called on
  // the writer thread; must not throw.
  std::function<int64_t()> clock = {};
};

// Counters since Open. A snapshot.
struct Stats {
  uint64_t requests = 0;       // run, joined work included
  uint64_t joined = 0;         // joined work committed
  uint64_t batches = 0;        // transactions that requests shared
  uint64_t commits = 0;        // of those, the ones that wrote
  uint64_t largest_batch = 0;  // requests
  uint64_t waiting = 0;        // requests in the queue now
  uint64_t purged = 0;         // expired records erased
  uint64_t checkpoints = 0;    // completed
  uint64_t reopened = 0;       // after a failure of the file
  uint64_t records = 0;        // stored now; 0 unless max_records is set
  uint64_t wal_pages = 0;      // after the last commit
  Duration commit_time{0};     // spent in COMMIT, fsync included; all of them
  Duration longest_commit{0};
};

// The claim that joined work completes: what RunOnceJoined knows from winning it.
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

// Thread-safe. Not to be used in a child after fork.
class Store final : public holdfast::Store {
 public:
  // Opens or creates the file.
  // Errors: INVALID_ARGUMENT (HF_R_OUT_OF_RANGE, HF_R_BAD_OPTIONS) naming the option; UNAVAILABLE
  //   HF_R_STORE_LOCKED: another process holds it; FAILED_PRECONDITION: a file of another program, or of
  //   a newer holdfast; DATA_LOSS HF_R_STORE_CORRUPT: not a database, or damaged; RESOURCE_EXHAUSTED
  //   HF_R_STORE_FULL; UNAVAILABLE HF_R_STORE_UNAVAILABLE: not accessible. Nothing is changed then.
  static absl::StatusOr<std::unique_ptr<Store>> Open(Options options);

  // Answers all that was accepted, then closes.
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // `timeout`: a request still queued then is taken back, UNAVAILABLE (nothing happened); one that is
  // running is waited for by settle_timeout more, then INDETERMINATE.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;

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

  // Runs `script` in a transaction of its own and commits if it returns OK: migrations, fixtures.
  absl::Status Setup(const Script& script, Duration timeout = Duration{0});

  // Runs `script` read-only on committed data, between transactions.
  absl::Status Read(const Script& script, Duration timeout = Duration{0});

  Stats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  void ReadBack(const JoinedClaim& claim, JoinedReply* result);

  std::unique_ptr<Impl> impl_;
};

// Has this SQLite (sqlite3_libversion_number) the WAL-reset bug? See Options::multi_process.
bool HasWalResetBug(int version);

}  // namespace holdfast::inline v0_4::sqlite

#endif  // HOLDFAST_SQLITE_STORE_H_
