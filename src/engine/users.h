// SPDX-License-Identifier: Apache-2.0
// How many places each user holds or waits for, in a table that never grows.
//
// A user is a 64-bit hash of whatever the caller likes, 0 for nobody in particular. 255 slots count;
// two users that fall into the same one share its allowance. With a heavy user about, that befalls an
// innocent one with probability 1/255; the slots are chosen by a mix of the hash, so neighbouring
// numbers do not collide more often than others.
//
// Invariant: a slot's count is the number of Add less the number of Drop.
// Memory: 1 KiB. Locking: its owner's.
#ifndef HOLDFAST_ENGINE_USERS_H_
#define HOLDFAST_ENGINE_USERS_H_

#include <array>
#include <cstdint>

namespace holdfast::engine {

class UserTable {
 public:
  static constexpr uint32_t kSlots = 255;

  // 1..255; 0 for user 0, which is not counted. The mix is the finaliser of SplitMix64.
  static uint8_t SlotOf(uint64_t user) {
    if (user == 0) return 0;
    user = (user ^ user >> 30) * 0xbf58476d1ce4e5b9;
    user = (user ^ user >> 27) * 0x94d049bb133111eb;
    user ^= user >> 31;
    return static_cast<uint8_t>(1 + user % kSlots);
  }

  uint32_t Count(uint8_t slot) const { return counts_[slot]; }
  void Add(uint8_t slot) { ++counts_[slot]; }
  // Needs a count above 0.
  void Drop(uint8_t slot) { --counts_[slot]; }

 private:
  std::array<uint32_t, kSlots + 1> counts_{};  // the first only keeps the others' index simple
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_USERS_H_
