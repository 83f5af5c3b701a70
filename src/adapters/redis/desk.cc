// SPDX-License-Identifier: Apache-2.0
// See desk.h.
#include "adapters/redis/desk.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "adapters/redis/audit_codec.h"
#include "adapters/redis/gate.h"
#include "adapters/redis/record_codec.h"
#include "adapters/redis/requests.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr uint32_t kMostRows = 10000;
constexpr std::string_view kCursorMark = "redis1:";
constexpr size_t kKeyHex = 64;
constexpr size_t kMaxNote = 256;
constexpr std::string_view kAuditKind = "audit:";
constexpr size_t kHeadAndLabel = kHeaderSize + HF_RECORD_LABEL_MAX;
constexpr std::string_view kScanCount = "1000";

absl::Status BadCursor() {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "cursor: not one of this store");
}

absl::Status OfError(const redisReply& reply) {
  return ToStatus(HF_STORE_UNAVAILABLE, IsError(reply) ? TextOf(reply) : "an unexpected reply");
}

int Nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string ToHex(const KeyId& key_id) {
  std::string hex;
  for (const uint8_t byte : key_id) {
    hex.push_back("0123456789abcdef"[byte >> 4]);
    hex.push_back("0123456789abcdef"[byte & 15]);
  }
  return hex;
}

std::optional<KeyId> FromHex(std::string_view hex) {
  KeyId key_id{};
  if (hex.size() != kKeyHex) return std::nullopt;
  for (size_t i = 0; i < key_id.size(); ++i) {
    const int high = Nibble(hex[2 * i]);
    const int low = Nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key_id[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return key_id;
}

// "redis1:<SCAN's cursor>:<64 hex digits of each key left over>"
struct Cursor {
  std::string scan = "0";
  bool begun = false;
  std::vector<KeyId> left_over;
};

bool ParseCursor(std::string_view text, Cursor* cursor) {
  if (text.empty()) return true;
  if (!text.starts_with(kCursorMark)) return false;
  text.remove_prefix(kCursorMark.size());
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + colon, number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + colon) return false;
  cursor->scan = std::string(text.substr(0, colon));
  cursor->begun = true;
  text.remove_prefix(colon + 1);
  while (!text.empty()) {
    const auto key_id = FromHex(text.substr(0, kKeyHex));
    if (!key_id.has_value()) return false;
    cursor->left_over.push_back(*key_id);
    text.remove_prefix(kKeyHex);
  }
  return true;
}

std::string FormatCursor(const Cursor& cursor) {
  if (cursor.scan == "0" && cursor.left_over.empty()) return "";
  std::string text = std::string(kCursorMark) + cursor.scan + ":";
  for (const KeyId& key_id : cursor.left_over) text += ToHex(key_id);
  return text;
}

Wire PeekWire(const Core& core, const KeyId& key_id, bool bodies) {
  const std::string key = RecordKey(core.options.prefix, key_id.data());
  const std::string bytes =
      bodies ? std::to_string(int64_t{1} << 30) : std::to_string(kHeadAndLabel);
  return Wire({"EVAL", SourceOf(Script::kPeek), "1", key, bytes});
}

// Of a record past its time only the token is still of use.
bool Past(const hf_record& record, int64_t now) {
  return (record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE) &&
         record.expires_at <= now;
}

// The server's own TIME, asked for with the rest: by an estimate that lags, what has just ended would be shown.
int64_t NowOf(const Core& core, const redisReply& time) {
  return core.options.clock ? core.options.clock() : TimeOf(time);
}

// nullopt: not there, or a tombstone.
std::optional<StoredRecord> RecordOf(const redisReply& peeked, const KeyId& key_id, bool bodies,
                                     int64_t now) {
  StoredRecord stored;
  stored.key_id = key_id;
  stored.damaged = true;
  const auto parts = ElementsOf(peeked);
  if (parts.size() != 3 || !IsString(*parts[0])) return stored;  // another kind of value
  const std::string_view bytes = TextOf(*parts[0]);
  const auto size = static_cast<uint64_t>(std::max<long long>(0, parts[1]->integer));
  if (size == 0) return std::nullopt;
  const Unpacked unpacked = Unpack(bytes, parts[2]->integer);
  if (unpacked.kind == Unpacked::Kind::kTombstone) return std::nullopt;
  if (unpacked.kind != Unpacked::Kind::kRecord) return stored;
  if (Past(unpacked.record, now)) return std::nullopt;
  stored.damaged = false;
  stored.record = unpacked.record;
  stored.label.assign(unpacked.record.label.data, unpacked.record.label.size);
  stored.body_bytes = size - kHeaderSize - stored.label.size();
  if (bodies) stored.body.assign(unpacked.record.body.data, unpacked.record.body.size);
  stored.record.label = {};
  stored.record.body = {};
  return stored;
}

// One step of SCAN over keys "<prefix><kind>{...}".
absl::Status ScanKeys(const Core& core, Connection& connection, std::string_view kind,
                      std::string_view count, SteadyTime until, std::string* cursor,
                      std::vector<KeyId>* found) {
  const std::string pattern = core.options.prefix + std::string(kind) + "{*";
  std::vector<Wire> wires;
  wires.push_back(Wire({"SCAN", *cursor, "MATCH", pattern, "COUNT", count}));
  auto replies = AskAll(connection, std::move(wires), until);
  if (!replies.ok()) return replies.status();
  const auto parts = ElementsOf(*replies->front());
  if (parts.size() != 2 || !IsString(*parts[0])) return OfError(*replies->front());
  *cursor = std::string(TextOf(*parts[0]));
  for (const redisReply* key : ElementsOf(*parts[1])) {
    const auto key_id = KeyIdOf(TextOf(*key), core.options.prefix, kind);
    if (key_id.has_value()) found->push_back(*key_id);
  }
  return absl::OkStatus();
}

int64_t NumberAfter(std::string_view info, std::string_view name) {
  const size_t at = info.find("\n" + std::string(name) + ":");
  if (at == std::string_view::npos) return 0;
  info.remove_prefix(at + name.size() + 2);
  int64_t value = 0;
  std::from_chars(info.data(), info.data() + info.size(), value);
  return value;
}

bool PrintableUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0x20 || lead == 0x7F || (lead >= 0x80 && lead < 0xC2) || lead > 0xF4) return false;
    uint32_t point = more == 0 ? lead : lead & (0x3F >> more);
    for (size_t k = 1; k <= more; ++k) {
      if (i + k >= text.size() || (static_cast<uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
      point = point << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3F);
    }
    const bool overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    if (overlong || surrogate || point > 0x10FFFF || (point >= 0x80 && point < 0xA0)) return false;
    i += more + 1;
  }
  return true;
}

