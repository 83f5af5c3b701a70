// SPDX-License-Identifier: Apache-2.0
// What operators ask of the memory store: scan, find, audit, purge.
//
// A scan goes through the shards in order and through each by key id. Its cursor names the number of shards,
// the shard and the last key id seen, so a record that stays is seen exactly once, whatever else comes and goes.
#include <holdfast/memory/store.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/memory/shards.h"

namespace holdfast::inline v0_5::memory {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr uint32_t kScanMax = 10000;

struct Place {
  size_t shard = 0;
  std::optional<KeyId> after{};  // none: from the shard's first
};

std::string CursorOf(size_t shards, const Place& place) {
  std::string cursor = "memory/" + std::to_string(shards) + "/" + std::to_string(place.shard) + "/";
  if (!place.after.has_value()) return cursor;
  for (const uint8_t byte : *place.after) {
    cursor += kHex[byte >> 4];
    cursor += kHex[byte & 15];
  }
  return cursor;
}

// Eats a number and the slash behind it.
std::optional<size_t> NumberOf(std::string_view* text) {
  size_t number = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr == text->data() + text->size() || *parsed.ptr != '/') {
    return std::nullopt;
  }
  text->remove_prefix(static_cast<size_t>(parsed.ptr - text->data()) + 1);
  return number;
}

std::optional<Place> PlaceOf(std::string_view cursor, size_t shards) {
  Place place;
  if (cursor.empty()) return place;
  constexpr std::string_view kPrefix = "memory/";
  if (!cursor.starts_with(kPrefix)) return std::nullopt;
  cursor.remove_prefix(kPrefix.size());
  if (NumberOf(&cursor) != shards) return std::nullopt;
  const std::optional<size_t> shard = NumberOf(&cursor);
  if (!shard.has_value() || *shard >= shards) return std::nullopt;
  place.shard = *shard;
  if (cursor.empty()) return place;
  KeyId after{};
  if (cursor.size() != 2 * after.size()) return std::nullopt;
  for (size_t i = 0; i < cursor.size(); ++i) {
    const size_t digit = kHex.find(cursor[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    after[i / 2] = static_cast<uint8_t>(after[i / 2] << 4 | digit);
  }
  place.after = after;
  return place;
}

// A record taken out under the lock; its bytes are copied outside.
struct Taken {
  StoredRecord stored;
  Body body;
};

Taken Take(const Entry& entry) {
  const hf_str& label = entry.record.label;
  Taken taken{{.key_id = entry.id, .record = entry.record, .body = {}, .label = {}}, entry.body};
  if (label.size > 0) taken.stored.label.assign(label.data, label.size);
  taken.stored.record.body = {};
  taken.stored.record.label = {};
  taken.stored.body_bytes = entry.body == nullptr ? 0 : entry.body->size();
  return taken;
}

StoredRecord Stored(Taken taken, bool with_body) {
  if (with_body && taken.body != nullptr) taken.stored.body = *taken.body;
  return std::move(taken.stored);
}

// The first `limit` key ids of the shard behind `after`, in order.
std::vector<KeyId> NextIds(const Shard& shard, const std::optional<KeyId>& after, size_t limit) {
  std::vector<KeyId> ids;
  for (const Entry* entry : shard.entries()) {
    if (!after.has_value() || entry->id > *after) ids.push_back(entry->id);
  }
  const size_t count = std::min(limit, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count), ids.end());
  ids.resize(count);
  return ids;
}

}  // namespace

absl::StatusOr<ScanPage> Store::Scan(const ScanQuery& query, Duration /*timeout*/) {
  if (query.limit == 0 || query.limit > kScanMax) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "limit: 1..10000");
  }
  std::vector<Shard>& all = shards_->all;
  std::optional<Place> place = PlaceOf(query.cursor, all.size());
  if (!place.has_value()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "cursor: not one of this store");
  }
  ScanPage page;
  std::vector<Taken> taken;
  size_t left = query.limit;
  while (place->shard < all.size() && left > 0) {
    Shard& shard = all[place->shard];
    const std::lock_guard lock(shard.mutex());
    const std::vector<KeyId> ids = NextIds(shard, place->after, left);
    for (const KeyId& id : ids) {
      const Entry& entry = *shard.Find(HashedId(id.data()));
      if (!query.state.has_value() || entry.record.state == *query.state) {
        taken.push_back(Take(entry));
      }
    }
    const bool shard_is_over = ids.size() < left;
    left -= ids.size();
    if (shard_is_over) {
      *place = {.shard = place->shard + 1};
    } else {
      place->after = ids.back();
    }
  }
  for (Taken& one : taken) page.records.push_back(Stored(std::move(one), query.bodies));
  if (place->shard < all.size()) page.cursor = CursorOf(all.size(), *place);
  page.store_now = shards_->Now();
  return page;
}

absl::StatusOr<StoredRecord> Store::Find(const KeyId& key_id, Duration /*timeout*/) {
  std::optional<Taken> taken;
  {
    const HashedId id(key_id.data());
    Shard& shard = shards_->Of(id);
    const std::lock_guard lock(shard.mutex());
    const Entry* const entry = shard.Find(id);
    if (entry != nullptr) taken = Take(*entry);
  }
  if (!taken.has_value()) {
    return MakeStatus(HF_NOT_FOUND, HF_R_NONE, "no record of this key");
  }
  return Stored(*std::move(taken), true);
}

absl::StatusOr<std::vector<AuditRow>> Store::Audit(const std::optional<KeyId>& key_id,
                                                   uint32_t limit, Duration /*timeout*/) {
  return shards_->common.audit.Newest(key_id, limit);
}

absl::StatusOr<uint64_t> Store::Purge(uint32_t limit, Duration /*timeout*/) {
  uint64_t erased = 0;
  for (Shard& shard : shards_->all) {
    // In small bites, so that no request waits for all of them.
    constexpr uint32_t kBite = 64;
    for (uint32_t bite = kBite; bite == kBite && erased < limit;) {
      const std::lock_guard lock(shard.mutex());
      const int64_t now = shards_->Now();
      bite = shard.Purge(now, std::min<uint32_t>(kBite, limit - erased), shards_->common);
      erased += bite;
    }
  }
  return erased;
}

absl::StatusOr<StoreInfo> Store::Info(Duration /*timeout*/) {
  const Stats now = stats();
  return StoreInfo{.kind = "memory", .server = "", .records = now.records, .bytes = now.bytes};
}

}  // namespace holdfast::inline v0_5::memory
