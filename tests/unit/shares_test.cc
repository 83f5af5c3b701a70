// SPDX-License-Identifier: Apache-2.0
#include "engine/shares.h"

#include <gtest/gtest.h>

#include <cmath>

namespace holdfast::engine {
namespace {

TEST(PartOf, IsRoundedDownButNotToNothing) {
  EXPECT_EQ(PartOf(300'000, 10), 3u);
  EXPECT_EQ(PartOf(700'000, 10), 7u);
  EXPECT_EQ(PartOf(399'999, 10), 3u);
  EXPECT_EQ(PartOf(10, 10), 1u);
  EXPECT_EQ(PartOf(0, 10), 0u);
  EXPECT_EQ(PartOf(kWhole, 2'000'000), 2'000'000u);
}

TEST(PartOf, AThirdOfThirtyIsTen) {
  const auto in_millionths = [](double share) {
    return static_cast<Millionths>(std::llround(share * kWhole));
  };
  for (uint32_t parts = 1; parts <= 8; ++parts) {
    for (uint32_t each = 1; each <= 1000; ++each) {
      ASSERT_EQ(PartOf(in_millionths(1.0 / parts), uint64_t{parts} * each), each) << parts;
    }
  }
}

TEST(Claim, AStampRemembersWhatItIsMadeOf) {
  const Claim claim{8, 255};
  const uint32_t stamp = claim.Stamp(1'000'000);
  EXPECT_EQ(Claim::InFlight(stamp), 1'000'000u);
  EXPECT_EQ(Claim::Of(stamp).partition, 8);
  EXPECT_EQ(Claim::Of(stamp).user, 255);
  EXPECT_EQ(Claim::InFlight(claim.Stamp(3'000'000)), Claim::kMostInFlight);
}

TEST(Claim, OnePlainPermitsStampIsNotCounted) {
  EXPECT_FALSE(Claim::IsCounted(Claim::Uncounted(1'000'000)));
  EXPECT_EQ(Claim::InFlight(Claim::Uncounted(1'000'000)), 1'000'000u);
  EXPECT_TRUE(Claim::IsCounted(Claim{1, 0}.Stamp(1)));
  EXPECT_TRUE(Claim::IsCounted(Claim{0, 1}.Stamp(1)));
}

TEST(SharePolicy, ByDefaultNothingIsLimited) {
  EXPECT_FALSE(SharePolicy{}.LimitsRoom());
  EXPECT_FALSE(SharePolicy{}.LimitsUsers());
  SharePolicy policy;
  policy.room[3] = 999'999;
  EXPECT_TRUE(policy.LimitsRoom());
}

TEST(Shares, APartitionIsGuaranteedUntilItHasItsShare) {
  Shares shares;
  SharePolicy policy{.partitions = 2};
  policy.guarantee = {300'000, 0};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(shares.Guaranteed(policy, 0, 10));
    shares.Enter({1, 0});
  }
  EXPECT_FALSE(shares.Guaranteed(policy, 0, 10));
  EXPECT_TRUE(shares.Guaranteed(policy, 0, 20)) << "the guarantee grows with the limit";
  EXPECT_FALSE(shares.Guaranteed(policy, 1, 10)) << "without a share, without a guarantee";
  EXPECT_FALSE(shares.Guaranteed(policy, 2, 10)) << "no such partition";
}

TEST(Shares, AUserWhoWaitsCountsOnce) {
  Shares shares;
  const SharePolicy policy{.user = 200'000};
  shares.Queue(9);
  EXPECT_TRUE(shares.UserHasRoom(policy, 9, 10));
  shares.EnterQueued({0, 9});
  EXPECT_TRUE(shares.UserHasRoom(policy, 9, 10)) << "counted when it queued";
  shares.Enter({0, 9});
  EXPECT_FALSE(shares.UserHasRoom(policy, 9, 10));
  EXPECT_TRUE(shares.UserHasRoom(policy, 8, 10));
  EXPECT_TRUE(shares.UserHasRoom(policy, 0, 10));
  shares.Unqueue(9);
  EXPECT_TRUE(shares.UserHasRoom(policy, 9, 10));
}

TEST(Shares, APlaceThatNobodyTookCannotBeLeft) {
  Shares shares;
  EXPECT_TRUE(shares.Leave({0, 0}));
  EXPECT_FALSE(shares.Leave({1, 0}));
  EXPECT_FALSE(shares.Leave({0, 1}));
  EXPECT_FALSE(shares.Leave({9, 0})) << "a stamp nobody gave";
  shares.Enter({1, 0});
  EXPECT_FALSE(shares.Leave({1, 7}));
  EXPECT_EQ(shares.InFlight(0), 1u) << "a leave that fails changes nothing";
  EXPECT_TRUE(shares.Leave({1, 0}));
  EXPECT_EQ(shares.InFlight(0), 0u);
}

}  // namespace
}  // namespace holdfast::engine
