// SPDX-License-Identifier: Apache-2.0
// A Redis Cluster of three masters with append-only files. Its clients are redirected from node to node by address, past
// any proxy, so connections are broken by the nodes. See scene.h.
#include <absl/strings/str_cat.h>

#include "chaos/scene.h"
#include "store/redis_cluster.h"

namespace holdfast::chaos {
namespace {

using testing::RedisCluster;

constexpr int kMasters = 3;
constexpr uint16_t kMovedSlots = 12;

class ClusterScene final : public Scene {
 public:
  bool Start() {
    cluster_ = RedisCluster::Start(
        {.masters = kMasters, .lines = {"appendonly yes", "appendfsync always"}});
    return cluster_ != nullptr;
  }

  std::string Address() const override { return absl::StrCat("cluster:", cluster_->port(0)); }
  // The nodes' estimates of time, as with one server.
  int64_t retention_lag() const override { return HF_S; }

  std::string Strike(std::mt19937_64& random, std::span<const pid_t>) override {
    const int node = static_cast<int>(random() % kMasters);
    switch (random() % 5) {
      case 0:
        cluster_->server(node).Kill();
        cluster_->server(node).Start();
        cluster_->AwaitCalm();
        return "node killed and restarted";
      case 1:
        frozen_ = node;
        cluster_->server(node).Pause();
        return "node frozen";
      case 2:
        cluster_->Ask(node, {"SCRIPT", "FLUSH"});
        return "scripts flushed";
      case 3:
        cluster_->Ask(node, {"CLIENT", "KILL", "TYPE", "normal"});
        return "clients killed by a node";
      default:
        const auto first = static_cast<uint16_t>(random() % (16384 - kMovedSlots));
        cluster_->MoveSlots(first, first + kMovedSlots - 1, node);
        return "slots moved";
    }
  }
  void Recover() override {
    if (frozen_ >= 0) cluster_->server(frozen_).Resume();
    frozen_ = -1;
  }
  void Calm() override {
    Recover();
    cluster_->AwaitCalm();
  }

 private:
  std::unique_ptr<RedisCluster> cluster_;
  int frozen_ = -1;
};

}  // namespace

std::unique_ptr<Scene> MakeClusterScene() {
  auto scene = std::make_unique<ClusterScene>();
  if (!scene->Start()) return nullptr;
  return scene;
}

}  // namespace holdfast::chaos
