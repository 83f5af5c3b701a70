// SPDX-License-Identifier: Apache-2.0
// Core: what the operations of a store share, and Carrier: how their commands find a server.
#ifndef HOLDFAST_ADAPTERS_REDIS_CORE_H_
#define HOLDFAST_ADAPTERS_REDIS_CORE_H_

#include <holdfast/redis/store.h>
#include <holdfast/store.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/redis/connection.h"
#include "adapters/redis/exchange.h"
#include "adapters/redis/scripts.h"

namespace holdfast::inline v0_5::redis {

// Where the commands about a key go. One server has one answer to that, a cluster has others. Thread-safe.
class Carrier {
 public:
  virtual Connection::Accepted Send(Exchange& exchange, const uint8_t* key_id) = 0;
  // Many, those of one server with one write. accepted[i]: of exchanges[i].
  virtual void SendAll(std::span<Exchange* const> exchanges,
                       std::span<const uint8_t* const> key_ids,
                       std::span<Connection::Accepted> accepted) = 0;
  // A further step of an exchange; on the io thread only.
  virtual void Continue(Exchange& exchange, const uint8_t* key_id) = 0;
  // The server's clock, estimated.
  virtual int64_t EstimateNow(const uint8_t* key_id) const = 0;
  // True: the carrier sends the exchange elsewhere, as this error reply asks, and it will hear of that. An error
  // that redirects proves that nothing happened. On the io thread only.
  virtual bool Redirect(Exchange& /*exchange*/, const uint8_t* /*key_id*/,
                        const redisReply& /*error*/) {
    return false;
  }
  // Why nothing may be asked now; null: it may.
  virtual const char* Refusal() const { return nullptr; }
  // A caller that would wait for itself.
  virtual bool OnIoThread() const = 0;

 protected:
  ~Carrier() = default;
};

struct Counters {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> express_claims{0};
  std::atomic<uint64_t> settled{0};
  std::atomic<uint64_t> swaps{0};
  std::atomic<uint64_t> swaps_lost{0};
  std::atomic<uint64_t> scripts_reloaded{0};
  std::atomic<uint64_t> unconfirmed{0};
  std::atomic<uint64_t> given_back{0};
  std::atomic<uint64_t> sentinel_alarms{0};
};

inline void Count(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

struct Core {
  explicit Core(Options given) : options(std::move(given)) {}

  Options options;      // defaults filled in
  ScriptNames scripts;  // set before the first operation
  Counters counters;
  Carrier* carrier = nullptr;
};

std::string RecordKey(std::string_view prefix, const uint8_t* key_id);  // hf:{hex}
std::string AuditKey(std::string_view prefix,
                     const uint8_t* key_id);  // hf:audit:{hex}, the same slot

// What an error reply to a command that writes means. Everything that a server says before it runs a command is
// UNAVAILABLE; what is not known is INDETERMINATE.
hf_store_status StatusOfError(std::string_view error);

// Fills in the defaults. Errors: INVALID_ARGUMENT naming the option.
absl::Status PrepareOptions(Options* options);

// A storage status as absl::Status, for operators.
absl::Status ToStatus(hf_store_status status, std::string_view detail);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CORE_H_
