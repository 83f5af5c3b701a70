// SPDX-License-Identifier: Apache-2.0
// See record_row.h.
#include "adapters/sqlite/record_row.h"

#include <holdfast/c/idempotency.h>
#include <sodium/crypto_shorthash_siphash24.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr int kKid = 0, kState = 1, kOnExpiry = 2, kFingerprint = 3, kNonce = 4, kToken = 5,
              kAttempt = 6, kTruncated = 7, kCode = 8, kLeaseUntil = 9, kNotBefore = 10,
              kExpiresAt = 11, kCompletedAt = 12, kBodySum = 13, kSum = 14, kFormat = 15,
              kReconcile = 16, kLabel = 17;

constexpr uint8_t kFormat1 = 1;  // of holdfast 0.3
constexpr uint8_t kFormat2 = 2;

constexpr size_t kNumbers = 11;
constexpr size_t kFixedBytes = 8 + kKidSize + 32 + 16 + kNumbers * 8 + sizeof(Sum);

constexpr uint8_t kSipKey[crypto_shorthash_siphashx24_KEYBYTES] = {
    'h', 'o', 'l', 'd', 'f', 'a', 's', 't', ' ', 'r', 'o', 'w', ' ', 's', 'u', 'm'};
static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(Sum));

Sum SumOf(uint8_t format, const void* data, size_t size) {
  Sum sum;
  if (format == kFormat1) {
    uint8_t digest[32];
    hf_idem_fingerprint(data, size, digest);
    std::copy_n(digest, sum.size(), sum.begin());
  } else {
    crypto_shorthash_siphashx24(sum.data(), static_cast<const uint8_t*>(data), size, kSipKey);
  }
  return sum;
}

Sum SumOfBody(uint8_t format, const hf_str& body) {
  return SumOf(format, body.size == 0 ? "" : body.data, body.size);
}

// Numbers as eight little-endian bytes. The label is last: nothing behind it could be taken for a part of it.
Sum SumOfRow(uint8_t format, const uint8_t* kid, const hf_record& record, const Sum& body_sum) {
  const int64_t numbers[kNumbers] = {
      record.state,        record.on_expiry,  static_cast<int64_t>(record.token),
      record.attempt,      record.truncated,  record.code,
      record.lease_until,  record.not_before, record.expires_at,
      record.completed_at, record.reconcile};
  const size_t count = format == kFormat1 ? kNumbers - 1 : kNumbers;
  std::array<uint8_t, kFixedBytes + HF_RECORD_LABEL_MAX> bytes;
  std::fill_n(bytes.begin(), 8, uint8_t{0});
  uint8_t* at = bytes.data();
  *at = format;
  at = std::copy_n(kid, kKidSize, at + 8);
  at = std::copy_n(record.fingerprint, sizeof(record.fingerprint), at);
  at = std::copy_n(record.nonce, sizeof(record.nonce), at);
  for (size_t i = 0; i < count; ++i) {
    for (int shift = 0; shift < 64; shift += 8) {
      *at++ = static_cast<uint8_t>(static_cast<uint64_t>(numbers[i]) >> shift);
    }
  }
  at = std::copy(body_sum.begin(), body_sum.end(), at);
  if (format != kFormat1) at = std::copy_n(record.label.data, record.label.size, at);
  return SumOf(format, bytes.data(), static_cast<size_t>(at - bytes.data()));
}

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

bool PointAtLabel(sqlite3_stmt* row, hf_str* out) {
  if (sqlite3_column_type(row, kLabel) != SQLITE_BLOB) return false;
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(row, kLabel));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(row, kLabel));
  if (size > HF_RECORD_LABEL_MAX) return false;
  *out = hf_str{size == 0 ? "" : data, size};
  return size == 0 || data != nullptr;
}

bool KnownFormat(uint8_t format, const hf_record& record) {
  if (format == kFormat1) return record.reconcile == 0 && record.label.size == 0;
  return format == kFormat2;
}

}  // namespace

bool HasBody(const Row& row, const hf_str& body) {
  return SumOfBody(row.format, body) == row.body_sum;
}

Row RowOf(sqlite3_stmt* statement) {
  Row row;
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
                     CopyBlob(statement, kBodySum, row.body_sum.data(), sizeof(Sum)) &&
                     CopyBlob(statement, kSum, row.sum.data(), sizeof(Sum)) &&
                     CopyNumber(statement, kFormat, &row.format) &&
                     CopyNumber(statement, kReconcile, &record.reconcile) &&
                     PointAtLabel(statement, &record.label);
  row.sound = shape && KnownFormat(row.format, record) &&
              SumOfRow(row.format, row.kid, record, row.body_sum) == row.sum;
  return row;
}

void BindRow(sqlite3_stmt* statement, const uint8_t* kid, const hf_record& record, RowSums* sums) {
  sums->body = SumOfBody(kFormat2, record.body);
  sums->row = SumOfRow(kFormat2, kid, record, sums->body);
  const auto blob = [statement](int column, const void* data, size_t size) {
    sqlite3_bind_blob64(statement, column + 1, data, size, SQLITE_STATIC);
  };
  const auto number = [statement](int column, int64_t value) {
    sqlite3_bind_int64(statement, column + 1, value);
  };
  const auto bytes = [&](int column, const hf_str& text) {
    blob(column, text.size == 0 ? "" : text.data, text.size);
  };
  blob(kKid, kid, kKidSize);
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
  blob(kBodySum, sums->body.data(), sizeof(Sum));
  blob(kSum, sums->row.data(), sizeof(Sum));
  number(kFormat, kFormat2);
  number(kReconcile, record.reconcile);
  bytes(kLabel, record.label);
  bytes(kBodyColumn, record.body);
}

}  // namespace holdfast::inline v0_5::sqlite
