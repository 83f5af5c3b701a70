// SPDX-License-Identifier: Apache-2.0
// See record_table.h. Here: one record at a time; table_walks.cc has what goes over many.
#include "adapters/sqlite/record_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

namespace holdfast::inline v0_5::sqlite {
namespace {

// Never by their bare names: a temporary table of the user's would come first.
#define HOLDFAST_RECORD "main.holdfast_record"
#define HOLDFAST_META "main.holdfast_meta"
#define HOLDFAST_AUDIT "main.holdfast_audit"
#define HOLDFAST_AUDIT_COLUMNS \
  "at,kid,verb,effect,state_before,token_before,token_after,actor,reason"

// Bits in which a damaged key may differ from the wanted one.
constexpr int kDamagedBits = 64;

int DifferingBits(const uint8_t* a, const uint8_t* b) {
  int bits = 0;
  for (int i = 0; i < kKidSize; ++i) bits += std::popcount(static_cast<uint8_t>(a[i] ^ b[i]));
  return bits;
}

// Of a key in a column: is it one, and far from the wanted one? Then its row is another record's.
bool IsStranger(sqlite3_stmt* statement, int column, const uint8_t* key_id) {
  if (sqlite3_column_type(statement, column) != SQLITE_BLOB) return false;
  const auto* const kid = static_cast<const uint8_t*>(sqlite3_column_blob(statement, column));
  if (kid == nullptr || sqlite3_column_bytes(statement, column) != kKidSize) return false;
  return DifferingBits(kid, key_id) > kDamagedBits;
}

bool IsThatKey(sqlite3_stmt* statement, int column, const uint8_t* key_id) {
  if (sqlite3_column_type(statement, column) != SQLITE_BLOB) return false;
  const void* const kid = sqlite3_column_blob(statement, column);
  return kid != nullptr && sqlite3_column_bytes(statement, column) == kKidSize &&
         std::memcmp(kid, key_id, kKidSize) == 0;
}

// A record in progress has none as a rule, and then copies nothing.
std::shared_ptr<const std::string> CopyOfBody(const void* data, size_t size) {
  static const auto nothing = std::make_shared<const std::string>();
  if (data == nullptr || size == 0) return nothing;
  return std::make_shared<const std::string>(static_cast<const char*>(data), size);
}

void LoadRow(sqlite3_stmt* statement, StoredRow* found) {
  const Row row = RowOf(statement);
  found->exists = true;
  found->damaged = !row.sound;
  found->record = row.record;
  found->record.label = {};
  found->sum = row.sum;
  if (!row.sound) return;
  found->label.assign(row.record.label.data, row.record.label.size);
  found->record.label = hf_str{found->label.data(), found->label.size()};
  const int type = sqlite3_column_type(statement, kBodyColumn);
  const void* const data = sqlite3_column_blob(statement, kBodyColumn);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, kBodyColumn));
  found->body = CopyOfBody(data, size);
  found->record.body = hf_str{found->body->data(), found->body->size()};
  found->damaged = type != SQLITE_BLOB || !HasBody(row, found->record.body);
}

}  // namespace

