// SPDX-License-Identifier: Apache-2.0
// Who may use how much of a bulkhead: partitions, criticalities, users.
//
//   partition     in_flight < guarantee: admitted even where the limit is reached, for others have then
//                 borrowed; else only what the limit leaves free
//   criticality   refused once in_flight + waiting reaches its room, a share of limit + queue
//   user          refused once what they hold and wait for reaches their share of the limit
//
// A share is in millionths; what it comes to is rounded down, but not to nothing. A third of 30 is 10, though
// 333333 millionths of it are a little less: half a millionth is allowed for.
// Invariants: a partition's count is what Enter less Leave makes it; likewise a user's.
// Memory: about 1 KiB. Locking: its owner's.
#ifndef HOLDFAST_ENGINE_SHARES_H_
#define HOLDFAST_ENGINE_SHARES_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/users.h"
#include "engine/wait_queue.h"

namespace holdfast::engine {

using Millionths = uint32_t;
inline constexpr Millionths kWhole = 1'000'000;

struct SharePolicy {
  uint32_t partitions = 0;  // 0: not partitioned; else 1..8
  std::array<Millionths, WaitQueue::kPartitions> guarantee{};
  std::array<Millionths, WaitQueue::kCriticalities> room{kWhole, kWhole, kWhole, kWhole};
  Millionths user = kWhole;

  bool LimitsRoom() const {
    return std::any_of(room.begin(), room.end(), [](Millionths share) { return share < kWhole; });
  }
  bool LimitsUsers() const { return user < kWhole; }
};

// At least 1 unless the share is 0.
constexpr uint32_t PartOf(Millionths share, uint64_t whole) {
  const uint64_t allowance = std::min<uint64_t>(whole / 2, kWhole - 1);
  const uint64_t part = (whole * share + allowance) / kWhole;
  return static_cast<uint32_t>(part == 0 && share > 0 ? 1 : part);
}

// A place, and whose it is. What a permit's stamp remembers:
//   in flight at the start, itself included : 20 | partition + 1, or 0: in none : 4 | user's slot : 8
struct Claim {
  static constexpr uint32_t kMostInFlight = (1u << 20) - 1;

  uint8_t partition = 0;  // + 1
  uint8_t user = 0;

  uint32_t Stamp(uint32_t in_flight) const {
    return std::min(in_flight, kMostInFlight) << 12 | uint32_t{partition} << 8 | user;
  }
  // Of a permit that only the limit counts, one of at most 1e6.
  static constexpr uint32_t Uncounted(uint32_t in_flight) { return in_flight << 12; }
  static Claim Of(uint32_t stamp) {
    return {static_cast<uint8_t>(stamp >> 8 & 15), static_cast<uint8_t>(stamp)};
  }
  // Whether anything but the limit counts it.
  static constexpr bool IsCounted(uint32_t stamp) { return (stamp & 0xfff) != 0; }
  static constexpr uint32_t InFlight(uint32_t stamp) { return stamp >> 12; }
};

class Shares {
 public:
  uint32_t InFlight(uint32_t partition) const { return in_flight_[partition]; }

  // Whether the partition holds less than it may always have.
  bool Guaranteed(const SharePolicy& policy, uint32_t partition, uint32_t limit) const {
    return partition < policy.partitions &&
           in_flight_[partition] < PartOf(policy.guarantee[partition], limit);
  }

  bool UserHasRoom(const SharePolicy& policy, uint8_t slot, uint32_t limit) const {
    return slot == 0 || users_.Count(slot) < PartOf(policy.user, limit);
  }

  void Queue(uint8_t user) { CountUser(user); }
  void Unqueue(uint8_t user) { DropUser(user); }
  // One whom Queue has counted.
  void EnterQueued(Claim claim) {
    if (claim.partition != 0) ++in_flight_[claim.partition - 1];
  }
  // One who did not wait.
  void Enter(Claim claim) {
    CountUser(claim.user);
    EnterQueued(claim);
  }

  // False if no such place is taken; then nothing changes.
  bool Leave(Claim claim) {
    if (claim.partition > WaitQueue::kPartitions) return false;
    if (claim.partition != 0 && in_flight_[claim.partition - 1] == 0) return false;
    if (claim.user != 0 && users_.Count(claim.user) == 0) return false;
    if (claim.partition != 0) --in_flight_[claim.partition - 1];
    DropUser(claim.user);
    return true;
  }

 private:
  void CountUser(uint8_t user) {
    if (user != 0) users_.Add(user);
  }
  void DropUser(uint8_t user) {
    if (user != 0) users_.Drop(user);
  }

  std::array<uint32_t, WaitQueue::kPartitions> in_flight_{};
  UserTable users_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_SHARES_H_
