// SPDX-License-Identifier: Apache-2.0
// redis::Limiter: one rate limit shared by a fleet. Whatever the number of processes, no more than the rate gets
// through, by the server's clock.
//
//   auto limiter = redis::Limiter::Open({.server = {.host = "redis"}, .name = "partner-api", .permits = 50});
//   const redis::LimitVerdict verdict = (*limiter)->Take({.key = account});
//   if (!verdict.allowed) return verdict.ToStatus();  // says when to come back
//
// Over any time T at most burst + rate * T tokens are admitted for a key, wherever it begins. A refusal takes
// nothing. Each key is one small string that expires once its bucket is full again. What that rests on: the
// server keeps the key. After a failover, an eviction or FLUSHALL the bucket is full, and up to one burst may
// be admitted once more.
//
// As an extra guard of calls: redis/limited.h. In coroutines and with completion tokens: redis/async_limiter.h.
// Algorithm: GCRA (ITU-T I.371) in one script.
#ifndef HOLDFAST_REDIS_LIMITER_H_
#define HOLDFAST_REDIS_LIMITER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/clock.h>
#include <holdfast/redis/server.h>
#include <holdfast/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::redis {

// When the server cannot be asked. Either is counted (LimiterStats).
enum class OnStoreDown {
  kRefuse,  // the default: what the limit protects is worth more than the call
  kAdmit,   // the limit is a courtesy: better too many calls than none
};

// Zero means the default, everywhere.
struct LimiterOptions {
  Server server = {};
  bool cluster = false;  // `server` is a node of a Redis Cluster; the others are found through it
  std::vector<std::string> seeds = {};  // of a cluster: further nodes to begin with, "host:port"

  // Limiters of one name share their buckets, key by key. 1..64 bytes; there is no default.
  std::string name = {};
  // Keys are <prefix>limit:{<64 hex digits>}. As redis::Options::prefix; default "hf:".
  std::string prefix = {};

  uint32_t permits = 0;  // tokens a period: 1..10'000'000; default 100
  Duration period{0};    // whole microseconds, 1 ms..24 h; default 1 s
  uint32_t burst = 0;    // 1..10'000'000; default permits. To fill it takes 366 days at most

  OnStoreDown on_store_down = OnStoreDown::kRefuse;
  Duration timeout{0};  // of one question, unless it says otherwise; default 250 ms

  // Refusals remembered here, so that a key that was told to wait is not asked for again before: how many, and
  // for how long at most, for limits may be raised. 4..1'000'000, default 4096 (80 bytes each); default 1 s.
  uint32_t remembered = 0;
  Duration remember{0};
  bool always_ask = false;  // remember nothing

  Clock* clock =
      nullptr;  // of the remembered refusals; default Clock::Steady(). It outlives the limiter
};

// What is asked. `key` is 1..1024 bytes, `tenant` up to 256; borrowed for the call that asks.
struct LimitAsk {
  std::string_view key{};
  std::string_view tenant{};
  uint32_t cost = 1;    // tokens: 1..burst
  Duration timeout{0};  // 0: the limiter's
};

struct LimitVerdict {
  bool allowed = false;
  bool asked = false;  // the server said so; false: remembered, or it could not be asked
  Duration retry_after{
      0};  // refused: when the tokens are there, if nobody else takes any; 0: unknown
  // These are the server's, and 0 if it was not asked.
  uint32_t remaining = 0;  // tokens that could be taken now
  Duration reset{0};       // until the bucket is full
  absl::Status store;      // why the server could not be asked; OK if it was, or need not be

  // OK if allowed. RESOURCE_EXHAUSTED HF_R_RATE_LIMITED with retry_after. UNAVAILABLE HF_R_STORE_UNAVAILABLE: the
  // server could not be asked, and the policy is to refuse. INVALID_ARGUMENT for an ask that is out of range.
  absl::Status ToStatus() const;
};

// Since Open. A snapshot.
struct LimiterStats {
  uint64_t admitted = 0;          // by the server
  uint64_t refused = 0;           // by the server
  uint64_t refused_here = 0;      // by what was remembered
  uint64_t admitted_unasked = 0;  // the server could not be asked, and the policy admits
  uint64_t refused_unasked = 0;   // likewise, and the policy refuses
  uint64_t scripts_reloaded = 0;  // NOSCRIPT
  uint64_t connects = 0;
  uint64_t connection_failures = 0;
  uint64_t redirections = 0;  // of a cluster
};

// Thread-safe. One thread of its own for its connections. Not to be used in a child after fork.
class Limiter {
 public:
  using Options = LimiterOptions;
  using Done = std::function<void(const LimitVerdict&)>;

  // Does not wait for the server: while it is not there, on_store_down holds.
  // Errors: INVALID_ARGUMENT (HF_R_OUT_OF_RANGE, HF_R_BAD_OPTIONS) naming the option.
  static absl::StatusOr<std::unique_ptr<Limiter>> Open(Options options);

  // What is under way ends as on_store_down says. Not from inside a Done.
  ~Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  // Takes ask.cost tokens, or none. Blocks, for ask.timeout at most; from inside a Done, where it would wait for
  // itself, on_store_down holds at once.
  LimitVerdict Take(const LimitAsk& ask);

  // What Take would say now. Takes nothing, and remembers nothing.
  LimitVerdict Peek(const LimitAsk& ask);

  // Take without waiting. `done` is called once: on the limiter's own thread, or inside, where the server need not
  // be asked. It holds up others: hand over, do not work, do not block. Must not throw.
  void Take(const LimitAsk& ask, Done done);
  void Peek(const LimitAsk& ask, Done done);

  LimiterStats stats() const;

 private:
  class Impl;
  explicit Limiter(std::shared_ptr<Impl> impl);

  LimitVerdict Await(const LimitAsk& ask, bool take);
  void Submit(const LimitAsk& ask, bool take, Done done);

  const std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_LIMITER_H_
