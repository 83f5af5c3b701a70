// SPDX-License-Identifier: Apache-2.0
// Trip: a command on its way through a cluster. For ClusterRouter only.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_TRIP_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_TRIP_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "adapters/redis/cluster_route.h"
#include "adapters/redis/cluster_router.h"

namespace holdfast::inline v0_5::redis {

// Owns itself: from the router's Submit until it has called back, or was withdrawn.
class ClusterRouter::Trip final : public Exchange {
 public:
  Trip(ClusterRouter& router, Exchange& inner, uint16_t slot)
      : router_(router), inner_(inner), slot_(slot), route_(router.map_, slot) {
    wire = std::move(inner.wire);
    deadline = inner.deadline;
    confirm = inner.confirm;
    guarded = inner.guarded;
  }

  void OnReply(Reply reply, int confirmed) override;
  void OnLost(const Loss& loss) override;
  bool Wrote(const redisReply& reply) const override;

  // The ends.
  void Answer(Reply reply, int confirmed);
  void Lose(const Loss& loss);
  // It was not accepted: gives the wire back, calls nobody.
  void Withdraw() {
    const std::unique_ptr<Trip> self(this);
    inner_.wire = std::move(wire);
  }

  Route& route() { return route_; }
  uint16_t slot() const { return slot_; }
  const Loss& loss() const { return loss_; }  // the last that was told

 private:
  ClusterRouter& router_;
  Exchange& inner_;
  const uint16_t slot_;
  Route route_;
  Loss loss_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_TRIP_H_
