// SPDX-License-Identifier: Apache-2.0
// A real Redis Cluster for tests: nodes on free ports of this machine, in folders of their own, stopped by pid.
// It can be resharded, and nodes can be stopped, killed and failed over, while requests are under way.
//
//   const std::unique_ptr<RedisCluster> cluster = RedisCluster::Start({.masters = 3});
//   ASSERT_NE(cluster, nullptr);
//   cluster->MoveSlots(0, 99, 2);
#ifndef HOLDFAST_TESTS_STORE_REDIS_CLUSTER_H_
#define HOLDFAST_TESTS_STORE_REDIS_CLUSTER_H_

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "store/redis_server.h"

namespace holdfast::testing {

struct RedisClusterOptions {
  int masters = 3;
  int replicas = 0;                     // of each master; they are nodes masters, masters + 1, ...
  int node_timeout_ms = 1000;           // after which a silent node is failing
  std::vector<std::string> lines = {};  // of every redis.conf
};

// Not thread-safe, but that every function may run beside clients of the cluster.
class RedisCluster {
 public:
  // Null after a test failure that says why.
  static std::unique_ptr<RedisCluster> Start(const RedisClusterOptions& options) {
    std::unique_ptr<RedisCluster> cluster(new RedisCluster);
    const int nodes = options.masters * (1 + options.replicas);
    for (int i = 0; i < nodes; ++i) {
      if (!cluster->StartNode(options)) return nullptr;
    }
    if (!cluster->Form(options)) {
      ADD_FAILURE() << "the cluster did not form: " << cluster->Ask(0, {"CLUSTER", "INFO"});
      return nullptr;
    }
    return cluster;
  }

  int size() const { return static_cast<int>(nodes_.size()); }
  uint16_t port(int node) const { return nodes_[Index(node)]->port(); }
  const std::string& id(int node) const { return ids_[Index(node)]; }
  RedisServer& server(int node) { return *nodes_[Index(node)]; }

  // As RedisServer::Command.
  std::string Ask(int node, const std::vector<std::string>& command) {
    return server(node).Command(command);
  }

  // Who serves the slot by its own account; -1: nobody that runs.
  int OwnerOf(uint16_t slot) {
    for (int i = 0; i < size(); ++i) {
      if (server(i).pid() == 0 || !IsMaster(i)) continue;
      if (ServedBy(i, slot) == port(i)) return i;
    }
    return -1;
  }

  // Moves the slots with all their keys while they are in use, as redis-cli --cluster reshard does. `between`
  // is called for each slot when its keys are on their way and its owner is still the old one.
  void MoveSlots(
      uint16_t first, uint16_t last, int to,
      const std::function<void(uint16_t)>& between = [](uint16_t) {}) {
    for (uint32_t slot = first; slot <= last && !::testing::Test::HasFailure(); ++slot) {
      MoveSlot(static_cast<uint16_t>(slot), to, between);
    }
    ASSERT_TRUE(AwaitAgreement(last, to));
  }

  bool IsMaster(int node) { return Ask(node, {"ROLE"}).starts_with("master"); }

  // Everything that any of them holds.
  void Flush() {
    for (int i = 0; i < size(); ++i) {
      if (server(i).pid() != 0 && IsMaster(i)) Ask(i, {"FLUSHALL"});
    }
  }

  // Makes the replica a master; `how`: "" agreed with the old master, "FORCE" without it, "TAKEOVER" without
  // anybody. Waits until it says so itself.
  bool Promote(int replica, const std::string& how = "") {
    std::vector<std::string> command = {"CLUSTER", "FAILOVER"};
    if (!how.empty()) command.push_back(how);
    Ask(replica, command);
    return Eventually([&] { return IsMaster(replica); });
  }

  // Until every node that is up says that all slots are served.
  bool AwaitCalm() {
    return Eventually([&] {
      for (int i = 0; i < size(); ++i) {
        if (nodes_[Index(i)]->pid() == 0) continue;
        const std::string info = Ask(i, {"CLUSTER", "INFO"});
        if (info.find("cluster_state:ok") == std::string::npos) return false;
        if (info.find("cluster_slots_ok:16384") == std::string::npos) return false;
      }
      return true;
    });
  }

 private:
  RedisCluster() = default;

  static size_t Index(int node) { return static_cast<size_t>(node); }

  bool StartNode(const RedisClusterOptions& options) {
    std::vector<std::string> lines = {
        "cluster-enabled yes", "cluster-node-timeout " + std::to_string(options.node_timeout_ms),
        "cluster-allow-replica-migration no"};
    lines.insert(lines.end(), options.lines.begin(), options.lines.end());
    nodes_.push_back(std::make_unique<RedisServer>(lines, /*tls=*/false, FreeClusterPort));
    ids_.push_back(Ask(size() - 1, {"CLUSTER", "MYID"}));
    return nodes_.back()->pid() != 0;
  }

