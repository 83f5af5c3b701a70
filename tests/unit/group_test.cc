// SPDX-License-Identifier: Apache-2.0
// Never eject everything: the group's engine, and breakers in a group through the C ABI.
#include "engine/group.h"

#include <gtest/gtest.h>
#include <holdfast/c/group.h>
#include <holdfast/c/registry.h>

#include <atomic>
#include <string>
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

// --- Breakers in a group -----------------------------------------------------------------------------
class GroupedBreakers : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hf_group_new(nullptr, &group_, nullptr), HF_OK);
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.consecutive_failures = 1;
    options.probes = 1;
    for (hf_breaker*& breaker : breakers_) {
      ASSERT_EQ(hf_breaker_new(&options, &breaker, nullptr), HF_OK);
      ASSERT_EQ(hf_group_add(group_, breaker), HF_OK);
    }
  }
  void TearDown() override {
    for (hf_breaker* const breaker : breakers_) hf_breaker_unref(breaker);
    hf_group_unref(group_);
  }
  // The kind of permit, NONE if refused; settled with `verdict`.
  uint32_t Call(int i, hf_verdict verdict, hf_time now = kStart) {
    hf_permit permit{};
    if (hf_breaker_acquire(breakers_[i], now, &permit, &why_, nullptr) != HF_OK) return 0;
    const uint32_t kind = permit.kind;
    EXPECT_EQ(hf_breaker_record(breakers_[i], &permit, verdict, now, nullptr), HF_OK);
    EXPECT_EQ(permit.kind, HF_PERMIT_NONE);
    return kind;
  }
  hf_group_snapshot Read() {
    hf_group_snapshot seen{};
    seen.struct_size = sizeof seen;
    EXPECT_EQ(hf_group_read(group_, &seen), HF_OK);
    return seen;
  }
  hf_breaker_snapshot ReadBreaker(int i) {
    hf_breaker_snapshot seen{};
    seen.struct_size = sizeof seen;
    EXPECT_EQ(hf_breaker_read(breakers_[i], kStart, &seen), HF_OK);
    return seen;
  }

  hf_group* group_ = nullptr;
  hf_breaker* breakers_[3] = {};
  hf_rejection why_{};
};

TEST_F(GroupedBreakers, IfAllOfThemTripTwoGoOn) {
  for (int i = 0; i < 3; ++i) Call(i, HF_VERDICT_FAILURE);
  EXPECT_EQ(Call(0, HF_VERDICT_SUCCESS), HF_PERMIT_NONE);
  EXPECT_EQ(why_.reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(Call(1, HF_VERDICT_SUCCESS), HF_PERMIT_OVERRIDDEN);
  EXPECT_EQ(Call(2, HF_VERDICT_SUCCESS), HF_PERMIT_OVERRIDDEN);
  EXPECT_EQ(Read().members, 3u);
  EXPECT_EQ(Read().ejected, 1u);
  EXPECT_EQ(Read().overridden, 2u);
}

TEST_F(GroupedBreakers, AnOverriddenCallIsNotJudged) {
  for (int i = 0; i < 2; ++i) Call(i, HF_VERDICT_FAILURE);
  Call(0, HF_VERDICT_SUCCESS);
  const hf_breaker_snapshot before = ReadBreaker(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Call(1, i % 2 == 0 ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE), HF_PERMIT_OVERRIDDEN);
  }
  const hf_breaker_snapshot after = ReadBreaker(1);
  EXPECT_EQ(after.generation, before.generation);
  EXPECT_EQ(after.calls, before.calls);
  EXPECT_EQ(after.state, HF_BREAKER_OPEN);
}

TEST_F(GroupedBreakers, ProbesCloseAnOverriddenBreaker) {
  for (int i = 0; i < 2; ++i) Call(i, HF_VERDICT_FAILURE);
  Call(0, HF_VERDICT_SUCCESS);
  EXPECT_EQ(Call(1, HF_VERDICT_SUCCESS), HF_PERMIT_OVERRIDDEN);
  const hf_time later = kStart + 5 * HF_S;
  hf_permit probe{};
  ASSERT_EQ(hf_breaker_acquire(breakers_[1], later, &probe, nullptr, nullptr), HF_OK);
  EXPECT_EQ(probe.kind, HF_PERMIT_PROBE);
  EXPECT_EQ(Call(1, HF_VERDICT_SUCCESS, later), HF_PERMIT_OVERRIDDEN) << "while it probes, too";
  ASSERT_EQ(hf_breaker_record(breakers_[1], &probe, HF_VERDICT_SUCCESS, later, nullptr), HF_OK);
  EXPECT_EQ(Call(1, HF_VERDICT_SUCCESS, later), HF_PERMIT_NORMAL);
}

