// SPDX-License-Identifier: Apache-2.0
// Options and counters of postgres::Store (postgres/store.h).
#ifndef HOLDFAST_POSTGRES_OPTIONS_H_
#define HOLDFAST_POSTGRES_OPTIONS_H_

#include <holdfast/status.h>

#include <cstdint>
#include <functional>
#include <string>

namespace holdfast::inline v0_5::postgres {

// Zero or empty means the default, everywhere.
struct Options {
  // A libpq connection string or URI: "postgres://user@host:5432/db?sslmode=verify-full&sslrootcert=/ca.pem".
  // Everything libpq knows works: service files, PGHOST and the like, ~/.pgpass, several hosts. Never empty:
  // say "postgres://" for libpq's own defaults. A name that must be resolved blocks the store's thread
  // meanwhile, as libpq resolves without an asynchronous form; hostaddr= does not.
  std::string url = {};
  // The password's file, read at each connect, one trailing line end cut; it overrides the one of the URL.
  std::string password_file = {};
  // Where the store's tables are: 1..48 of [a-z0-9_], not a digit first. Default "holdfast".
  std::string schema = {};
  // Create or upgrade the schema at Open. Needs CREATE on the database the first time. False: refuse
  // instead (FAILED_PRECONDITION), for servers where only `holdfast idem migrate` may.
  bool no_migrate = false;

  uint32_t connections = 0;     // 1..256; default 8
  uint32_t pipeline_depth = 0;  // transactions under way on each; 1..64; default 2
  uint32_t max_queue = 0;       // requests waiting for a connection, then OVERLOADED; default 16384
  Duration default_timeout{0};  // for requests with timeout 0; default 5 s; at most 5 min
  Duration connect_timeout{0};  // of each attempt to connect; default 5 s
  // The server ends a statement of ours that takes longer; default 10 s. Not sent with `pooled`.
  Duration statement_timeout{0};
  Duration reconnect_base{
      0};  // delays between attempts to connect: full jitter from here; default 50 ms
  Duration reconnect_cap{0};  // to here; default 5 s

  // Parse each statement each time. Needed behind PgBouncer before 1.21, or without max_prepared_statements.
  bool no_prepare = false;
  // A pooler in transaction mode is in between: no session setting is made (so statement_timeout and the
  // isolation level are the server's), and none is relied on.
  bool pooled = false;

  // How often this store erases what is past its time, jittered by half; default 1 min. Duration::max():
  // never, someone else calls Purge.
  Duration purge_interval{0};
  uint32_t purge_limit = 0;  // records of one such sweep; 1..100000; default 2000
  // Stats::old_snapshot above this many transactions; default 1,000,000.
  uint64_t snapshot_age_alarm = 0;

  // Overrides by name of what Open refuses. guarantee() then promises nothing beyond the process.
  bool allow_fsync_off = false;
  bool allow_full_page_writes_off = false;
  bool allow_synchronous_commit_off = false;
  bool allow_unlogged = false;  // somebody made the tables UNLOGGED: a crash empties them

  // The store's clock instead of the server's, nanoseconds since the Unix epoch; for tests. Called on the
  // store's thread and on callers' threads; must not throw.
  std::function<int64_t()> clock = {};
};

// Counters since Open. A snapshot.
struct Stats {
  uint64_t requests = 0;    // answered
  uint64_t express = 0;     // of those, by one statement
  uint64_t rounds = 0;      // read-and-write rounds of the others
  uint64_t conflicts = 0;   // of those rounds, lost to somebody else's write, and done again
  uint64_t statements = 0;  // transactions sent
  uint64_t retried = 0;     // 40001, 40P01, 55P03: sent again
  uint64_t expired = 0;     // answered by the clock: no answer in time
  uint64_t connects = 0;    // connections made
  uint64_t connect_failures = 0;
  uint64_t lost = 0;          // connections lost
  uint64_t ready = 0;         // connections that can be used now
  uint64_t waiting = 0;       // requests in the queue now
  uint64_t purged = 0;        // records erased
  uint64_t dropped = 0;       // body partitions dropped
  uint64_t snapshot_age = 0;  // transactions, of the oldest snapshot as of the last purge
  bool old_snapshot =
      false;  // it is above snapshot_age_alarm: dead rows pile up, everything slows down
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_POSTGRES_OPTIONS_H_
