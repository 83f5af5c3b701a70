// SPDX-License-Identifier: Apache-2.0
// RecordTable: records as rows of holdfast_record, the floor under their tokens, and what operators did.
//
// A row whose sum fails is CORRUPT, never absent: acting on damage runs work twice. Damage may also hit
// the key, which then is no longer found where it is looked for; but its row still lies between the
// same neighbours. So whoever finds no row looks at both neighbours, and if one carries nearly the wanted
// key (key ids are hashes: strangers differ in about half of 256 bits) and fails its sum, that is the
// damaged row.
//
// Invariants: every function runs inside the caller's transaction; token_floor never falls, not even
// when the transaction is rolled back.
#ifndef HOLDFAST_ADAPTERS_SQLITE_RECORD_TABLE_H_
#define HOLDFAST_ADAPTERS_SQLITE_RECORD_TABLE_H_

#include <holdfast/c/record.h>
#include <holdfast/operable_store.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/failure.h"
#include "adapters/sqlite/record_row.h"

namespace holdfast::inline v0_5::sqlite {

// What is stored under a key.
struct StoredRow {
  StoredRow() = default;
  StoredRow(const StoredRow&) = delete;
  StoredRow& operator=(const StoredRow&) = delete;

  bool exists = false;
  bool damaged = false;  // exists, but its sum fails
  hf_record record{};    // body points into *body, label into label
  std::shared_ptr<const std::string> body;
  std::string label;
  Sum sum{};
};

class RecordTable {
 public:
  explicit RecordTable(Connection* connection) : connection_(connection) {}
  RecordTable(const RecordTable&) = delete;
  RecordTable& operator=(const RecordTable&) = delete;

  // Prepares the statements and reads the floor.
  Failure Prepare();

  // `found` is a fresh one.
  Failure Find(const uint8_t* key_id, StoredRow* found);
  Failure Write(const uint8_t* key_id, const hf_record& record, Sum* sum);
  Failure Erase(const uint8_t* key_id, uint64_t token);

  // Erases up to `limit` records that are past their time; a damaged one stays.
  Failure Purge(int64_t now, uint32_t limit, uint64_t* purged);

  // Up to `limit` rows whose key comes after `after` (null: from the first), in the order of keys, fewer where
  // bodies are large. `last`: the key to go on behind, empty at the end.
  Failure Scan(const std::string* after, uint32_t limit, bool bodies,
               std::vector<StoredRecord>* rows, std::string* last);

  Failure AddAudit(const AuditRow& row);
  Failure ReadAudit(const std::optional<KeyId>& key_id, uint32_t limit,
                    std::vector<AuditRow>* rows);

  uint64_t token_floor() const { return token_floor_; }
  Failure LoadFloor();
  // Writes the floor if Erase or Purge raised it.
  Failure SaveFloor();
  // The transaction is rolled back: what it saved is not saved.
  void RolledBack() { saved_floor_ = UINT64_MAX; }

  Failure CountRecords(uint64_t* count);
  Failure CountBytes(uint64_t* bytes);

 private:
  Failure Fail(int code, const char* what) const;
  Failure ReadNumber(sqlite3_stmt* statement, const char* what, uint64_t* value);
  Failure MayBeNeighbour(sqlite3_stmt* neighbour, const uint8_t* key_id, bool* may_be);
  void RaiseFloor(uint64_t token);

  Connection* const connection_;
  sqlite3_stmt* around_ = nullptr;
  sqlite3_stmt* exact_ = nullptr;
  sqlite3_stmt* after_ = nullptr;
  sqlite3_stmt* before_ = nullptr;
  sqlite3_stmt* write_ = nullptr;
  sqlite3_stmt* erase_ = nullptr;
  sqlite3_stmt* expired_ = nullptr;
  sqlite3_stmt* scan_ = nullptr;
  sqlite3_stmt* add_audit_ = nullptr;
  sqlite3_stmt* audit_of_key_ = nullptr;
  sqlite3_stmt* audit_of_all_ = nullptr;
  sqlite3_stmt* load_floor_ = nullptr;
  sqlite3_stmt* save_floor_ = nullptr;
  sqlite3_stmt* count_ = nullptr;
  sqlite3_stmt* pages_ = nullptr;
  uint64_t token_floor_ = 0;
  uint64_t saved_floor_ = 0;
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_RECORD_TABLE_H_
