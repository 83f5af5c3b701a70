// SPDX-License-Identifier: Apache-2.0
// See memory/store.h.
//
// A shard is a map by key id, an order by expiry of the records that may expire, and the highest token
// of a key it no longer holds. One lock covers all three, so a request is one critical section: look up,
// ask the table (hf_record_apply), write, purge a little.
//
// Invariants: a record is in the expiry order exactly if it is COMPLETED or RETRYABLE. What may throw
// (memory) comes before anything is changed. A body is never written to once it is shared.
#include <absl/container/flat_hash_map.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/memory/store.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_4::memory {
namespace {

using KeyId = std::array<uint8_t, 32>;
using Body = std::shared_ptr<const std::string>;

struct Entry {
  hf_record record{};  // record.body points into body
  Body body;
};

// A slot of the map at its usual load, and a node of the expiry order.
constexpr size_t kEntryBytes = 2 * (sizeof(KeyId) + sizeof(Entry)) + 96;
constexpr size_t kDefaultMaxBytes = size_t{64} << 20;
constexpr uint32_t kDefaultShards = 64;
constexpr uint32_t kMaxShards = 65536;
constexpr uint32_t kDefaultPurge = 4;

size_t BodyBytes(const Body& body) {
  return body == nullptr ? 0 : body->size() + sizeof(std::string) + 16;
}

bool MayExpire(const hf_record& record) {
  return record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE;
}

int64_t SystemNow() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

Body CopyOf(const hf_str& bytes) {
  if (bytes.size == 0) return std::make_shared<const std::string>();
  return std::make_shared<const std::string>(bytes.data, bytes.size);
}

bool CarriesBody(const StoreRequest& request) {
  if (request.body.size > HF_IDEM_BODY_MAX) return false;
  if (request.body.size > 0 && request.body.data == nullptr) return false;
  return request.verb == HF_STORE_COMPLETE || request.verb == HF_STORE_RESOLVE;
}

}  // namespace

struct Store::Shards {
  struct Shard {
    std::mutex mutex;
    absl::flat_hash_map<KeyId, Entry> entries;
    std::set<std::pair<int64_t, KeyId>> by_expiry;
    uint64_t token_floor = 0;
    uint64_t purged = 0;
    uint64_t refused = 0;
  };

  explicit Shards(Options given) : options(std::move(given)), all(options.shards) {}

  Shard& Of(const KeyId& id) {
    uint64_t word;
    std::memcpy(&word, id.data(), sizeof(word));  // of a SHA-256: as good as any part of it
    return all[word % all.size()];
  }

  // A new record's bytes. Relaxed: the count guards no other memory.
  bool Reserve() {
    if (bytes.fetch_add(kEntryBytes, std::memory_order_relaxed) + kEntryBytes <=
        options.max_bytes) {
      return true;
    }
    Release(kEntryBytes);
    return false;
  }
  bool ReserveOrPurge(Shard& shard, int64_t now) {
    if (Reserve()) return true;
    Purge(shard, now);
    return Reserve();
  }
  void Release(size_t count) { bytes.fetch_sub(count, std::memory_order_relaxed); }

  StoreReply Execute(const StoreRequest& request, const Body& given);
  void Write(Shard& shard, const KeyId& id, const hf_record& next, const Body& given);
  void Erase(Shard& shard, const KeyId& id, uint64_t token);
  void Purge(Shard& shard, int64_t now);

  Options options;
  std::vector<Shard> all;
  std::atomic<size_t> bytes{0};
};

