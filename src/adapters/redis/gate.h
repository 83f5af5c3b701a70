// SPDX-License-Identifier: Apache-2.0
// Gate: what a server is, what of that is refused, and what the rest is worth. Pure: text in, verdicts out.
#ifndef HOLDFAST_ADAPTERS_REDIS_GATE_H_
#define HOLDFAST_ADAPTERS_REDIS_GATE_H_

#include <absl/status/status.h>
#include <holdfast/redis/store.h>
#include <holdfast/store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/redis/wire.h"

namespace holdfast::inline v0_5::redis {

// Empty or nullopt: the server did not tell.
struct ServerFacts {
  std::string product = "Redis";
  std::string version;
  std::string role;
  std::string eviction;  // maxmemory-policy
  std::optional<bool> aof;
  std::string appendfsync;  // CONFIG alone tells
  std::optional<uint32_t> min_replicas;
  uint32_t replicas = 0;
  bool active_active = false;
  bool cluster = false;
  std::string config_refusal;  // why CONFIG GET did not answer
};

// Of INFO and CONFIG GET; either may be an error.
ServerFacts FactsOf(const redisReply& info, const redisReply& config);

// The commands for the two.
Wire InfoWire();
Wire ConfigWire();

// FAILED_PRECONDITION HF_R_BAD_OPTIONS, naming the option that lets it pass.
absl::Status Judge(const ServerFacts& facts, const Options& options);

Guarantee GuaranteeOf(const ServerFacts& facts, const Options& options);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_GATE_H_
