// SPDX-License-Identifier: Apache-2.0
// See memory/local_tier.h.
//
// A shard is a queue of entries, newest first, a map into it by key id, and SIEVE's hand. `news` counts the times
// that a key of the shard was released or resolved through this tier: a reply that was asked for before such a time
// may show the record as it was before it, and is not kept.
//
// Invariants: map and queue hold the same entries. bytes of a shard <= max_bytes / shards. An entry's record is
// COMPLETED, and its body is shared and never written to.
#include <absl/container/flat_hash_map.h>
#include <holdfast/memory/local_tier.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <list>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::memory {
namespace {

using Body = std::shared_ptr<const std::string>;

struct Entry {
  KeyId id{};
  hf_record record{};  // on the tier's clock, but for completed_at; record.body points into body
  Body body;
  int64_t fresh_until = 0;
  bool any_fingerprint = false;  // learnt by a claim that had none: the record's is not known
  bool visited = false;
};

using Queue = std::list<Entry>;

// A node of the queue, and a slot of the map at its usual load.
constexpr size_t kEntryBytes =
    sizeof(Entry) + 32 + 2 * (sizeof(KeyId) + sizeof(Queue::iterator)) + sizeof(std::string) + 16;
constexpr size_t kDefaultMaxBytes = size_t{64} << 20;
constexpr uint32_t kDefaultShards = 16;
constexpr uint32_t kMaxShards = 65536;
constexpr Duration kDefaultMaxAge = std::chrono::seconds(1);
constexpr Duration kMaxMaxAge = std::chrono::hours(24);

int64_t BootNow() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * HF_S + now.tv_nsec;
}

KeyId IdOf(const StoreRequest& request) {
  KeyId id;
  std::copy_n(request.key_id, id.size(), id.begin());
  return id;
}

bool HasFingerprint(const StoreRequest& request) {
  return std::any_of(std::begin(request.fingerprint), std::end(request.fingerprint),
                     [](uint8_t byte) { return byte != 0; });
}

bool ByForce(const StoreRequest& request) {
  return request.verb == HF_STORE_RELEASE || request.verb == HF_STORE_RESOLVE;
}

bool FromTheTable(hf_store_status status) { return status < HF_STORE_UNAVAILABLE; }

int64_t Later(int64_t now, int64_t by) { return by > INT64_MAX - now ? INT64_MAX : now + by; }

size_t BytesOf(const Body& body) { return kEntryBytes + body->size(); }

}  // namespace

struct LocalTier::Shards {
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<KeyId, Queue::iterator> by_id;
    Queue queue;
    Queue::iterator hand = queue.end();  // end: at the oldest
    size_t bytes = 0;
    uint64_t news = 0;
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t evicted = 0;
    uint64_t dropped = 0;

    void Erase(Queue::iterator entry) {
      if (hand == entry) hand = entry == queue.begin() ? queue.end() : std::prev(entry);
      bytes -= BytesOf(entry->body);
      by_id.erase(entry->id);
      queue.erase(entry);
    }

    void Drop(const KeyId& id) {
      const auto found = by_id.find(id);
      if (found == by_id.end()) return;
      Erase(found->second);
      ++dropped;
    }

    // From the oldest towards the newest: the first that nobody asked for since the hand last passed it.
    void EvictOne() {
      auto entry = hand == queue.end() ? std::prev(queue.end()) : hand;
      while (entry->visited) {
        entry->visited = false;
        entry = entry == queue.begin() ? std::prev(queue.end()) : std::prev(entry);
      }
      hand = entry;
      Erase(entry);
      ++evicted;
    }
  };

  explicit Shards(Options given)
      : options(std::move(given)),
        all(options.shards),
        shard_bytes(options.max_bytes / all.size()) {}

  Shard& Of(const KeyId& id) {
    uint64_t word;
    std::memcpy(&word, id.data(), sizeof(word));  // of a SHA-256: as good as any part of it
    return all[word % all.size()];
  }

  bool Serve(Shard& shard, const StoreRequest& request, int64_t now, StoreReply& reply);
  void Keep(Shard& shard, const StoreRequest& request, int64_t asked, const StoreReply& reply);

  Options options;
  std::vector<Shard> all;
  const size_t shard_bytes;
};

bool LocalTier::Shards::Serve(Shard& shard, const StoreRequest& request, int64_t now,
                              StoreReply& reply) {
  const auto found = shard.by_id.find(IdOf(request));
  if (found == shard.by_id.end()) return false;
  Entry& entry = *found->second;
  if (now >= entry.fresh_until) {
    shard.Erase(found->second);
    return false;
  }
  if (entry.any_fingerprint && HasFingerprint(request)) return false;
  hf_record next{};
  hf_record_change change = HF_RECORD_KEEP;
  hf_store_reply raw{};
  const hf_code code = hf_record_apply(&entry.record, &request, now, 0, &next, &change, &raw);
  // A mismatch is the store's to tell, and so is an unsound request.
  if (code != HF_OK || raw.status != HF_STORE_REPLAY) return false;
  entry.visited = true;
  reply.raw = raw;
  reply.body = entry.body;
  return true;
}

