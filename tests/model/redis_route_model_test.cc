// SPDX-License-Identifier: Apache-2.0
// Requests through a cluster that is resharded, fails over and loses connections at random, against the cluster
// itself: each request is carried out at most once, and exactly once if it is answered.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/redis/cluster_refresh.h"
#include "adapters/redis/cluster_route.h"
#include "model/dice.h"

namespace holdfast::redis {
namespace {

constexpr uint16_t kUsedSlots = 8;
constexpr uint16_t kNodes = 4;

std::string Host(uint16_t node) { return "n" + std::to_string(node); }

// What the specification says a cluster does with a request.
struct NaiveCluster {
  uint16_t owner[kUsedSlots] = {0, 1, 2, 3, 0, 1, 2, 3};
  uint16_t moving_to[kUsedSlots] = {0, 1, 2, 3, 0, 1, 2, 3};  // as owner: stays
  bool key_moved[kUsedSlots] = {};
  bool down[kNodes] = {};
  bool split = false;

  // Empty: carried out.
  std::string Ask(uint16_t node, uint16_t slot, bool asking) const {
    if (split) return "CLUSTERDOWN The cluster is down";
    if (node == owner[slot]) {
      if (moving_to[slot] == owner[slot] || !key_moved[slot]) return "";
      return "ASK " + std::to_string(slot) + " " + Host(moving_to[slot]) + ":1";
    }
    if (node == moving_to[slot] && asking) return key_moved[slot] ? "" : "TRYAGAIN";
    return "MOVED " + std::to_string(slot) + " " + Host(owner[slot]) + ":1";
  }

  void Change(model::Dice& dice) {
    const auto slot = static_cast<uint16_t>(dice.Below(kUsedSlots));
    switch (dice.Below(6)) {
      case 0:
        moving_to[slot] = static_cast<uint16_t>(dice.Below(kNodes));
        key_moved[slot] = false;
        return;
      case 1:
        key_moved[slot] = moving_to[slot] != owner[slot];
        return;
      case 2:
        owner[slot] = moving_to[slot];
        key_moved[slot] = false;
        return;
      case 3:
        down[dice.Below(kNodes)] = true;
        return;
      case 4: {  // failover: another takes what it had
        const auto gone = static_cast<uint16_t>(dice.Below(kNodes));
        for (uint16_t s = 0; s < kUsedSlots; ++s) {
          if (owner[s] == gone) owner[s] = moving_to[s] = (gone + 1) % kNodes;
        }
        return;
      }
      default:
        split = dice.Below(4) == 0;
        std::fill(std::begin(down), std::end(down), false);
        return;
    }
  }

  Topology Slots() const {
    Topology topology;
    for (uint16_t slot = 0; slot < kUsedSlots; ++slot) {
      topology.push_back({slot, slot, {Host(owner[slot]), 1}, {}});
    }
    return topology;
  }
};

struct Played {
  int done = 0;  // times carried out
  int sends = 0;
  Step end = Step::kRefused;
};

// `storm`: how likely the cluster changes between two steps, in percent.
Played Play(model::Dice& dice, NaiveCluster& cluster, SlotMap& map, uint16_t slot, uint32_t storm) {
  Played played;
  Route route(map, slot);
  Step step = route.Begin();
  for (;;) {
    if (dice.Below(100) < storm) cluster.Change(dice);
    if (step == Step::kPause) {
      if (route.stale() && dice.Below(2) == 0) map.Replace(cluster.Slots());
      step = route.Begin();
      continue;
    }
    if (step != Step::kSend) break;
    ++played.sends;
    const std::string host = map.AddressOf(route.node())->host;
    const auto node = static_cast<uint16_t>(host[1] - '0');
    if (cluster.down[node] && storm > 0) {
      step = route.OnFate(Fate::kNotSent, "");
      continue;
    }
    const std::string error = cluster.Ask(node, slot, route.asking());
    if (error.empty()) ++played.done;
    const bool lost = dice.Below(100) < storm / 4;
    step = route.OnFate(lost ? Fate::kLost : Fate::kAnswered, lost ? "" : error);
  }
  played.end = step;
  return played;
}

TEST(RedisRouteModel, EachRequestIsCarriedOutAtMostOnceWhateverTheClusterDoes) {
  int answered = 0;
  int lost = 0;
  int refused = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    model::Dice dice(seed);
    NaiveCluster cluster;
    SlotMap map;
    map.Replace(cluster.Slots());
    for (int request = 0; request < 200; ++request) {
      const auto slot = static_cast<uint16_t>(dice.Below(kUsedSlots));
      const Played played = Play(dice, cluster, map, slot, 20);
      ASSERT_LE(played.done, 1) << "seed " << seed;
      ASSERT_LE(played.sends, static_cast<int>((kMaxRedirects + 1) * (kMaxPauses + 1)));
      if (played.end != Step::kLost) {
        ASSERT_EQ(played.done, played.end == Step::kAnswered ? 1 : 0) << "seed " << seed;
      }
      answered += played.end == Step::kAnswered;
      lost += played.end == Step::kLost;
      refused += played.end == Step::kRefused;
    }
  }
  EXPECT_GT(answered, 30000);
  EXPECT_GT(lost, 500);
  EXPECT_GT(refused, 10);
}

TEST(RedisRouteModel, CalmClusterAnswersWithinTwoSendsOfAnyMap) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    model::Dice dice(seed);
    NaiveCluster cluster;
    SlotMap map;
    map.Replace(cluster.Slots());
    for (int i = 0; i < 30; ++i) cluster.Change(dice);
    cluster.split = false;
    for (uint16_t slot = 0; slot < kUsedSlots; ++slot) {
      const Played played = Play(dice, cluster, map, slot, 0);
      ASSERT_EQ(played.end, Step::kAnswered) << "seed " << seed;
      // The old owner, the owner, and where its key has gone.
      ASSERT_LE(played.sends, 3) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace holdfast::redis
