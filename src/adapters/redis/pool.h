// SPDX-License-Identifier: Apache-2.0
// Pool: the connections to one server, its gate and its sentinel.
//
// A key goes to the same connection while that is ready, so that requests of one key stay in order; to another
// while it is not. Each new connection looks at the server again, for it may be another one by now.
#ifndef HOLDFAST_ADAPTERS_REDIS_POOL_H_
#define HOLDFAST_ADAPTERS_REDIS_POOL_H_

#include <absl/status/status.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/connection.h"
#include "adapters/redis/core.h"
#include "adapters/redis/gate.h"
#include "adapters/redis/io_thread.h"
#include "adapters/redis/sentinel.h"

namespace holdfast::inline v0_5::redis {

class Pool final : public Carrier, public ConnectionOwner {
 public:
  // `core`, its options filled in, outlives it; its scripts' names are set by Open.
  explicit Pool(Core* core);
  ~Pool();

  // Connects, judges, loads the scripts, arms the sentinel. Errors as Store::Open.
  absl::Status Open(const TlsContext& tls);
  absl::Status Rearm(SteadyTime until);

  // Any of them that is ready, or the first.
  Connection& Any();
  const ServerFacts& facts() const { return facts_; }  // as of Open
  const ConnectionCounters& counters() const { return counters_; }

  // Carrier.
  Connection::Accepted Send(Exchange& exchange, const uint8_t* key_id) override;
  void SendAll(std::span<Exchange* const> exchanges, std::span<const uint8_t* const> key_ids,
               std::span<Connection::Accepted> accepted) override;
  void Continue(Exchange& exchange, const uint8_t* key_id) override;
  int64_t EstimateNow(const uint8_t* key_id) const override;
  const char* Refusal() const override;
  bool OnIoThread() const override { return io_.IsThisThread(); }

  // ConnectionOwner.
  std::vector<Wire> Greeting() override;
  absl::Status OnGreeting(Connection& connection, std::span<const Reply> replies) override;
  std::vector<Wire> Pulse() override;
  absl::Status OnPulse(Connection& connection, std::span<const Reply> replies) override;
  void OnAttempt(Connection& connection, const absl::Status& status) override;

 private:
  size_t IndexOf(const uint8_t* key_id) const;
  absl::Status Arm(SteadyTime until);

  Core& core_;
  const std::string sentinel_key_;
  Sentinel sentinel_;
  ConnectionCounters counters_;
  IoThread io_;
  std::vector<std::shared_ptr<Connection>> connections_;

  std::mutex mutex_;  // what Open waits for
  std::condition_variable changed_;
  std::optional<absl::Status> first_attempt_;
  bool opened_ = false;
  ServerFacts facts_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_POOL_H_
