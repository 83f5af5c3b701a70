// SPDX-License-Identifier: Apache-2.0
// See cluster_carrier.h.
#include "adapters/redis/cluster_carrier.h"

#include <holdfast/entropy.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "adapters/redis/cluster_route.h"

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::steady_clock;

constexpr size_t kLookedAt = 3;  // of the greeting: INFO, CONFIG, the sentinel; then the scripts
constexpr size_t kKeyIdSize = 32;

std::string ToHex(std::span<const uint8_t> bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    hex.push_back("0123456789abcdef"[byte >> 4]);
    hex.push_back("0123456789abcdef"[byte & 15]);
  }
  return hex;
}

std::string FreshValue() {
  std::array<uint8_t, 16> bytes;
  FillRandom(bytes);
  return ToHex(bytes);
}

absl::Status Unavailable(std::string_view text) {
  return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, text);
}

}  // namespace

uint16_t SlotOfRecord(const uint8_t* key_id) { return SlotOf(ToHex({key_id, kKeyIdSize})); }

// Of one connection.
class ClusterCarrier::Gate final : public ConnectionOwner {
 public:
  Gate(ClusterCarrier& carrier, NodeId node) : carrier_(carrier), node_(node) {}

  std::vector<Wire> Greeting() override {
    std::vector<Wire> wires;
    wires.push_back(InfoWire());
    wires.push_back(ConfigWire());
    wires.push_back(SentinelWire());
    for (size_t i = 0; i < kScripts; ++i) {
      wires.push_back(Wire({"SCRIPT", "LOAD", SourceOf(static_cast<Script>(i))}));
    }
    return wires;
  }
  absl::Status OnGreeting(Connection&, std::span<const Reply> replies) override {
    if (absl::Status status = carrier_.Admit(node_, replies); !status.ok()) return status;
    seen_ = false;
    Look(*replies[2]);
    return absl::OkStatus();
  }
  // A node that has just come back says CLUSTERDOWN for a while, and not whether it is empty.
  const char* Refusal() const override {
    if (const char* why = carrier_.Refusal()) return why;
    return seen_ ? nullptr : "the node has not shown yet that it kept its data";
  }
  std::vector<Wire> Pulse() override {
    std::vector<Wire> wires;
    wires.push_back(SentinelWire());
    return wires;
  }
  absl::Status OnPulse(Connection&, std::span<const Reply> replies) override {
    if (replies.size() == 1) Look(*replies[0]);
    return absl::OkStatus();
  }
  void OnAttempt(Connection&, const absl::Status& status) override { carrier_.Note(node_, status); }

 private:
  // A node that serves none is asked for something that it does not serve either, and says so.
  Wire SentinelWire() {
    sentinel_ = carrier_.sentinels_.OneOf(carrier_.router_->map(), node_);
    return Wire({"GET", carrier_.sentinels_.KeyOf(sentinel_.value_or(0))});
  }

  void Look(const redisReply& found) {
    seen_ = seen_ || !sentinel_ || !IsError(found) ||
            ClusterErrorOf(TextOf(found)) != ClusterError::kDown;
    if (sentinel_) carrier_.sentinels_.Compare(*sentinel_, found);
  }

  ClusterCarrier& carrier_;
  const NodeId node_;
  std::optional<size_t> sentinel_;  // asked for last
  bool seen_ = false;  // since this connection was made: its answer, or that it serves none
};

ClusterCarrier::ClusterCarrier(Core* core)
    : core_(*core), sentinels_(core->options.prefix, &core->counters.sentinel_alarms) {}

ClusterCarrier::~ClusterCarrier() {
  if (router_ != nullptr) router_->Stop();
  io_.Join();
}

absl::Status ClusterCarrier::Open(std::vector<NodeAddress> seeds, TlsContext tls) {
  const SteadyTime until = steady_clock::now() + core_.options.default_timeout;
  if (absl::Status status = AwaitMap(std::move(seeds), std::move(tls), until); !status.ok()) {
    return status;
  }
  if (absl::Status status = AwaitMasters(until); !status.ok()) return status;
  return ArmAll(core_.options.require_sentinel, until);
}

