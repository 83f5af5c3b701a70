// SPDX-License-Identifier: Apache-2.0
// The records of a shard that may be forgotten, soonest first.
//
// Results of one time to live expire in the order in which they were stored, so most records go to the end of
// a plain queue, linked through the records themselves; a heap has the rest.
//
// Invariants:
//  - A record is in the queue or in the heap or in neither, as its `ordered` and `in_heap` say.
//  - The queue is in order of expires_at, and the heap knows each record's place, so that a record can leave
//    whatever has become of it. Its expires_at is only read while it stays.
#ifndef HOLDFAST_ADAPTERS_MEMORY_EXPIRY_ORDER_H_
#define HOLDFAST_ADAPTERS_MEMORY_EXPIRY_ORDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "adapters/memory/entry.h"

namespace holdfast::inline v0_5::memory {

class ExpiryOrder {
 public:
  // Room for so many records: Add needs no memory then. May throw.
  void Reserve(size_t records) {
    if (heap_.capacity() < records) heap_.reserve(std::max(records, 2 * heap_.capacity()));
  }

  // Not one that is in it.
  void Add(Entry* entry) {
    entry->ordered = true;
    entry->in_heap = last_ != nullptr && Later(last_, entry);
    if (entry->in_heap) {
      heap_.push_back(entry);
      return Rise(heap_.size() - 1, entry);
    }
    entry->before = last_;
    entry->after = nullptr;
    (last_ == nullptr ? first_ : last_->after) = entry;
    last_ = entry;
  }

  void Remove(Entry* entry) {
    if (!entry->ordered) return;
    entry->ordered = false;
    if (entry->in_heap) return RemoveFromHeap(entry->heap_place);
    (entry->before == nullptr ? first_ : entry->before->after) = entry->after;
    (entry->after == nullptr ? last_ : entry->after->before) = entry->before;
  }

  // The soonest, if it is due; else nullptr.
  Entry* Due(int64_t now) const {
    Entry* soonest = first_;
    if (!heap_.empty() && (soonest == nullptr || Later(soonest, heap_[0]))) soonest = heap_[0];
    return soonest != nullptr && soonest->record.expires_at <= now ? soonest : nullptr;
  }

 private:
  static bool Later(const Entry* a, const Entry* b) {
    return a->record.expires_at > b->record.expires_at;
  }

  void Put(size_t place, Entry* entry) {
    heap_[place] = entry;
    entry->heap_place = static_cast<uint32_t>(place);
  }

  void Rise(size_t place, Entry* entry) {
    while (place > 0 && Later(heap_[(place - 1) / 2], entry)) {
      Put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    Put(place, entry);
  }

  void Sink(size_t place, Entry* entry) {
    for (size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
      if (child + 1 < heap_.size() && Later(heap_[child], heap_[child + 1])) ++child;
      if (!Later(entry, heap_[child])) break;
      Put(place, heap_[child]);
      place = child;
    }
    Put(place, entry);
  }

  void RemoveFromHeap(size_t place) {
    Entry* const last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;
    Sink(place, last);
    Rise(last->heap_place, last);
  }

  Entry* first_ = nullptr;  // of the queue
  Entry* last_ = nullptr;
  std::vector<Entry*> heap_;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_EXPIRY_ORDER_H_