StoreReply Store::Shards::Execute(const StoreRequest& request, const Body& given) {
  KeyId id;
  std::copy_n(request.key_id, id.size(), id.begin());
  Shard& shard = Of(id);
  const std::lock_guard lock(shard.mutex);
  const int64_t now = options.clock();
  const auto found = shard.entries.find(id);
  const bool exists = found != shard.entries.end();
  StoreReply reply;
  hf_record next{};
  hf_record_change change = HF_RECORD_KEEP;
  const hf_code code = hf_record_apply(exists ? &found->second.record : nullptr, &request, now,
                                       shard.token_floor, &next, &change, &reply.raw);
  if (code == HF_INVALID_ARGUMENT) {
    return StorageReply(HF_STORE_UNAVAILABLE, "a request that no store can execute");
  }
  if (reply.raw.status == HF_STORE_REPLAY) reply.body = found->second.body;
  if (change == HF_RECORD_WRITE) {
    if (!exists && !ReserveOrPurge(shard, now)) {
      ++shard.refused;
      return StorageReply(HF_STORE_OVERLOADED, "the memory store's byte budget is spent");
    }
    Write(shard, id, next, given);
  }
  if (change == HF_RECORD_ERASE) Erase(shard, id, next.token);
  Purge(shard, now);
  return reply;
}

// Strong: if it throws, the shard is as it was.
void Store::Shards::Write(Shard& shard, const KeyId& id, const hf_record& next, const Body& given) {
  std::set<std::pair<int64_t, KeyId>> node_of_next;
  if (MayExpire(next)) node_of_next.emplace(next.expires_at, id);
  Entry* entry = nullptr;
  try {
    entry = &shard.entries.try_emplace(id).first->second;
  } catch (...) {
    Release(kEntryBytes);  // only a new key needs memory here
    throw;
  }
  if (MayExpire(entry->record)) shard.by_expiry.erase({entry->record.expires_at, id});
  shard.by_expiry.merge(node_of_next);
  const size_t before = BodyBytes(entry->body);
  entry->body = next.state == HF_RECORD_COMPLETED ? given : nullptr;
  entry->record = next;
  entry->record.body = {};
  if (entry->body != nullptr) entry->record.body = {entry->body->data(), entry->body->size()};
  bytes.fetch_add(BodyBytes(entry->body) - before, std::memory_order_relaxed);
}

void Store::Shards::Erase(Shard& shard, const KeyId& id, uint64_t token) {
  const auto found = shard.entries.find(id);
  shard.token_floor = std::max(shard.token_floor, token);
  const Entry& entry = found->second;
  if (MayExpire(entry.record)) shard.by_expiry.erase({entry.record.expires_at, id});
  Release(kEntryBytes + BodyBytes(entry.body));
  shard.entries.erase(found);
}

void Store::Shards::Purge(Shard& shard, int64_t now) {
  for (uint32_t i = 0; i < options.purge_per_request && !shard.by_expiry.empty(); ++i) {
    const auto [expires_at, id] = *shard.by_expiry.begin();
    if (expires_at > now) return;
    Erase(shard, id, shard.entries.find(id)->second.record.token);
    ++shard.purged;
  }
}

absl::StatusOr<std::unique_ptr<Store>> Store::Create(Options options) {
  if (options.max_bytes == 0) options.max_bytes = kDefaultMaxBytes;
  if (options.shards == 0) options.shards = kDefaultShards;
  if (options.purge_per_request == 0) options.purge_per_request = kDefaultPurge;
  if (options.clock == nullptr) options.clock = SystemNow;
  if (options.shards > kMaxShards) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "shards: more than 65536");
  }
  return std::unique_ptr<Store>(new Store(std::make_unique<Shards>(std::move(options))));
}

Store::Store(std::unique_ptr<Shards> shards) : shards_(std::move(shards)) {}

Store::~Store() = default;

StoreReply Store::Execute(const StoreRequest& request, Duration /*timeout*/) {
  try {
    // Copied before the lock is taken, and shared from then on.
    return shards_->Execute(request, CarriesBody(request) ? CopyOf(request.body) : nullptr);
  } catch (const std::bad_alloc&) {
    StoreReply reply;
    reply.raw.status = HF_STORE_OVERLOADED;
    return reply;
  }
}

Guarantee Store::guarantee() const {
  return {GuaranteeLevel::kProcess, "records live in this process and are lost with it"};
}

Stats Store::stats() const {
  Stats stats;
  for (Shards::Shard& shard : shards_->all) {
    const std::lock_guard lock(shard.mutex);
    stats.records += shard.entries.size();
    stats.purged += shard.purged;
    stats.refused += shard.refused;
  }
  stats.bytes = shards_->bytes.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace holdfast::inline v0_4::memory
