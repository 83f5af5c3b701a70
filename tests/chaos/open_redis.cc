// SPDX-License-Identifier: Apache-2.0
// See open_store.h.
#include <holdfast/redis/store.h>

#include <chrono>
#include <utility>

#include "chaos/open_store.h"

namespace holdfast::chaos {

absl::StatusOr<OpenedStore> OpenRedis(uint16_t port, uint32_t replicas, Patience patience) {
  using std::chrono::milliseconds;
  redis::Options options;
  options.server.port = port;
  options.server.reconnect_base = milliseconds(5);
  options.server.reconnect_cap = milliseconds(40);
  if (patience == Patience::kStorm) {
    options.server.connect_timeout = milliseconds(500);
    options.server.round_trip_timeout = milliseconds(300);
    options.default_timeout = milliseconds(500);
  }
  options.connections = 2;
  options.replicas = replicas;
  options.replica_timeout = milliseconds(50);
  absl::StatusOr<std::unique_ptr<redis::Store>> store = redis::Store::Open(std::move(options));
  if (!store.ok()) return store.status();
  return OpenedStore{.store = *std::move(store), .joined = nullptr};
}

}  // namespace holdfast::chaos
