// SPDX-License-Identifier: Apache-2.0
// The Redis store on a primary with replicas: what WAIT tells, and what a failover forgets.
#include <gtest/gtest.h>
#include <holdfast/redis/store.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/redis_relay.h"
#include "store/redis_server.h"
#include "store/requests.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;
using testing::Eventually;
using testing::RedisServer;

std::unique_ptr<redis::Store> Open(redis::Options options) {
  auto store = redis::Store::Open(std::move(options));
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

// `patience`: short where too few replicas are expected, long where a slow machine must not look like that.
std::unique_ptr<redis::Store> OpenConfirmed(const RedisServer& server, uint32_t replicas = 1,
                                            Duration patience = milliseconds(50)) {
  redis::Options options = server.Options();
  options.replicas = replicas;
  options.replica_timeout = patience;
  return Open(options);
}

hf_store_status StatusOf(Store& store, const StoreRequest& request) {
  return store.Execute(request, Duration{0}).raw.status;
}

uint64_t Win(Store& store, std::string_view key, uint64_t who,
             hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
  const StoreReply reply = store.Execute(testing::Claim(key, who, on_expiry), Duration{0});
  EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
  return reply.raw.token;
}

TEST(RedisReplication, ConfirmedWritesAreOnTheReplicaWhenTheyAreAnswered) {
  RedisServer primary;
  const auto replica = primary.Replica();
  const auto store = OpenConfirmed(primary, 1, std::chrono::seconds(4));
  redis::Options looking = replica->Options();
  looking.allow_replica = true;
  const auto reader = Open(looking);
  for (int i = 0; i < 20; ++i) {
    const std::string key = "k" + std::to_string(i);
    const uint64_t token = Win(*store, key, 1);
    EXPECT_EQ(StatusOf(*reader, testing::Read(key)), HF_STORE_BUSY);
    const StoreReply done = store->Execute(testing::Complete(key, token, "x"), Duration{0});
    EXPECT_EQ(done.raw.status, HF_STORE_OK);
    EXPECT_EQ(done.detail, "");
    EXPECT_EQ(StatusOf(*reader, testing::Read(key)), HF_STORE_REPLAY);
  }
  EXPECT_EQ(store->stats().unconfirmed + store->stats().given_back, 0u);
}

TEST(RedisReplication, BatchIsConfirmedByOneWait) {
  RedisServer primary;
  const auto replica = primary.Replica();
  const auto store = OpenConfirmed(primary, 1, std::chrono::seconds(4));
  std::vector<StoreRequest> claims;
  for (int i = 0; i < 200; ++i) claims.push_back(testing::Claim("k" + std::to_string(i), 1));
  for (const StoreReply& reply : store->ExecuteMany(claims, Duration{0})) {
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
  }
  EXPECT_EQ(store->stats().waits, 1u);
  EXPECT_EQ(store->stats().express_claims, 200u);
}

TEST(RedisReplication, ClaimThatTooFewReplicasHaveIsGivenBackAndIndeterminate) {
  RedisServer primary;
  const auto store = OpenConfirmed(primary);
  const StoreReply reply = store->Execute(testing::Claim("k", 1), Duration{0});
  EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE);
  EXPECT_NE(reply.detail.find("too few replicas"), std::string::npos) << reply.detail;
  EXPECT_EQ(store->stats().given_back, 1u);
  EXPECT_EQ(StatusOf(*store, testing::Read("k")), HF_STORE_ABSENT);
  // And its token is not used again.
  const auto careless = Open(primary.Options());
  const uint64_t token = Win(*careless, "other", 1);
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_INDETERMINATE);
  EXPECT_GT(Win(*careless, "k", 3), token);
}

TEST(RedisReplication, TakeoverThatTooFewReplicasHaveIsLeftToItsNonce) {
  RedisServer primary;
  const auto careless = Open(primary.Options());
  StoreRequest first = testing::Claim("k", 1, HF_ON_EXPIRY_RECONCILE);
  first.lease = 20 * HF_MS;
  const StoreReply won = careless->Execute(first, Duration{0});
  ASSERT_EQ(won.raw.status, HF_STORE_WON);
  ASSERT_EQ(StatusOf(*careless, testing::Checkpoint("k", won.raw.token, "half")), HF_STORE_OK);
  ASSERT_TRUE(Eventually([&] { return StatusOf(*careless, testing::Read("k")) != HF_STORE_BUSY; }));
  const auto store = OpenConfirmed(primary);
  const StoreRequest second = testing::Claim("k", 2, HF_ON_EXPIRY_RECONCILE);
  EXPECT_EQ(StatusOf(*store, second), HF_STORE_INDETERMINATE);
  EXPECT_EQ(StatusOf(*store, second), HF_STORE_INDETERMINATE);  // found again, still unconfirmed
  const auto replica = primary.Replica();
  StoreReply again;
  ASSERT_TRUE(Eventually([&] {
    again = store->Execute(second, Duration{0});
    return again.raw.status != HF_STORE_INDETERMINATE;
  }));
  EXPECT_EQ(again.raw.status, HF_STORE_RECONCILE);  // what it has to ask about is not forgotten
  EXPECT_EQ(again.raw.attempt, 2u);
  ASSERT_NE(again.body, nullptr);
  EXPECT_EQ(*again.body, "half");
}

