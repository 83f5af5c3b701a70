// SPDX-License-Identifier: Apache-2.0
// ClusterCarrier: how the commands of a store find the nodes of a cluster, what each of those nodes must be
// like, and whether one of them has lost its data.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_CARRIER_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_CARRIER_H_

#include <absl/status/status.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/cluster_router.h"
#include "adapters/redis/cluster_sentinels.h"
#include "adapters/redis/core.h"
#include "adapters/redis/gate.h"
#include "adapters/redis/io_thread.h"
#include "adapters/redis/requests.h"

namespace holdfast::inline v0_5::redis {

class ClusterCarrier final : public Carrier {
 public:
  // `core`, its options filled in, outlives it; its scripts' names are set by Open.
  explicit ClusterCarrier(Core* core);
  ~ClusterCarrier();

  // Looks the cluster up, connects to each master, judges, loads the scripts, arms the sentinels. Errors as
  // ClusterStore::Open.
  absl::Status Open(std::vector<NodeAddress> seeds, TlsContext tls);
  absl::Status Rearm(SteadyTime until);

  // Masters that have been greeted, and what they were last seen to be.
  std::map<NodeId, ServerFacts> facts() const;
  ClusterRouter& router() { return *router_; }
  const ConnectionCounters& counters() const { return counters_; }

  // Carrier.
  Connection::Accepted Send(Exchange& exchange, const uint8_t* key_id) override;
  void SendAll(std::span<Exchange* const> exchanges, std::span<const uint8_t* const> key_ids,
               std::span<Connection::Accepted> accepted) override;
  void Continue(Exchange& exchange, const uint8_t* key_id) override;
  int64_t EstimateNow(const uint8_t* key_id) const override;
  const char* Refusal() const override;
  bool OnIoThread() const override { return io_.IsThisThread(); }

  // Asks whoever serves the slot, and again where the answer is UNAVAILABLE (nothing happened): it may have moved.
  // Blocks; not on the io thread.
  template <typename Value>
  absl::StatusOr<Value> AtOwner(uint16_t slot, SteadyTime until,
                                const std::function<absl::StatusOr<Value>(Connection&)>& ask) {
    for (;;) {
      const std::shared_ptr<Connection> connection = router_->Serving(slot);
      absl::StatusOr<Value> answer = Unserved();
      if (connection != nullptr) answer = ask(*connection);
      if (answer.status().code() != absl::StatusCode::kUnavailable || !PauseForMap(until)) {
        return answer;
      }
    }
  }

 private:
  class Gate;

  absl::Status AwaitMap(std::vector<NodeAddress> seeds, TlsContext tls, SteadyTime until);
  absl::Status AwaitMasters(SteadyTime until);
  absl::Status ArmAll(bool look_only, SteadyTime until);
  static absl::Status Unserved();
  bool PauseForMap(SteadyTime until);
  void Note(NodeId node, const absl::Status& status);
  absl::Status Admit(NodeId node, std::span<const Reply> replies);

  Core& core_;
  ClusterSentinels sentinels_;
  ConnectionCounters counters_;
  IoThread io_;
  std::shared_ptr<ClusterRouter> router_;

  mutable std::mutex mutex_;  // the rest
  std::condition_variable changed_;
  std::deque<Gate> gates_;                   // one for each connection that ever was
  std::map<NodeId, absl::Status> attempts_;  // the last of each node
  std::map<NodeId, ServerFacts> facts_;
  bool scripts_named_ = false;
};

// The slot of a record, and of all that belongs to it.
uint16_t SlotOfRecord(const uint8_t* key_id);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_CARRIER_H_
