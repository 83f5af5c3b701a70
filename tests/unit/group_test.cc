// SPDX-License-Identifier: Apache-2.0
// Never eject everything: the group's engine.
#include "engine/group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/cells.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

constexpr hf_time kStart = 1000 * HF_S;

struct Members {
  explicit Members(uint32_t count, uint32_t millis) : group(GroupPolicy{millis}), members(count) {
    for (uint32_t i = 0; i < count; ++i) group.Join();
  }
  bool Refuses(size_t i) { return group.Refuses(members[i], kStart); }

  Group<PlainCells> group;
  std::vector<Group<PlainCells>::Member> members;
};

TEST(Group, EjectsAtMostItsShare) {
  Members ten(10, 300);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(ten.Refuses(i), i < 3) << i;
  EXPECT_EQ(ten.group.Ejected(), 3u);
  EXPECT_EQ(ten.group.Overridden(), 7u);
}

TEST(Group, NeverEjectsTheLastMember) {
  for (const uint32_t count : {1u, 2u, 3u, 10u}) {
    Members all(count, 1000);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(all.Refuses(i), i + 1 < count) << count;
  }
}

// Envoy: one host may be ejected whatever the share says, but not the only one.
TEST(Group, OneMemberMayBeEjectedWhateverTheShare) {
  Members two(2, 1);
  EXPECT_TRUE(two.Refuses(0));
  EXPECT_FALSE(two.Refuses(1));
  EXPECT_TRUE(two.Refuses(0)) << "the same one, still";
  EXPECT_EQ(two.group.Ejected(), 1u);
}

TEST(Group, ClosingMakesRoomForTheNext) {
  Members ten(10, 100);
  EXPECT_TRUE(ten.Refuses(0));
  EXPECT_FALSE(ten.Refuses(1));
  ten.group.Closed(ten.members[0]);
  EXPECT_TRUE(ten.Refuses(1)) << "its refusal stands from here on";
  EXPECT_FALSE(ten.Refuses(0));
  ten.group.Closed(ten.members[0]);
  ten.group.Closed(ten.members[0]);
  EXPECT_EQ(ten.group.Ejected(), 1u) << "an overridden one held no room";
}

TEST(Group, MembersThatLeaveTakeRoomAlong) {
  Members four(4, 500);
  EXPECT_TRUE(four.Refuses(0));
  EXPECT_TRUE(four.Refuses(1));
  four.group.Leave(four.members[2]);
  EXPECT_EQ(four.group.Allowed(), 1u);
  EXPECT_FALSE(four.Refuses(0)) << "too many are ejected now";
  EXPECT_TRUE(four.Refuses(1));
  four.group.Leave(four.members[1]);
  EXPECT_EQ(four.group.Ejected(), 0u);
  EXPECT_TRUE(four.Refuses(0));
}

TEST(Group, AnOverrideIsWrittenDownWhenItBegins) {
  Members two(2, 1000);
  two.Refuses(0);
  for (int i = 0; i < 5; ++i) two.Refuses(1);
  EXPECT_EQ(two.group.journal().written(), 1u);
  const hf_event& event = two.group.journal().Newest();
  EXPECT_EQ(event.kind, HF_EVENT_KIND_OVERRIDDEN);
  EXPECT_EQ(event.reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(event.before, 1);
  EXPECT_EQ(event.after, 2);
  EXPECT_EQ(two.group.Overridden(), 5u);
}

TEST(Group, AnUpdateCountsFromTheNextRefusal) {
  Members ten(10, 100);
  ten.Refuses(0);
  ten.Refuses(1);
  ten.group.Update({200}, kStart);
  EXPECT_EQ(ten.group.journal().Newest().kind, HF_EVENT_KIND_UPDATED);
  EXPECT_TRUE(ten.Refuses(1));
  ten.group.Update({100}, kStart);
  EXPECT_FALSE(ten.Refuses(0));
  EXPECT_TRUE(ten.Refuses(1));
}

// Against the obvious: a list of states and the two bounds.
template <typename Storage>
class GroupModel : public testing::Test {};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(GroupModel, Storages);

TYPED_TEST(GroupModel, AgreesWithTheNaiveGroup) {
  const uint64_t schedules = model::Schedules(1000000) / 5;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    const uint32_t millis = static_cast<uint32_t>(dice.Between(1, 1000));
    Group<TypeParam> group(GroupPolicy{millis});
    typename Group<TypeParam>::Member cells[8];
    bool in[8] = {}, ejected[8] = {};
    uint64_t overridden = 0;
    const auto count = [](const bool(&flags)[8]) {
      int64_t sum = 0;
      for (const bool flag : flags) sum += flag;
      return sum;
    };
    const auto allowed = [&] {
      const int64_t members = count(in);
      int64_t share = 0;  // the most that is within the share
      while ((share + 1) * 1000 <= members * millis) ++share;
      return std::max<int64_t>(0, std::min(members - 1, std::max<int64_t>(share, 1)));
    };
    for (int step = 0; step < 24; ++step) {
      const size_t i = dice.Below(8);
      if (!in[i]) {
        group.Join();
        in[i] = true;
      } else if (dice.Chance(60)) {
        if (ejected[i] ? count(ejected) > allowed() : count(ejected) >= allowed()) {
          ejected[i] = false;
          ++overridden;
        } else {
          ejected[i] = true;
        }
        ASSERT_EQ(group.Refuses(cells[i], kStart), ejected[i]);
      } else if (dice.Chance(70)) {
        group.Closed(cells[i]);
        ejected[i] = false;
      } else {
        group.Leave(cells[i]);
        in[i] = ejected[i] = false;
      }
      ASSERT_EQ(group.Members(), count(in));
      ASSERT_EQ(group.Ejected(), count(ejected));
      ASSERT_EQ(group.Allowed(), allowed());
      ASSERT_EQ(group.Overridden(), overridden);
    }
  }
}

TEST(GroupThreads, NeverMoreThanAllowedAreEjectedAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRounds = model::kSlowness > 1 ? 5000 : 100000;
  Group<abi::AtomicCells> group(GroupPolicy{500});
  std::vector<Group<abi::AtomicCells>::Member> members(kThreads);
  for (int t = 0; t < kThreads; ++t) group.Join();
  std::atomic<int> refusing{0}, most{0};
  std::atomic<uint64_t> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        if (group.Refuses(members[static_cast<size_t>(t)], kStart)) {
          const int now = refusing.fetch_add(1) + 1;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
          }
          refusing.fetch_sub(1);
        } else {
          ++admitted;
        }
        group.Closed(members[static_cast<size_t>(t)]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 4);
  EXPECT_EQ(group.Ejected(), 0u);
  EXPECT_EQ(group.Overridden(), admitted);
}

}  // namespace
}  // namespace holdfast::engine
