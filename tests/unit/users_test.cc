// SPDX-License-Identifier: Apache-2.0
#include "engine/users.h"

#include <gtest/gtest.h>

#include <array>

namespace holdfast::engine {
namespace {

TEST(UserTable, NobodyInParticularHasNoSlot) { EXPECT_EQ(UserTable::SlotOf(0), 0); }

TEST(UserTable, EveryOtherHasOneAndKeepsIt) {
  for (uint64_t user = 1; user < 5000; ++user) {
    EXPECT_NE(UserTable::SlotOf(user), 0) << user;
    EXPECT_EQ(UserTable::SlotOf(user), UserTable::SlotOf(user));
  }
}

TEST(UserTable, NeighboursAreSpreadOverAllSlots) {
  std::array<int, UserTable::kSlots + 1> seen{};
  for (uint64_t user = 1; user <= 255 * 40; ++user) ++seen[UserTable::SlotOf(user)];
  for (uint32_t slot = 1; slot <= UserTable::kSlots; ++slot) {
    EXPECT_GT(seen[slot], 10) << slot;
    EXPECT_LT(seen[slot], 80) << slot;
  }
}

TEST(UserTable, WhoCollidesSharesACount) {
  const uint8_t slot = UserTable::SlotOf(1);
  uint64_t other = 2;
  while (UserTable::SlotOf(other) != slot) ++other;
  UserTable users;
  users.Add(slot);
  EXPECT_EQ(users.Count(UserTable::SlotOf(other)), 1u);
  users.Drop(slot);
  EXPECT_EQ(users.Count(UserTable::SlotOf(other)), 0u);
}

}  // namespace
}  // namespace holdfast::engine
