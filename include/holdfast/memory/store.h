// SPDX-License-Identifier: Apache-2.0
// memory::Store: idempotency records in this process, for tests, single-process tools, and services
// whose duplicates never outlive them. Everything is lost with the process: G0.
//
// A byte budget bounds it. When it is spent, new keys are refused (HF_STORE_OVERLOADED): forgetting an old
// key to make room would run its work twice. So are checkpoints (the last one stands). Keys that exist can
// always be settled, and what is changed by hand is counted, never refused.
// Shards set a little aside: the store may refuse with up to a 32nd of the budget unspent.
// Records past their time are purged a few per request, so no request pays for all of them.
#ifndef HOLDFAST_MEMORY_STORE_H_
#define HOLDFAST_MEMORY_STORE_H_

#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/store.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace holdfast::inline v0_5::memory {

// Zero means the default, everywhere.
struct Options {
  size_t max_bytes = 0;            // records, bodies, audit, with their overhead; default 64 MiB
  uint32_t shards = 0;             // locks; 1..65536, default 64
  uint32_t purge_per_request = 0;  // expired records erased per request at most; default 4
  uint32_t audit_rows = 0;         // newest changes by hand that are kept; 1..1000000, default 1000
  // The store's clock, nanoseconds since the Unix epoch, not negative; for tests. Called under a lock,
  // from any thread; must not throw. Default: the system clock.
  std::function<int64_t()> clock = nullptr;
};

// A snapshot; each number is right for some moment of the call.
struct Stats {
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t purged = 0;   // expired records erased since the beginning
  uint64_t refused = 0;  // new keys and checkpoints refused for want of room
};

// Thread-safe.
class Store final : public OperableStore {
 public:
  // Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE naming the option.
  static absl::StatusOr<std::unique_ptr<Store>> Create(Options options = {});

  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Answers at once; `timeout` is not needed. A replayed body is shared with the store, not copied.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;

  // Answers inside the call.
  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override;

  // A page costs time in proportion to the records of a shard, under that shard's lock. Each record that is
  // there all the time is seen exactly once.
  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) override;
  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) override;
  // An unsound verb or note: HF_STORE_UNAVAILABLE, detail naming it.
  StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                            Duration timeout) override;
  // Of the newest Options::audit_rows changes.
  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              Duration timeout) override;
  absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) override;
  absl::StatusOr<StoreInfo> Info(Duration timeout) override;

  Guarantee guarantee() const override;
  bool blocks() const override { return false; }

  Stats stats() const;

 private:
  struct Shards;
  explicit Store(std::unique_ptr<Shards> shards);

  std::unique_ptr<Shards> shards_;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_MEMORY_STORE_H_
