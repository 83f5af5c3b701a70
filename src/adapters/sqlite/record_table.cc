// SPDX-License-Identifier: Apache-2.0
// See record_table.h. The columns of a SELECT stand in the order of kColumns, which RowOf relies on.
#include "adapters/sqlite/record_table.h"

#include <holdfast/c/idempotency.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace holdfast::inline v0_4::sqlite {
namespace {

#define HOLDFAST_VALUES                                                         \
  "state,on_expiry,fingerprint,nonce,token,attempt,truncated,code,lease_until," \
  "not_before,expires_at,completed_at,body_sum,sum"
#define HOLDFAST_COLUMNS "kid," HOLDFAST_VALUES
// Never by their bare names: a temporary table of the user's would come first.
#define HOLDFAST_RECORD "main.holdfast_record"
#define HOLDFAST_META "main.holdfast_meta"

constexpr int kKid = 0, kState = 1, kOnExpiry = 2, kFingerprint = 3, kNonce = 4, kToken = 5,
              kAttempt = 6, kTruncated = 7, kCode = 8, kLeaseUntil = 9, kNotBefore = 10,
              kExpiresAt = 11, kCompletedAt = 12, kBodySum = 13, kSum = 14, kBody = 15;
constexpr int kKidSize = 32;
constexpr int kSumSize = 16;

// Bits in which a damaged key may differ from the wanted one.
constexpr int kDamagedBits = 64;

using Sum = std::array<uint8_t, kSumSize>;

Sum SumOf(const void* data, size_t size) {
  uint8_t digest[32];
  hf_idem_fingerprint(data, size, digest);
  Sum sum;
  std::copy_n(digest, kSumSize, sum.begin());
  return sum;
}

Sum SumOfBody(const hf_str& body) { return SumOf(body.size == 0 ? "" : body.data, body.size); }

// Every column but `sum` and `body`, the numbers as eight little-endian bytes.
Sum SumOfRow(const uint8_t* kid, const hf_record& record, const Sum& body_sum) {
  const int64_t numbers[] = {
      record.state,       record.on_expiry,  static_cast<int64_t>(record.token),
      record.attempt,     record.truncated,  record.code,
      record.lease_until, record.not_before, record.expires_at,
      record.completed_at};
  std::array<uint8_t, 8 + kKidSize + 32 + 16 + sizeof(numbers) + kSumSize> bytes{};
  uint8_t* at = bytes.data();
  *at = kSchemaVersion;
  at = std::copy_n(kid, kKidSize, at + 8);
  at = std::copy_n(record.fingerprint, sizeof(record.fingerprint), at);
  at = std::copy_n(record.nonce, sizeof(record.nonce), at);
  for (const int64_t number : numbers) {
    for (int shift = 0; shift < 64; shift += 8) {
      *at++ = static_cast<uint8_t>(static_cast<uint64_t>(number) >> shift);
    }
  }
  std::copy(body_sum.begin(), body_sum.end(), at);
  return SumOf(bytes.data(), bytes.size());
}

struct Row {
  bool sound = false;  // shape and sum are right; the body is not looked at
  bool has_kid = false;
  uint8_t kid[kKidSize] = {};
  hf_record record{};
  Sum body_sum{};
};

bool CopyBlob(sqlite3_stmt* row, int column, uint8_t* out, int size) {
  if (sqlite3_column_type(row, column) != SQLITE_BLOB) return false;
  const void* const data = sqlite3_column_blob(row, column);
  if (data == nullptr || sqlite3_column_bytes(row, column) != size) return false;
  std::memcpy(out, data, static_cast<size_t>(size));
  return true;
}

template <typename Number>
bool CopyNumber(sqlite3_stmt* row, int column, Number* out) {
  if (sqlite3_column_type(row, column) != SQLITE_INTEGER) return false;
  const int64_t value = sqlite3_column_int64(row, column);
  *out = static_cast<Number>(value);
  return static_cast<int64_t>(*out) == value;
}

Row RowOf(sqlite3_stmt* statement) {
  Row row;
  Sum sum{};
  hf_record& record = row.record;
  row.has_kid = CopyBlob(statement, kKid, row.kid, kKidSize);
  const bool shape = row.has_kid && CopyNumber(statement, kState, &record.state) &&
                     CopyNumber(statement, kOnExpiry, &record.on_expiry) &&
                     CopyBlob(statement, kFingerprint, record.fingerprint, 32) &&
                     CopyBlob(statement, kNonce, record.nonce, 16) &&
                     CopyNumber(statement, kToken, &record.token) &&
                     CopyNumber(statement, kAttempt, &record.attempt) &&
                     CopyNumber(statement, kTruncated, &record.truncated) &&
                     CopyNumber(statement, kCode, &record.code) &&
                     CopyNumber(statement, kLeaseUntil, &record.lease_until) &&
                     CopyNumber(statement, kNotBefore, &record.not_before) &&
                     CopyNumber(statement, kExpiresAt, &record.expires_at) &&
                     CopyNumber(statement, kCompletedAt, &record.completed_at) &&
                     CopyBlob(statement, kBodySum, row.body_sum.data(), kSumSize) &&
                     CopyBlob(statement, kSum, sum.data(), kSumSize);
  row.sound = shape && SumOfRow(row.kid, record, row.body_sum) == sum;
  return row;
}

int DifferingBits(const uint8_t* a, const uint8_t* b) {
  int bits = 0;
  for (int i = 0; i < kKidSize; ++i) bits += std::popcount(static_cast<uint8_t>(a[i] ^ b[i]));
  return bits;
}

// Is this neighbour the wanted row with a damaged key? A row that cannot even be read may be.
bool MayBe(const Row& neighbour, const uint8_t* kid) {
  if (neighbour.sound) return false;
  return !neighbour.has_kid || DifferingBits(neighbour.kid, kid) <= kDamagedBits;
}

void LoadBody(sqlite3_stmt* statement, const Row& row, StoredRecord* found) {
  const int type = sqlite3_column_type(statement, kBody);
  const void* const data = sqlite3_column_blob(statement, kBody);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, kBody));
  auto body = std::make_shared<const std::string>(static_cast<const char*>(data), data ? size : 0);
  found->record.body = hf_str{body->data(), body->size()};
  found->damaged = type != SQLITE_BLOB || SumOfBody(found->record.body) != row.body_sum;
  found->body = std::move(body);
}

}  // namespace

