// SPDX-License-Identifier: Apache-2.0
// Each row of the state tables of Route and Refresh.
#include <gtest/gtest.h>

#include <string>

#include "adapters/redis/cluster_refresh.h"
#include "adapters/redis/cluster_route.h"

namespace holdfast::redis {
namespace {

class RedisRoute : public ::testing::Test {
 protected:
  RedisRoute() {
    map_.Replace({{0, 99, {"a", 1}, {}}, {100, 16383, {"b", 2}, {}}});
    a_ = map_.OwnerOf(0);
    b_ = map_.OwnerOf(100);
  }

  SlotMap map_;
  NodeId a_ = 0;
  NodeId b_ = 0;
};

TEST_F(RedisRoute, OwnerAnswers) {
  Route route(map_, 7);
  ASSERT_EQ(route.Begin(), Step::kSend);
  EXPECT_EQ(route.node(), a_);
  EXPECT_FALSE(route.asking());
  EXPECT_EQ(route.OnFate(Fate::kAnswered, ""), Step::kAnswered);
  EXPECT_FALSE(route.stale());
}

TEST_F(RedisRoute, OtherErrorsAreAnswers) {
  for (const char* const error : {"NOSCRIPT No matching script.", "OOM command not allowed",
                                  "ERR MOVED", "MOVEDX 1 h:1", "NOREPLICAS Not enough"}) {
    Route route(map_, 7);
    ASSERT_EQ(route.Begin(), Step::kSend);
    EXPECT_EQ(route.OnFate(Fate::kAnswered, error), Step::kAnswered) << error;
  }
}

TEST_F(RedisRoute, UnknownOwnerIsAskedForAndWaitedFor) {
  map_.Replace({{0, 6, {"a", 1}, {}}});
  Route route(map_, 7);
  ASSERT_EQ(route.Begin(), Step::kPause);
  EXPECT_TRUE(route.stale());
  map_.Replace({{0, 16383, {"b", 2}, {}}});
  ASSERT_EQ(route.Begin(), Step::kSend);
  EXPECT_EQ(route.node(), b_);
  EXPECT_FALSE(route.stale());
}

TEST_F(RedisRoute, MovedIsFollowedAndLearned) {
  Route route(map_, 7);
  ASSERT_EQ(route.Begin(), Step::kSend);
  ASSERT_EQ(route.OnFate(Fate::kAnswered, "MOVED 7 b:2"), Step::kSend);
  EXPECT_EQ(route.node(), b_);
  EXPECT_FALSE(route.asking());
  EXPECT_TRUE(route.stale());
  EXPECT_EQ(map_.OwnerOf(7), b_);
  EXPECT_EQ(map_.OwnerOf(8), a_);
  EXPECT_EQ(route.OnFate(Fate::kAnswered, ""), Step::kAnswered);
  EXPECT_EQ(route.redirects(), 1u);
}

TEST_F(RedisRoute, AskIsFollowedOnceAndNotLearned) {
  Route route(map_, 7);
  ASSERT_EQ(route.Begin(), Step::kSend);
  ASSERT_EQ(route.OnFate(Fate::kAnswered, "ASK 7 b:2"), Step::kSend);
  EXPECT_EQ(route.node(), b_);
  EXPECT_TRUE(route.asking());
  EXPECT_FALSE(route.stale());
  EXPECT_EQ(map_.OwnerOf(7), a_);
  // The slot has arrived meanwhile, or gone on.
  ASSERT_EQ(route.OnFate(Fate::kAnswered, "MOVED 7 a:1"), Step::kSend);
  EXPECT_FALSE(route.asking());
}

TEST_F(RedisRoute, TryAgainWaitsAndStays) {
  Route route(map_, 7);
  ASSERT_EQ(route.Begin(), Step::kSend);
  ASSERT_EQ(route.OnFate(Fate::kAnswered, "ASK 7 b:2"), Step::kSend);
  ASSERT_EQ(route.OnFate(Fate::kAnswered, "TRYAGAIN Multiple keys"), Step::kPause);
  EXPECT_FALSE(route.stale());
  ASSERT_EQ(route.Begin(), Step::kSend);
  EXPECT_EQ(route.node(), b_);
  EXPECT_TRUE(route.asking());
}

TEST_F(RedisRoute, ClusterThatIsDownIsWaitedForAndTheMapIsStale) {
  for (const char* const error :
       {"CLUSTERDOWN The cluster is down", "CLUSTERDOWN Hash slot not served",
        "LOADING Redis is loading", "READONLY You can't write",
        "MASTERDOWN Link with MASTER is down"}) {
    Route route(map_, 7);
    ASSERT_EQ(route.Begin(), Step::kSend);
    EXPECT_EQ(route.OnFate(Fate::kAnswered, error), Step::kPause) << error;
    EXPECT_TRUE(route.stale()) << error;
  }
}

TEST_F(RedisRoute, NotSentIsWaitedForAndSentIsLost) {
  Route route(map_, 7);
  ASSERT_EQ(route.Begin(), Step::kSend);
  EXPECT_EQ(route.OnFate(Fate::kNotSent, ""), Step::kPause);
  EXPECT_TRUE(route.stale());
  map_.Learn(7, {"b", 2});  // a failover
  ASSERT_EQ(route.Begin(), Step::kSend);
  EXPECT_EQ(route.node(), b_);
  EXPECT_EQ(route.OnFate(Fate::kLost, ""), Step::kLost);
  EXPECT_TRUE(route.stale());
}

TEST_F(RedisRoute, CircleIsLeftByAPauseAndEndsForGood) {
  Route route(map_, 7);
  Step step = route.Begin();
  int sends = 0;
  int pauses = 0;
  while (step != Step::kRefused) {
    ASSERT_LT(sends, 1000);
    if (step == Step::kPause) {
      ++pauses;
      step = route.Begin();
      continue;
    }
    ASSERT_EQ(step, Step::kSend);
    step = route.OnFate(Fate::kAnswered, ++sends % 2 == 0 ? "MOVED 7 a:1" : "MOVED 7 b:2");
  }
  EXPECT_EQ(pauses, static_cast<int>(kMaxPauses));
  EXPECT_EQ(sends, static_cast<int>((kMaxRedirects + 1) * (kMaxPauses + 1)));
  EXPECT_STREQ(route.why(), "redirected in circles");
}

TEST_F(RedisRoute, RedirectionThatCannotBeFollowedIsRefused) {
  for (const char* const error : {"MOVED 8 b:2", "MOVED 7", "ASK 7 nowhere", "MOVED 7 b:0"}) {
    Route route(map_, 7);
    ASSERT_EQ(route.Begin(), Step::kSend);
    EXPECT_EQ(route.OnFate(Fate::kAnswered, error), Step::kRefused) << error;
    EXPECT_EQ(map_.OwnerOf(7), a_) << error;
  }
}

TEST(RedisRefresh, OneLookUpServesAllWhoWantIt) {
  Refresh refresh(Duration(HF_S));
  EXPECT_FALSE(refresh.Take(HF_S));  // nobody wants it
  refresh.Want();
  refresh.Want();
  EXPECT_TRUE(refresh.Take(HF_S));
  EXPECT_FALSE(refresh.Take(HF_S));
  refresh.Done();
  EXPECT_FALSE(refresh.due());
  EXPECT_EQ(refresh.begun(), 1u);
}

TEST(RedisRefresh, WantWhileOneIsUnderWayMakesAnother) {
  Refresh refresh(Duration(HF_S));
  refresh.Want();
  ASSERT_TRUE(refresh.Take(0));
  refresh.Want();
  refresh.Want();
  EXPECT_FALSE(refresh.Take(5 * HF_S));  // one at a time
  refresh.Done();
  EXPECT_TRUE(refresh.due());
  EXPECT_FALSE(refresh.Take(HF_S - 1));  // and not in a loop
  EXPECT_TRUE(refresh.Take(HF_S));
  refresh.Done();
  EXPECT_FALSE(refresh.due());
}

}  // namespace
}  // namespace holdfast::redis
