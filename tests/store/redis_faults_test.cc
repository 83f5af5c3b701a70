// SPDX-License-Identifier: Apache-2.0
// The Redis store when the server, the way to it or its memory fails: nothing is claimed to have happened that
// did not, and nothing to have not happened that may have.
#include <gtest/gtest.h>
#include <holdfast/redis/store.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
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

hf_store_status StatusOf(Store& store, const StoreRequest& request) {
  return store.Execute(request, Duration{0}).raw.status;
}

uint64_t Win(Store& store, std::string_view key, uint64_t who,
             hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
  const StoreReply reply = store.Execute(testing::Claim(key, who, on_expiry), Duration{0});
  EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
  return reply.raw.token;
}

TEST(RedisFaults, UnreachableServerIsSaidSoAtOnce) {
  redis::Options options;
  options.server.port = testing::FreePort();
  const auto store = redis::Store::Open(options);
  ASSERT_EQ(store.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(store.status().message().find("127.0.0.1"), absl::string_view::npos);
}

TEST(RedisFaults, LostReplyToAClaimIsFoundAgainByTheNonce) {
  RedisServer server;
  testing::RedisRelay relay(server.port());
  redis::Options options = server.Options();
  options.server.port = relay.port();
  options.server.round_trip_timeout = milliseconds(300);
  const auto store = Open(options);
  relay.DropReplies(true);
  const StoreReply lost = store->Execute(testing::Claim("k", 1), milliseconds(100));
  EXPECT_EQ(lost.raw.status, HF_STORE_INDETERMINATE) << lost.detail;
  relay.DropReplies(false);
  relay.Cut();
  StoreReply again;
  ASSERT_TRUE(Eventually([&] {
    again = store->Execute(testing::Claim("k", 1), Duration{0});
    return again.raw.status != HF_STORE_UNAVAILABLE && again.raw.status != HF_STORE_INDETERMINATE;
  }));
  EXPECT_EQ(again.raw.status, HF_STORE_WON);
  EXPECT_EQ(again.raw.attempt, 1u);
  EXPECT_EQ(again.raw.changed, 0u);
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_BUSY);
}

TEST(RedisFaults, LostReplyToACompletionIsAlreadyWhenAskedAgain) {
  RedisServer server;
  testing::RedisRelay relay(server.port());
  redis::Options options = server.Options();
  options.server.port = relay.port();
  options.server.round_trip_timeout = milliseconds(300);
  const auto store = Open(options);
  const uint64_t token = Win(*store, "k", 1);
  relay.DropReplies(true);
  EXPECT_EQ(store->Execute(testing::Complete("k", token, "done"), milliseconds(100)).raw.status,
            HF_STORE_INDETERMINATE);
  relay.DropReplies(false);
  relay.Cut();
  hf_store_status again = 0;
  ASSERT_TRUE(Eventually([&] {
    again = StatusOf(*store, testing::Complete("k", token, "done"));
    return again < HF_STORE_UNAVAILABLE;
  }));
  EXPECT_EQ(again, HF_STORE_ALREADY);
}