// A release counts attempts from 0 again, and keeps how far the work got.
TEST(RedisReplication, ReleasedKeyThatTooFewReplicasHaveKeepsItsCheckpoint) {
  RedisServer primary;
  const auto careless = Open(primary.Options());
  const uint64_t token = Win(*careless, "k", 1);
  ASSERT_EQ(StatusOf(*careless, testing::Checkpoint("k", token, "half")), HF_STORE_OK);
  ASSERT_EQ(StatusOf(*careless, testing::Release("k", HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  const auto store = OpenConfirmed(primary);
  const StoreRequest second = testing::Claim("k", 2);
  EXPECT_EQ(StatusOf(*store, second), HF_STORE_INDETERMINATE);
  const StoreReply again = careless->Execute(second, Duration{0});
  EXPECT_EQ(again.raw.status, HF_STORE_WON);
  ASSERT_NE(again.body, nullptr);
  EXPECT_EQ(*again.body, "half");
}

TEST(RedisReplication, CompletionThatTooFewReplicasHaveIsOkAndSaysSo) {
  RedisServer primary;
  const auto careless = Open(primary.Options());
  const uint64_t token = Win(*careless, "k", 1);
  const auto store = OpenConfirmed(primary, 2);
  const StoreReply reply = store->Execute(testing::Complete("k", token, "x"), Duration{0});
  EXPECT_EQ(reply.raw.status, HF_STORE_OK);
  EXPECT_EQ(reply.detail, "unconfirmed: 0 of 2 replicas have it");
  EXPECT_EQ(store->stats().unconfirmed, 1u);
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_REPLAY);
}

// The limit of Redis, and of every store that replicates asynchronously. It is shown, not hidden.
TEST(RedisReplication, FailoverForgetsAClaimAndTheGuaranteeSaysThatItMay) {
  RedisServer primary;
  testing::RedisRelay link(primary.port());
  const auto replica = primary.Replica(link.port());
  const auto store = Open(primary.Options());
  const Guarantee guarantee = store->guarantee();
  link.DropReplies(true);  // the replica hears no more of the primary
  const uint64_t first = Win(*store, "k", 1);
  primary.Kill();
  ASSERT_EQ(replica->Command({"REPLICAOF", "NO", "ONE"}), "OK");
  const auto promoted = Open(replica->Options());
  const uint64_t second = Win(*promoted, "k", 2);  // two owners: this is what G2 means
  EXPECT_GT(second, first) << "the resource can still tell them apart by the token";
  EXPECT_EQ(guarantee.level, GuaranteeLevel::kReplicated);
  EXPECT_NE(
      guarantee.why.find("a failover may forget a claim that was granted, and then two owners run"),
      std::string::npos);
  std::cout << "two owners of one key after a failover: tokens " << first << " and " << second
            << "\nguarantee G" << static_cast<int>(guarantee.level) << ": " << guarantee.why
            << "\n";
}

TEST(RedisReplication, EmptyNodeInThePlaceOfAFullOneRaisesTheAlarm) {
  auto full = std::make_unique<RedisServer>();
  const auto store = Open(full->Options());
  Win(*store, "k", 1);
  full->Kill();  // no AOF: the same address comes back empty
  full->Start();
  StoreReply reply;
  ASSERT_TRUE(Eventually([&] {
    reply = store->Execute(testing::Claim("k", 2), Duration{0});
    return store->stats().sentinel_alarms == 1;
  }));
  EXPECT_TRUE(Eventually([&] {
    reply = store->Execute(testing::Claim("k", 2), Duration{0});
    return reply.detail.find("lost its data") != std::string::npos;
  }));
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(full->Command({"DBSIZE"}), "0");
}

}  // namespace
}  // namespace holdfast