TEST_F(GroupedBreakers, AnEjectedOneThatClosesMakesRoom) {
  for (int i = 0; i < 2; ++i) Call(i, HF_VERDICT_FAILURE);
  EXPECT_EQ(Call(0, HF_VERDICT_SUCCESS), HF_PERMIT_NONE);
  EXPECT_EQ(Call(0, HF_VERDICT_SUCCESS, kStart + 5 * HF_S), HF_PERMIT_PROBE);
  EXPECT_EQ(Read().ejected, 0u);
  EXPECT_EQ(Call(1, HF_VERDICT_SUCCESS), HF_PERMIT_NONE);
}

TEST_F(GroupedBreakers, AForcedOneIsNotOverriddenAndTakesNoRoom) {
  ASSERT_EQ(hf_breaker_force(breakers_[0], HF_BREAKER_FORCED_OPEN, kStart), HF_OK);
  EXPECT_EQ(Call(0, HF_VERDICT_SUCCESS), HF_PERMIT_NONE);
  Call(1, HF_VERDICT_FAILURE);
  EXPECT_EQ(Call(1, HF_VERDICT_SUCCESS), HF_PERMIT_NONE);
  EXPECT_EQ(Call(0, HF_VERDICT_SUCCESS), HF_PERMIT_NONE);
  ASSERT_EQ(hf_breaker_force(breakers_[1], HF_BREAKER_CLOSED, kStart), HF_OK);
  EXPECT_EQ(Read().ejected, 0u);
}

TEST_F(GroupedBreakers, ABreakerIsInOneGroupAndWithoutOneTakesNoOverride) {
  EXPECT_EQ(hf_group_add(group_, breakers_[0]), HF_FAILED_PRECONDITION);
  EXPECT_EQ(Read().members, 3u);
  hf_breaker* alone = nullptr;
  ASSERT_EQ(hf_breaker_new(nullptr, &alone, nullptr), HF_OK);
  hf_permit forged = {0, HF_PERMIT_OVERRIDDEN, 0};
  EXPECT_EQ(hf_breaker_record(alone, &forged, HF_VERDICT_SUCCESS, kStart, nullptr),
            HF_INVALID_ARGUMENT);
  hf_breaker_unref(alone);
}

TEST(GroupOfARegistry, KeysAreMembersUntilTheyAreEvicted) {
  hf_group* group = nullptr;
  ASSERT_EQ(hf_group_new(nullptr, &group, nullptr), HF_OK);
  hf_breaker_options breaker = HF_INIT(hf_breaker_options);
  breaker.consecutive_failures = 1;
  hf_registry_options options = HF_INIT(hf_registry_options);
  options.breaker = &breaker;
  options.seed = 3;
  options.capacity = 5;
  options.group = group;
  hf_registry* registry = nullptr;
  ASSERT_EQ(hf_registry_new(&options, &registry, nullptr), HF_OK);
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i % 5);
    const hf_str key = {name.data(), name.size()};
    hf_breaker* one = nullptr;
    ASSERT_EQ(hf_registry_breaker(registry, nullptr, &key, kStart, &one, nullptr), HF_OK);
    hf_permit permit{};
    if (hf_breaker_acquire(one, kStart, &permit, nullptr, nullptr) == HF_OK) {
      hf_breaker_record(one, &permit, HF_VERDICT_FAILURE, kStart, nullptr);
    } else {
      ++refused;
    }
    hf_breaker_unref(one);
  }
  EXPECT_EQ(refused, 3) << "one of five, in three rounds";
  hf_group_snapshot seen{};
  seen.struct_size = sizeof seen;
  hf_group_read(group, &seen);
  EXPECT_EQ(seen.members, 5u);
  hf_registry_unref(registry);
  hf_group_read(group, &seen);
  EXPECT_EQ(seen.members, 0u);
  EXPECT_EQ(seen.ejected, 0u);
  hf_group_unref(group);
}

}  // namespace
}  // namespace holdfast::engine