TEST(RedisFaults, RequestsBehindAFrozenServerEndByTheirTimeout) {
  RedisServer server;
  redis::Options options = server.Options();
  options.server.round_trip_timeout = milliseconds(400);
  const auto store = Open(options);
  const uint64_t token = Win(*store, "k", 1);
  server.Pause();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(store->Execute(testing::Renew("k", token), milliseconds(100)).raw.status,
            HF_STORE_INDETERMINATE);
  // A read changes nothing, and so nothing is in doubt.
  EXPECT_EQ(store->Execute(testing::Read("k"), milliseconds(100)).raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  server.Resume();
  EXPECT_TRUE(Eventually([&] { return StatusOf(*store, testing::Read("k")) == HF_STORE_BUSY; }));
}

TEST(RedisFaults, KilledServerComesBackAndSoDoesTheStore) {
  RedisServer server({"appendonly yes", "appendfsync always"});
  const auto store = Open(server.Options());
  const uint64_t token = Win(*store, "k", 1);
  server.Kill();
  ASSERT_TRUE(Eventually([&] {
    const StoreReply reply = store->Execute(testing::Claim("other", 1), Duration{0});
    // While attempts fail: at once, and with a time to come back.
    return reply.raw.status == HF_STORE_UNAVAILABLE && reply.raw.retry_after > 0;
  }));
  server.Start();
  ASSERT_TRUE(Eventually(
      [&] { return StatusOf(*store, testing::Complete("k", token, "x")) == HF_STORE_OK; }));
  EXPECT_GE(store->stats().connects, 2u);
  EXPECT_EQ(store->stats().sentinel_alarms, 0u);
}

TEST(RedisFaults, ScriptsThatAServerForgotAreSentAgainOnce) {
  RedisServer server;
  const auto store = Open(server.Options());
  const uint64_t token = Win(*store, "k", 1);
  ASSERT_EQ(server.Command({"SCRIPT", "FLUSH"}), "OK");
  EXPECT_EQ(StatusOf(*store, testing::Renew("k", token)), HF_STORE_OK);
  EXPECT_EQ(store->stats().scripts_reloaded, 1u);
  EXPECT_EQ(StatusOf(*store, testing::Renew("k", token)), HF_STORE_OK);
  EXPECT_EQ(store->stats().scripts_reloaded, 1u);
}

TEST(RedisFaults, FullMemoryRefusesNewKeysButSettlesAndReplaysOldOnes) {
  RedisServer server({"maxmemory-policy noeviction"});
  const auto store = Open(server.Options());
  const uint64_t token = Win(*store, "k", 1);
  const uint64_t done = Win(*store, "done", 1);
  ASSERT_EQ(StatusOf(*store, testing::Complete("done", done, "result")), HF_STORE_OK);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  const StoreReply refused = store->Execute(testing::Claim("new", 1), Duration{0});
  EXPECT_EQ(refused.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(refused.detail.find("OOM"), std::string::npos) << refused.detail;
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_BUSY);
  EXPECT_EQ(StatusOf(*store, testing::Claim("done", 2)), HF_STORE_REPLAY);
  EXPECT_EQ(StatusOf(*store, testing::Renew("k", token)), HF_STORE_OK);
  EXPECT_EQ(StatusOf(*store, testing::Complete("k", token, std::string(5000, 'x'))), HF_STORE_OK);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  EXPECT_EQ(StatusOf(*store, testing::Claim("new", 1)), HF_STORE_WON);
}

TEST(RedisFaults, DemotedServerTakesNoWritesAndNothingHappened) {
  RedisServer server;
  const auto store = Open(server.Options());
  const uint64_t token = Win(*store, "k", 1);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "replica-serve-stale-data", "yes"}), "OK");
  ASSERT_EQ(server.Command({"REPLICAOF", "127.0.0.1", std::to_string(testing::FreePort())}), "OK");
  const std::string before = server.Command({"DBSIZE"});
  const StoreReply reply = store->Execute(testing::Claim("new", 1), Duration{0});
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE) << reply.detail;
  EXPECT_EQ(StatusOf(*store, testing::Complete("k", token, "x")), HF_STORE_UNAVAILABLE);
  EXPECT_EQ(server.Command({"DBSIZE"}), before);
  // It notices by itself, and does not go on asking what is no primary.
  EXPECT_TRUE(Eventually([&] {
    const StoreReply now = store->Execute(testing::Read("k"), Duration{0});
    return now.detail.find("role is slave") != std::string::npos;
  }));
  ASSERT_EQ(server.Command({"REPLICAOF", "NO", "ONE"}), "OK");
  EXPECT_TRUE(Eventually(
      [&] { return StatusOf(*store, testing::Complete("k", token, "x")) == HF_STORE_OK; }));
}

TEST(RedisFaults, TooFewReplicasForTheServerIsUnavailable) {
  RedisServer server({"min-replicas-to-write 1"});
  const auto refused = redis::Store::Open(server.Options());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("NOREPLICAS"), absl::string_view::npos);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "min-replicas-to-write", "0"}), "OK");
  const auto store = Open(server.Options());
  const uint64_t token = Win(*store, "k", 1);
  ASSERT_EQ(StatusOf(*store, testing::Complete("k", token, "kept")), HF_STORE_OK);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "min-replicas-to-write", "1"}), "OK");
  const StoreReply reply = store->Execute(testing::Claim("new", 1), Duration{0});
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(reply.detail.find("NOREPLICAS"), std::string::npos) << reply.detail;
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_REPLAY);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "min-replicas-to-write", "0"}), "OK");
  EXPECT_EQ(StatusOf(*store, testing::Read("new")), HF_STORE_ABSENT);
}

TEST(RedisFaults, QueueAboveItsLimitIsOverloadedAndNothingHappened) {
  RedisServer server;
  redis::Options options = server.Options();
  options.server.max_queue = 4;
  const auto store = Open(options);
  std::vector<StoreRequest> claims;
  for (int i = 0; i < 5; ++i) claims.push_back(testing::Claim("k" + std::to_string(i), 1));
  for (const StoreReply& reply : store->ExecuteMany(claims, Duration{0})) {
    EXPECT_EQ(reply.raw.status, HF_STORE_OVERLOADED);
  }
  EXPECT_EQ(StatusOf(*store, testing::Read("k0")), HF_STORE_ABSENT);
  EXPECT_EQ(StatusOf(*store, testing::Claim("k0", 1)), HF_STORE_WON);
}

