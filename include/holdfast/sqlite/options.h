// SPDX-License-Identifier: Apache-2.0
// sqlite::Options and sqlite::Stats: how a store is opened, and what it has done since.
#ifndef HOLDFAST_SQLITE_OPTIONS_H_
#define HOLDFAST_SQLITE_OPTIONS_H_

#include <holdfast/status.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace holdfast::inline v0_5::sqlite {

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

  // A file of an older holdfast is brought to this one's schema when it is opened, in one transaction. True:
  // it is refused instead (FAILED_PRECONDITION), and `holdfast idem migrate` brings it up.
  bool no_migrate = false;

  // Bytes of the disk kept back in a file beside `path` ("-reserve"), and given up when the disk is full: from
  // then on claims are refused (FULL), and what was claimed before can be settled. Taken again as soon as
  // there is space. 64 KiB or more, default 1 MiB. None with multi_process.
  uint64_t reserve_bytes = 0;

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
  bool low_space = false;      // reserve_bytes are given up: claims are refused
  Duration commit_time{0};     // spent in COMMIT, fsync included; all of them
  Duration longest_commit{0};
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_SQLITE_OPTIONS_H_
