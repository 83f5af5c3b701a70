// SPDX-License-Identifier: Apache-2.0
// See store.h. Here: what operators call.
#include <holdfast/audit_note.h>
#include <holdfast/sqlite/store.h>
#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include "adapters/sqlite/schema.h"
#include "adapters/sqlite/store_impl.h"

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr uint32_t kLargestPage = 10000;
constexpr uint32_t kPurgePiece = 500;
constexpr uint32_t kVerifyPiece = 512;
constexpr std::string_view kCursor = "sqlite:";
constexpr std::string_view kHex = "0123456789abcdef";

absl::Status Bad(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

std::string CursorOf(std::string_view key) {
  std::string cursor(kCursor);
  for (const char byte : key) {
    cursor += kHex[static_cast<uint8_t>(byte) >> 4];
    cursor += kHex[static_cast<uint8_t>(byte) & 15];
  }
  return cursor;
}

std::optional<std::string> KeyOf(std::string_view cursor) {
  if (!cursor.starts_with(kCursor)) return std::nullopt;
  cursor.remove_prefix(kCursor.size());
  if (cursor.empty() || cursor.size() % 2 != 0) return std::nullopt;
  std::string key;
  for (size_t i = 0; i < cursor.size(); i += 2) {
    const size_t high = kHex.find(cursor[i]);
    const size_t low = kHex.find(cursor[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    key += static_cast<char>(high << 4 | low);
  }
  return key;
}

}  // namespace

absl::StatusOr<ScanPage> Store::Scan(const ScanQuery& query, Duration timeout) {
  if (query.limit == 0 || query.limit > kLargestPage) return Bad("limit: not in 1..10000");
  std::optional<std::string> after;
  if (!query.cursor.empty()) {
    after = KeyOf(query.cursor);
    if (!after.has_value()) return Bad("cursor: not one of an SQLite store");
  }
  ScanPage page;
  std::string last;
  const TableWork scan = [&](RecordTable& table) {
    page.store_now = impl_->options().clock();
    return table.Scan(after.has_value() ? &*after : nullptr, query.limit, query.bodies,
                      &page.records, &last);
  };
  if (absl::Status status = impl_->RunTable(scan, timeout); !status.ok()) return status;
  if (!last.empty()) page.cursor = CursorOf(last);
  if (query.state.has_value()) {
    std::erase_if(page.records,
                  [&](const StoredRecord& stored) { return stored.record.state != *query.state; });
  }
  return page;
}

absl::StatusOr<StoredRecord> Store::Find(const KeyId& key_id, Duration timeout) {
  StoredRecord stored;
  bool exists = false;
  const TableWork find = [&](RecordTable& table) {
    StoredRow row;
    Failure failure = table.Find(key_id.data(), &row);
    exists = row.exists;
    stored.damaged = row.damaged;
    stored.record = row.record;
    stored.record.body = stored.record.label = {};
    stored.label = std::move(row.label);
    if (row.body != nullptr) stored.body = *row.body;
    return failure;
  };
  if (absl::Status status = impl_->RunTable(find, timeout); !status.ok()) return status;
  if (!exists) return MakeStatus(HF_NOT_FOUND, HF_R_NONE, "no record of this key");
  stored.key_id = key_id;
  stored.body_bytes = stored.body.size();
  return stored;
}

StoreReply Store::ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                                 Duration timeout) {
  if (request.verb != HF_STORE_RESOLVE && request.verb != HF_STORE_RELEASE) {
    return StorageReply(HF_STORE_UNAVAILABLE, "verb: only RESOLVE and RELEASE are audited");
  }
  if (const absl::Status bad = CheckAuditNote(note); !bad.ok()) {
    return StorageReply(HF_STORE_UNAVAILABLE, std::string(bad.message()));
  }
  try {
    JobPtr job;
    StoreReply bad = impl_->Prepare(request, &job);
    if (job == nullptr) return bad;
    job->note = note;
    return impl_->Run(job, timeout);
  } catch (const std::bad_alloc&) {
    return StorageReply(HF_STORE_OVERLOADED, {});
  }
}

absl::StatusOr<std::vector<AuditRow>> Store::Audit(const std::optional<KeyId>& key_id,
                                                   uint32_t limit, Duration timeout) {
  if (limit == 0 || limit > kLargestPage) return Bad("limit: not in 1..10000");
  std::vector<AuditRow> rows;
  const TableWork read = [&](RecordTable& table) { return table.ReadAudit(key_id, limit, &rows); };
  if (absl::Status status = impl_->RunTable(read, timeout); !status.ok()) return status;
  return rows;
}

absl::StatusOr<uint64_t> Store::Purge(uint32_t limit, Duration timeout) {
  uint64_t purged = 0;
  while (purged < limit) {
    const auto job = std::make_shared<Job>(Job::Kind::kPurge);
    job->limit = static_cast<uint32_t>(std::min<uint64_t>(kPurgePiece, limit - purged));
    if (absl::Status status = impl_->Status(job, timeout); !status.ok()) return status;
    purged += job->count;
    if (job->count < job->limit) break;
  }
  return purged;
}

absl::StatusOr<StoreInfo> Store::Info(Duration timeout) {
  StoreInfo info{.kind = "sqlite",
                 .server = std::string("SQLite ") + sqlite3_libversion(),
                 .schema = kSchemaVersion,
                 .schema_newest = kSchemaVersion};
  const TableWork count = [&](RecordTable& table) {
    const Failure failure = table.CountRecords(&info.records);
    return failure.failed() ? failure : table.CountBytes(&info.bytes);
  };
  if (absl::Status status = impl_->RunTable(count, timeout); !status.ok()) return status;
  return info;
}

absl::StatusOr<VerifyReport> Store::Verify(uint32_t max_keys, Duration timeout) {
  VerifyReport report;
  std::string after;
  bool first = true;
  while (first || !after.empty()) {
    std::vector<StoredRecord> piece;
    std::string last;
    const TableWork scan = [&](RecordTable& table) {
      return table.Scan(first ? nullptr : &after, kVerifyPiece, false, &piece, &last);
    };
    const absl::Status status = impl_->RunTable(scan, timeout);
    for (const StoredRecord& stored : piece) {
      ++report.records;
      if (!stored.damaged) continue;
      ++report.damaged;
      if (report.damaged_keys.size() < max_keys) report.damaged_keys.push_back(stored.key_id);
    }
    if (status.code() == absl::StatusCode::kDataLoss) {
      report.unreadable = std::string(status.message());
      return report;
    }
    if (!status.ok()) return status;
    after = std::move(last);
    first = false;
  }
  return report;
}

}  // namespace holdfast::inline v0_5::sqlite