TEST(RedisFaults, ValueOfAnotherKindOrVersionIsCorruptAndLeftAlone) {
  RedisServer server;
  const auto store = Open(server.Options());
  Win(*store, "k", 1);
  const std::string key = server.Command({"KEYS", "hf:{*"});
  const std::string name = key.substr(0, key.size() - 1);
  ASSERT_EQ(server.Command({"SETRANGE", name, "0", "\x02"}), "128");
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_CORRUPT);
  EXPECT_EQ(StatusOf(*store, testing::Complete("k", 5, "x")), HF_STORE_CORRUPT);
  EXPECT_EQ(StatusOf(*store, testing::Release("k", HF_EFFECT_NOT_STARTED)), HF_STORE_CORRUPT);
  EXPECT_EQ(server.Command({"GETRANGE", name, "0", "0"}), "\x02");
  ASSERT_EQ(server.Command({"DEL", name}), "1");
  ASSERT_EQ(server.Command({"LPUSH", name, "a list"}), "1");
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_CORRUPT);
  EXPECT_EQ(StatusOf(*store, testing::Read("k")), HF_STORE_CORRUPT);
  EXPECT_EQ(server.Command({"TYPE", name}), "list");
}

TEST(RedisFaults, ReleaseWhoseRowHasNoPlaceDidNotHappen) {
  RedisServer server;
  const auto store = Open(server.Options());
  const uint64_t token = Win(*store, "k", 1);
  const std::string key = server.Command({"KEYS", "hf:{*"});
  const std::string audit = "hf:audit:" + key.substr(3, key.size() - 4);
  ASSERT_EQ(server.Command({"SET", audit, "no list"}), "OK");
  const StoreReply refused = store->ExecuteAudited(
      testing::Release("k", HF_EFFECT_RETRYABLE), {.actor = "me", .reason = "a test"}, Duration{0});
  EXPECT_EQ(refused.raw.status, HF_STORE_CORRUPT) << refused.detail;
  EXPECT_EQ(StatusOf(*store, testing::Renew("k", token)), HF_STORE_OK);
}

TEST(RedisFaults, ServerThatSpeaksNoRedisIsGivenUp) {
  for (const std::string& nonsense :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("$99999999999999999999\r\n"),
        std::string("*2147483647\r\n"), std::string("*-7\r\n:"), std::string("\0\0\0\0", 4)}) {
    testing::RedisRelay relay([&](std::string_view) { return nonsense; });
    redis::Options options;
    options.server.port = relay.port();
    options.server.connect_timeout = milliseconds(500);
    EXPECT_FALSE(redis::Store::Open(options).ok()) << nonsense;
  }
}

TEST(RedisFaults, EndlessReplyIsGivenUpBeforeItFillsMemory) {
  testing::RedisRelay relay(
      [&](std::string_view) { return "$1000000000\r\n" + std::string(4 << 20, 'x'); });
  redis::Options options;
  options.server.port = relay.port();
  options.server.max_reply_bytes = 1 << 20;
  const auto store = redis::Store::Open(options);
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.status().message().find("max_reply_bytes"), absl::string_view::npos)
      << store.status();
}

TEST(RedisFaults, LongBatchOfOneKeyEndsStepByStepWhenItsServerIsGone) {
  RedisServer server;
  const auto store = Open(server.Options());
  server.Kill();
  ASSERT_TRUE(Eventually([&] {
    return store->Execute(testing::Read("k"), std::chrono::milliseconds(100))
               .detail.find("refused") != std::string::npos;
  }));
  for (const StoreReply& reply : store->ExecuteMany(
           std::vector<StoreRequest>(200000, testing::Read("k")), std::chrono::seconds(10))) {
    ASSERT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE) << reply.detail;
  }
}

TEST(RedisFaults, LongBatchOfOneKeyEndsStepByStepWhenItsServerLosesItsData) {
  RedisServer server;
  const auto store = Open(server.Options());
  std::thread flushing([&] {
    const uint64_t before = store->stats().commands;
    EXPECT_TRUE(Eventually([&] { return store->stats().commands > before + 100; }));
    server.Command({"FLUSHALL"});
  });
  const std::vector<StoreReply> replies = store->ExecuteMany(
      std::vector<StoreRequest>(300000, testing::Read("k")), std::chrono::seconds(60));
  flushing.join();
  EXPECT_EQ(replies.back().raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(replies.back().detail.find("lost its data"), std::string::npos);
}

TEST(RedisFaults, CloseWithRequestsUnderWayAnswersThemAll) {
  RedisServer server;
  auto store = Open(server.Options());
  server.Pause();
  constexpr int kCallers = 8;
  std::atomic<int> answered = 0;
  struct Waiter final : StoreWaiter {
    void OnReply(StoreReply reply) override {
      EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE);
      ++*count;
    }
    std::atomic<int>* count = nullptr;
  };
  std::vector<Waiter> waiters(kCallers);
  std::vector<StoreRequest> claims;
  for (int i = 0; i < kCallers; ++i) claims.push_back(testing::Claim("k" + std::to_string(i), 1));
  for (int i = 0; i < kCallers; ++i) {
    waiters[i].count = &answered;
    ASSERT_TRUE(store->Submit(claims[i], Duration{0}, waiters[i]));
  }
  ASSERT_TRUE(Eventually([&] { return store->stats().commands >= kCallers; }));
  store.reset();
  EXPECT_EQ(answered, kCallers);
}

}  // namespace
}  // namespace holdfast
