// SPDX-License-Identifier: Apache-2.0
// The cluster store while its cluster is resharded, fails over, loses data and is told lies.
#include <gtest/gtest.h>
#include <holdfast/redis/cluster_store.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/redis/cluster_carrier.h"
#include "store/redis_cluster.h"
#include "store/requests.h"

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using testing::Claim;
using testing::RedisCluster;

class RedisClusterStore : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster = RedisCluster::Start({.replicas = 1, .node_timeout_ms = 500}).release();
  }
  static void TearDownTestSuite() { delete cluster; }
  void SetUp() override {
    ASSERT_NE(cluster, nullptr);
    ASSERT_TRUE(cluster->AwaitCalm());
    cluster->Flush();
  }

  static ClusterOptions Options() {
    ClusterOptions options;
    options.store.server.port = cluster->port(0);
    options.store.server.reconnect_base = 5ms;
    options.store.server.reconnect_cap = 50ms;
    for (int node = 1; node < cluster->size(); ++node) {
      options.seeds.push_back("127.0.0.1:" + std::to_string(cluster->port(node)));
    }
    return options;
  }
  static std::unique_ptr<ClusterStore> Open(const ClusterOptions& options = Options()) {
    auto store = ClusterStore::Open(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  // Asks for a replica of each write.
  static std::unique_ptr<ClusterStore> OpenCareful(Duration patience) {
    ClusterOptions options = Options();
    options.store.replicas = 1;
    options.store.replica_timeout = patience;
    return Open(options);
  }
  static StoreReply Ask(OperableStore& store, const StoreRequest& request) {
    return store.Execute(request, Duration{0});
  }
  // A key that this node serves.
  static std::string KeyWithOwner(int node) {
    for (int i = 0;; ++i) {
      std::string key = "other" + std::to_string(i);
      if (cluster->OwnerOf(SlotOfKey(key)) == node) return key;
    }
  }
  static uint16_t SlotOfKey(const std::string& key) {
    return SlotOfRecord(testing::Read(key).key_id);
  }

  static RedisCluster* cluster;
};

RedisCluster* RedisClusterStore::cluster = nullptr;

TEST_F(RedisClusterStore, SaysWhatItIsWorthAndWhy) {
  const auto store = Open();
  const Guarantee guarantee = store->guarantee();
  EXPECT_EQ(guarantee.level, GuaranteeLevel::kReplicated);
  EXPECT_NE(guarantee.why.find("a cluster of 3 masters"), std::string::npos) << guarantee.why;
  EXPECT_NE(guarantee.why.find("a failover may forget a claim"), std::string::npos);
  const auto info = store->Info(Duration{0});
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->kind, "redis-cluster");
  EXPECT_EQ(info->records, 64u);  // the sentinels
}

