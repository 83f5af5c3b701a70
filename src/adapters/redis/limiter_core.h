// SPDX-License-Identifier: Apache-2.0
// How a fleet's limiter asks. For redis::Limiter only.
//
//   a question      is answered by
//   out of range    INVALID_ARGUMENT, here
//   remembered      the refusal that still holds, here (Take only)
//   else            EVALSHA: an answer       what the server says
//                   NOSCRIPT                 EVAL of the same, once: nothing has happened
//                   no answer, other errors  on_store_down. Lost after it was sent, tokens may be gone: that
//                                            admits less than the rate, never more
#ifndef HOLDFAST_ADAPTERS_REDIS_LIMITER_CORE_H_
#define HOLDFAST_ADAPTERS_REDIS_LIMITER_CORE_H_

#include <holdfast/redis/limiter.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/cluster_router.h"
#include "adapters/redis/core.h"
#include "adapters/redis/deny_cache.h"
#include "adapters/redis/gcra.h"
#include "adapters/redis/io_thread.h"
#include "adapters/redis/router.h"
#include "adapters/redis/stream.h"

namespace holdfast::inline v0_5::redis {

class Limiter::Impl final : public ConnectionOwner {
 public:
  // Options as Limiter::Open leaves them.
  explicit Impl(LimiterOptions options);

  void Start(std::vector<NodeAddress> seeds, TlsContext tls);
  void Stop();

  // The verdict, if the server need not be asked for it; else *id is the limit's.
  std::optional<LimitVerdict> Know(const LimitAsk& ask, bool take, LimitId* id);
  void Ask(const LimitAsk& ask, const LimitId& id, bool take, Limiter::Done done);
  // Somebody who would wait for himself.
  bool OnIoThread() const { return io_.IsThisThread(); }
  LimitVerdict Unasked(std::string_view why, hf_reason reason);

  LimiterStats stats() const;

  std::vector<Wire> Greeting() override;
  absl::Status OnGreeting(Connection& connection, std::span<const Reply> replies) override;

 private:
  class Question;

  LimitId IdOf(const LimitAsk& ask) const;
  Wire MakeWire(const Question& question, bool whole) const;
  LimitVerdict Judge(const Question& question, const redisReply& reply);

  const LimiterOptions options_;
  const Limit limit_;
  const Debt full_;
  DenyCache denied_;

  // Written once, by the first greeting; the name of a script is the same on every server.
  std::string script_name_;
  std::atomic<bool> script_named_{false};

  std::atomic<uint64_t> admitted_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> refused_here_{0};
  std::atomic<uint64_t> admitted_unasked_{0};
  std::atomic<uint64_t> refused_unasked_{0};
  std::atomic<uint64_t> scripts_reloaded_{0};
  ConnectionCounters connections_;

  IoThread io_;
  std::shared_ptr<Router> router_;
  std::shared_ptr<ClusterRouter> cluster_;  // router_, if it is one
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_LIMITER_CORE_H_
