// SPDX-License-Identifier: Apache-2.0
// See pool.h.
#include "adapters/redis/pool.h"

#include <holdfast/entropy.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "adapters/redis/requests.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr size_t kLookedAt = 3;  // of the greeting: INFO, CONFIG, the sentinel; then the scripts

std::string FreshValue() {
  std::array<uint8_t, 16> bytes;
  FillRandom(bytes);
  std::string value;
  for (const uint8_t byte : bytes) {
    value.push_back("0123456789abcdef"[byte >> 4]);
    value.push_back("0123456789abcdef"[byte & 15]);
  }
  return value;
}

bool IsReplicaRole(const redisReply& role) {
  const auto parts = ElementsOf(role);
  return !parts.empty() && TextOf(*parts[0]) != "master";
}

}  // namespace

Pool::Pool(Core* core)
    : core_(*core),
      sentinel_key_(core->options.prefix + "sentinel"),
      sentinel_(&core->counters.sentinel_alarms) {}

Pool::~Pool() {
  for (const auto& connection : connections_) connection->Stop();
  io_.Join();
}

absl::Status Pool::Open(const TlsContext& tls) {
  const Options& options = core_.options;
  const Replication replication{options.replicas, options.replica_timeout};
  for (uint32_t i = 0; i < options.connections; ++i) {
    connections_.push_back(
        std::make_shared<Connection>(io_.io(), options.server, tls, replication, this, &counters_));
  }
  io_.Start();
  connections_[0]->Start();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return first_attempt_.has_value(); });
    if (!first_attempt_->ok()) return *first_attempt_;
  }
  const SteadyTime until = std::chrono::steady_clock::now() + options.default_timeout;
  if (absl::Status status = Arm(until); !status.ok()) return status;
  for (size_t i = 1; i < connections_.size(); ++i) connections_[i]->Start();
  return absl::OkStatus();
}

// SET NX GET answers with what was there, or nothing and then ours is.
absl::Status Pool::Arm(SteadyTime until) {
  const std::string value = FreshValue();
  std::vector<Wire> wires;
  if (core_.options.require_sentinel) {
    wires.push_back(Wire({"GET", sentinel_key_}));
  } else {
    wires.push_back(Wire({"SET", sentinel_key_, value, "NX", "GET"}));
  }
  auto replies = AskAll(Any(), std::move(wires), until);
  if (!replies.ok()) return replies.status();
  const redisReply& found = *replies->front();
  if (IsString(found)) {
    sentinel_.Arm(TextOf(found));
    return absl::OkStatus();
  }
  if (IsNil(found) && core_.options.require_sentinel) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                      "require_sentinel: the server has none: it is new, or lost its data");
  }
  if (IsNil(found)) {
    sentinel_.Arm(value);
    return absl::OkStatus();
  }
  if (core_.options.allow_replica && WordOf(TextOf(found)) == "READONLY") return absl::OkStatus();
  return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE,
                    "writing the sentinel: " + std::string(TextOf(found)));
}

absl::Status Pool::Rearm(SteadyTime until) {
  const std::string value = FreshValue();
  std::vector<Wire> wires;
  wires.push_back(Wire({"SET", sentinel_key_, value, "NX", "GET"}));
  auto replies = AskAll(Any(), std::move(wires), until);
  if (!replies.ok()) return replies.status();
  const redisReply& found = *replies->front();
  if (IsError(found)) return ToStatus(StatusOfError(TextOf(found)), TextOf(found));
  sentinel_.Arm(IsString(found) ? TextOf(found) : value);
  return absl::OkStatus();
}

size_t Pool::IndexOf(const uint8_t* key_id) const {
  if (connections_.size() == 1) return 0;
  uint64_t word;
  std::memcpy(&word, key_id, sizeof(word));  // of a SHA-256: as good as any part of it
  const size_t preferred = word % connections_.size();
  for (size_t i = 0; i < connections_.size(); ++i) {
    const size_t index = (preferred + i) % connections_.size();
    if (connections_[index]->ready()) return index;
  }
  return preferred;
}

Connection& Pool::Any() {
  for (const auto& connection : connections_) {
    if (connection->ready()) return *connection;
  }
  return *connections_[0];
}