Failure RecordTable::Prepare() {
  int code = SQLITE_OK;
  const auto prepare = [&](sqlite3_stmt** statement, const char* sql) {
    if (code != SQLITE_OK) return;
    *statement = connection_->Prepare(sql);
    if (*statement == nullptr) code = sqlite3_extended_errcode(connection_->db());
  };
  // The keys on both sides in one step. ifnull: a key that has become NULL is not "no row".
  prepare(&around_,
          "SELECT (SELECT ifnull(kid,0) FROM " HOLDFAST_RECORD
          " WHERE kid>=?1 ORDER BY kid LIMIT 1),(SELECT ifnull(kid,0) FROM " HOLDFAST_RECORD
          " WHERE kid<?1 ORDER BY kid DESC LIMIT 1)");
  prepare(&exact_, "SELECT " HOLDFAST_ROW_COLUMNS ",body FROM " HOLDFAST_RECORD " WHERE kid=?1");
  prepare(&after_, "SELECT " HOLDFAST_ROW_COLUMNS " FROM " HOLDFAST_RECORD
                   " WHERE kid>=?1 ORDER BY kid LIMIT 1");
  prepare(&before_, "SELECT " HOLDFAST_ROW_COLUMNS " FROM " HOLDFAST_RECORD
                    " WHERE kid<?1 ORDER BY kid DESC LIMIT 1");
  // Not REPLACE, which deletes first, and with the row what refers to it by ON DELETE CASCADE.
  prepare(&write_, "INSERT INTO " HOLDFAST_RECORD "(" HOLDFAST_ROW_COLUMNS
                   ",body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,"
                   "?19) ON CONFLICT(kid) DO UPDATE SET (" HOLDFAST_ROW_VALUES
                   ",body)=(?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)");
  prepare(&erase_, "DELETE FROM " HOLDFAST_RECORD " WHERE kid=?1");
  prepare(&expired_, "SELECT " HOLDFAST_ROW_COLUMNS " FROM " HOLDFAST_RECORD
                     " WHERE state IN (2,3) AND expires_at<=?1 ORDER BY expires_at");
  prepare(&scan_, "SELECT " HOLDFAST_ROW_COLUMNS ",body FROM " HOLDFAST_RECORD
                  " WHERE kid>?1 ORDER BY kid");
  prepare(&add_audit_, "INSERT INTO " HOLDFAST_AUDIT "(" HOLDFAST_AUDIT_COLUMNS
                       ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)");
  prepare(&audit_of_key_, "SELECT " HOLDFAST_AUDIT_COLUMNS " FROM " HOLDFAST_AUDIT
                          " WHERE kid=?2 ORDER BY id DESC LIMIT ?1");
  prepare(&audit_of_all_,
          "SELECT " HOLDFAST_AUDIT_COLUMNS " FROM " HOLDFAST_AUDIT " ORDER BY id DESC LIMIT ?1");
  prepare(&load_floor_, "SELECT value FROM " HOLDFAST_META " WHERE name='token_floor'");
  prepare(&save_floor_,
          "INSERT OR REPLACE INTO " HOLDFAST_META "(name,value) VALUES('token_floor',?1)");
  prepare(&count_, "SELECT count(*) FROM " HOLDFAST_RECORD);
  prepare(&pages_,
          "SELECT (page_count-freelist_count)*page_size FROM pragma_page_count(),"
          "pragma_freelist_count(),pragma_page_size()");
  // The file says that it is ours, but our tables are not in it, or not as we made them.
  if (code == SQLITE_ERROR) return Fail(SQLITE_CORRUPT, "holdfast's tables");
  return code == SQLITE_OK ? LoadFloor() : Fail(code, "prepare");
}

Failure RecordTable::Find(const uint8_t* key_id, StoredRow* found) {
  sqlite3_bind_blob(around_, 1, key_id, kKidSize, SQLITE_STATIC);
  int code = sqlite3_step(around_);
  if (code != SQLITE_ROW) {
    sqlite3_reset(around_);
    return Fail(code == SQLITE_DONE ? SQLITE_CORRUPT : code, "find");
  }
  const bool there = IsThatKey(around_, 0, key_id);
  bool strange[2];
  for (int side = 0; side < 2; ++side) {
    const bool nobody = sqlite3_column_type(around_, side) == SQLITE_NULL;
    strange[side] = !nobody && !IsStranger(around_, side, key_id);
  }
  sqlite3_reset(around_);
  if (there) {
    sqlite3_bind_blob(exact_, 1, key_id, kKidSize, SQLITE_STATIC);
    code = sqlite3_step(exact_);
    if (code == SQLITE_ROW) LoadRow(exact_, found);
    sqlite3_reset(exact_);
    if (code == SQLITE_ROW) return {};
    return Fail(code == SQLITE_DONE ? SQLITE_CORRUPT : code, "find");
  }
  for (int side = 0; side < 2 && !found->exists; ++side) {
    if (!strange[side]) continue;
    const Failure failure = MayBeNeighbour(side == 0 ? after_ : before_, key_id, &found->exists);
    if (failure.failed()) return failure;
    found->damaged = found->exists;
  }
  return {};
}

