// SPDX-License-Identifier: Apache-2.0
// See seeds.h.
#include "adapters/redis/seeds.h"

#include <holdfast/status.h>

#include <charconv>
#include <system_error>

namespace holdfast::inline v0_5::redis {
namespace {

constexpr size_t kMaxSeeds = 1000;

bool ReadSeed(std::string_view text, NodeAddress* address) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool v6 = host.find(':') != std::string_view::npos;
  if (bracketed != v6 || !IsHost(host)) return false;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), address->port);
  if (read.ec != std::errc{} || read.ptr != port.data() + port.size()) return false;
  address->host = std::string(host);
  return address->port != 0;
}

}  // namespace

absl::StatusOr<std::vector<NodeAddress>> ParseSeeds(const Server& server,
                                                    const std::vector<std::string>& seeds) {
  if (seeds.size() > kMaxSeeds) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "seeds: more than 1000");
  }
  std::vector<NodeAddress> addresses = {{server.host, server.port}};
  for (size_t i = 0; i < seeds.size(); ++i) {
    NodeAddress address;
    if (!ReadSeed(seeds[i], &address)) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                        "seeds[" + std::to_string(i) + "]: not host:port");
    }
    addresses.push_back(std::move(address));
  }
  return addresses;
}

}  // namespace holdfast::inline v0_5::redis
