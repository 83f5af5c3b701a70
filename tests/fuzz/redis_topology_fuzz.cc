// SPDX-License-Identifier: Apache-2.0
//
// What the nodes of a cluster say about each other (the first byte chooses what): a map that is read has only slots
// and addresses that there can be, a redirection likewise, and a seed is read back as it was.
#include <hiredis/hiredis.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/redis/cluster_map.h"
#include "adapters/redis/cluster_topology.h"
#include "adapters/redis/seeds.h"
#include "adapters/redis/wire.h"

namespace {

namespace redis = holdfast::redis;

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireAddress(const redis::NodeAddress& address) {
  Require(!address.host.empty() && address.host.size() <= 255 && address.port != 0);
  for (const char c : address.host) Require(c > ' ' && c < 0x7f);
}

void Topology(std::string_view bytes) {
  redis::ReplyParser parser(1 << 20);
  parser.Feed(bytes);
  const redis::Reply reply = parser.Next();
  if (reply == nullptr) return;
  const auto topology = redis::ParseTopology(*reply, {"asked", 1});
  if (!topology.ok()) return;
  Require(!topology->empty());
  redis::SlotMap map;
  map.Replace(*topology);
  for (const redis::SlotRange& range : *topology) {
    Require(range.first <= range.last && range.last < redis::kSlots);
    RequireAddress(range.master);
    for (const redis::NodeAddress& replica : range.replicas) RequireAddress(replica);
    Require(map.AddressOf(map.OwnerOf(range.first)) == range.master);
    Require(map.AddressOf(map.OwnerOf(range.last)) == range.master);
  }
}

void Redirect(std::string_view error) {
  const auto redirect = redis::ParseRedirect(error, {"asked", 1});
  if (!redirect) return;
  Require(redirect->slot < redis::kSlots);
  RequireAddress(redirect->to);
}

void Seed(std::string_view text) {
  const auto seeds = redis::ParseSeeds({.host = "first", .port = 1}, {std::string(text)});
  if (!seeds.ok()) return;
  Require(seeds->size() == 2 && (*seeds)[1].port != 0 && !(*seeds)[1].host.empty());
  const auto again = redis::ParseSeeds({.host = "first", .port = 1}, {redis::ToText((*seeds)[1])});
  Require(again.ok() && *again == *seeds);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 't':
      Topology(rest);
      break;
    case 'r':
      Redirect(rest);
      break;
    default:
      Seed(rest);
  }
  return 0;
}
