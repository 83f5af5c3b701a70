// SPDX-License-Identifier: Apache-2.0
// Route: the way of one request through a cluster. Pure: it knows neither sockets nor time, and does nothing.
//
//   state    event                                   next     step
//   READY    Begin, the slot has an owner            SENT     SEND to it
//   READY    Begin, it has none                      PAUSED   PAUSE; the map is stale
//   SENT     an answer of the script                 DONE     ANSWERED
//   SENT     MOVED, of this slot                     SENT     SEND there; the map learns it, and is stale
//   SENT     ASK, of this slot                       SENT     SEND there, ASKING before it; the map stays
//   SENT     TRYAGAIN                                PAUSED   PAUSE, then wherever it was sent
//   SENT     CLUSTERDOWN, MASTERDOWN, LOADING,       PAUSED   PAUSE; the map is stale
//            READONLY; not sent: no connection
//   SENT     sent, and no answer                     DONE     LOST; the map is stale
//   PAUSED   Resume                                  as READY
//   any      more redirections or pauses than        DONE     REFUSED
//            allowed; a redirection that cannot
//            be followed
//
// Invariants: a request is sent again only after an answer that proves that it was not carried out, so that a
// mutation happens at most once, whatever the cluster does meanwhile; LOST alone leaves that open. Ends after
// at most kMaxRedirects + kMaxPauses + 1 sends.
// Source: Redis cluster specification, "Redirection and resharding".
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_ROUTE_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_ROUTE_H_

#include <cstdint>
#include <string_view>

#include "adapters/redis/cluster_map.h"

namespace holdfast::inline v0_5::redis {

inline constexpr uint32_t kMaxRedirects = 5;  // in a row, between pauses
inline constexpr uint32_t kMaxPauses = 16;

// What became of a request that was sent, or was to be.
enum class Fate {
  kAnswered,  // by an error too
  kNotSent,   // nothing left this process
  kLost,      // some of it did, and there is no answer
};

enum class Step { kSend, kPause, kAnswered, kLost, kRefused };

// What an answer says about the cluster and not about the request.
enum class ClusterError { kNone, kMoved, kAsk, kTryAgain, kDown };

// `error`: the text of an error reply; empty for every other reply.
ClusterError ClusterErrorOf(std::string_view error);

class Route {
 public:
  Route(SlotMap& map, uint16_t slot) : map_(map), slot_(slot) {}

  // Also after a pause.
  Step Begin();

  // After kSend. `error` as above; the node that answered is node().
  Step OnFate(Fate fate, std::string_view error);

  NodeId node() const { return node_; }    // kSend: where to
  bool asking() const { return asking_; }  // kSend: ASKING goes before it, on the same connection
  bool stale() const { return stale_; }    // the map is known to be outdated; since the last Begin
  uint32_t pauses() const { return pauses_; }
  uint32_t redirects() const { return redirects_all_; }
  const char* why() const { return why_; }  // kRefused: for people

 private:
  Step SendTo(NodeId node, bool asking);
  Step Pause(const char* why, bool stale);
  Step Refuse(const char* why);
  Step Follow(std::string_view error);

  SlotMap& map_;
  const uint16_t slot_;
  NodeId node_ = kNoNode;
  bool asking_ = false;
  bool stale_ = false;
  bool stay_ = false;  // TRYAGAIN: the pause ends where it began
  uint32_t redirects_ = 0;
  uint32_t redirects_all_ = 0;
  uint32_t pauses_ = 0;
  const char* why_ = "";
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_ROUTE_H_
