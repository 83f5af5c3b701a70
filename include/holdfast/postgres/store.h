// SPDX-License-Identifier: Apache-2.0
// postgres::Store: idempotency records in PostgreSQL (tested with 15), shared by a fleet.
//
// One thread of the store's own drives a pool of libpq connections in pipeline mode. The common requests
// are one statement each (a claim of a new key, a renewal, a completion); all others read the row, ask the
// one table (hf_record_apply), and write if the row is still as it was read. Work in SQL can be committed
// together with its record: postgres/transaction.h and postgres/run_once.h.
//
//   auto store = holdfast::postgres::Store::Open({.url = "postgres://app@db/payments?sslmode=verify-full"});
#ifndef HOLDFAST_POSTGRES_STORE_H_
#define HOLDFAST_POSTGRES_STORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/postgres/options.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::postgres {

// Thread-safe. Not to be used in a child after fork.
class Store final : public OperableStore {
 public:
  // Connects once, checks the server's settings and the schema (creates or upgrades it), then opens the
  // pool. Blocks for up to connect_timeout and a few statements.
  // Errors: INVALID_ARGUMENT naming the option. UNAVAILABLE HF_R_STORE_UNAVAILABLE: no connection.
  //   UNAUTHENTICATED: refused by the server's authentication. PERMISSION_DENIED: a right is missing; the
  //   message says which. FAILED_PRECONDITION: a standby, fsync=off and the like (the message names the
  //   option that overrides it), a schema of a newer holdfast, or one to be migrated with no_migrate.
  static absl::StatusOr<std::unique_ptr<Store>> Open(Options options);

  // Answers what was accepted (UNAVAILABLE, or INDETERMINATE if sent), then closes.
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // At `timeout` (up to 5 min) a request that was not sent is UNAVAILABLE, one whose writing statement was
  // sent INDETERMINATE. In StoreWaiter::OnReply it is refused, as everything that blocks.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;
  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override;

  // One transaction for all that can be done by one statement each; in the order of key ids, so that two
  // batches cannot deadlock.
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override;

  // kDurable, or kReplicated if commits wait for a standby; as the server was at Open.
  Guarantee guarantee() const override;

  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) override;
  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) override;
  StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                            Duration timeout) override;
  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              Duration timeout) override;
  // Also drops the body partitions that no record needs any more.
  absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) override;
  absl::StatusOr<StoreInfo> Info(Duration timeout) override;

  Stats stats() const;
  // The schema's name, for postgres/transaction.h.
  const std::string& schema() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// Creates or upgrades the schema and nothing else, whatever options.no_migrate says: what `holdfast idem
// migrate` calls. Returns the version that is there now. Errors as for Open.
absl::StatusOr<uint32_t> Migrate(const Options& options);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_POSTGRES_STORE_H_