absl::Status ClusterCarrier::AwaitMap(std::vector<NodeAddress> seeds, TlsContext tls,
                                      SteadyTime until) {
  const Options& options = core_.options;
  router_ = std::make_shared<ClusterRouter>(
      io_.io(), ClusterRouter::Config{.server = options.server,
                                      .seeds = std::move(seeds),
                                      .tls = std::move(tls),
                                      .replication = {options.replicas, options.replica_timeout},
                                      .connections = options.connections,
                                      .owner_of = [this](NodeId node) -> ConnectionOwner* {
                                        const std::lock_guard lock(mutex_);
                                        return &gates_.emplace_back(*this, node);
                                      },
                                      .counters = &counters_});
  io_.Start();
  auto answer = std::make_shared<std::optional<absl::Status>>();  // under mutex_
  router_->Start([this, answer](const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    *answer = status;
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, until, [&] { return answer->has_value(); })) {
    return Unavailable("looking up the cluster: no answer within default_timeout");
  }
  if (!(*answer)->ok()) {
    // What a node that was refused is like says more than that it does not answer.
    for (const auto& [node, status] : attempts_) {
      if (status.code() == absl::StatusCode::kFailedPrecondition) return status;
    }
  }
  return **answer;
}

absl::Status ClusterCarrier::AwaitMasters(SteadyTime until) {
  const std::vector<NodeId> masters = router_->map().Masters();
  for (const NodeId master : masters) router_->Reach(master);
  std::unique_lock lock(mutex_);
  for (const NodeId master : masters) {
    const bool tried = changed_.wait_until(lock, until, [&] { return attempts_.contains(master); });
    const std::string who = ToText(router_->map().AddressOf(master).value_or(NodeAddress{}));
    if (!tried) return Unavailable(who + ": no connection within default_timeout");
    const absl::Status& status = attempts_[master];
    if (status.code() == absl::StatusCode::kFailedPrecondition) {
      return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                        who + ": " + std::string(status.message()));
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// SET NX GET answers with what was there, or nothing and then ours is. Those of a node go out together; whatever
// of them has moved meanwhile is asked for by itself.
absl::Status ClusterCarrier::ArmAll(bool look_only, SteadyTime until) {
  const std::string value = FreshValue();
  const auto command = [&](size_t index) {
    const std::string& key = sentinels_.KeyOf(index);
    return look_only ? Wire({"GET", key}) : Wire({"SET", key, value, "NX", "GET"});
  };
  std::map<NodeId, std::vector<size_t>> by_master;
  std::vector<Reply> found(ClusterSentinels::kCount);
  for (size_t i = 0; i < found.size(); ++i) {
    by_master[router_->map().OwnerOf(ClusterSentinels::SlotAt(i))].push_back(i);
  }
  for (const auto& [master, indices] : by_master) {
    if (master == kNoNode) continue;
    std::vector<Wire> wires;
    for (const size_t index : indices) wires.push_back(command(index));
    auto replies = AskAll(*router_->Reach(master), std::move(wires), until);
    for (size_t i = 0; replies.ok() && i < indices.size(); ++i) {
      if (!IsError(*(*replies)[i])) found[indices[i]] = std::move((*replies)[i]);
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] != nullptr) continue;
    auto reply = AtOwner<Reply>(ClusterSentinels::SlotAt(i), until,
                                [&](Connection& connection) -> absl::StatusOr<Reply> {
                                  std::vector<Wire> wires;
                                  wires.push_back(command(i));
                                  auto replies = AskAll(connection, std::move(wires), until);
                                  if (!replies.ok()) return replies.status();
                                  const redisReply& said = *replies->front();
                                  if (IsError(said))
                                    return ToStatus(StatusOfError(TextOf(said)), TextOf(said));
                                  return std::move(replies->front());
                                });
    if (!reply.ok()) return reply.status();
    found[i] = *std::move(reply);
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (IsNil(*found[i]) && look_only) {
      return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                        "require_sentinel: a node has none: it is new, or lost its data");
    }
    sentinels_.Arm(i, IsString(*found[i]) ? TextOf(*found[i]) : std::string_view(value));
  }
  sentinels_.Forgive();
  return absl::OkStatus();
}

