// SPDX-License-Identifier: Apache-2.0
// A shard of the memory store: a table by key id, an order by expiry of the records that may expire, and
// the highest token of a key it no longer holds. One lock covers all three, so a request is one critical
// section: look up, ask the table (hf_record_apply), write, purge a little.
//
// Invariants:
//  - A record is in the expiry order exactly if it is COMPLETED or RETRYABLE.
//  - What may throw or be refused comes before anything is changed: the table writes right into the record
//    only where nothing can stand in its way any more.
#ifndef HOLDFAST_ADAPTERS_MEMORY_SHARD_H_
#define HOLDFAST_ADAPTERS_MEMORY_SHARD_H_

#include <absl/container/flat_hash_set.h>
#include <holdfast/operable_store.h>

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "adapters/memory/audit_ring.h"
#include "adapters/memory/budget.h"
#include "adapters/memory/entry.h"
#include "adapters/memory/expiry_order.h"

namespace holdfast::inline v0_5::memory {

// What the shards have in common.
struct Common {
  uint32_t purge_per_request;
  Budget budget;
  AuditRing audit;
};

// A request with what it needs memory for, made before the lock is taken.
struct Order {
  const StoreRequest& request;
  HashedId id;
  Body body{};
  Label label{};
  AuditRing::Row audit{};  // not empty: enters the ring if the record changes
};

// Not thread-safe: whoever calls holds mutex(). Aligned, so that no two shards' locks share a cache line.
class alignas(64) Shard {
 public:
  using Entries = absl::flat_hash_set<Entry*, EntryHash, EntryEqual>;

  // Strong: if it throws, nothing happened. *reply is as default-constructed.
  void Execute(Order& order, int64_t now, Common& common, StoreReply* reply);
  // Erases at most `at_most` records that are past their time. Never throws.
  uint32_t Purge(int64_t now, uint32_t at_most, Common& common);

  // nullptr: there is none.
  Entry* Find(const HashedId& id) const;

  std::mutex& mutex() { return mutex_; }
  const Entries& entries() const { return entries_; }
  size_t bytes() const { return allowance_.used(); }
  uint64_t purged() const { return purged_; }
  uint64_t refused() const { return refused_; }

 private:
  void ExecuteAbsent(Order& order, int64_t now, Common& common, StoreReply* reply);
  void ExecuteHeld(Entry* held, Order& order, int64_t now, Common& common, StoreReply* reply);
  void Refuse(StoreReply* reply);
  bool MakeRoom(size_t bytes, int64_t now, Common& common);
  void Erase(Entry* entry, uint64_t token, size_t bytes, Common& common);

  std::mutex mutex_;
  Entries entries_;
  Slots slots_;
  ExpiryOrder expiry_;
  Allowance allowance_;
  uint64_t token_floor_ = 0;
  uint64_t purged_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_SHARD_H_
