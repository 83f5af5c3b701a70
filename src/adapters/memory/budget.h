// SPDX-License-Identifier: Apache-2.0
// The byte budget of a memory store, and the part of it that a shard has drawn.
//
// A shard draws a slice more than it needs and keeps up to two of them, so that most requests touch no
// counter that another shard touches. All slices set aside are a 32nd of the budget at most: a key may be
// refused that much too early, and no earlier.
//
// Invariant: what the shards have drawn covers what they use; their sum is what the budget counts.
#ifndef HOLDFAST_ADAPTERS_MEMORY_BUDGET_H_
#define HOLDFAST_ADAPTERS_MEMORY_BUDGET_H_

#include <atomic>
#include <cstddef>

namespace holdfast::inline v0_5::memory {

// Thread-safe. Relaxed: the count guards no other memory.
class Budget {
 public:
  Budget(size_t max, size_t shards) : max_(max), slice_(max / 64 / shards) {}

  bool Draw(size_t count) {
    if (drawn_.fetch_add(count, std::memory_order_relaxed) + count <= max_) return true;
    Add(-static_cast<ptrdiff_t>(count));
    return false;
  }
  // Whether there is room or not.
  void Add(ptrdiff_t count) {
    drawn_.fetch_add(static_cast<size_t>(count), std::memory_order_relaxed);
  }
  size_t slice() const { return slice_; }

 private:
  const size_t max_;
  const size_t slice_;
  std::atomic<size_t> drawn_{0};
};

// A shard's part. Not thread-safe.
class Allowance {
 public:
  bool Use(size_t count, Budget& budget) {
    if (used_ + count > drawn_) {
      const size_t missing = used_ + count - drawn_;
      size_t more = missing + budget.slice();
      if (!budget.Draw(more) && !budget.Draw(more = missing)) return false;
      drawn_ += more;
    }
    used_ += count;
    return true;
  }
  // Whether there is room or not.
  void UseAnyway(size_t count, Budget& budget) {
    if (Use(count, budget)) return;
    used_ += count;
    budget.Add(static_cast<ptrdiff_t>(used_ - drawn_));
    drawn_ = used_;
  }
  void GiveBack(size_t count, Budget& budget) {
    used_ -= count;
    const size_t spare = drawn_ - used_;
    if (spare <= 2 * budget.slice()) return;
    budget.Add(-static_cast<ptrdiff_t>(spare - budget.slice()));
    drawn_ = used_ + budget.slice();
  }
  size_t used() const { return used_; }

 private:
  size_t used_ = 0;
  size_t drawn_ = 0;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_ADAPTERS_MEMORY_BUDGET_H_