absl::Status ClusterCarrier::Unserved() {
  return Unavailable("no node is known that serves the slot");
}

// False: there is no time left for another try.
bool ClusterCarrier::PauseForMap(SteadyTime until) {
  constexpr Duration kPause = std::chrono::milliseconds(20);
  router_->AskForMap();
  if (steady_clock::now() + kPause >= until) return false;
  std::this_thread::sleep_for(kPause);
  return true;
}

absl::Status ClusterCarrier::Rearm(SteadyTime until) { return ArmAll(false, until); }

absl::Status ClusterCarrier::Admit(NodeId node, std::span<const Reply> replies) {
  if (replies.size() != kLookedAt + kScripts) return Unavailable("an incomplete greeting");
  for (const Reply& reply : replies) {
    const std::string_view word = IsError(*reply) ? WordOf(TextOf(*reply)) : "";
    if (word == "NOAUTH" || word == "LOADING") return Unavailable(TextOf(*reply));
  }
  const ServerFacts facts = FactsOf(*replies[0], *replies[1]);
  if (!facts.cluster && !core_.options.allow_unknown_configuration) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                      "the server is refused: it is no node of a cluster (redis::Store is for it)");
  }
  // A replica is asked for the map, and answers all else with a redirection.
  Options options = core_.options;
  options.allow_replica = true;
  if (absl::Status status = Judge(facts, options); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  facts_[node] = facts;
  if (scripts_named_) return absl::OkStatus();
  for (size_t i = 0; i < kScripts; ++i) {
    const redisReply& loaded = *replies[kLookedAt + i];
    if (!IsString(loaded)) return Unavailable("SCRIPT LOAD: " + std::string(TextOf(loaded)));
    core_.scripts[i] = TextOf(loaded);
  }
  scripts_named_ = true;
  return absl::OkStatus();
}

void ClusterCarrier::Note(NodeId node, const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  // A connection that is down says less than the one beside it that is up.
  absl::Status& last = attempts_.try_emplace(node, status).first->second;
  const bool refused = last.code() == absl::StatusCode::kFailedPrecondition;
  if (status.ok() || (!last.ok() && !refused)) last = status;
  changed_.notify_all();
}

std::map<NodeId, ServerFacts> ClusterCarrier::facts() const {
  const std::vector<NodeId> masters = router_->map().Masters();
  const std::lock_guard lock(mutex_);
  std::map<NodeId, ServerFacts> found;
  for (const NodeId master : masters) {
    const auto known = facts_.find(master);
    if (known != facts_.end()) found.insert(*known);
  }
  return found;
}

Connection::Accepted ClusterCarrier::Send(Exchange& exchange, const uint8_t* key_id) {
  return router_->Submit({&exchange, SlotOfRecord(key_id)});
}

void ClusterCarrier::SendAll(std::span<Exchange* const> exchanges,
                             std::span<const uint8_t* const> key_ids,
                             std::span<Connection::Accepted> accepted) {
  std::vector<Routed> routed;
  routed.reserve(exchanges.size());
  for (size_t i = 0; i < exchanges.size(); ++i) {
    routed.push_back({exchanges[i], SlotOfRecord(key_ids[i])});
  }
  router_->Submit(routed, accepted);
}

void ClusterCarrier::Continue(Exchange& exchange, const uint8_t* key_id) {
  router_->Continue({&exchange, SlotOfRecord(key_id)});
}

int64_t ClusterCarrier::EstimateNow(const uint8_t* /*key_id*/) const {
  return router_->EstimateNow();
}

const char* ClusterCarrier::Refusal() const {
  if (!sentinels_.alarmed()) return nullptr;
  return "a node lost its data (a sentinel key is gone or another: FLUSHALL, or an empty node was "
         "promoted), so that finished work could run again; call Rearm to go on";
}

}  // namespace holdfast::inline v0_5::redis
