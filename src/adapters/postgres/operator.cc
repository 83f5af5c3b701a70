// SPDX-License-Identifier: Apache-2.0
// What operators ask of the store (operable_store.h). Cursors are "pg1:" and the last key id seen, in hex.
#include <holdfast/audit_note.h>
#include <holdfast/postgres/store.h>

#include <algorithm>
#include <utility>

#include "adapters/postgres/impl.h"
#include "adapters/postgres/query_job.h"
#include "adapters/postgres/record_job.h"
#include "adapters/postgres/schema.h"
#include "adapters/postgres/sweep.h"

namespace holdfast::inline v0_5::postgres {
namespace {

constexpr std::string_view kCursorMark = "pg1:";
constexpr uint32_t kMaxPage = 10000;
constexpr int kScanKey = kRowColumns, kScanBytes = kRowColumns + 1;

absl::Status BadArgument(const char* text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

std::string CursorOf(std::string_view key) {
  std::string cursor(kCursorMark);
  for (const char byte : key) {
    constexpr char kDigits[] = "0123456789abcdef";
    cursor += kDigits[static_cast<uint8_t>(byte) >> 4];
    cursor += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return cursor;
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ReadCursor(std::string_view cursor, std::string* key) {
  if (cursor.empty()) return true;
  if (!cursor.starts_with(kCursorMark)) return false;
  cursor.remove_prefix(kCursorMark.size());
  if (cursor.size() != 64) return false;
  for (size_t i = 0; i < cursor.size(); i += 2) {
    const int high = DigitOf(cursor[i]), low = DigitOf(cursor[i + 1]);
    if (high < 0 || low < 0) return false;
    key->push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

// `with_body`: the row came with its body; without it the body's size is what there is to judge by.
StoredRecord RecordOf(const KeyId& key, const Row& row, bool with_body, uint64_t body_bytes) {
  constexpr uint64_t kDigestBytes = 32;
  StoredRecord stored;
  stored.body_bytes = body_bytes;
  stored.key_id = key;
  stored.record = row.record;
  stored.record.body = stored.record.label = {nullptr, 0};
  stored.label = row.label;
  StoreRequest read{};
  read.verb = HF_STORE_READ;
  std::copy(key.begin(), key.end(), read.key_id);
  hf_record next;
  hf_record_change change;
  hf_store_reply reply;
  hf_record judged = row.record;
  if (!with_body) judged.truncated = HF_BODY_WHOLE;
  stored.damaged =
      hf_record_apply(&judged, &read, row.now, 0, &next, &change, &reply) == HF_DATA_LOSS ||
      (row.record.truncated == HF_BODY_DIGEST && body_bytes != kDigestBytes);
  return stored;
}

}  // namespace

absl::StatusOr<ScanPage> Store::Scan(const ScanQuery& query, Duration timeout) {
  std::string after;
  if (!ReadCursor(query.cursor, &after)) return BadArgument("cursor: not one of this store's");
  if (query.limit == 0 || query.limit > kMaxPage) return BadArgument("limit: must be 1..10000");
  Query scan;
  scan.sql = Sql::kScan;
  scan.params.Kept(after).Int64(query.limit).Time(impl_->pool.Now()).Boolean(query.bodies);
  const Answer answer = Ask(impl_->pool, std::move(scan), false, timeout);
  if (answer.failed()) return ToStatus(answer.failure);
  ScanPage page;
  for (int i = 0; i < answer.rows(); ++i) {
    Row row;
    ReadRow(answer.result(), i, &row);
    const std::string_view key = BytesAt(answer.result(), i, kScanKey);
    page.store_now = row.now;
    if (i + 1 == answer.rows() && answer.rows() == static_cast<int>(query.limit)) {
      page.cursor = CursorOf(key);
    }
    const bool wanted = !query.state.has_value() || *query.state == row.record.state;
    if (!row.exists || !wanted || key.size() != sizeof(KeyId)) continue;
    KeyId id;
    std::copy(key.begin(), key.end(), id.begin());
    const auto bytes = static_cast<uint64_t>(Int64At(answer.result(), i, kScanBytes));
    StoredRecord stored = RecordOf(id, row, query.bodies, bytes);
    if (query.bodies) stored.body = *row.body;
    stored.damaged = stored.damaged || row.lost_body;
    page.records.push_back(std::move(stored));
  }
  if (page.store_now == 0) page.store_now = impl_->pool.Now().value_or(SystemNow());
  return page;
}

absl::StatusOr<StoredRecord> Store::Find(const KeyId& key_id, Duration timeout) {
  Query find;
  find.sql = Sql::kFind;
  find.params.Bytes(key_id.data(), key_id.size()).Time(impl_->pool.Now());
  const Answer answer = Ask(impl_->pool, std::move(find), false, timeout);
  if (answer.failed()) return ToStatus(answer.failure);
  Row row;
  ReadRow(answer.result(), 0, &row);
  if (!row.exists) return MakeStatus(HF_NOT_FOUND, HF_R_NONE, "postgres: no such record");
  StoredRecord stored = RecordOf(key_id, row, true, row.body->size());
  stored.damaged = stored.damaged || row.lost_body;
  stored.body = *row.body;
  return stored;
}

StoreReply Store::ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                                 Duration timeout) {
  if (request.verb != HF_STORE_RESOLVE && request.verb != HF_STORE_RELEASE) {
    return StorageReply(HF_STORE_UNAVAILABLE, "verb: only RESOLVE and RELEASE are audited");
  }
  const absl::Status sound = CheckAuditNote(note);
  if (!sound.ok()) return StorageReply(HF_STORE_UNAVAILABLE, std::string(sound.message()));
  return impl_->Execute(request, &note, timeout);
}

absl::StatusOr<std::vector<AuditRow>> Store::Audit(const std::optional<KeyId>& key_id,
                                                   uint32_t limit, Duration timeout) {
  if (limit == 0 || limit > kMaxPage) return BadArgument("limit: must be 1..10000");
  Query audit;
  audit.sql = Sql::kAudit;
  if (key_id.has_value()) {
    audit.params.Bytes(key_id->data(), key_id->size());
  } else {
    audit.params.Null();
  }
  audit.params.Int64(limit);
  const Answer answer = Ask(impl_->pool, std::move(audit), false, timeout);
  if (answer.failed()) return ToStatus(answer.failure);
  std::vector<AuditRow> rows;
  for (int i = 0; i < answer.rows(); ++i) {
    const PGresult* const result = answer.result();
    AuditRow row;
    row.at = Int64At(result, i, 0);
    const std::string_view key = BytesAt(result, i, 1);
    std::copy_n(key.begin(), std::min(key.size(), row.key_id.size()), row.key_id.begin());
    row.verb = Int16At(result, i, 2);
    row.effect = Int16At(result, i, 3);
    row.before = Int16At(result, i, 4);
    row.token_before = static_cast<uint64_t>(Int64At(result, i, 5));
    row.token_after = static_cast<uint64_t>(Int64At(result, i, 6));
    row.note = {std::string(BytesAt(result, i, 7)), std::string(BytesAt(result, i, 8))};
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<uint64_t> Store::Purge(uint32_t limit, Duration timeout) {
  if (limit == 0) return BadArgument("limit: must not be 0");
  if (impl_->pool.on_thread()) return ToStatus(HF_STORE_UNAVAILABLE, "postgres: called in OnReply");
  Waiting<absl::StatusOr<uint64_t>> waiting;
  impl_->pool.Post(
      std::make_shared<SweepJob>(
          limit, [&](absl::StatusOr<uint64_t> done) { waiting.Give(std::move(done)); }),
      timeout);
  return waiting.Await();
}

absl::StatusOr<StoreInfo> Store::Info(Duration timeout) {
  constexpr int64_t kCounted = 10000;
  Query query;
  query.sql = Sql::kInfo;
  const Answer answer = Ask(impl_->pool, std::move(query), false, timeout);
  if (answer.failed()) return ToStatus(answer.failure);
  StoreInfo info;
  info.kind = "postgres";
  info.server = std::string(BytesAt(answer.result(), 0, 0));
  const int64_t counted = Int64At(answer.result(), 0, 1);
  const int64_t estimated = Int64At(answer.result(), 0, 2);
  info.records =
      static_cast<uint64_t>(counted <= kCounted ? counted : std::max(counted, estimated));
  info.bytes = static_cast<uint64_t>(Int64At(answer.result(), 0, 3));
  info.schema = static_cast<uint32_t>(Int64At(answer.result(), 0, 4));
  info.schema_newest = kSchemaVersion;
  return info;
}

}  // namespace holdfast::inline v0_5::postgres