TEST_F(RedisClusterStore, OpenRefusesWhatIsUnsafeAndNamesTheNode) {
  cluster->Ask(1, {"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  const auto evicting = ClusterStore::Open(Options());
  EXPECT_EQ(evicting.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(evicting.status().message().find(std::to_string(cluster->port(1))),
            absl::string_view::npos)
      << evicting.status();
  EXPECT_NE(evicting.status().message().find("allow_eviction"), absl::string_view::npos);
  ClusterOptions options = Options();
  options.store.allow_eviction = true;
  EXPECT_EQ(Open(options)->guarantee().level, GuaranteeLevel::kProcess);  // the weakest counts
  cluster->Ask(1, {"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  options = Options();
  options.store.require_sentinel = true;
  cluster->Flush();
  EXPECT_EQ(ClusterStore::Open(options).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RedisClusterStore, ServerThatIsNoClusterIsRefused) {
  testing::RedisServer single;
  ClusterOptions options;
  options.store.server.port = single.port();
  const auto store = ClusterStore::Open(options);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(store.status().message().find("no node of a cluster"), absl::string_view::npos)
      << store.status();
  options.store.server.port = 1;
  EXPECT_EQ(ClusterStore::Open(options).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RedisClusterStore, RecordIsFoundWhereItsSlotGoes) {
  const auto store = Open();
  const StoreReply won = Ask(*store, Claim("k", 1));
  ASSERT_EQ(won.raw.status, HF_STORE_WON) << won.detail;
  const uint16_t slot = SlotOfKey("k");
  for (uint64_t round = 0; round < 3; ++round) {
    const int to = (cluster->OwnerOf(slot) + 1) % 3;
    cluster->MoveSlots(slot, slot, to, [&](uint16_t) {
      // The key has gone ahead; the slot follows.
      EXPECT_EQ(Ask(*store, Claim("k", 2)).raw.status, HF_STORE_BUSY);
      EXPECT_EQ(Ask(*store, testing::Renew("k", won.raw.token)).raw.status, HF_STORE_OK);
    });
    EXPECT_EQ(Ask(*store, Claim("k", 1)).raw.token, won.raw.token);
  }
  EXPECT_EQ(Ask(*store, testing::Complete("k", won.raw.token, "done")).raw.status, HF_STORE_OK);
  const StoreReply replay = Ask(*store, Claim("k", 9));
  ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replay.body, "done");
  EXPECT_GE(store->stats().asked, 6u);
  EXPECT_GE(store->stats().moved, 1u);
}

TEST_F(RedisClusterStore, ScriptsAreSentToANodeThatForgotThem) {
  const auto store = Open();
  const StoreReply won = Ask(*store, Claim("k", 1));
  for (int node = 0; node < cluster->size(); ++node) cluster->Ask(node, {"SCRIPT", "FLUSH"});
  EXPECT_EQ(Ask(*store, testing::Complete("k", won.raw.token, "x")).raw.status, HF_STORE_OK);
  EXPECT_EQ(store->stats().store.scripts_reloaded, 1u);
  EXPECT_EQ(Ask(*store, testing::Complete("k", won.raw.token, "x")).raw.status, HF_STORE_ALREADY);
}

TEST_F(RedisClusterStore, BatchIsOneWriteForEachNode) {
  const auto store = Open();
  std::vector<StoreRequest> requests;
  for (int i = 0; i < 300; ++i) requests.push_back(Claim("k" + std::to_string(i), 1));
  requests.push_back(Claim("k7", 2));
  const uint64_t before = store->stats().store.writes;
  const std::vector<StoreReply> replies = store->ExecuteMany(requests, Duration{0});
  const uint64_t writes = store->stats().store.writes - before;
  ASSERT_EQ(replies.size(), 301u);
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(replies[i].raw.status, HF_STORE_WON) << i;
  EXPECT_EQ(replies[300].raw.status, HF_STORE_BUSY);
  EXPECT_LE(writes, 8u);  // three for the claims, one for the second of k7, and pulses
  EXPECT_EQ(store->stats().masters, 3u);
}

TEST_F(RedisClusterStore, BatchThroughAReshardingIsAnsweredWholeAndOnce) {
  const auto store = Open();
  const uint16_t slot = SlotOfKey("k0");
  std::vector<StoreRequest> requests;
  for (int i = 0; i < 100; ++i) requests.push_back(Claim("k" + std::to_string(i), 1));
  cluster->MoveSlots(slot, slot, (cluster->OwnerOf(slot) + 1) % 3, [&](uint16_t) {
    for (const StoreReply& reply : store->ExecuteMany(requests, Duration{0})) {
      EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
    }
  });
  for (const StoreReply& reply : store->ExecuteMany(requests, Duration{0})) {
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;  // of the same nonce: found again
    EXPECT_EQ(reply.raw.attempt, 1u);
  }
}

TEST_F(RedisClusterStore, WaitAsksTheReplicasOfEachNode) {
  const auto store = OpenCareful(1s);
  std::vector<StoreRequest> requests;
  for (int i = 0; i < 60; ++i) requests.push_back(Claim("k" + std::to_string(i), 1));
  for (const StoreReply& reply : store->ExecuteMany(requests, Duration{0})) {
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
  }
  const Stats stats = store->stats().store;
  EXPECT_TRUE(stats.waits >= 3 && stats.waits <= 6 && stats.given_back == 0) << stats.waits;
}

// What must hold whatever the cluster does: one owner of a generation, tokens that rise.
class Referee {
 public:
  void Won(const std::string& key, uint64_t token, uint64_t who) {
    const std::lock_guard lock(mutex_);
    Seen& seen = keys_[key];
    if (!seen.owners.emplace(token, who).second && seen.owners[token] != who) ++violations_;
    if (token < seen.highest) ++violations_;
    seen.highest = std::max(seen.highest, token);
    ++wins_;
  }
  uint64_t violations() const { return violations_; }
  uint64_t wins() const { return wins_; }

 private:
  struct Seen {
    std::map<uint64_t, uint64_t> owners;  // by token
    uint64_t highest = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Seen> keys_;
  std::atomic<uint64_t> violations_{0};
  std::atomic<uint64_t> wins_{0};
};

TEST_F(RedisClusterStore, ReshardingWhileEightThreadsClaimGivesEachKeyOneOwner) {
  constexpr int kThreads = 8;
  constexpr int kKeys = 40;
  const auto store = Open();
  Referee referee;
  std::vector<std::atomic<int>> inside(kKeys);
  std::atomic<uint64_t> overlaps = 0;
  std::atomic<uint64_t> failures = 0;
  std::atomic<uint64_t> operations = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t round = 0; !stop; ++round) {
        const int index = static_cast<int>((round * 7 + static_cast<uint64_t>(thread) * 5) % kKeys);
        const std::string key = "k" + std::to_string(index);
        const uint64_t who = (static_cast<uint64_t>(thread) + 1) << 40 | round;
        const StoreReply claim = Ask(*store, Claim(key, who, HF_ON_EXPIRY_TAKEOVER));
        ++operations;
        if (claim.raw.status >= HF_STORE_UNAVAILABLE) ++failures;
        if (claim.raw.status != HF_STORE_WON) continue;
        if (inside[static_cast<size_t>(index)].fetch_add(1) != 0) ++overlaps;
        referee.Won(key, claim.raw.token, who);
        const StoreReply renewed = Ask(*store, testing::Renew(key, claim.raw.token));
        if (renewed.raw.status != HF_STORE_OK) ++failures;
        inside[static_cast<size_t>(index)].fetch_sub(1);
        const StoreReply end =
            round % 3 == 0 ? Ask(*store, testing::Abandon(key, claim.raw.token))
                           : Ask(*store, testing::Fail(key, claim.raw.token, HF_EFFECT_RETRYABLE));
        operations += 2;
        if (end.raw.status != HF_STORE_OK) ++failures;
      }
    });
  }
  std::set<uint16_t> slots;
  for (int i = 0; i < kKeys; ++i) slots.insert(SlotOfKey("k" + std::to_string(i)));
  int moves = 0;
  for (const auto began = std::chrono::steady_clock::now();
       std::chrono::steady_clock::now() - began < 3s && !HasFailure();) {
    for (const uint16_t slot : slots) {
      cluster->MoveSlots(slot, slot, (cluster->OwnerOf(slot) + 1) % 3);
      ++moves;
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const ClusterStats stats = store->stats();
  printf(
      "%llu operations, %llu wins, %d slots moved, %llu MOVED, %llu ASK, %llu pauses, %llu "
      "look-ups, %llu failures, %llu violations\n",
      static_cast<unsigned long long>(operations), static_cast<unsigned long long>(referee.wins()),
      moves, static_cast<unsigned long long>(stats.moved),
      static_cast<unsigned long long>(stats.asked), static_cast<unsigned long long>(stats.pauses),
      static_cast<unsigned long long>(stats.look_ups), static_cast<unsigned long long>(failures),
      static_cast<unsigned long long>(referee.violations() + overlaps));
  EXPECT_EQ(referee.violations(), 0u);
  EXPECT_EQ(overlaps, 0u);
  EXPECT_EQ(failures, 0u);
  EXPECT_GT(referee.wins(), 100u);
  EXPECT_GT(stats.moved + stats.asked, 10u);
}

TEST_F(RedisClusterStore, ScanMissesNothingWhileSlotsMove) {
  const auto store = Open();
  constexpr int kRecords = 120;
  std::set<uint16_t> slots;
  std::vector<StoreRequest> requests;
  for (int i = 0; i < kRecords; ++i) requests.push_back(Claim("k" + std::to_string(i), 1));
  for (const StoreReply& reply : store->ExecuteMany(requests, Duration{0})) {
    ASSERT_EQ(reply.raw.status, HF_STORE_WON);
  }
  for (int i = 0; i < kRecords; ++i) slots.insert(SlotOfKey("k" + std::to_string(i)));
  std::atomic<bool> stop = false;
  std::thread mover([&] {
    while (!stop) {
      for (const uint16_t slot : slots) {
        if (stop) return;
        cluster->MoveSlots(slot, slot, (cluster->OwnerOf(slot) + 1) % 3);
      }
    }
  });
  for (int walk = 0; walk < 3; ++walk) {
    std::set<KeyId> seen;
    ScanQuery query{.limit = 7};
    do {
      const auto page = store->Scan(query, 10s);
      if (!page.ok()) {
        ADD_FAILURE() << page.status();
        break;
      }
      EXPECT_LE(page->records.size(), 7u);
      for (const StoredRecord& record : page->records) seen.insert(record.key_id);
      query.cursor = page->cursor;
    } while (!query.cursor.empty());
    EXPECT_EQ(seen.size(), static_cast<size_t>(kRecords));
  }
  stop = true;
  mover.join();
  for (const char* const foreign : {"redis1:0:", "cluster1:", "cluster1:16384:", "cluster1:0:{}"}) {
    EXPECT_EQ(store->Scan({.cursor = foreign}, Duration{0}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << foreign;
  }
}

TEST_F(RedisClusterStore, SweepWritesDownTheDoubtsOfEveryNode) {
  const auto store = Open();
  for (int i = 0; i < 30; ++i) {
    StoreRequest claim = Claim("k" + std::to_string(i), 1);
    claim.lease = 10 * HF_MS;
    ASSERT_EQ(Ask(*store, claim).raw.status, HF_STORE_WON);
  }
  uint64_t swept = 0;
  ASSERT_TRUE(testing::Eventually([&] {
    std::string cursor;
    do {
      const auto some = store->Sweep(&cursor, 10, 10s);
      EXPECT_TRUE(some.ok()) << some.status();
      if (!some.ok()) return true;
      swept += *some;
    } while (!cursor.empty());
    return swept >= 30;
  }));
  EXPECT_EQ(swept, 30u);
}

TEST_F(RedisClusterStore, NodeThatLostItsDataStopsEverythingUntilRearmed) {
  const auto store = Open();
  ASSERT_EQ(Ask(*store, Claim("k", 1)).raw.status, HF_STORE_WON);
  cluster->Ask(cluster->OwnerOf(0), {"FLUSHALL"});
  EXPECT_TRUE(testing::Eventually(
      [&] { return Ask(*store, testing::Read("k")).raw.status == HF_STORE_UNAVAILABLE; }));
  EXPECT_EQ(store->stats().store.sentinel_alarms, 1u);
  ASSERT_TRUE(store->Rearm(Duration{0}).ok());
  EXPECT_LT(Ask(*store, testing::Read("k")).raw.status, HF_STORE_UNAVAILABLE);
}

TEST_F(RedisClusterStore, NodeThatComesBackEmptyWinsNothingAgain) {
  const auto other = RedisCluster::Start({.node_timeout_ms = 30000});
  ClusterOptions options = Options();
  options.store.server.port = other->port(0);
  options.seeds.clear();
  const auto store = Open(options);
  std::vector<StoreRequest> again;
  for (int i = 0; i < 60; ++i) {
    const std::string key = std::to_string(i);
    const StoreReply won = Ask(*store, Claim(key, 1));
    ASSERT_EQ(Ask(*store, testing::Complete(key, won.raw.token, "done")).raw.status, HF_STORE_OK);
    again.push_back(Claim(key, 2));
  }
  other->server(1).Kill();
  other->server(1).Start();
  int won = 0;
  EXPECT_TRUE(testing::Eventually([&] {
    for (const StoreReply& reply : store->ExecuteMany(again, 50ms)) {
      won += reply.raw.status == HF_STORE_WON;
    }
    return store->stats().store.sentinel_alarms > 0;
  }));
  EXPECT_EQ(won, 0);
}

// Counts, and never answers twice.
struct Listener final : StoreWaiter {
  void OnReply(StoreReply reply) override {
    EXPECT_GE(reply.raw.status, HF_STORE_UNAVAILABLE);
    ++heard;
  }
  std::atomic<int> heard = 0;
};

TEST_F(RedisClusterStore, ClosingEndsWhatIsUnderWayAndWhatIsPausedOnce) {
  auto store = Open();
  const int node = cluster->OwnerOf(SlotOfKey("k"));
  ASSERT_EQ(Ask(*store, Claim("k", 1)).raw.status, HF_STORE_WON);
  cluster->server(node).Pause();
  std::vector<Listener> listeners(50);
  for (Listener& listener : listeners) {
    ASSERT_TRUE(store->Submit(testing::Read("k"), 30s, listener));
  }
  // A long chain of one key ends step by step, not all of it inside the first end.
  std::thread batch([&] {
    for (const StoreReply& reply :
         store->ExecuteMany(std::vector<StoreRequest>(20000, testing::Read("k")), 200ms)) {
      EXPECT_GE(reply.raw.status, HF_STORE_UNAVAILABLE);
    }
  });
  batch.join();
  store.reset();
  for (const Listener& listener : listeners) EXPECT_EQ(listener.heard, 1);
  cluster->server(node).Resume();
  ASSERT_TRUE(cluster->AwaitCalm());
}

TEST_F(RedisClusterStore, AgreedFailoverLosesNothingAndNoRequest) {
  const auto store = Open();
  std::map<std::string, uint64_t> tokens;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "k" + std::to_string(i);
    tokens[key] = Ask(*store, Claim(key, 1)).raw.token;
  }
  const int master = cluster->OwnerOf(SlotOfKey("k0"));
  const int replica = (master + 3) % 6;
  ASSERT_TRUE(cluster->Promote(replica));
  for (const auto& [key, token] : tokens) {
    const StoreReply renewed = Ask(*store, testing::Renew(key, token));
    EXPECT_EQ(renewed.raw.status, HF_STORE_OK) << renewed.detail;
  }
}

// A failover may forget a claim: that is what G2 says, and here it is seen. The master is cut off from its replica
// (which has no password), and not from the cluster.
TEST_F(RedisClusterStore, FailoverThatForgetsAClaimGivesTwoOwnersAndOnlyWaitTells) {
  const auto store = Open();
  const auto careful = OpenCareful(50ms);
  const StoreReply before = Ask(*store, Claim("k", 1));
  ASSERT_EQ(Ask(*store, testing::Abandon("k", before.raw.token)).raw.status, HF_STORE_OK);
  ASSERT_EQ(Ask(*careful, Claim("warm", 1)).raw.status, HF_STORE_WON);
  const uint16_t slot = SlotOfKey("k");
  const int master = cluster->OwnerOf(slot);
  const int replica = (master + 3) % 6;
  const std::string other = KeyWithOwner(master);
  cluster->Ask(master, {"CONFIG", "SET", "requirepass", "secret"});
  cluster->server(master).UsePassword("secret");
  cluster->Ask(master, {"CLIENT", "KILL", "TYPE", "replica"});
  ASSERT_TRUE(testing::Eventually([&] {
    return cluster->Ask(master, {"INFO", "replication"}).find("connected_slaves:0") !=
           std::string::npos;
  }));
  const StoreReply first = Ask(*store, Claim("k", 2));
  ASSERT_EQ(first.raw.status, HF_STORE_WON) << first.detail;
  // Who asks for replicas is not told that it won.
  const StoreReply unsure = Ask(*careful, Claim(other, 3));
  EXPECT_EQ(unsure.raw.status, HF_STORE_INDETERMINATE);
  EXPECT_EQ(careful->stats().store.given_back, 1u);
  cluster->server(master).Kill();
  ASSERT_TRUE(testing::Eventually([&] { return cluster->IsMaster(replica); }));
  const StoreReply second = Ask(*store, Claim("k", 4));
  ASSERT_EQ(second.raw.status, HF_STORE_WON) << second.detail;  // the claim of 2 is gone
  EXPECT_GT(second.raw.token, first.raw.token);                 // and a resource can tell
  EXPECT_EQ(Ask(*store, testing::Complete("k", first.raw.token, "x")).raw.status, HF_STORE_FENCED);
  printf("two owners of one key after a failover without WAIT, as G2 says; tokens rose\n");
  cluster->server(master).UsePassword("");
  cluster->server(master).Start();  // its configuration has no password
  EXPECT_TRUE(cluster->AwaitCalm());
}

TEST_F(RedisClusterStore, DeadMasterIsUnavailableOrIndeterminateAndThenReplaced) {
  const auto store = Open();
  std::map<std::string, uint64_t> tokens;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "k" + std::to_string(i);
    tokens[key] = Ask(*store, Claim(key, 1)).raw.token;
  }
  const uint16_t slot = SlotOfKey("k0");
  const int master = cluster->OwnerOf(slot);
  // What the replica has, it keeps. Also the mark by which the store knows its data again.
  ASSERT_EQ(Ask(*OpenCareful(5s), testing::Renew("k0", tokens["k0"])).detail, "");
  cluster->server(master).Kill();
  const StoreReply gone = store->Execute(testing::Renew("k0", tokens["k0"]), 100ms);
  EXPECT_TRUE(gone.raw.status == HF_STORE_UNAVAILABLE || gone.raw.status == HF_STORE_INDETERMINATE)
      << gone.raw.status;
  for (const auto& [key, token] : tokens) {  // the other nodes go on
    if (cluster->OwnerOf(SlotOfKey(key)) == -1) continue;
    EXPECT_EQ(Ask(*store, testing::Renew(key, token)).raw.status, HF_STORE_OK);
    break;
  }
  EXPECT_TRUE(testing::Eventually(
      [&] { return Ask(*store, testing::Renew("k0", tokens["k0"])).raw.status == HF_STORE_OK; }));
  for (const auto& [key, token] : tokens) {
    EXPECT_EQ(Ask(*store, testing::Renew(key, token)).raw.status, HF_STORE_OK) << key;
  }
  cluster->server(master).Start();
  EXPECT_TRUE(cluster->AwaitCalm());
}

}  // namespace
}  // namespace holdfast::redis
