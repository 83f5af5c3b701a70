// SPDX-License-Identifier: Apache-2.0
// Those who wait, by criticality and partition, each group in order of arrival.
//
//   Oldest      of all, whoever they are
//   Next        of the most critical group that is not empty: the oldest, or the newest
//   NextOf      the same within one partition
//
// Invariants: the mask has a bit for each list that is not empty, lists of greater criticality in its
// lower bytes. Tickets grow, so the one with the smallest came first.
// Memory: 32 lists of two pointers; the waiters are their callers'. Locking: its owner's.
#ifndef HOLDFAST_ENGINE_WAIT_QUEUE_H_
#define HOLDFAST_ENGINE_WAIT_QUEUE_H_

#include <array>
#include <bit>
#include <cstdint>

#include "engine/waiter.h"

namespace holdfast::engine {

class WaitQueue {
 public:
  static constexpr uint32_t kCriticalities = 4;
  static constexpr uint32_t kPartitions = 8;
  static_assert(kCriticalities * kPartitions == 32);

  bool empty() const { return mask_ == 0; }
  uint32_t Waiting(uint32_t partition) const { return waiting_[partition]; }
  bool Has(uint32_t partition) const { return waiting_[partition] != 0; }

  // Needs waiter.criticality and waiter.partition in range.
  void Append(Waiter& waiter) {
    waiter.ticket = ++last_ticket_;
    lists_[IndexOf(waiter)].Append(waiter);
    mask_ |= uint32_t{1} << IndexOf(waiter);
    ++waiting_[waiter.partition];
  }

  // Needs a waiter that is in this queue.
  void Remove(Waiter& waiter) {
    const uint32_t index = IndexOf(waiter);
    lists_[index].Remove(waiter);
    if (lists_[index].front() == nullptr) mask_ &= ~(uint32_t{1} << index);
    --waiting_[waiter.partition];
  }

  // NULL if there is none.
  Waiter* Oldest() const { return Pick(mask_, /*newest=*/false); }
  Waiter* Next(bool newest) const { return Pick(MostCritical(mask_), newest); }
  Waiter* NextOf(uint32_t partition, bool newest) const {
    return Pick(MostCritical(mask_ & 0x01010101u << partition), newest);
  }

 private:
  static uint32_t IndexOf(const Waiter& waiter) {
    return waiter.criticality * kPartitions + waiter.partition;
  }

  static uint32_t MostCritical(uint32_t mask) {
    if (mask == 0) return 0;
    const uint32_t first =
        static_cast<uint32_t>(std::countr_zero(mask)) / kPartitions * kPartitions;
    return mask & 0xffu << first;
  }

  Waiter* Pick(uint32_t mask, bool newest) const {
    Waiter* picked = nullptr;
    for (; mask != 0; mask &= mask - 1) {
      const WaiterList& list = lists_[static_cast<uint32_t>(std::countr_zero(mask))];
      Waiter* const candidate = newest ? list.back() : list.front();
      const bool better = picked == nullptr || (newest ? candidate->ticket > picked->ticket
                                                       : candidate->ticket < picked->ticket);
      if (better) picked = candidate;
    }
    return picked;
  }

  std::array<WaiterList, kCriticalities * kPartitions> lists_;
  std::array<uint32_t, kPartitions> waiting_{};
  uint32_t mask_ = 0;
  uint64_t last_ticket_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_WAIT_QUEUE_H_
