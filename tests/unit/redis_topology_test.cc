// SPDX-License-Identifier: Apache-2.0
// What nodes say of their cluster: read as documented, and refused as a whole if it is anything else.
#include <gtest/gtest.h>
#include <holdfast/status.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "adapters/redis/cluster_map.h"
#include "adapters/redis/cluster_topology.h"
#include "unit/redis_resp.h"

namespace holdfast::redis {
namespace {

using testing::Array;
using testing::Bulk;
using testing::Number;
using testing::Resp;

const NodeAddress kAsked{"10.0.0.9", 7000};

std::string Node(const std::string& host, int64_t port) {
  return Array({Bulk(host), Number(port), Bulk(std::string(40, 'a')), Array({})});
}

std::string Range(int64_t first, int64_t last, const std::vector<std::string>& nodes) {
  std::vector<std::string> parts = {Number(first), Number(last)};
  parts.insert(parts.end(), nodes.begin(), nodes.end());
  return Array(parts);
}

absl::StatusOr<Topology> Parse(const std::string& bytes) {
  const testing::RespPtr reply = Resp(bytes);
  if (reply == nullptr) return absl::CancelledError("no reply");
  return ParseTopology(*reply, kAsked);
}

void ExpectRefused(const std::string& bytes, const std::string& why) {
  const absl::StatusOr<Topology> parsed = Parse(bytes);
  ASSERT_FALSE(parsed.ok()) << why;
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kDataLoss) << why;
  EXPECT_NE(parsed.status().message().find(why), absl::string_view::npos) << parsed.status();
}

TEST(RedisTopology, MastersAndReplicasAreRead) {
  const auto parsed = Parse(Array({Range(0, 5460, {Node("10.0.0.1", 7000), Node("10.0.0.4", 7003)}),
                                   Range(5461, 16383, {Node("two.example", 7001)})}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0].first, 0);
  EXPECT_EQ((*parsed)[0].last, 5460);
  EXPECT_EQ((*parsed)[0].master, (NodeAddress{"10.0.0.1", 7000}));
  EXPECT_EQ((*parsed)[0].replicas, (std::vector<NodeAddress>{{"10.0.0.4", 7003}}));
  EXPECT_EQ(ToText((*parsed)[1].master), "two.example:7001");
}

TEST(RedisTopology, NodeThatDoesNotKnowItsAddressIsTheOneThatWasAsked) {
  for (const std::string& unknown : {std::string("$-1\r\n"), Bulk("")}) {
    const auto parsed = Parse(Array({Range(0, 1, {Array({unknown, Number(7005)})})}));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ((*parsed)[0].master, (NodeAddress{"10.0.0.9", 7005}));
  }
}

TEST(RedisTopology, WhatIsNotAsDocumentedIsRefusedAndNamed) {
  const std::string node = Node("10.0.0.1", 7000);
  ExpectRefused("-ERR This instance has cluster support disabled\r\n", "not an array");
  ExpectRefused("*0\r\n", "not one slot");
  ExpectRefused(Array({Number(1)}), "without a master");
  ExpectRefused(Array({Range(0, 1, {})}), "without a master");
  ExpectRefused(Array({Range(5, 4, {node})}), "a range that is none");
  ExpectRefused(Array({Range(-1, 4, {node})}), "a range that is none");
  ExpectRefused(Array({Range(0, 16384, {node})}), "a range that is none");
  ExpectRefused(Array({Range(0, 1LL << 40, {node})}), "a range that is none");
  ExpectRefused(Array({Range(0, 4, {node}), Range(4, 8, {node})}), "slot 4 twice");
  ExpectRefused(Array({Range(0, 4, {Number(1)})}), "without an address");
  ExpectRefused(Array({Range(0, 4, {Node("10.0.0.1", 0)})}), "without an address");
  ExpectRefused(Array({Range(0, 4, {Node("10.0.0.1", 65536)})}), "without an address");
  ExpectRefused(Array({Range(0, 4, {Node("?", 7000)})}), "without an address");
  ExpectRefused(Array({Range(0, 4, {Node("a\nb", 7000)})}), "without an address");
  ExpectRefused(Array({Range(0, 4, {Node(std::string(256, 'h'), 7000)})}), "without an address");
}

TEST(RedisTopology, MoreNodesThanAClusterHasAreRefused) {
  std::vector<std::string> nodes;
  for (int i = 0; i <= 1000; ++i) nodes.push_back(Node("h" + std::to_string(i), 1));
  ExpectRefused(Array({Range(0, 16383, nodes)}), "1000 nodes");
  nodes.pop_back();
  EXPECT_TRUE(Parse(Array({Range(0, 16383, nodes)})).ok());
}

TEST(RedisTopology, DamagedRepliesAreRefusedOrReadButNeverWorse) {
  const std::string sound = Array({Range(0, 8191, {Node("10.0.0.1", 7000), Node("h", 7003)}),
                                   Range(8192, 16383, {Node("10.0.0.2", 7001)})});
  std::mt19937_64 random(20260817);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = sound;
    for (uint64_t hits = 1 + random() % 3; hits > 0; --hits) {
      bytes[random() % bytes.size()] = "0123456789-:$*\r\nx"[random() % 17];
    }
    const absl::StatusOr<Topology> parsed = Parse(bytes);
    if (!parsed.ok()) {
      ++refused;
      continue;
    }
    for (const SlotRange& range : *parsed) {
      ASSERT_LE(range.first, range.last);
      ASSERT_LT(range.last, kSlots);
      ASSERT_FALSE(range.master.host.empty());
      ASSERT_NE(range.master.port, 0);
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 20000);
}

TEST(RedisRedirect, MovedAndAskAreRead) {
  const auto moved = ParseRedirect("MOVED 3999 127.0.0.1:6381", kAsked);
  ASSERT_TRUE(moved.has_value());
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->to, (NodeAddress{"127.0.0.1", 6381}));
  const auto ask = ParseRedirect("ASK 16383 two.example:1", kAsked);
  ASSERT_TRUE(ask.has_value());
  EXPECT_TRUE(ask->ask);
  EXPECT_EQ(ask->slot, 16383);
  EXPECT_EQ(ask->to, (NodeAddress{"two.example", 1}));
}