void LocalTier::Shards::Keep(Shard& shard, const StoreRequest& request, int64_t asked,
                             const StoreReply& reply) {
  const hf_store_reply& raw = reply.raw;
  if (reply.body == nullptr || raw.expires_in <= 0 || raw.attempt == 0) return;
  const size_t bytes = BytesOf(reply.body);
  if (bytes > shard_bytes) return;
  while (shard.bytes + bytes > shard_bytes) shard.EvictOne();
  Queue fresh(1);
  Entry& entry = fresh.front();
  entry.id = IdOf(request);
  entry.body = reply.body;
  entry.any_fingerprint = !HasFingerprint(request);
  entry.fresh_until = Later(asked, std::min(raw.expires_in, options.max_age.count()));
  hf_record& record = entry.record;
  record.state = HF_RECORD_COMPLETED;
  record.on_expiry = HF_ON_EXPIRY_IN_DOUBT;  // has no say once it is COMPLETED
  std::copy_n(request.fingerprint, sizeof(record.fingerprint), record.fingerprint);
  std::copy_n(raw.owner, sizeof(record.nonce), record.nonce);
  record.token = raw.token;
  record.attempt = raw.attempt;
  record.truncated = raw.truncated;
  record.code = raw.code;
  record.expires_at = Later(asked, raw.expires_in);
  record.completed_at = raw.completed_at;
  record.body = {entry.body->data(), entry.body->size()};
  shard.by_id[entry.id] = fresh.begin();
  shard.queue.splice(shard.queue.begin(), fresh);
  shard.bytes += bytes;
}

absl::StatusOr<std::unique_ptr<LocalTier>> LocalTier::Create(std::shared_ptr<Store> next,
                                                             Options options) {
  if (next == nullptr) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT, "LocalTier: no store below it");
  }
  if (options.max_bytes == 0) options.max_bytes = kDefaultMaxBytes;
  if (options.shards == 0) options.shards = kDefaultShards;
  if (options.max_age == Duration{0}) options.max_age = kDefaultMaxAge;
  if (options.clock == nullptr) options.clock = BootNow;
  if (options.shards > kMaxShards) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "shards: more than 65536");
  }
  if (options.max_age < Duration{0} || options.max_age > kMaxMaxAge) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "max_age: negative, or above 24 h");
  }
  return std::unique_ptr<LocalTier>(
      new LocalTier(std::move(next), std::make_unique<Shards>(std::move(options))));
}

LocalTier::LocalTier(std::shared_ptr<Store> next, std::unique_ptr<Shards> shards)
    : StoreLayer(std::move(next)), shards_(std::move(shards)) {}

LocalTier::~LocalTier() = default;

bool LocalTier::Before(Passage& passage, StoreReply& reply) {
  const StoreRequest& request = passage.request;
  const KeyId id = IdOf(request);
  Shards::Shard& shard = shards_->Of(id);
  passage.begun = shards_->options.clock();
  const std::lock_guard lock(shard.mutex);
  if (ByForce(request)) {
    ++shard.news;
    shard.Drop(id);
  }
  passage.mark = shard.news;
  if (request.verb != HF_STORE_CLAIM) return false;
  const bool served = shards_->Serve(shard, request, passage.begun, reply);
  ++(served ? shard.hits : shard.misses);
  return served;
}

void LocalTier::After(const Passage& passage, StoreReply& reply) {
  const StoreRequest& request = passage.request;
  const KeyId id = IdOf(request);
  Shards::Shard& shard = shards_->Of(id);
  Body freed;  // after the lock
  const std::lock_guard lock(shard.mutex);
  if (ByForce(request)) {  // whatever came of it, also if nobody knows
    ++shard.news;
    shard.Drop(id);
    return;
  }
  if (!FromTheTable(reply.raw.status)) return;
  const auto found = shard.by_id.find(id);
  if (found != shard.by_id.end()) {
    const hf_record& known = found->second->record;
    const bool same = reply.raw.state == HF_RECORD_COMPLETED && reply.raw.token == known.token;
    if (same && reply.raw.status != HF_STORE_REPLAY) return;
    if (reply.raw.token < known.token && reply.raw.status == HF_STORE_REPLAY) return;  // older news
    freed = found->second->body;
    if (same) {
      shard.Erase(found->second);  // to be kept anew
    } else {
      shard.Drop(id);
    }
  }
  if (request.verb != HF_STORE_CLAIM || reply.raw.status != HF_STORE_REPLAY) return;
  if (passage.mark != shard.news) return;
  try {
    shards_->Keep(shard, request, passage.begun, reply);
  } catch (const std::bad_alloc&) {
    // Not kept: the store has it.
  }
}

// Whoever asks next asks for this again.
void LocalTier::NotPassedOn(const Passage& passage) {
  if (passage.request.verb != HF_STORE_CLAIM) return;
  Shards::Shard& shard = shards_->Of(IdOf(passage.request));
  const std::lock_guard lock(shard.mutex);
  --shard.misses;
}

LocalTier::Stats LocalTier::stats() const {
  Stats stats;
  for (const Shards::Shard& shard : shards_->all) {
    const std::lock_guard lock(shard.mutex);
    stats.hits += shard.hits;
    stats.misses += shard.misses;
    stats.evicted += shard.evicted;
    stats.dropped += shard.dropped;
    stats.records += shard.queue.size();
    stats.bytes += shard.bytes;
  }
  return stats;
}

}  // namespace holdfast::inline v0_5::memory
