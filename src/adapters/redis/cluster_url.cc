// SPDX-License-Identifier: Apache-2.0
// See url.h. Here: the address of a cluster, which is that of one node and then the hosts of others.
#include <holdfast/redis/url.h>
#include <holdfast/status.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "adapters/redis/seeds.h"

namespace holdfast::inline v0_5::redis {
namespace {

absl::Status Bad(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, text);
}

// "host", "[v6]" or "host:port" as a seed, which needs its port.
std::string WithPort(std::string_view host) {
  const bool v6 = host.ends_with(']');
  const bool bare = v6 || host.find(':') == std::string_view::npos;
  return bare ? std::string(host) + ":6379" : std::string(host);
}

}  // namespace

absl::StatusOr<ClusterOptions> ParseClusterUrl(std::string_view url) {
  const bool tls = url.starts_with("rediss-cluster://");
  if (!tls && !url.starts_with("redis-cluster://")) {
    return Bad("url: not redis-cluster:// or rediss-cluster://");
  }
  url.remove_prefix(url.find("://") + 3);
  const size_t authority_end = std::min(url.find_first_of("/?"), url.size());
  const std::string_view tail = url.substr(authority_end);
  const std::string_view authority = url.substr(0, authority_end);
  const size_t at = authority.rfind('@');
  const size_t hosts_begin = at == std::string_view::npos ? 0 : at + 1;
  const std::string_view who = authority.substr(0, hosts_begin);
  std::string_view hosts = authority.substr(hosts_begin);

  const size_t comma = std::min(hosts.find(','), hosts.size());
  std::string first = tls ? "rediss://" : "redis://";
  first.append(who).append(hosts.substr(0, comma)).append(tail);
  absl::StatusOr<Options> store = ParseUrl(first);
  if (!store.ok()) return store.status();
  if (store->server.database != 0) return Bad("url: a cluster has database 0 only");

  ClusterOptions options{.store = *std::move(store)};
  while (hosts.find(',') != std::string_view::npos) {
    hosts.remove_prefix(hosts.find(',') + 1);
    options.seeds.push_back(WithPort(hosts.substr(0, hosts.find(','))));
  }
  const auto seeds = ParseSeeds({.host = "first", .port = 1}, options.seeds);
  if (!seeds.ok()) return Bad("url: a host that is none");
  return options;
}

}  // namespace holdfast::inline v0_5::redis