TEST(RedisRedirect, AddressesOfEveryKindAreRead) {
  EXPECT_EQ(ParseRedirect("MOVED 1 2001:db8::1:6381", kAsked)->to,
            (NodeAddress{"2001:db8::1", 6381}));
  EXPECT_EQ(ParseRedirect("MOVED 1 :6381", kAsked)->to, (NodeAddress{"10.0.0.9", 6381}));
  EXPECT_EQ(ParseRedirect("MOVED 1 h:6381 later=field", kAsked)->to, (NodeAddress{"h", 6381}));
  EXPECT_EQ(ToText({"2001:db8::1", 6381}), "[2001:db8::1]:6381");
}

TEST(RedisRedirect, WhatCannotBeFollowedIsNone) {
  for (const char* const error :
       {"", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0",
        "MOVED 1 h:65536", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED x h:1", "MOVED 1 h\x01:1",
        "MOVED 1 h:1x", "MOVED 99999999999 h:1", "MOVEDX 1 h:1", "ASKING", "ERR MOVED 1 h:1"}) {
    EXPECT_FALSE(ParseRedirect(error, kAsked).has_value()) << error;
  }
}

TEST(RedisSlotMap, TopologyReplacesAllAndMovedOneSlot) {
  SlotMap map;
  EXPECT_EQ(map.OwnerOf(0), kNoNode);
  EXPECT_TRUE(map.Masters().empty());
  map.Replace({{0, 99, {"a", 1}, {{"r", 9}}}, {100, 16383, {"b", 2}, {}}});
  const NodeId a = map.OwnerOf(0);
  const NodeId b = map.OwnerOf(16383);
  EXPECT_NE(a, b);
  EXPECT_EQ(map.AddressOf(a), (NodeAddress{"a", 1}));
  EXPECT_EQ(map.Learn(50, {"b", 2}), b);
  EXPECT_EQ(map.OwnerOf(50), b);
  EXPECT_EQ(map.OwnerOf(49), a);
  const NodeId c = map.Find({"c", 3});  // asked only
  EXPECT_EQ(map.Masters(), (std::vector<NodeId>{a, b}));
  map.Replace({{0, 10, {"c", 3}, {}}});
  EXPECT_EQ(map.OwnerOf(10), c);
  EXPECT_EQ(map.OwnerOf(11), kNoNode);
  EXPECT_EQ(map.Masters(), (std::vector<NodeId>{c}));
  EXPECT_EQ(map.AddressOf(a), (NodeAddress{"a", 1}));  // an id means one node for good
  EXPECT_EQ(map.AddressOf(kNoNode), std::nullopt);
}

TEST(RedisSlotMap, NodesHaveALimit) {
  SlotMap map;
  for (uint32_t i = 0; i < kMaxKnownNodes; ++i) {
    ASSERT_EQ(map.Find({"h" + std::to_string(i), 1}), i);
  }
  EXPECT_EQ(map.Find({"one more", 1}), kNoNode);
  EXPECT_EQ(map.Learn(7, {"one more", 1}), kNoNode);
  EXPECT_EQ(map.OwnerOf(7), kNoNode);
  EXPECT_EQ(map.Find({"h0", 1}), 0);
}

}  // namespace
}  // namespace holdfast::redis
