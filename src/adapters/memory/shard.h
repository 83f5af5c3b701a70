// SPDX-License-Identifier: Apache-2.0
// A shard of the memory store: a map by key id, an order by expiry of the records that may expire, and
// the highest token of a key it no longer holds. One lock covers all three, so a request is one critical
// section: look up, ask the table (hf_record_apply), write, purge a little.
//
// Invariants:
//  - A record has a ticket of the expiry order exactly if it is COMPLETED or RETRYABLE.
//  - What may throw (memory) comes before anything is changed.
//  - A body is never written to once it is shared; an empty one is a null pointer.
//  - The views of a stored record are set before the table looks at it, and mean nothing at other times.
#ifndef HOLDFAST_ADAPTERS_MEMORY_SHARD_H_
#define HOLDFAST_ADAPTERS_MEMORY_SHARD_H_

#include <absl/container/flat_hash_map.h>
#include <holdfast/operable_store.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/memory/audit_ring.h"
#include "adapters/memory/expiry_order.h"

namespace holdfast::inline v0_4::memory {

using Body = std::shared_ptr<const std::string>;

struct Entry {
  hf_record record{};
  Body body;
  std::string label;
  uint64_t ticket = 0;  // of its item in the expiry order; 0: none
};

// The byte budget, shared by all shards. Relaxed: the count guards no other memory.
class Budget {
 public:
  explicit Budget(size_t max) : max_(max) {}

  bool Reserve(size_t count) {
    if (bytes_.fetch_add(count, std::memory_order_relaxed) + count <= max_) return true;
    Add(-static_cast<ptrdiff_t>(count));
    return false;
  }
  void Add(ptrdiff_t count) {
    bytes_.fetch_add(static_cast<size_t>(count), std::memory_order_relaxed);
  }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  const size_t max_;
  std::atomic<size_t> bytes_{0};
};

// What the shards have in common.
struct Common {
  uint32_t purge_per_request;
  Budget budget;
  AuditRing audit;
};

// A request with what it needs memory for, made before the lock is taken.
struct Order {
  const StoreRequest& request;
  Body body{};
  std::string label{};
  AuditRing::Row audit{};  // not empty: enters the ring if the record changes
};

// Not thread-safe: whoever calls holds mutex().
class Shard {
 public:
  // Strong: if it throws, nothing happened.
  StoreReply Execute(Order& order, int64_t now, Common& common);
  // Erases what is past its time, after looking at no more than `at_most` items. Never throws.
  uint32_t Purge(int64_t now, uint32_t at_most, Common& common);

  std::mutex& mutex() { return mutex_; }
  const absl::flat_hash_map<KeyId, Entry>& entries() const { return entries_; }
  uint64_t purged() const { return purged_; }
  uint64_t refused() const { return refused_; }

 private:
  using Entries = absl::flat_hash_map<KeyId, Entry>;

  bool MakeRoom(size_t bytes, int64_t now, Common& common);
  void Write(Entries::iterator found, const KeyId& id, const hf_record& next, Order& order);
  void Erase(Entries::iterator found, uint64_t token, Common& common);
  bool IsCurrent(const ExpiryOrder::Item& item) const;
  void SetTicket(Entry& entry, uint64_t ticket);

  std::mutex mutex_;
  Entries entries_;
  ExpiryOrder order_;
  size_t expiring_ = 0;  // records with a ticket
  uint64_t token_floor_ = 0;
  uint64_t purged_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace holdfast::inline v0_4::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_SHARD_H_
