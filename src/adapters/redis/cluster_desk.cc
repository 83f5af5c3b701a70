// SPDX-License-Identifier: Apache-2.0
// See cluster_desk.h.
#include "adapters/redis/cluster_desk.h"

#include <holdfast/status.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "adapters/redis/desk.h"
#include "adapters/redis/record_codec.h"
#include "adapters/redis/requests.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr uint32_t kMostRows = 10000;
// A page of a full cluster needs few slots, one of an empty cluster all of them: twice as many each time.
constexpr uint32_t kFirstSlots = 64;
constexpr uint32_t kSlotsAtOnce = 2048;
constexpr std::string_view kCursorMark = "cluster1:";
constexpr std::string_view kAuditKind = "audit:";
constexpr std::string_view kMostKeysOfASlot = "1000000";

// "cluster1:<slot>:", and then "{<64 hex digits>}" of the last key of that slot that was seen.
struct Place {
  uint32_t slot = 0;
  std::optional<KeyId> after;
};

std::optional<Place> ParseCursor(std::string_view text) {
  Place place;
  if (text.empty()) return place;
  if (!text.starts_with(kCursorMark)) return std::nullopt;
  text.remove_prefix(kCursorMark.size());
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, place.slot);
  if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != ':') return std::nullopt;
  if (place.slot >= kSlots) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(parsed.ptr + 1 - text.data()));
  if (text.empty()) return place;
  place.after = KeyIdOf(text, "", "");
  if (!place.after) return std::nullopt;
  return place;
}

std::string FormatCursor(const Place& place) {
  std::string text = std::string(kCursorMark) + std::to_string(place.slot) + ":";
  if (place.after) text += RecordKey("", place.after->data());
  return text;
}

}  // namespace

absl::StatusOr<std::vector<KeyId>> ClusterDesk::KeysOf(uint32_t first, uint32_t count,
                                                       std::string_view kind, SteadyTime until) {
  std::set<std::pair<uint16_t, KeyId>> found;
  for (int round = 0; round < 2; ++round) {
    for (const NodeId master : carrier_.router().map().Masters()) {
      std::vector<Wire> wires;
      for (uint32_t slot = first; slot < first + count; ++slot) {
        wires.push_back(Wire({"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), kMostKeysOfASlot}));
      }
      auto replies = AskAll(*carrier_.router().Reach(master), std::move(wires), until);
      if (!replies.ok()) return replies.status();
      for (size_t i = 0; i < replies->size(); ++i) {
        const redisReply& keys = *(*replies)[i];
        if (IsError(keys)) return ToStatus(HF_STORE_UNAVAILABLE, TextOf(keys));
        for (const redisReply* key : ElementsOf(keys)) {
          const auto key_id = KeyIdOf(TextOf(*key), core_.options.prefix, kind);
          if (key_id) found.emplace(static_cast<uint16_t>(first + i), *key_id);
        }
      }
    }
  }
  std::vector<KeyId> keys;
  keys.reserve(found.size());
  for (const auto& [slot, key_id] : found) keys.push_back(key_id);
  return keys;
}

absl::StatusOr<ScanPage> ClusterDesk::Scan(const ScanQuery& query, SteadyTime until) {
  if (query.limit == 0 || query.limit > kMostRows) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "limit: not 1..10000");
  }
  const std::optional<Place> start = ParseCursor(query.cursor);
  if (!start) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "cursor: not one of this store");
  }
  ScanPage page;
  std::vector<KeyId> keys;
  uint32_t at_once = kFirstSlots;
  for (uint32_t slot = start->slot; slot < kSlots && page.cursor.empty();) {
    const uint32_t count = std::min<uint32_t>(at_once, kSlots - slot);
    at_once = std::min(2 * at_once, kSlotsAtOnce);
    auto more = KeysOf(slot, count, "", until);
    if (!more.ok()) return more.status();
    slot += count;
    for (const KeyId& key_id : *more) {
      const uint16_t of = SlotOfRecord(key_id.data());
      if (start->after && of == start->slot && key_id <= *start->after) continue;
      if (keys.size() == query.limit) {
        page.cursor = FormatCursor({SlotOfRecord(keys.back().data()), keys.back()});
        break;
      }
      keys.push_back(key_id);
    }
    const bool full = keys.size() == query.limit && page.cursor.empty();
    if (full && slot < kSlots) page.cursor = FormatCursor({slot, std::nullopt});
  }
  page.store_now = core_.options.clock ? core_.options.clock() : carrier_.router().EstimateNow();
  for (const KeyId& key_id : keys) {
    auto record = Find(key_id, until);
    if (record.status().code() == absl::StatusCode::kNotFound) continue;
    if (!record.ok()) return record.status();
    const bool wanted = !query.state || record->record.state == *query.state;
    if (!wanted && !record->damaged) continue;
    if (!query.bodies) record->body.clear();
    page.records.push_back(*std::move(record));
  }
  return page;
}

absl::StatusOr<StoredRecord> ClusterDesk::Find(const KeyId& key_id, SteadyTime until) {
  return carrier_.AtOwner<StoredRecord>(
      SlotOfRecord(key_id.data()), until,
      [&](Connection& connection) { return FindRecord(core_, connection, key_id, until); });
}

absl::StatusOr<std::vector<AuditRow>> ClusterDesk::Audit(const std::optional<KeyId>& key_id,
                                                         uint32_t limit, SteadyTime until) {
  if (!key_id) return AuditOfAll(limit, until);
  return carrier_.AtOwner<std::vector<AuditRow>>(
      SlotOfRecord(key_id->data()), until,
      [&](Connection& connection) { return AuditOfKey(core_, connection, *key_id, limit, until); });
}

absl::StatusOr<std::vector<AuditRow>> ClusterDesk::AuditOfAll(uint32_t limit, SteadyTime until) {
  std::vector<AuditRow> rows;
  for (uint32_t slot = 0; slot < kSlots; slot += kSlotsAtOnce) {
    auto keys = KeysOf(slot, kSlotsAtOnce, kAuditKind, until);
    if (!keys.ok()) return keys.status();
    for (const KeyId& key_id : *keys) {
      auto some = Audit(key_id, limit, until);
      if (!some.ok()) return some.status();
      rows.insert(rows.end(), some->begin(), some->end());
    }
    KeepNewest(&rows, limit);
  }
  return rows;
}

absl::StatusOr<StoreInfo> ClusterDesk::Info(SteadyTime until) {
  StoreInfo all;
  for (const NodeId master : carrier_.router().map().Masters()) {
    auto one = InfoOfServer(*carrier_.router().Reach(master), until);
    if (!one.ok()) return one.status();
    all.records += one->records;
    all.bytes += one->bytes;
    if (all.server.empty()) all = *std::move(one);
  }
  all.kind = "redis-cluster";
  return all;
}

}  // namespace holdfast::inline v0_5::redis