Connection::Accepted Pool::Send(Exchange& exchange, const uint8_t* key_id) {
  return connections_[IndexOf(key_id)]->Submit(exchange);
}

void Pool::SendAll(std::span<Exchange* const> exchanges, std::span<const uint8_t* const> key_ids,
                   std::span<Connection::Accepted> accepted) {
  std::vector<std::vector<Exchange*>> groups(connections_.size());
  std::vector<size_t> group_of(exchanges.size());
  for (size_t i = 0; i < exchanges.size(); ++i) {
    group_of[i] = IndexOf(key_ids[i]);
    groups[group_of[i]].push_back(exchanges[i]);
  }
  std::vector<Connection::Accepted> answers(groups.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].empty()) answers[i] = connections_[i]->Submit(groups[i]);
  }
  for (size_t i = 0; i < exchanges.size(); ++i) accepted[i] = answers[group_of[i]];
}

void Pool::Continue(Exchange& exchange, const uint8_t* key_id) {
  connections_[IndexOf(key_id)]->Continue(exchange);
}

// All of them talk to one server, so that any one's clock serves.
int64_t Pool::EstimateNow(const uint8_t* key_id) const {
  const ServerClock& clock = connections_[IndexOf(key_id)]->clock();
  return clock.known() ? clock.Now() : connections_[0]->clock().Now();
}

const char* Pool::Refusal() const {
  if (!sentinel_.alarmed()) return nullptr;
  return "the server lost its data (the sentinel key is gone or another: FLUSHALL, or an empty "
         "node "
         "was promoted), so that finished work could run again; call Rearm to go on";
}

std::vector<Wire> Pool::Greeting() {
  std::vector<Wire> wires;
  wires.push_back(InfoWire());
  wires.push_back(ConfigWire());
  wires.push_back(Wire({"GET", sentinel_key_}));
  for (size_t i = 0; i < kScripts; ++i) {
    wires.push_back(Wire({"SCRIPT", "LOAD", SourceOf(static_cast<Script>(i))}));
  }
  return wires;
}

absl::Status Pool::OnGreeting(Connection&, std::span<const Reply> replies) {
  if (replies.size() != kLookedAt + kScripts) {
    return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, "an incomplete greeting");
  }
  for (const Reply& reply : replies) {
    // Said of everything for as long as it lasts: not let in, or loading its data.
    const std::string_view word = IsError(*reply) ? WordOf(TextOf(*reply)) : "";
    if (word == "NOAUTH" || word == "LOADING" || word == "MASTERDOWN") {
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, TextOf(*reply));
    }
  }
  const ServerFacts facts = FactsOf(*replies[0], *replies[1]);
  if (absl::Status status = Judge(facts, core_.options); !status.ok()) return status;
  for (size_t i = 0; i < kScripts; ++i) {
    const redisReply& loaded = *replies[kLookedAt + i];
    if (!IsString(loaded)) {
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE,
                        "SCRIPT LOAD: " + std::string(TextOf(loaded)));
    }
  }
  const redisReply& sentinel = *replies[2];
  if (IsString(sentinel) || IsNil(sentinel)) sentinel_.Compare(TextOf(sentinel));
  const std::lock_guard lock(mutex_);
  if (std::exchange(opened_, true)) return absl::OkStatus();
  facts_ = facts;
  for (size_t i = 0; i < kScripts; ++i) core_.scripts[i] = TextOf(*replies[kLookedAt + i]);
  return absl::OkStatus();
}

std::vector<Wire> Pool::Pulse() {
  std::vector<Wire> wires;
  wires.push_back(Wire({"GET", sentinel_key_}));
  wires.push_back(Wire({"ROLE"}));
  return wires;
}

absl::Status Pool::OnPulse(Connection&, std::span<const Reply> replies) {
  if (replies.size() != 2) return absl::OkStatus();
  if (IsString(*replies[0]) || IsNil(*replies[0])) sentinel_.Compare(TextOf(*replies[0]));
  if (IsReplicaRole(*replies[1]) && !core_.options.allow_replica) {
    return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, "the server is no longer a primary");
  }
  return absl::OkStatus();
}

void Pool::OnAttempt(Connection&, const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  if (!first_attempt_.has_value()) first_attempt_ = status;
  changed_.notify_all();
}

}  // namespace holdfast::inline v0_5::redis
