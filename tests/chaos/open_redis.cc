// SPDX-License-Identifier: Apache-2.0
// See open_store.h.
#include <holdfast/redis/cluster_store.h>
#include <holdfast/redis/store.h>

#include <chrono>
#include <utility>

#include "chaos/open_store.h"

namespace holdfast::chaos {
namespace {

redis::Options OptionsOf(uint16_t port, Patience patience) {
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
  return options;
}

}  // namespace

absl::StatusOr<OpenedStore> OpenRedis(uint16_t port, uint32_t replicas, Patience patience) {
  redis::Options options = OptionsOf(port, patience);
  options.replicas = replicas;
  options.replica_timeout = std::chrono::milliseconds(50);
  absl::StatusOr<std::unique_ptr<redis::Store>> store = redis::Store::Open(std::move(options));
  if (!store.ok()) return store.status();
  return OpenedStore{.store = *std::move(store), .joined = nullptr};
}

absl::StatusOr<OpenedStore> OpenCluster(uint16_t port, Patience patience) {
  redis::ClusterOptions options;
  options.store = OptionsOf(port, patience);
  absl::StatusOr<std::unique_ptr<redis::ClusterStore>> store =
      redis::ClusterStore::Open(std::move(options));
  if (!store.ok()) return store.status();
  return OpenedStore{.store = *std::move(store), .joined = nullptr};
}

}  // namespace holdfast::chaos
