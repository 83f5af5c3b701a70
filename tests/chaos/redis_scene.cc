// SPDX-License-Identifier: Apache-2.0
// One Redis server with its append-only file, and a primary with a replica that takes over. See scene.h.
#include <absl/strings/str_cat.h>

#include <chrono>
#include <thread>

#include "chaos/network_scene.h"
#include "store/redis_server.h"

namespace holdfast::chaos {
namespace {

using testing::RedisServer;

// The estimate of the server's clock lags by the way of the last TIME, which the proxy delays and which waits
// for a stopped worker.
constexpr int64_t kRetentionLag = 1'000'000'000;

const std::vector<std::string>& Durable() {
  static const std::vector<std::string> lines = {"appendonly yes", "appendfsync always",
                                                 "maxmemory-policy noeviction"};
  return lines;
}

// In sync, and as durable.
std::unique_ptr<RedisServer> ReplicaOf(const RedisServer& primary) {
  std::vector<std::string> lines = Durable();
  lines.push_back(absl::StrCat("replicaof 127.0.0.1 ", primary.port()));
  auto replica = std::make_unique<RedisServer>(std::move(lines));
  testing::Eventually([&] {
    const std::string info = replica->Command({"INFO", "replication"});
    return info.find("master_link_status:up") != std::string::npos;
  });
  return replica;
}

class RedisScene final : public NetworkScene {
 public:
  bool Start(uint64_t seed) { return server_.pid() != 0 && Interpose(server_.port(), seed); }

  std::string Address() const override { return absl::StrCat("redis:", proxy_->port()); }
  std::string DirectAddress() const override { return absl::StrCat("redis:", server_.port()); }

  int64_t retention_lag() const override { return kRetentionLag; }

  std::string Strike(std::mt19937_64& random, std::span<const pid_t>) override {
    switch (random() % 6) {
      case 0:
        server_.Kill();
        server_.Start();
        return "server killed and restarted";
      case 1:
        server_.Pause();
        paused_ = true;
        return "server frozen";
      case 2:
        server_.Command({"SCRIPT", "FLUSH"});
        return "scripts flushed";
      case 3:
        server_.Command({"CLIENT", "KILL", "TYPE", "normal"});
        return "clients killed by the server";
      default:
        return StrikeNetwork(random);
    }
  }
  void Recover() override {
    if (paused_) server_.Resume();
    paused_ = false;
    NetworkScene::Recover();
  }

 private:
  RedisServer server_{Durable()};
  bool paused_ = false;
};

// The replica is cut off, the primary goes on for a moment and dies, the replica takes its place: what was
// written meanwhile is forgotten, whatever WAIT had asked for.
class FailoverScene final : public NetworkScene {
 public:
  bool Start(uint64_t seed) {
    primary_ = std::make_unique<RedisServer>(Durable());
    if (primary_->pid() == 0 || !Interpose(primary_->port(), seed)) return false;
    replica_ = ReplicaOf(*primary_);
    return replica_->pid() != 0;
  }

  std::string Address() const override { return absl::StrCat("replicated:", proxy_->port()); }
  std::string DirectAddress() const override { return absl::StrCat("redis:", primary_->port()); }
  std::string beyond_promise() const override {
    return "the limit of G2: a failover forgets what the replica had not";
  }

  int64_t retention_lag() const override { return kRetentionLag; }

  std::string Strike(std::mt19937_64& random, std::span<const pid_t>) override {
    if (random() % 3 != 0) return StrikeNetwork(random);
    replica_->Command({"REPLICAOF", "127.0.0.1", "1"});
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 100));
    primary_->Kill();
    replica_->Command({"REPLICAOF", "NO", "ONE"});
    proxy_->SetTarget(replica_->port());
    proxy_->ResetAll();
    std::swap(primary_, replica_);
    replica_ = ReplicaOf(*primary_);
    return "failover";
  }

 private:
  std::unique_ptr<RedisServer> primary_;
  std::unique_ptr<RedisServer> replica_;
};

template <class Kind>
std::unique_ptr<Scene> Make(uint64_t seed) {
  auto scene = std::make_unique<Kind>();
  if (!scene->Start(seed)) return nullptr;
  return scene;
}

}  // namespace

std::unique_ptr<Scene> MakeRedisScene(uint64_t seed) { return Make<RedisScene>(seed); }
std::unique_ptr<Scene> MakeFailoverScene(uint64_t seed) { return Make<FailoverScene>(seed); }

}  // namespace holdfast::chaos
