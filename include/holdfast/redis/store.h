// SPDX-License-Identifier: Apache-2.0
// redis::Store: idempotency records on one Redis 7 server, or on a primary with replicas.
//
// A fresh claim is one SET NX GET, a settlement one script; what they cannot decide is decided by the table
// of c/record.h and written by compare-and-set. Leases are judged by the server's clock alone.
//
// Redis is at best G2: a failover may forget a claim, and then two owners run. Use it alone only where a rare
// duplicate is tolerable, or where the resource checks the token; else PostgreSQL. guarantee() says what this
// server's configuration is worth. Configurations that lose records silently are refused by Open.
#ifndef HOLDFAST_REDIS_STORE_H_
#define HOLDFAST_REDIS_STORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/redis/server.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::redis {

// Zero means the default, everywhere.
struct Options {
  Server server = {};
  uint32_t connections = 0;  // 1..64, default 1: pipelining makes few of them enough

  // Keys are <prefix>{<64 hex digits>}. 1..64 printable ASCII characters, no braces, and none of *?[]\^ (which
  // SCAN would read as a pattern); default "hf:".
  std::string prefix = {};

  // How long a record that is leased or in doubt is kept. Renewed with the lease. 1 h..10 y, default 30 d.
  Duration retention{0};
  // How much longer than its time a finished record stays, so that its token is not forgotten at once, and how
  // long an abandoned key's token is kept. 1 s..24 h, default 10 s: far above what the clocks' estimate errs.
  Duration token_memory{0};
  Duration audit_retention{0};  // of a key's audit rows, from the newest; default 1 y
  uint32_t audit_rows = 0;      // of one key; 1..10000, default 100

  Duration default_timeout{0};  // for Execute and the like with timeout 0; default 5 s

  // How many replicas must have a write before its answer (WAIT), and how long to wait for them. With too few a
  // claim is given back, INDETERMINATE; a settlement is OK, and its detail says that it is unconfirmed.
  uint32_t replicas = 0;
  Duration replica_timeout{0};  // default 1 s

  // What Open refuses, each with the name that lets it pass.
  bool allow_eviction = false;               // maxmemory-policy is not noeviction: keys vanish
  bool allow_replica = false;                // role is not master: for looking only
  bool allow_unknown_configuration = false;  // INFO does not tell policy, role or version
  bool allow_old_server = false;             // older than 7.0
  bool allow_active_active = false;  // several primaries accept writes: each grants the claim

  // A key of its own tells whether the server lost its data (FLUSHALL, an empty node promoted). True: Open
  // refuses a server where it is missing, instead of writing it.
  bool require_sentinel = false;

  // The store's clock, nanoseconds since the Unix epoch; for tests, and then for all clients of the server.
  // Default: the server's. Called on any thread; must not throw.
  std::function<int64_t()> clock = {};
};

// Counters since Open. A snapshot.
struct Stats {
  uint64_t requests = 0;
  uint64_t express_claims = 0;    // decided by one SET
  uint64_t settled = 0;           // by one script
  uint64_t swaps = 0;             // compare-and-set written
  uint64_t swaps_lost = 0;        // the record had changed meanwhile: read again
  uint64_t scripts_reloaded = 0;  // NOSCRIPT
  uint64_t unconfirmed = 0;       // too few replicas: settlements
  uint64_t given_back = 0;        // too few replicas: claims
  uint64_t sentinel_alarms = 0;   // the server lost its data
  uint64_t connects = 0;
  uint64_t connection_failures = 0;
  uint64_t commands = 0;
  uint64_t writes = 0;  // to the socket: commands / writes is how much pipelining there is
  uint64_t waits = 0;   // WAIT
};

// Thread-safe. One thread of its own for all connections. Not to be used in a child after fork.
class Store final : public OperableStore {
 public:
  // Connects, and looks at what the server is.
  // Errors: INVALID_ARGUMENT (HF_R_OUT_OF_RANGE, HF_R_BAD_OPTIONS) naming the option; UNAVAILABLE
  //   HF_R_STORE_UNAVAILABLE: not reachable, or not let in; FAILED_PRECONDITION HF_R_BAD_OPTIONS: a server that is
  //   refused, naming the option that lets it pass. Nothing but the sentinel is written.
  static absl::StatusOr<std::unique_ptr<Store>> Open(Options options);

  // What is under way is lost, INDETERMINATE.
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // UNAVAILABLE: not sent, or refused by the server. INDETERMINATE: sent, and the answer did not come.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;
  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override;
  // One write, and one WAIT where replicas are asked; further steps of some likewise.
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override;

  // What was found at Open. Replicated at best; see why.
  Guarantee guarantee() const override;

  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) override;
  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) override;
  StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                            Duration timeout) override;
  // Of all keys: looks at every key of the server.
  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              Duration timeout) override;
  // 0: the server forgets by itself what is past its time.
  absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) override;
  absl::StatusOr<StoreInfo> Info(Duration timeout) override;

  // Writes down as IN_DOUBT up to `limit` leases that lapsed and that nobody asks about; returns how many.
  // `cursor` as in ScanQuery, moved on; empty after the last page.
  absl::StatusOr<uint64_t> Sweep(std::string* cursor, uint32_t limit, Duration timeout);

  // After a sentinel alarm everything is UNAVAILABLE until somebody who knows what was lost says go on.
  absl::Status Rearm(Duration timeout);

  Stats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_STORE_H_
