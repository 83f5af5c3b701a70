// SPDX-License-Identifier: Apache-2.0
// The records of a shard that may be forgotten, soonest first.
//
// An item is never taken out of the middle: a record remembers the ticket of its newest item, and an item
// whose ticket is not its record's is stale. Results of one time to live expire in the order in which they
// were stored, so most items go through a plain queue; a heap has the rest.
//
// Invariant: no more than twice as many items as records that may expire, and a few. Whoever pushes calls
// Compact, which sees to it.
#ifndef HOLDFAST_ADAPTERS_MEMORY_EXPIRY_ORDER_H_
#define HOLDFAST_ADAPTERS_MEMORY_EXPIRY_ORDER_H_

#include <holdfast/operable_store.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace holdfast::inline v0_4::memory {

class ExpiryOrder {
 public:
  struct Item {
    int64_t expires_at;
    uint64_t ticket;
    KeyId id;
  };

  // May throw for want of memory, and is then as it was. Returns the item's ticket, never 0.
  uint64_t Push(int64_t expires_at, const KeyId& id) {
    const Item item{expires_at, tickets_ + 1, id};
    if (queue_.empty() || queue_.back().expires_at <= expires_at) {
      queue_.push_back(item);
    } else {
      heap_.push_back(item);
      std::push_heap(heap_.begin(), heap_.end(), Later);
    }
    return ++tickets_;
  }

  // The soonest, if it is due; else nullptr. Valid until the next call.
  const Item* Due(int64_t now) const {
    const Item* first = queue_.empty() ? nullptr : &queue_.front();
    if (!heap_.empty() && (first == nullptr || Later(*first, heap_.front()))) {
      first = &heap_.front();
    }
    return first != nullptr && first->expires_at <= now ? first : nullptr;
  }

  // Takes out what Due gave.
  void Pop(const Item* due) {
    if (!queue_.empty() && due == &queue_.front()) return queue_.pop_front();
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    heap_.pop_back();
  }

  // Drops the stale ones, where they are too many. `is_current(item)` asks the record.
  template <typename IsCurrent>
  void Compact(size_t records, IsCurrent&& is_current) {
    if (queue_.size() + heap_.size() <= 2 * records + 64) return;
    const auto is_stale = [&](const Item& item) { return !is_current(item); };
    std::erase_if(queue_, is_stale);
    std::erase_if(heap_, is_stale);
    std::make_heap(heap_.begin(), heap_.end(), Later);
  }

 private:
  static bool Later(const Item& a, const Item& b) { return a.expires_at > b.expires_at; }

  std::deque<Item> queue_;
  std::vector<Item> heap_;
  uint64_t tickets_ = 0;
};

}  // namespace holdfast::inline v0_4::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_EXPIRY_ORDER_H_