absl::Status CheckText(std::string_view text, const char* name) {
  if (!text.empty() && text.size() <= kMaxNote && PrintableUtf8(text)) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                    std::string(name) + ": not 1..256 bytes of printable UTF-8");
}

}  // namespace

std::optional<KeyId> KeyIdOf(std::string_view key, std::string_view prefix, std::string_view kind) {
  if (key.size() != prefix.size() + kind.size() + kKeyHex + 2) return std::nullopt;
  if (!key.starts_with(prefix) || !key.ends_with('}')) return std::nullopt;
  key.remove_prefix(prefix.size());
  if (!key.starts_with(kind) || key[kind.size()] != '{') return std::nullopt;
  return FromHex(key.substr(kind.size() + 1, kKeyHex));
}

absl::Status CheckNote(const AuditNote& note) {
  if (absl::Status status = CheckText(note.actor, "actor"); !status.ok()) return status;
  return CheckText(note.reason, "reason");
}

absl::StatusOr<ScanPage> ScanServer(const Core& core, Connection& connection,
                                    const ScanQuery& query, SteadyTime until) {
  if (query.limit == 0 || query.limit > kMostRows) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "limit: not 1..10000");
  }
  Cursor cursor;
  if (!ParseCursor(query.cursor, &cursor)) return BadCursor();
  std::vector<KeyId> keys;
  keys.swap(cursor.left_over);
  if (keys.size() < query.limit && !(cursor.begun && cursor.scan == "0")) {
    absl::Status status =
        ScanKeys(core, connection, "", std::to_string(query.limit), until, &cursor.scan, &keys);
    if (!status.ok()) return status;
  }
  if (keys.size() > query.limit) {
    cursor.left_over.assign(keys.begin() + query.limit, keys.end());
    keys.resize(query.limit);
  }
  std::vector<Wire> wires;
  for (const KeyId& key_id : keys) wires.push_back(PeekWire(core, key_id, query.bodies));
  wires.push_back(Wire({"TIME"}));
  auto replies = AskAll(connection, std::move(wires), until);
  if (!replies.ok()) return replies.status();
  ScanPage page;
  page.cursor = FormatCursor(cursor);
  page.store_now = NowOf(core, *replies->back());
  for (size_t i = 0; i < keys.size(); ++i) {
    const redisReply& peeked = *(*replies)[i];
    if (IsError(peeked) && WordOf(TextOf(peeked)) != "WRONGTYPE") return OfError(peeked);
    auto record = RecordOf(peeked, keys[i], query.bodies, page.store_now);
    if (!record.has_value()) continue;
    const bool wanted = !query.state.has_value() || record->record.state == *query.state;
    if (wanted || record->damaged) page.records.push_back(*std::move(record));
  }
  return page;
}

