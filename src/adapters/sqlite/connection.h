// SPDX-License-Identifier: Apache-2.0
// Connection: one open SQLite file of ours, or the reason why it is not.
//
// Open checks before it touches: the raw header is read through the VFS, so a foreign file is refused
// with no lock taken, no journal replayed and no byte written. A WAL that a dead process left is written
// again and synced before it is believed: after a failed fsync the kernel may show pages that never
// reached the disk, and what we replay from them must be as durable as what we answer.
//
// A file of an older schema is migrated in one transaction, once its WAL is secured.
//
// A file that was ours before is opened again by the full name SQLite found for it, and never created: a
// new file there, on a volume that lost its disk say, would know none of the keys.
//
// Invariants: used by one thread at a time; the authorizer decides by `mode` what a statement that is
// being prepared may do.
#ifndef HOLDFAST_ADAPTERS_SQLITE_CONNECTION_H_
#define HOLDFAST_ADAPTERS_SQLITE_CONNECTION_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/sqlite/options.h>

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/sqlite/failure.h"

struct sqlite3;
struct sqlite3_stmt;

namespace holdfast::inline v0_5::sqlite {

// Whose SQL is being prepared.
enum class SqlMode { kStore, kWork, kSetup, kRead };

class Connection {
 public:
  // `known`: the path() of the connection before, or empty the first time.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Options& options,
                                                          const std::string& known);

  // With a last checkpoint, which removes the WAL; not after Distrust.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closing will leave the files as they are.
  void Distrust();

  sqlite3* db() const { return db_; }
  std::string path() const;
  void SetMode(SqlMode mode) {
    if (mode != SqlMode::kStore) lost_ = false;
    mode_ = mode;
  }

  // BEGIN IMMEDIATE, COMMIT and ROLLBACK, prepared beforehand: ending a transaction should need no memory.
  int Begin() { return Step(begin_); }
  int Commit() { return Step(commit_); }
  int Rollback() { return Step(rollback_); }

  // Runs SQL that returns nothing of interest. 0 or the extended result code.
  int Run(const char* sql);
  // As Run, on a statement that is prepared once. Reset afterwards.
  int Step(sqlite3_stmt* statement);
  // Null if it cannot be prepared. Lives as long as the connection.
  sqlite3_stmt* Prepare(const char* sql);

  bool InTransaction() const;
  // The transaction in which user code was let in is over: SQLite gave it up under a statement of it. A
  // savepoint may have begun another since.
  bool LostTransaction() const { return lost_ || !InTransaction(); }
  // Resets statements that user code left running, which would hold back checkpoints.
  void ResetStrays();

  int wal_pages() const { return wal_pages_; }
  // Copies the WAL into the database file. True if all of it.
  bool Checkpoint(Failure* failure);

 private:
  Connection(const Options& options, const std::string& known) : options_(options), known_(known) {}

  absl::Status OpenFile();
  absl::Status RefuseForeignHeader();
  absl::Status Claim();
  absl::Status CheckOwner();
  absl::Status CreateSchema();
  absl::Status RefuseMigration();
  absl::Status EnterWal();
  absl::Status RewriteWal();
  absl::Status Migrate();
  absl::Status RunInitSql();
  absl::Status PrepareEnds();

  int Authorize(int action, const char* first, const char* second);
  absl::Status Refused(int code, const char* what);
  int64_t Number(const char* sql, int64_t otherwise);

  const Options options_;
  const std::string known_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  sqlite3_stmt* rollback_ = nullptr;
  SqlMode mode_ = SqlMode::kStore;
  bool lost_ = false;
  int wal_pages_ = 0;
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_CONNECTION_H_
