// SPDX-License-Identifier: Apache-2.0
// See record_table.h. Here: what goes over many rows, for purging and for operators.
#include <holdfast/c/idempotency.h>
#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <string_view>

#include "adapters/sqlite/record_table.h"

namespace holdfast::inline v0_5::sqlite {
namespace {

// Damaged rows that a sweep passes over before it gives up: they stay in the order of expiry for ever.
constexpr size_t kDamagedPassed = 1000;
// Bodies of one page of a scan.
constexpr size_t kPageBytes = size_t{16} << 20;

std::string_view BytesOf(sqlite3_stmt* statement, int column) {
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

// Whatever the sums say, a record that the table would not act on is as good as damaged.
bool Impossible(const hf_record& record, const std::string_view& body) {
  hf_record whole = record;
  whole.body = hf_str{body.data(), body.size()};
  hf_store_request read{};
  read.verb = HF_STORE_READ;
  hf_record next{};
  hf_record_change change = HF_RECORD_KEEP;
  hf_store_reply reply{};
  return hf_record_apply(&whole, &read, 0, 0, &next, &change, &reply) != HF_OK;
}

StoredRecord RecordOf(sqlite3_stmt* statement, bool with_body) {
  const Row row = RowOf(statement);
  StoredRecord stored;
  std::memcpy(stored.key_id.data(), row.kid, kKidSize);
  const std::string_view body = BytesOf(statement, kBodyColumn);
  const hf_str raw = {body.data(), body.size()};
  stored.damaged = !row.sound || sqlite3_column_type(statement, kBodyColumn) != SQLITE_BLOB ||
                   !HasBody(row, raw) || Impossible(row.record, body);
  stored.body_bytes = body.size();
  if (row.record.label.size > 0) stored.label.assign(row.record.label.data, row.record.label.size);
  if (with_body) stored.body.assign(body);
  stored.record = row.record;
  stored.record.label = stored.record.body = {};
  return stored;
}

}  // namespace

Failure RecordTable::Purge(int64_t now, uint32_t limit, uint64_t* purged) {
  sqlite3_bind_int64(expired_, 1, now);
  std::vector<Row> rows;
  size_t passed = 0;
  int code = SQLITE_DONE;
  while (rows.size() < limit && passed < kDamagedPassed &&
         (code = sqlite3_step(expired_)) == SQLITE_ROW) {
    Row row = RowOf(expired_);
    // The index said so; what counts is the row itself.
    const bool settled =
        row.record.state == HF_RECORD_COMPLETED || row.record.state == HF_RECORD_RETRYABLE;
    if (row.sound && settled && row.record.expires_at <= now) {
      rows.push_back(row);
    } else {
      ++passed;
    }
  }
  sqlite3_reset(expired_);
  if (code != SQLITE_DONE && code != SQLITE_ROW) return Fail(code, "purge");
  for (const Row& row : rows) {
    const Failure failure = Erase(row.kid, row.record.token);
    if (failure.failed()) return failure;
    ++*purged;
  }
  return {};
}

Failure RecordTable::Scan(const std::string* after, uint32_t limit, bool bodies,
                          std::vector<StoredRecord>* rows, std::string* last) {
  if (after == nullptr) {
    sqlite3_bind_double(scan_, 1, -HUGE_VAL);  // below every key, a damaged one's type included
  } else {
    sqlite3_bind_blob(scan_, 1, after->data(), static_cast<int>(after->size()), SQLITE_STATIC);
  }
  last->clear();
  size_t bytes = 0;
  int code = SQLITE_DONE;
  while (rows->size() < limit && bytes < kPageBytes && (code = sqlite3_step(scan_)) == SQLITE_ROW) {
    rows->push_back(RecordOf(scan_, bodies));
    bytes += rows->back().body.size();
    // A key that is not one any more gives no place to go on at: then it is the one before.
    const std::string_view key = BytesOf(scan_, 0);
    if (sqlite3_column_type(scan_, 0) == SQLITE_BLOB && !key.empty()) last->assign(key);
  }
  sqlite3_reset(scan_);
  sqlite3_clear_bindings(scan_);
  if (code != SQLITE_DONE && code != SQLITE_ROW) return Fail(code, "scan");
  if (code == SQLITE_DONE) {
    last->clear();
  } else if (last->empty()) {
    return Fail(SQLITE_CORRUPT, "scan: a page of keys that are none");
  }
  return {};
}

Failure RecordTable::ReadAudit(const std::optional<KeyId>& key_id, uint32_t limit,
                               std::vector<AuditRow>* rows) {
  sqlite3_stmt* const statement = key_id.has_value() ? audit_of_key_ : audit_of_all_;
  sqlite3_bind_int64(statement, 1, limit);
  if (key_id.has_value()) {
    sqlite3_bind_blob(statement, 2, key_id->data(), kKidSize, SQLITE_STATIC);
  }
  int code = sqlite3_step(statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    AuditRow row;
    row.at = sqlite3_column_int64(statement, 0);
    const std::string_view kid = BytesOf(statement, 1);
    if (kid.size() == row.key_id.size()) std::memcpy(row.key_id.data(), kid.data(), kid.size());
    row.verb = sqlite3_column_int(statement, 2);
    row.effect = sqlite3_column_int(statement, 3);
    row.before = sqlite3_column_int(statement, 4);
    row.token_before = static_cast<uint64_t>(sqlite3_column_int64(statement, 5));
    row.token_after = static_cast<uint64_t>(sqlite3_column_int64(statement, 6));
    row.note.actor = BytesOf(statement, 7);
    row.note.reason = BytesOf(statement, 8);
    rows->push_back(std::move(row));
  }
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return code == SQLITE_DONE ? Failure{} : Fail(code, "audit");
}

}  // namespace holdfast::inline v0_5::sqlite