  bool Form(const RedisClusterOptions& options) {
    constexpr int kSlotCount = 16384;
    for (int i = 0; i < size(); ++i) {
      Ask(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      if (i > 0) Ask(0, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(port(i))});
      if (i >= options.masters) continue;
      const int first = kSlotCount * i / options.masters;
      const int last = kSlotCount * (i + 1) / options.masters - 1;
      Ask(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
    }
    const std::string known = "cluster_known_nodes:" + std::to_string(size()) + "\r";
    const bool met = Eventually([&] {
      for (int i = 0; i < size(); ++i) {
        if (Ask(i, {"CLUSTER", "INFO"}).find(known) == std::string::npos) return false;
      }
      return true;
    });
    if (!met) return false;
    for (int i = options.masters; i < size(); ++i) {
      const int master = (i - options.masters) % options.masters;
      if (!Eventually([&] { return Ask(i, {"CLUSTER", "REPLICATE", id(master)}) == "OK"; }))
        return false;
      if (!Eventually([&] {
            return Ask(i, {"INFO", "replication"}).find("master_link_status:up") !=
                   std::string::npos;
          })) {
        return false;
      }
    }
    return AwaitCalm();
  }

  // Moves that outrun what the nodes tell each other would end in two of them claiming the same epoch.
  bool AwaitAgreement(uint16_t slot, int owner) {
    return Eventually([&] {
      const std::string epoch = EpochAt(owner);
      for (int i = 0; i < size(); ++i) {
        if (server(i).pid() == 0) continue;
        if (ServedBy(i, slot) != port(owner) || EpochAt(i) != epoch) return false;
      }
      return true;
    });
  }

  // The port of who serves the slot, as `node` sees it; 0: nobody.
  uint16_t ServedBy(int node, uint16_t slot) {
    // "first\nlast\naddress\nport\nid\n...\n", an empty line after each node's part.
    const std::string slots = Ask(node, {"CLUSTER", "SLOTS"});
    std::vector<std::string> lines;
    for (size_t begin = 0; begin < slots.size();) {
      const size_t end = slots.find('\n', begin);
      lines.push_back(slots.substr(begin, end - begin));
      begin = end + 1;
    }
    for (size_t i = 0; i + 3 < lines.size(); ++i) {
      const bool first = !lines[i].empty() && (i == 0 || lines[i - 1].empty());
      const bool range = first && lines[i + 2] == "127.0.0.1";
      if (!range || std::stoi(lines[i]) > slot || std::stoi(lines[i + 1]) < slot) continue;
      return static_cast<uint16_t>(std::stoi(lines[i + 3]));
    }
    return 0;
  }

  std::string EpochAt(int node) {
    const std::string info = Ask(node, {"CLUSTER", "INFO"});
    const size_t at = info.find("cluster_current_epoch:");
    return info.substr(at, info.find('\r', at) - at);
  }

  void MoveSlot(uint16_t slot, int to, const std::function<void(uint16_t)>& between) {
    const std::string name = std::to_string(slot);
    const int from = OwnerOf(slot);
    ASSERT_GE(from, 0) << "slot " << slot;
    if (from == to) return;
    ASSERT_EQ(Ask(to, {"CLUSTER", "SETSLOT", name, "IMPORTING", id(from)}), "OK");
    ASSERT_EQ(Ask(from, {"CLUSTER", "SETSLOT", name, "MIGRATING", id(to)}), "OK");
    for (;;) {
      const std::string keys = Ask(from, {"CLUSTER", "GETKEYSINSLOT", name, "10"});  // a line each
      if (keys.empty()) break;
      std::vector<std::string> migrate = {"MIGRATE", "127.0.0.1", std::to_string(port(to)), "", "0",
                                          "5000",    "KEYS"};
      for (size_t begin = 0; begin < keys.size();) {
        const size_t end = keys.find('\n', begin);
        migrate.push_back(keys.substr(begin, end - begin));
        begin = end + 1;
      }
      const std::string moved = Ask(from, migrate);
      ASSERT_TRUE(moved == "OK" || moved == "NOKEY") << moved;
    }
    between(slot);
    ASSERT_EQ(Ask(to, {"CLUSTER", "SETSLOT", name, "NODE", id(to)}), "OK");
    ASSERT_EQ(Ask(from, {"CLUSTER", "SETSLOT", name, "NODE", id(to)}), "OK");
    // The others would hear of it by gossip, after a while.
    for (int i = 0; i < size(); ++i) {
      if (i == to || i == from || server(i).pid() == 0 || !IsMaster(i)) continue;
      ASSERT_EQ(Ask(i, {"CLUSTER", "SETSLOT", name, "NODE", id(to)}), "OK");
    }
  }

  std::vector<std::unique_ptr<RedisServer>> nodes_;
  std::vector<std::string> ids_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_REDIS_CLUSTER_H_