Failure RecordTable::Prepare() {
  int code = SQLITE_OK;
  const auto prepare = [&](sqlite3_stmt** statement, const char* sql) {
    if (code != SQLITE_OK) return;
    *statement = connection_->Prepare(sql);
    if (*statement == nullptr) code = sqlite3_extended_errcode(connection_->db());
  };
  prepare(&at_or_after_, "SELECT " HOLDFAST_COLUMNS ",body FROM " HOLDFAST_RECORD
                         " WHERE kid>=?1 ORDER BY kid LIMIT 1");
  prepare(&before_, "SELECT " HOLDFAST_COLUMNS " FROM " HOLDFAST_RECORD
                    " WHERE kid<?1 ORDER BY kid DESC LIMIT 1");
  // Not REPLACE, which deletes first, and with the row what refers to it by ON DELETE CASCADE.
  prepare(&write_, "INSERT INTO " HOLDFAST_RECORD "(" HOLDFAST_COLUMNS
                   ",body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16) "
                   "ON CONFLICT(kid) DO UPDATE SET (" HOLDFAST_VALUES
                   ",body)=(?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)");
  prepare(&erase_, "DELETE FROM " HOLDFAST_RECORD " WHERE kid=?1");
  prepare(&expired_, "SELECT " HOLDFAST_COLUMNS " FROM " HOLDFAST_RECORD
                     " WHERE state IN (2,3) AND expires_at<=?1 ORDER BY expires_at LIMIT ?2");
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

Failure RecordTable::Find(const uint8_t* key_id, StoredRecord* found) {
  *found = StoredRecord{};
  sqlite3_bind_blob(at_or_after_, 1, key_id, kKidSize, SQLITE_STATIC);
  int code = sqlite3_step(at_or_after_);
  if (code == SQLITE_ROW) {
    const Row row = RowOf(at_or_after_);
    if (row.has_kid && std::memcmp(row.kid, key_id, kKidSize) == 0) {
      found->exists = true;
      found->damaged = !row.sound;
      found->record = row.record;
      if (row.sound) LoadBody(at_or_after_, row, found);
      sqlite3_reset(at_or_after_);
      return {};
    }
    found->exists = found->damaged = MayBe(row, key_id);
    code = SQLITE_DONE;
  }
  sqlite3_reset(at_or_after_);
  if (code != SQLITE_DONE) return Fail(code, "find");
  if (found->damaged) return {};

  sqlite3_bind_blob(before_, 1, key_id, kKidSize, SQLITE_STATIC);
  code = sqlite3_step(before_);
  if (code == SQLITE_ROW) found->exists = found->damaged = MayBe(RowOf(before_), key_id);
  sqlite3_reset(before_);
  return code == SQLITE_ROW || code == SQLITE_DONE ? Failure{} : Fail(code, "find");
}

Failure RecordTable::Write(const uint8_t* key_id, const hf_record& record) {
  const Sum body_sum = SumOfBody(record.body);
  const Sum sum = SumOfRow(key_id, record, body_sum);
  const auto blob = [this](int column, const void* data, size_t size) {
    sqlite3_bind_blob64(write_, column + 1, data, size, SQLITE_STATIC);
  };
  const auto number = [this](int column, int64_t value) {
    sqlite3_bind_int64(write_, column + 1, value);
  };
  blob(kKid, key_id, kKidSize);
  number(kState, record.state);
  number(kOnExpiry, record.on_expiry);
  blob(kFingerprint, record.fingerprint, sizeof(record.fingerprint));
  blob(kNonce, record.nonce, sizeof(record.nonce));
  number(kToken, static_cast<int64_t>(record.token));
  number(kAttempt, record.attempt);
  number(kTruncated, record.truncated);
  number(kCode, record.code);
  number(kLeaseUntil, record.lease_until);
  number(kNotBefore, record.not_before);
  number(kExpiresAt, record.expires_at);
  number(kCompletedAt, record.completed_at);
  blob(kBodySum, body_sum.data(), body_sum.size());
  blob(kSum, sum.data(), sum.size());
  blob(kBody, record.body.size == 0 ? "" : record.body.data, record.body.size);
  const int code = connection_->Step(write_);
  sqlite3_clear_bindings(write_);
  return code == SQLITE_OK ? Failure{} : Fail(code, "write");
}

Failure RecordTable::Erase(const uint8_t* key_id, uint64_t token) {
  RaiseFloor(token);
  sqlite3_bind_blob(erase_, 1, key_id, kKidSize, SQLITE_STATIC);
  const int code = connection_->Step(erase_);
  return code == SQLITE_OK ? Failure{} : Fail(code, "erase");
}

Failure RecordTable::Purge(int64_t now, uint32_t limit, uint64_t* purged) {
  sqlite3_bind_int64(expired_, 1, now);
  sqlite3_bind_int64(expired_, 2, limit);
  std::vector<Row> rows;
  int code = sqlite3_step(expired_);
  for (; code == SQLITE_ROW; code = sqlite3_step(expired_)) rows.push_back(RowOf(expired_));
  sqlite3_reset(expired_);
  if (code != SQLITE_DONE) return Fail(code, "purge");
  for (const Row& row : rows) {
    // The index said so; what counts is the row itself.
    const bool settled =
        row.record.state == HF_RECORD_COMPLETED || row.record.state == HF_RECORD_RETRYABLE;
    if (!row.sound || !settled || row.record.expires_at > now) continue;
    const Failure failure = Erase(row.kid, row.record.token);
    if (failure.failed()) return failure;
    ++*purged;
  }
  return {};
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

#undef HOLDFAST_META
#undef HOLDFAST_RECORD
#undef HOLDFAST_COLUMNS
#undef HOLDFAST_VALUES

}  // namespace holdfast::inline v0_4::sqlite