// Is this neighbour, whose key is nearly the wanted one or none at all, the wanted row with a damaged key?
Failure RecordTable::MayBeNeighbour(sqlite3_stmt* neighbour, const uint8_t* key_id, bool* may_be) {
  sqlite3_bind_blob(neighbour, 1, key_id, kKidSize, SQLITE_STATIC);
  const int code = sqlite3_step(neighbour);
  if (code == SQLITE_ROW) *may_be = !RowOf(neighbour).sound;
  sqlite3_reset(neighbour);
  return code == SQLITE_ROW || code == SQLITE_DONE ? Failure{} : Fail(code, "find");
}

Failure RecordTable::Write(const uint8_t* key_id, const hf_record& record, Sum* sum) {
  RowSums sums;
  BindRow(write_, key_id, record, &sums);
  *sum = sums.row;
  const int code = connection_->Step(write_);
  return code == SQLITE_OK ? Failure{} : Fail(code, "write");
}

Failure RecordTable::Erase(const uint8_t* key_id, uint64_t token) {
  RaiseFloor(token);
  sqlite3_bind_blob(erase_, 1, key_id, kKidSize, SQLITE_STATIC);
  const int code = connection_->Step(erase_);
  return code == SQLITE_OK ? Failure{} : Fail(code, "erase");
}

Failure RecordTable::AddAudit(const AuditRow& row) {
  const auto text = [this](int at, const std::string& value) {
    sqlite3_bind_text(add_audit_, at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  };
  sqlite3_bind_int64(add_audit_, 1, row.at);
  sqlite3_bind_blob(add_audit_, 2, row.key_id.data(), kKidSize, SQLITE_STATIC);
  sqlite3_bind_int64(add_audit_, 3, row.verb);
  sqlite3_bind_int64(add_audit_, 4, row.effect);
  sqlite3_bind_int64(add_audit_, 5, row.before);
  sqlite3_bind_int64(add_audit_, 6, static_cast<int64_t>(row.token_before));
  sqlite3_bind_int64(add_audit_, 7, static_cast<int64_t>(row.token_after));
  text(8, row.note.actor);
  text(9, row.note.reason);
  const int code = connection_->Step(add_audit_);
  sqlite3_clear_bindings(add_audit_);
  return code == SQLITE_OK ? Failure{} : Fail(code, "audit");
}

Failure RecordTable::LoadFloor() {
  uint64_t floor = 0;
  const Failure failure = ReadNumber(load_floor_, "token floor", &floor);
  if (failure.failed()) return failure;
  // Nothing could be claimed above it; a negative one has become large.
  if (floor >= INT64_MAX) return Fail(SQLITE_CORRUPT, "token floor");
  saved_floor_ = floor;
  RaiseFloor(floor);
  return {};
}

Failure RecordTable::SaveFloor() {
  if (token_floor_ == saved_floor_) return {};
  sqlite3_bind_int64(save_floor_, 1, static_cast<int64_t>(token_floor_));
  const int code = connection_->Step(save_floor_);
  if (code != SQLITE_OK) return Fail(code, "token floor");
  saved_floor_ = token_floor_;
  return {};
}

Failure RecordTable::CountRecords(uint64_t* count) { return ReadNumber(count_, "count", count); }

Failure RecordTable::CountBytes(uint64_t* bytes) { return ReadNumber(pages_, "size", bytes); }

Failure RecordTable::ReadNumber(sqlite3_stmt* statement, const char* what, uint64_t* value) {
  const int code = sqlite3_step(statement);
  const bool number = code == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER;
  if (number) *value = static_cast<uint64_t>(sqlite3_column_int64(statement, 0));
  sqlite3_reset(statement);
  if (number) return {};
  if (code == SQLITE_ROW) return Fail(SQLITE_CORRUPT, what);
  return Fail(code == SQLITE_DONE ? SQLITE_CORRUPT : code, what);
}

void RecordTable::RaiseFloor(uint64_t token) { token_floor_ = std::max(token_floor_, token); }

Failure RecordTable::Fail(int code, const char* what) const {
  return FailureOf(connection_->db(), code, what);
}

}  // namespace holdfast::inline v0_5::sqlite
