// SPDX-License-Identifier: Apache-2.0
// A fleet's limit on a real Redis Cluster that is resharded and fails over under it.
#include <gtest/gtest.h>
#include <holdfast/redis/limiter.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/redis/cluster_slot.h"
#include "store/redis_cluster.h"

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using testing::RedisCluster;

class RedisClusterLimiter : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { cluster = RedisCluster::Start({.replicas = 1}).release(); }
  static void TearDownTestSuite() { delete cluster; }
  void SetUp() override {
    ASSERT_NE(cluster, nullptr);
    cluster->Flush();
  }

  static LimiterOptions With(uint32_t permits, Duration period, uint32_t burst) {
    LimiterOptions options;
    options.server.port = cluster->port(0);
    options.server.reconnect_base = 5ms;
    options.server.reconnect_cap = 20ms;
    options.cluster = true;
    options.name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    options.permits = permits;
    options.period = period;
    options.burst = burst;
    options.timeout = 5s;
    options.always_ask = true;
    return options;
  }
  static std::unique_ptr<Limiter> Open(const LimiterOptions& options) {
    auto limiter = Limiter::Open(options);
    EXPECT_TRUE(limiter.ok()) << limiter.status();
    return limiter.ok() ? *std::move(limiter) : nullptr;
  }

  // The slot of the one key that the limiter has written by now.
  static uint16_t OnlySlot() {
    for (int node = 0; node < cluster->size(); ++node) {
      if (cluster->server(node).pid() == 0 || !cluster->IsMaster(node)) continue;
      const std::string name = cluster->Ask(node, {"KEYS", "*limit:*"});  // a line each
      if (!name.empty() && name.find('\n') == name.size() - 1) return SlotOf(name);
    }
    ADD_FAILURE() << "not one key";
    return 0;
  }

  static RedisCluster* cluster;
};

RedisCluster* RedisClusterLimiter::cluster = nullptr;

TEST_F(RedisClusterLimiter, KeysGoToTheirNodesWithoutADetour) {
  const auto limiter = Open(With(1, 1s, 1));
  for (int i = 0; i < 100; ++i) {
    const LimitVerdict verdict = limiter->Take({.key = "k" + std::to_string(i)});
    ASSERT_TRUE(verdict.allowed) << verdict.ToStatus();
  }
  EXPECT_EQ(limiter->stats().redirections, 0u);
  EXPECT_EQ(limiter->stats().connects, 3u);
}

TEST_F(RedisClusterLimiter, SlotThatMovesTakesItsLimitAlong) {
  const auto limiter = Open(With(1, 1h, 1000));
  uint32_t taken = 0;
  const auto take = [&] {
    const LimitVerdict verdict = limiter->Take({.key = "k"});
    ASSERT_TRUE(verdict.allowed) << verdict.ToStatus();
    ++taken;
    ASSERT_EQ(verdict.remaining, 1000 - taken);
  };
  take();
  const uint16_t slot = OnlySlot();
  for (int round = 0; round < 3; ++round) {
    const int to = (cluster->OwnerOf(slot) + 1) % 3;
    cluster->MoveSlots(slot, slot, to, [&](uint16_t) { take(); });  // the key is there: ASK
    take();                                                         // MOVED, or learned
  }
  EXPECT_GE(limiter->stats().redirections, 4u);
  EXPECT_TRUE(cluster->AwaitCalm());
}

TEST_F(RedisClusterLimiter, ReshardingUnderLoadAdmitsNoMoreThanTheRate) {
  constexpr uint32_t kPermits = 400;
  constexpr uint32_t kBurst = 20;
  const auto first = Open(With(kPermits, 1s, kBurst));
  const auto second = Open(With(kPermits, 1s, kBurst));
  const auto began = std::chrono::steady_clock::now();
  std::atomic<uint64_t> admitted = 0;
  std::atomic<uint64_t> unasked = 0;
  std::atomic<bool> stop = false;
  ASSERT_TRUE(first->Take({.key = "k"}).allowed);
  ++admitted;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Limiter& limiter = i % 2 == 0 ? *first : *second;
      while (!stop) {
        const LimitVerdict verdict = limiter.Take({.key = "k"});
        admitted += verdict.allowed ? 1 : 0;
        unasked += verdict.asked ? 0 : 1;
      }
    });
  }
  const uint16_t slot = OnlySlot();
  while (std::chrono::steady_clock::now() - began < 1500ms) {
    cluster->MoveSlots(slot, slot, (cluster->OwnerOf(slot) + 1) % 3);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double most = kBurst + kPermits * took.count();
  printf(
      "admitted %llu of at most %.1f in %.2f s, %llu redirections, %llu not asked\n",
      static_cast<unsigned long long>(admitted), most, took.count(),
      static_cast<unsigned long long>(first->stats().redirections + second->stats().redirections),
      static_cast<unsigned long long>(unasked));
  EXPECT_LE(static_cast<double>(admitted), most);
  EXPECT_GE(static_cast<double>(admitted), 0.8 * most);
  EXPECT_EQ(unasked, 0u);
  EXPECT_GT(first->stats().redirections, 0u);
  EXPECT_TRUE(cluster->AwaitCalm());
}

TEST_F(RedisClusterLimiter, AnySeedThatAnswersWillDo) {
  LimiterOptions options = With(1, 24h, 10);
  options.server.port = 1;                                                           // nobody
  options.seeds = {"127.0.0.1:2", "127.0.0.1:" + std::to_string(cluster->port(4))};  // a replica
  const auto limiter = Open(options);
  const LimitVerdict verdict = limiter->Take({.key = "k"});
  EXPECT_TRUE(verdict.asked) << verdict.ToStatus();
}

TEST_F(RedisClusterLimiter, MasterThatDiesIsReplacedByItsReplica) {
  LimiterOptions options = With(1, 1h, 1000);
  options.timeout = 500ms;
  const auto limiter = Open(options);
  ASSERT_TRUE(limiter->Take({.key = "k"}).asked);
  const int master = cluster->OwnerOf(OnlySlot());
  cluster->server(master).Kill();
  const LimitVerdict gone = limiter->Take({.key = "k"});
  EXPECT_FALSE(gone.allowed);
  EXPECT_EQ(gone.ToStatus().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(testing::Eventually([&] { return limiter->Take({.key = "k"}).asked; }));
  cluster->server(master).Start();
  EXPECT_TRUE(cluster->AwaitCalm());
}

}  // namespace
}  // namespace holdfast::redis
