// SPDX-License-Identifier: Apache-2.0
// c/group.h: breakers in a group.
#include <gtest/gtest.h>
#include <holdfast/c/group.h>
#include <holdfast/c/registry.h>

#include <string>

namespace {

constexpr hf_time kStart = 1000 * HF_S;

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