absl::StatusOr<StoredRecord> FindRecord(const Core& core, Connection& connection,
                                        const KeyId& key_id, SteadyTime until) {
  std::vector<Wire> wires;
  wires.push_back(PeekWire(core, key_id, true));
  wires.push_back(Wire({"TIME"}));
  auto replies = AskAll(connection, std::move(wires), until);
  if (!replies.ok()) return replies.status();
  const redisReply& peeked = *replies->front();
  if (IsError(peeked) && WordOf(TextOf(peeked)) != "WRONGTYPE") return OfError(peeked);
  auto record = RecordOf(peeked, key_id, true, NowOf(core, *replies->back()));
  if (record.has_value()) return *std::move(record);
  return MakeStatus(HF_NOT_FOUND, HF_R_NONE, "no record under that key");
}

absl::StatusOr<std::vector<AuditRow>> AuditOfKey(const Core& core, Connection& connection,
                                                 const KeyId& key_id, uint32_t limit,
                                                 SteadyTime until) {
  std::vector<AuditRow> rows;
  if (limit == 0) return rows;
  const std::string key = AuditKey(core.options.prefix, key_id.data());
  std::vector<Wire> wires;
  wires.push_back(Wire({"LRANGE", key, "0", std::to_string(limit - 1)}));
  auto replies = AskAll(connection, std::move(wires), until);
  if (!replies.ok()) return replies.status();
  if (replies->front()->type != REDIS_REPLY_ARRAY) return OfError(*replies->front());
  for (const redisReply* element : ElementsOf(*replies->front())) {
    AuditRow row;
    row.key_id = key_id;
    if (!UnpackAudit(TextOf(*element), &row)) {
      return ToStatus(HF_STORE_CORRUPT, "an audit row that holdfast did not write");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void KeepNewest(std::vector<AuditRow>* rows, uint32_t limit) {
  std::sort(rows->begin(), rows->end(), [](const AuditRow& a, const AuditRow& b) {
    return std::pair(a.at, a.token_after) > std::pair(b.at, b.token_after);
  });
  if (rows->size() > limit) rows->resize(limit);
}

absl::StatusOr<std::vector<AuditRow>> AuditOfServer(const Core& core, Connection& connection,
                                                    uint32_t limit, SteadyTime until) {
  std::vector<AuditRow> rows;
  std::string cursor = "0";
  do {
    std::vector<KeyId> keys;
    absl::Status status = ScanKeys(core, connection, kAuditKind, kScanCount, until, &cursor, &keys);
    if (!status.ok()) return status;
    for (const KeyId& key_id : keys) {
      auto some = AuditOfKey(core, connection, key_id, limit, until);
      if (!some.ok()) return some.status();
      rows.insert(rows.end(), some->begin(), some->end());
    }
    KeepNewest(&rows, limit);
  } while (cursor != "0");
  return rows;
}

absl::StatusOr<StoreInfo> InfoOfServer(Connection& connection, SteadyTime until) {
  std::vector<Wire> wires;
  wires.push_back(InfoWire());
  wires.push_back(Wire({"DBSIZE"}));
  auto replies = AskAll(connection, std::move(wires), until);
  if (!replies.ok()) return replies.status();
  if (!IsString(*(*replies)[0])) return OfError(*(*replies)[0]);
  const redisReply none{};
  const ServerFacts facts = FactsOf(*(*replies)[0], none);
  StoreInfo info;
  info.kind = "redis";
  info.server = facts.product + " " + facts.version;
  info.schema = kRecordVersion;
  info.schema_newest = kRecordVersion;
  info.records = static_cast<uint64_t>(std::max<long long>(0, (*replies)[1]->integer));
  info.bytes = static_cast<uint64_t>(
      std::max<int64_t>(0, NumberAfter(TextOf(*(*replies)[0]), "used_memory")));
  return info;
}

}  // namespace holdfast::inline v0_5::redis
