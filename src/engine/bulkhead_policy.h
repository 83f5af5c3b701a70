// SPDX-License-Identifier: Apache-2.0
// What a bulkhead is told, and what it answers; and the two words that its fast path reads.
//
//   Occupancy   {in_flight : 32, waiting : 32}: who is inside. The upper half may run over or under for
//               an instant without touching the lower one.
//   Gate        {flags : 32, limit : 32}: what a newcomer has to know, and seldom changes
#ifndef HOLDFAST_ENGINE_BULKHEAD_POLICY_H_
#define HOLDFAST_ENGINE_BULKHEAD_POLICY_H_

#include <holdfast/c/bulkhead.h>

#include <cstdint>

#include "engine/codel.h"
#include "engine/shares.h"

namespace holdfast::engine {

struct BulkheadPolicy {
  uint32_t limit = 64;
  uint32_t queue = 0;
  hf_duration max_wait = HF_S;
  hf_bulkhead_order order = HF_BULKHEAD_FIFO;
  bool refuse_no_time = false;
  CodelPolicy codel{};
  SharePolicy shares{};

  bool Watches() const { return order != HF_BULKHEAD_FIFO; }
  bool Drops() const { return order == HF_BULKHEAD_CODEL || order == HF_BULKHEAD_CODEL_LIFO; }
  bool Turns() const { return order == HF_BULKHEAD_LIFO || order == HF_BULKHEAD_CODEL_LIFO; }
};

struct BulkheadRequest {
  hf_time deadline = HF_INFINITE;
  uint64_t user = 0;
  uint32_t partition = 0;
  uint32_t criticality = 1;  // 0 is the greatest
};

enum class BulkheadAnswer {
  kGranted,
  kQueued,       // has a place; WaitPoll: still has it
  kFull,         // no permit and no place
  kOverShare,    // there may be, but not for this partition, criticality or user
  kNoTime,       // would not be done in time
  kOverloaded,   // dropped from a queue that stands
  kTimedOut,     // the waiter's deadline has passed
  kWaking,       // a wake-up is under way: ask again
  kNotWaiting,   // the waiter is not in this queue
  kNoPartition,  // there is none of that number
};

constexpr hf_reason ReasonOf(BulkheadAnswer answer) {
  switch (answer) {
    case BulkheadAnswer::kFull:
      return HF_R_BULKHEAD_FULL;
    case BulkheadAnswer::kOverShare:
      return HF_R_BULKHEAD_SHARE;
    case BulkheadAnswer::kNoTime:
      return HF_R_BULKHEAD_NO_TIME;
    case BulkheadAnswer::kOverloaded:
      return HF_R_BULKHEAD_OVERLOADED;
    case BulkheadAnswer::kTimedOut:
      return HF_R_BULKHEAD_TIMEOUT;
    case BulkheadAnswer::kNoPartition:
      return HF_R_OUT_OF_RANGE;
    default:
      return HF_R_NONE;
  }
}

// What comes with an answer.
struct BulkheadTerms {
  uint32_t stamp = 0;           // kGranted: of the permit
  hf_time until = 0;            // kQueued: when it times out
  hf_duration retry_after = 0;  // refused: 0 if not known
};

class Occupancy {
 public:
  using Word = uint64_t;
  static constexpr Word kOneIn = Word{1} << 32;
  static constexpr Word kOneWaiting = 1;

  static uint32_t InFlight(Word word) { return static_cast<uint32_t>(word >> 32); }
  static uint32_t Waiting(Word word) { return static_cast<uint32_t>(word); }
  // Whether a newcomer may enter.
  static bool HasRoom(Word word, uint32_t limit) {
    return Waiting(word) == 0 && InFlight(word) < limit;
  }
};

class Gate {
 public:
  using Word = uint64_t;
  static constexpr Word kCrowded = Word{1} << 32;  // look before you enter
  static constexpr Word kGuarded = Word{2} << 32;  // enter by the lock only
  static constexpr Word kTimed = Word{4} << 32;    // latencies count

  static uint32_t Limit(Word gate) { return static_cast<uint32_t>(gate); }
  static bool IsOpen(Word gate) { return (gate & (kCrowded | kGuarded)) == 0; }
  static Word For(const BulkheadPolicy& policy) {
    const SharePolicy& shares = policy.shares;
    const bool guarded = policy.refuse_no_time || shares.partitions > 0 || shares.LimitsUsers() ||
                         shares.LimitsRoom();
    return policy.limit | (guarded ? kGuarded : 0) | (policy.refuse_no_time ? kTimed : 0);
  }
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BULKHEAD_POLICY_H_
