// SPDX-License-Identifier: Apache-2.0
// See cluster_topology.h.
#include "adapters/redis/cluster_topology.h"

#include <holdfast/status.h>

#include <algorithm>
#include <bitset>
#include <charconv>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "adapters/redis/cluster_slot.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr size_t kMaxHost = 255;

absl::Status Bad(const std::string& what) {
  return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, "CLUSTER SLOTS: " + what);
}

std::span<redisReply* const> ElementsOf(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY) return {};
  return {reply.element, reply.elements};
}

std::optional<uint32_t> ToNumber(std::string_view digits, uint32_t most) {
  uint32_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  if (number > most) return std::nullopt;
  return number;
}

std::optional<uint16_t> SlotIn(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_INTEGER) return std::nullopt;
  if (reply.integer < 0 || reply.integer >= kSlots) return std::nullopt;
  return static_cast<uint16_t>(reply.integer);
}

// [address or nil, port, id, ...]
std::optional<NodeAddress> NodeIn(const redisReply& reply, const NodeAddress& asked) {
  const auto parts = ElementsOf(reply);
  if (parts.size() < 2 || parts[1]->type != REDIS_REPLY_INTEGER) return std::nullopt;
  if (parts[1]->integer < 1 || parts[1]->integer > 65535) return std::nullopt;
  NodeAddress address{asked.host, static_cast<uint16_t>(parts[1]->integer)};
  if (parts[0]->type == REDIS_REPLY_NIL) return address;
  if (parts[0]->type != REDIS_REPLY_STRING) return std::nullopt;
  if (parts[0]->len != 0) address.host.assign(parts[0]->str, parts[0]->len);
  if (!IsHost(address.host)) return std::nullopt;
  return address;
}

}  // namespace

bool IsHost(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
  });
}

std::string ToText(const NodeAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

absl::StatusOr<Topology> ParseTopology(const redisReply& reply, const NodeAddress& asked) {
  if (reply.type != REDIS_REPLY_ARRAY) return Bad("not an array");
  if (reply.elements == 0) return Bad("not one slot is served");
  if (reply.elements > kSlots) return Bad("more ranges than slots");
  Topology topology;
  topology.reserve(reply.elements);
  std::bitset<kSlots> taken;
  std::set<NodeAddress> nodes;
  for (redisReply* const row : ElementsOf(reply)) {
    const auto parts = ElementsOf(*row);
    if (parts.size() < 3) return Bad("a range without a master");
    const std::optional<uint16_t> first = SlotIn(*parts[0]);
    const std::optional<uint16_t> last = SlotIn(*parts[1]);
    if (!first || !last || *first > *last) return Bad("a range that is none");
    for (uint32_t slot = *first; slot <= *last; ++slot) {
      if (taken.test(slot)) return Bad("slot " + std::to_string(slot) + " twice");
      taken.set(slot);
    }
    SlotRange range{*first, *last, {}, {}};
    for (size_t i = 2; i < parts.size(); ++i) {
      std::optional<NodeAddress> node = NodeIn(*parts[i], asked);
      if (!node) return Bad("a node without an address");
      nodes.insert(*node);
      if (nodes.size() > kMaxClusterNodes) return Bad("more than 1000 nodes");
      if (i == 2) {
        range.master = *std::move(node);
      } else {
        range.replicas.push_back(*std::move(node));
      }
    }
    topology.push_back(std::move(range));
  }
  return topology;
}

std::optional<Redirect> ParseRedirect(std::string_view error, const NodeAddress& asked) {
  Redirect redirect;
  if (error.starts_with("ASK ")) {
    redirect.ask = true;
    error.remove_prefix(4);
  } else if (error.starts_with("MOVED ")) {
    error.remove_prefix(6);
  } else {
    return std::nullopt;
  }
  const size_t space = error.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::optional<uint32_t> slot = ToNumber(error.substr(0, space), kSlots - 1);
  std::string_view where = error.substr(space + 1);
  where = where.substr(0, where.find(' '));  // later versions may add fields
  const size_t colon = where.rfind(':');     // an IPv6 address has more of them
  if (!slot || colon == std::string_view::npos) return std::nullopt;
  const std::optional<uint32_t> port = ToNumber(where.substr(colon + 1), 65535);
  if (!port || *port == 0) return std::nullopt;
  redirect.slot = static_cast<uint16_t>(*slot);
  redirect.to.port = static_cast<uint16_t>(*port);
  redirect.to.host = colon == 0 ? asked.host : std::string(where.substr(0, colon));
  if (!IsHost(redirect.to.host)) return std::nullopt;
  return redirect;
}

}  // namespace holdfast::inline v0_5::redis
