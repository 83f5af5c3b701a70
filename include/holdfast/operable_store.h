// SPDX-License-Identifier: Apache-2.0
// OperableStore: a store that people can look into and put right; what `holdfast idem` and tools of your own
// need. All of holdfast's stores are one; a store of your own need not be.
//
// What an operator changes is checked by the same table as everything else, and leaves an audit row that is
// written with the change or not at all.
#ifndef HOLDFAST_OPERABLE_STORE_H_
#define HOLDFAST_OPERABLE_STORE_H_

#include <absl/status/statusor.h>
#include <holdfast/c/record.h>
#include <holdfast/store.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v0_5 {

using KeyId = std::array<uint8_t, 32>;

// A record as it is stored. record.body and record.label are empty: the bytes are here.
struct StoredRecord {
  KeyId key_id{};
  hf_record record{};
  std::string body;   // empty unless asked for
  std::string label;  // see record_label.h
  uint64_t body_bytes = 0;
  bool damaged = false;  // fails its check; the rest is as good as it could be read
};

struct ScanQuery {
  std::string cursor{};                    // where to go on; empty: from the beginning
  uint32_t limit = 100;                    // rows looked at, 1..10000; a page may hold fewer
  std::optional<hf_record_state> state{};  // of the row as written: a lapsed lease is IN_PROGRESS
  bool bodies = false;
};

// Each record that is there all the time is seen at least once; one that changes meanwhile may be seen twice.
struct ScanPage {
  std::vector<StoredRecord> records;
  std::string cursor;     // empty: that was the last page
  int64_t store_now = 0;  // the store's clock, nanoseconds since the Unix epoch
};

// Who changed a record by hand, and why. Both 1..256 bytes of printable UTF-8.
struct AuditNote {
  std::string actor;
  std::string reason;
};

struct AuditRow {
  int64_t at = 0;  // the store's clock
  KeyId key_id{};
  hf_store_verb verb = 0;      // RESOLVE or RELEASE
  hf_effect effect = 0;        // of the request
  hf_record_state before = 0;  // and after is in the record
  uint64_t token_before = 0;
  uint64_t token_after = 0;
  AuditNote note;
};

struct StoreInfo {
  std::string kind;            // "memory", "sqlite", "redis", "redis-cluster", "postgres"
  std::string server;          // product and version, for people
  uint32_t schema = 0;         // version found; 0: none
  uint32_t schema_newest = 0;  // version that this library writes
  uint64_t records = 0;        // exact or estimated
  uint64_t bytes = 0;          // likewise
};

// Thread-safe, as Store. Errors besides those named: UNAVAILABLE HF_R_STORE_UNAVAILABLE (nothing happened), UNKNOWN
// HF_R_STORE_INDETERMINATE, DATA_LOSS HF_R_STORE_CORRUPT.
class OperableStore : public Store {
 public:
  // INVALID_ARGUMENT: a cursor of another store, a limit out of range.
  virtual absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) = 0;

  // One record; NOT_FOUND.
  virtual absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) = 0;

  // RESOLVE or RELEASE and its audit row, in one atomic step. Nothing is written, no row either, where the table says no.
  virtual StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                                    Duration timeout) = 0;

  // The newest `limit` rows, newest first; of one key or of all.
  virtual absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id,
                                                      uint32_t limit, Duration timeout) = 0;

  // Erases up to `limit` records that are past their time, never one leased or in doubt. Returns how many.
  virtual absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) = 0;

  virtual absl::StatusOr<StoreInfo> Info(Duration timeout) = 0;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_OPERABLE_STORE_H_
