// SPDX-License-Identifier: Apache-2.0
// See gate.h.
#include "adapters/redis/gate.h"

#include <charconv>
#include <map>

namespace holdfast::inline v0_5::redis {
namespace {

constexpr uint32_t kOldestMajor = 7;

using Fields = std::map<std::string, std::string, std::less<>>;

// "name:value" lines. INFO has one more per module, "module:name=...".
Fields FieldsOf(std::string_view info) {
  Fields fields;
  while (!info.empty()) {
    const size_t end = info.find('\n');
    std::string_view line = info.substr(0, end);
    info = end == std::string_view::npos ? std::string_view() : info.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.starts_with('#')) continue;
    std::string name(line.substr(0, colon));
    const std::string_view value = line.substr(colon + 1);
    if (name == "module") name += ":" + std::string(value.substr(0, value.find(',')));
    fields.emplace(std::move(name), value);
  }
  return fields;
}

std::string Get(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

std::optional<uint32_t> NumberOf(std::string_view text) {
  uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc{}) return std::nullopt;
  return value;
}

absl::Status Refuse(const std::string& why, std::string_view option) {
  return MakeStatus(
      HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
      "the server is refused: " + why + " (" + std::string(option) + " lets it pass)");
}

std::string Name(const ServerFacts& facts) { return facts.product + " " + facts.version; }

std::string Persistence(const ServerFacts& facts) {
  if (!facts.aof.has_value()) return "whether it writes an AOF is unknown";
  if (!*facts.aof) return "no AOF: a restart forgets what came after the last snapshot, if any";
  if (facts.appendfsync.empty()) {
    return "AOF, appendfsync unknown (CONFIG is not allowed): at least the last second may be lost "
           "with the machine";
  }
  if (facts.appendfsync == "always") return "AOF, appendfsync always: on disk before the answer";
  return "AOF, appendfsync " + facts.appendfsync +
         ": the last seconds may be lost with the machine";
}

}  // namespace

Wire InfoWire() { return Wire({"INFO"}); }

Wire ConfigWire() { return Wire({"CONFIG", "GET", "appendfsync", "min-replicas-to-write"}); }

ServerFacts FactsOf(const redisReply& info, const redisReply& config) {
  ServerFacts facts;
  const Fields fields = IsString(info) ? FieldsOf(TextOf(info)) : Fields();
  facts.version = Get(fields, "redis_version");
  if (const std::string name = Get(fields, "server_name"); !name.empty()) {
    facts.product = name;
    if (const std::string own = Get(fields, name + "_version"); !own.empty()) {
      facts.product += " " + own + ", as Redis";
    }
  }
  facts.role = Get(fields, "role");
  facts.eviction = Get(fields, "maxmemory_policy");
  if (const std::string aof = Get(fields, "aof_enabled"); !aof.empty()) facts.aof = aof == "1";
  facts.replicas = NumberOf(Get(fields, "connected_slaves")).value_or(0);
  facts.cluster = Get(fields, "cluster_enabled") == "1";
  facts.active_active = facts.role == "active-replica" || fields.contains("module:name=crdt");
  const auto pairs = ElementsOf(config);
  if (IsError(config)) facts.config_refusal = std::string(TextOf(config));
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    if (TextOf(*pairs[i]) == "appendfsync") facts.appendfsync = TextOf(*pairs[i + 1]);
    if (TextOf(*pairs[i]) == "min-replicas-to-write") {
      facts.min_replicas = NumberOf(TextOf(*pairs[i + 1]));
    }
  }
  return facts;
}

absl::Status Judge(const ServerFacts& facts, const Options& options) {
  const bool unknown = facts.version.empty() || facts.role.empty() || facts.eviction.empty();
  if (unknown && !options.allow_unknown_configuration) {
    return Refuse(
        "INFO does not tell its version, role or maxmemory-policy (is INFO allowed to this user?)",
        "allow_unknown_configuration");
  }
  const uint32_t major = NumberOf(facts.version).value_or(0);
  if (!facts.version.empty() && major < kOldestMajor && !options.allow_old_server) {
    return Refuse(Name(facts) + " is older than 7.0, which SET NX GET needs", "allow_old_server");
  }
  if (facts.active_active && !options.allow_active_active) {
    return Refuse("several primaries accept writes, and each would grant the same claim",
                  "allow_active_active");
  }
  if (!facts.role.empty() && facts.role != "master" && !facts.active_active &&
      !options.allow_replica) {
    return Refuse("its role is " + facts.role + ", not master", "allow_replica");
  }
  if (!facts.eviction.empty() && facts.eviction != "noeviction" && !options.allow_eviction) {
    return Refuse("maxmemory-policy is " + facts.eviction +
                      ": at maxmemory it forgets keys, and their work runs twice; set noeviction",
                  "allow_eviction");
  }
  return absl::OkStatus();
}

Guarantee GuaranteeOf(const ServerFacts& facts, const Options& options) {
  const std::string name = Name(facts);
  if (facts.active_active) {
    return {GuaranteeLevel::kProcess, name + ", active-active: each primary grants the same claim"};
  }
  if (!facts.eviction.empty() && facts.eviction != "noeviction") {
    return {GuaranteeLevel::kProcess, name + ", maxmemory-policy " + facts.eviction +
                                          ": it forgets keys when memory is short"};
  }
  if (facts.eviction.empty() || facts.role.empty()) {
    return {GuaranteeLevel::kProcess, name + " whose configuration is not known"};
  }
  const std::string kept = Persistence(facts);
  if (facts.replicas > 0 || options.replicas > 0) {
    std::string why = name + " with " + std::to_string(facts.replicas) +
                      (facts.replicas == 1 ? " replica" : " replicas") +
                      ": replication is asynchronous, so a failover may forget a claim that "
                      "was granted, and then two owners run";
    if (options.replicas > 0) {
      why += "; WAIT " + std::to_string(options.replicas) +
             " makes that rarer, not impossible: it asks, and the failover decides";
    }
    why += facts.min_replicas.value_or(0) > 0
               ? "; min-replicas-to-write " + std::to_string(*facts.min_replicas) +
                     " stops a primary that is cut off"
               : "; no min-replicas-to-write: a primary that is cut off goes on granting claims";
    return {GuaranteeLevel::kReplicated, why + "; " + kept};
  }
  if (facts.aof.value_or(false) && facts.appendfsync == "always") {
    return {GuaranteeLevel::kDurable, name + ", one machine, no replicas: " + kept};
  }
  return {GuaranteeLevel::kProcess, name + ", one machine, no replicas: " + kept};
}

}  // namespace holdfast::inline v0_5::redis
