// SPDX-License-Identifier: Apache-2.0
// Router: who a command about one key is sent to.
//
// One server has one answer to that; a cluster has one for each slot, and a new one whenever it is resharded. What
// is above it (the store, the limiter) says which slot and hears what became of the command, as of a Connection.
#ifndef HOLDFAST_ADAPTERS_REDIS_ROUTER_H_
#define HOLDFAST_ADAPTERS_REDIS_ROUTER_H_

#include <cstdint>
#include <span>

#include "adapters/redis/connection.h"
#include "adapters/redis/exchange.h"

namespace holdfast::inline v0_5::redis {

struct Routed {
  Exchange* exchange = nullptr;
  uint16_t slot = 0;
};

// Thread-safe. An exchange that was accepted lives until it is called back, on the io thread; its wire is given
// back then.
class Router {
 public:
  using Accepted = Connection::Accepted;

  virtual ~Router() = default;

  virtual Accepted Submit(const Routed& routed) = 0;

  // Those of one node go out next to each other. Each is accepted or not by itself: accepted[i] says so.
  virtual void Submit(std::span<const Routed> all, std::span<Accepted> accepted) = 0;

  // Everything under way is lost; nothing is accepted any more.
  virtual void Stop() = 0;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_ROUTER_H_
