// SPDX-License-Identifier: Apache-2.0
// The newest changes made by hand. A row is made before the change and enters after it without needing
// memory, so that the change and its row happen both or neither.
//
// Locking: its own mutex, taken last.
#ifndef HOLDFAST_ADAPTERS_MEMORY_AUDIT_RING_H_
#define HOLDFAST_ADAPTERS_MEMORY_AUDIT_RING_H_

#include <holdfast/operable_store.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

namespace holdfast::inline v0_5::memory {

class AuditRing {
 public:
  using Row = std::list<AuditRow>;  // exactly one

  explicit AuditRing(size_t capacity) : capacity_(capacity) {}

  static size_t BytesOf(const AuditRow& row) {
    return sizeof(AuditRow) + 2 * sizeof(void*) + row.note.actor.size() + row.note.reason.size();
  }

  // Returns by how many bytes the ring grew; it may have shrunk. Never throws.
  ptrdiff_t Add(Row& row) {
    const std::lock_guard lock(mutex_);
    auto growth = static_cast<ptrdiff_t>(BytesOf(row.front()));
    rows_.splice(rows_.begin(), row);
    if (rows_.size() > capacity_) {
      growth -= static_cast<ptrdiff_t>(BytesOf(rows_.back()));
      rows_.pop_back();
    }
    bytes_ += static_cast<size_t>(growth);
    return growth;
  }

  size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

  std::vector<AuditRow> Newest(const std::optional<KeyId>& key_id, uint32_t limit) const {
    const std::lock_guard lock(mutex_);
    std::vector<AuditRow> newest;
    for (const AuditRow& row : rows_) {
      if (newest.size() == limit) break;
      if (!key_id.has_value() || row.key_id == *key_id) newest.push_back(row);
    }
    return newest;
  }

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::list<AuditRow> rows_;  // newest first
  size_t bytes_ = 0;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_AUDIT_RING_H_
