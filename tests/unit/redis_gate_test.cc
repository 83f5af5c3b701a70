// SPDX-License-Identifier: Apache-2.0
// What a server says of itself, what of that is refused, and what the rest is worth.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "adapters/redis/core.h"
#include "adapters/redis/gate.h"
#include "adapters/redis/wire.h"

namespace holdfast::redis {
namespace {

constexpr std::string_view kSound =
    "# Server\r\nredis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n"
    "aof_enabled:1\r\nconnected_slaves:0\r\n";

ServerFacts Facts(std::string info) {
  redisReply reply{};
  reply.type = REDIS_REPLY_STRING;
  reply.str = info.data();
  reply.len = info.size();
  return FactsOf(reply, redisReply{});
}

std::string Sound(std::string_view without = "", std::string_view with = "") {
  std::string info(kSound);
  if (!without.empty()) {
    const size_t at = info.find(without);
    info.erase(at, info.find('\n', at) + 1 - at);
  }
  return info + std::string(with);
}

std::string Refusal(const std::string& info) {
  return std::string(Judge(Facts(info), {}).message());
}

TEST(RedisGate, SoundPrimaryPasses) { EXPECT_TRUE(Judge(Facts(Sound()), {}).ok()); }

TEST(RedisGate, EachRefusalNamesItsOptionAndThatLetsItPass) {
  struct Case {
    std::string info;
    const char* option;
    bool Options::* allow;
  };
  for (const Case& c : {
           Case{Sound("redis_version", "redis_version:6.2.7\r\n"), "allow_old_server",
                &Options::allow_old_server},
           Case{Sound("redis_version", "redis_version:x\r\n"), "allow_old_server",
                &Options::allow_old_server},
           Case{Sound("role", "role:slave\r\n"), "allow_replica", &Options::allow_replica},
           Case{Sound("role", "role:active-replica\r\n"), "allow_active_active",
                &Options::allow_active_active},
           Case{Sound("", "module:name=crdt,ver=1\r\n"), "allow_active_active",
                &Options::allow_active_active},
           Case{Sound("maxmemory_policy", "maxmemory_policy:volatile-ttl\r\n"), "allow_eviction",
                &Options::allow_eviction},
           Case{Sound("maxmemory_policy"), "allow_unknown_configuration",
                &Options::allow_unknown_configuration},
           Case{Sound("role"), "allow_unknown_configuration",
                &Options::allow_unknown_configuration},
           Case{"", "allow_unknown_configuration", &Options::allow_unknown_configuration},
       }) {
    EXPECT_NE(Refusal(c.info).find(c.option), std::string::npos) << c.info << Refusal(c.info);
    Options options;
    options.*c.allow = true;
    EXPECT_TRUE(Judge(Facts(c.info), options).ok()) << c.info;
    EXPECT_NE(GuaranteeOf(Facts(c.info), options).level, GuaranteeLevel::kReplicated) << c.info;
  }
}

TEST(RedisGate, ReplicasMakeItReplicatedAtBestWhateverIsOnDisk) {
  ServerFacts facts = Facts(Sound("connected_slaves", "connected_slaves:2\r\n"));
  facts.appendfsync = "always";
  const Guarantee guarantee = GuaranteeOf(facts, {});
  EXPECT_EQ(guarantee.level, GuaranteeLevel::kReplicated);
  EXPECT_NE(guarantee.why.find("two owners"), std::string::npos);
  EXPECT_NE(guarantee.why.find("no min-replicas-to-write"), std::string::npos);
  facts.min_replicas = 1;
  Options options;
  options.replicas = 1;
  EXPECT_NE(GuaranteeOf(facts, options).why.find("WAIT 1"), std::string::npos);
  EXPECT_NE(GuaranteeOf(facts, options).why.find("min-replicas-to-write 1"), std::string::npos);
}

TEST(RedisGate, AnotherProductSaysItsOwnName) {
  const ServerFacts facts = Facts(Sound("", "server_name:valkey\r\nvalkey_version:8.0.1\r\n"));
  EXPECT_EQ(facts.product, "valkey 8.0.1, as Redis");
  EXPECT_TRUE(Judge(facts, {}).ok());
}

TEST(RedisGate, ErrorsAreSortedByWhetherAnythingCanHaveHappened) {
  for (const std::string_view error :
       {"OOM command not allowed", "NOREPLICAS Not enough", "LOADING Redis is",
        "BUSY Redis is busy", "MISCONF Redis is configured", "READONLY You can't",
        "NOPERM this user", "CLUSTERDOWN x", "MOVED 1 h:1", "NOSCRIPT No matching"}) {
    EXPECT_EQ(StatusOfError(error), HF_STORE_UNAVAILABLE) << error;
  }
  EXPECT_EQ(StatusOfError("WRONGTYPE Operation"), HF_STORE_CORRUPT);
  EXPECT_EQ(StatusOfError("ERR something new"), HF_STORE_INDETERMINATE);
  EXPECT_EQ(StatusOfError("BUSYKEY x"), HF_STORE_INDETERMINATE);
  EXPECT_EQ(StatusOfError(""), HF_STORE_INDETERMINATE);
}

TEST(RedisWire, RepliesComeOutHoweverTheStreamIsCut) {
  const char literal[] = "+OK\r\n:42\r\n$3\r\na\0b\r\n*2\r\n$-1\r\n-ERR no\r\n";
  const std::string bytes(literal, sizeof(literal) - 1);
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    ReplyParser parser(1024);
    int count = 0;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(parser.Feed(std::string_view(bytes).substr(at, piece)));
      while (parser.Next() != nullptr) ++count;
    }
    EXPECT_EQ(count, 4);
    EXPECT_EQ(parser.error(), "");
  }
}

TEST(RedisWire, ReplyAboveTheLimitOrOfTooManyElementsIsGivenUp) {
  ReplyParser large(1024);
  EXPECT_TRUE(large.Feed("$100000\r\n" + std::string(1100, 'x')));
  EXPECT_EQ(large.Next(), nullptr);
  EXPECT_NE(large.error().find("max_reply_bytes"), std::string::npos);
  EXPECT_FALSE(large.Feed("x"));
  ReplyParser many(1024);
  EXPECT_TRUE(many.Feed("*2000000\r\n"));
  EXPECT_EQ(many.Next(), nullptr);
  EXPECT_NE(many.error(), "");
}

TEST(RedisWire, CommandsCarryAnyBytes) {
  const std::string_view nul("a\0b", 3);
  EXPECT_EQ(Wire({"SET", nul}).bytes(), std::string_view("*2\r\n$3\r\nSET\r\n$3\r\na\0b\r\n", 22));
  EXPECT_EQ(WordOf("MOVED 1 x"), "MOVED");
  EXPECT_EQ(WordOf(""), "");
}

}  // namespace
}  // namespace holdfast::redis
