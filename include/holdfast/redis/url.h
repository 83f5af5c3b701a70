// SPDX-License-Identifier: Apache-2.0
// A store's address as one line of text, for command lines and configuration files.
//
//   redis://[[username]:password@]host[:port][/database][?name=value&...]      rediss:// the same over TLS
//
// host: a name, an IPv4 address, or an IPv6 address in brackets. Parts may be percent-encoded. Names:
//   password_file ca_file cert_file key_file server_name client_name prefix   text
//   connections replicas                                                      a number
//   allow_any_certificate allow_eviction allow_replica allow_old_server allow_active_active
//   allow_unknown_configuration require_sentinel                              1
#ifndef HOLDFAST_REDIS_URL_H_
#define HOLDFAST_REDIS_URL_H_

#include <absl/status/statusor.h>
#include <holdfast/redis/cluster_store.h>
#include <holdfast/redis/store.h>

#include <string_view>

namespace holdfast::inline v0_5::redis {

// Nothing is looked up or opened. The rest of the options is theirs to fill in.
// Errors: INVALID_ARGUMENT HF_R_BAD_OPTIONS naming the part, never showing what stands in it. Thread-safe.
absl::StatusOr<Options> ParseUrl(std::string_view url);

// Of a cluster: redis-cluster:// or rediss-cluster://, and one or more hosts with commas in between, which are
// the nodes to begin with; each may have its port. Else as ParseUrl.
absl::StatusOr<ClusterOptions> ParseClusterUrl(std::string_view url);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_URL_H_
