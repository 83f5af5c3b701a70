// SPDX-License-Identifier: Apache-2.0
// ClusterRouter: commands to the nodes of a cluster, wherever their slots go.
//
// Each command makes a trip (a Route and where it is): sent to a node, redirected, paused, or at its end.
//
//   a trip is held by     until                                   then
//   a connection          OnReply, OnLost                         Route::OnFate says what next
//   paused_               its time; a new map that gives its      Route::Begin
//                         slot to another node
//
// Invariants:
//  - Of each command accepted exactly one of OnReply and OnLost is called, once, on the io thread.
//  - A command is sent again only where Route says that it was not carried out (cluster_route.h).
//  - Loss.sent is true only if the trip's last send was lost: no pause, no redirection makes it so.
//  - No more trips are paused than may wait for one connection (max_queue): the rest is refused.
//  - At most one look-up of the map is under way (cluster_refresh.h); it asks one node after another.
// Locks: nodes_mutex_ for the connections by node, held for no call. All else lives on the io thread.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_ROUTER_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_ROUTER_H_

#include <absl/status/status.h>
#include <holdfast/redis/server.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "adapters/redis/cluster_map.h"
#include "adapters/redis/cluster_refresh.h"
#include "adapters/redis/cluster_route.h"
#include "adapters/redis/router.h"

namespace holdfast::inline v0_5::redis {

struct ClusterCounters {
  std::atomic<uint64_t> moved{0};
  std::atomic<uint64_t> asked{0};
  std::atomic<uint64_t> pauses{0};
  std::atomic<uint64_t> look_ups{0};  // of the map
};

class ClusterRouter final : public Router, public std::enable_shared_from_this<ClusterRouter> {
 public:
  struct Config {
    Server server;                   // prepared; host and port stand for each node's own
    std::vector<NodeAddress> seeds;  // at least one
    TlsContext tls;
    Replication replication;
    uint32_t connections = 1;  // to each node
    // Of a new connection to that node; it and the counters outlive the io thread. On any thread.
    std::function<ConnectionOwner*(NodeId)> owner_of;
    ConnectionCounters* counters = nullptr;
  };

  ClusterRouter(boost::asio::io_context& io, Config config);
  ~ClusterRouter() override;

  // Looks the cluster up; `done` hears once how that went, on the io thread.
  void Start(std::function<void(const absl::Status&)> done);

  Accepted Submit(const Routed& routed) override;
  void Submit(std::span<const Routed> all, std::span<Accepted> accepted) override;
  void Stop() override;

  // A further step of something that was accepted before, whatever waits already. On the io thread.
  void Continue(const Routed& routed);

  // What the clock shows that is ahead of all others, of the nodes that are known; 0: none is. A key's tokens
  // must not fall because its slot has moved to a node whose clock is behind.
  int64_t EstimateNow() const;

  // To one node, whatever slots it has: for what is asked of every master.
  Accepted SubmitTo(NodeId node, std::span<Exchange* const> exchanges);

  // A connection to that node, and to whoever serves the slot (null: nobody, as far as is known).
  std::shared_ptr<Connection> Reach(NodeId node) { return ConnectionTo(node, 0); }
  std::shared_ptr<Connection> Serving(uint16_t slot);

  const SlotMap& map() const { return map_; }
  const ClusterCounters& counters() const { return counters_; }
  // How many replicas the master with the fewest has, by the last map.
  uint32_t fewest_replicas() const { return fewest_replicas_.load(); }

  // Something shows that the map is outdated.
  void AskForMap();

 private:
  class Trip;
  class LookUp;
  struct Node {
    std::vector<std::shared_ptr<Connection>> connections;
    SteadyTime used{};
  };

  // Commands of one slot use one connection, as long as it is there, so that they stay in order.
  std::shared_ptr<Connection> ConnectionTo(NodeId node, uint32_t slot);
  void DropUnused(SteadyTime before);
  void GoOn(Trip& trip, Step step);
  void Send(Trip& trip);
  void Pause(Trip& trip);
  void PauseLater(Trip& trip);  // from any thread
  void Refuse(Trip& trip);
  void Resume(Trip& trip);
  void ResumeMoved();
  void ArmPace();
  void OnPace();
  void WantMap();
  void LookUpIfDue();
  void BeginLookUp();
  absl::Status TakeMap(const redisReply& reply, const NodeAddress& asked);
  void EndLookUp(const absl::Status& status);

  boost::asio::io_context& io_;
  const Config config_;
  SlotMap map_;
  ClusterCounters counters_;
  std::atomic<bool> stopped_{false};
  std::atomic<uint32_t> fewest_replicas_{0};

  mutable std::mutex nodes_mutex_;
  std::map<NodeId, Node> nodes_;

  std::multimap<SteadyTime, Trip*> paused_;
  RetryPolicy backoff_;  // of pauses
  Refresh refresh_;
  SteadyTime next_look_up_ = SteadyTime::max();  // though nothing asks for it
  std::function<void(const absl::Status&)> on_start_;
  boost::asio::steady_timer pace_;  // the first of paused_, and of the refresh
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_ROUTER_H_
