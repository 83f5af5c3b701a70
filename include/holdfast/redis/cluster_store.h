// SPDX-License-Identifier: Apache-2.0
// redis::ClusterStore: idempotency records on a Redis 7 Cluster.
//
//   auto store = redis::ClusterStore::Open({.store = {.server = {.host = "redis-0"}}, .seeds = {"redis-1:6379"}});
//
// As redis::Store, key by key: each request touches one key, and so one node. Redirections, resharding and
// failovers are followed inside the request's timeout; a mutation is sent again only where an answer proves that it
// was not carried out. Leases are judged by the clock of the node that serves the key: the nodes' clocks must agree
// to well below a lease, and token_memory.
//
// At best G2, as any asynchronous replication: a failover may forget a claim that was granted.
#ifndef HOLDFAST_REDIS_CLUSTER_STORE_H_
#define HOLDFAST_REDIS_CLUSTER_STORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/redis/store.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::redis {

struct ClusterOptions {
  // Of each node. `server` is the first seed; its credentials, TLS and timeouts are those of all nodes. `connections`
  // are to each node, `replicas` of each write's own master. server.database must be 0.
  Options store = {};
  std::vector<std::string> seeds = {};  // further nodes to begin with, "host:port"; up to 1000
};

struct ClusterStats {
  Stats store;
  uint64_t moved = 0;     // redirections that were followed
  uint64_t asked = 0;     // likewise, for one request each, while a slot was moving
  uint64_t pauses = 0;    // waits for a node, or for a new map
  uint64_t look_ups = 0;  // of the map
  uint32_t masters = 0;   // that serve slots, by the map of now
};

// Thread-safe. One thread of its own for all connections. Not to be used in a child after fork.
class ClusterStore final : public OperableStore {
 public:
  // Looks the cluster up, connects to every master, and looks at what it is.
  // Errors: as redis::Store::Open, naming the node; a server that is no node of a cluster is refused.
  static absl::StatusOr<std::unique_ptr<ClusterStore>> Open(ClusterOptions options);

  // What is under way is lost, INDETERMINATE.
  ~ClusterStore() override;
  ClusterStore(const ClusterStore&) = delete;
  ClusterStore& operator=(const ClusterStore&) = delete;

  // UNAVAILABLE: not sent, refused by its node, or redirected until the timeout. INDETERMINATE: sent, and the answer
  // did not come.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;
  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override;
  // Those of one node with one write, and one WAIT where replicas are asked.
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override;

  // What the weakest of the masters found at Open is worth.
  Guarantee guarantee() const override;

  // Slot by slot, so that a record is seen although its slot moves meanwhile. Without records a walk over all slots
  // costs each master 32768 commands.
  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) override;
  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) override;
  StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                            Duration timeout) override;
  // Of all keys: looks at every key of the cluster.
  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              Duration timeout) override;
  // 0: the nodes forget by themselves what is past its time.
  absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) override;
  // Of all masters together.
  absl::StatusOr<StoreInfo> Info(Duration timeout) override;

  // As redis::Store. The alarm is about any node.
  absl::StatusOr<uint64_t> Sweep(std::string* cursor, uint32_t limit, Duration timeout);
  absl::Status Rearm(Duration timeout);

  ClusterStats stats() const;

 private:
  class Impl;
  explicit ClusterStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_CLUSTER_STORE_H_
