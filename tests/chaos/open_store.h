// SPDX-License-Identifier: Apache-2.0
// Stores by name, for programs that are told which one to use on their command line:
//   memory:   sqlite:PATH   redis:PORT   replicated:PORT (waits for one replica)   cluster:PORT   postgres:PORT
// Ports are of 127.0.0.1.
#ifndef HOLDFAST_TESTS_CHAOS_OPEN_STORE_H_
#define HOLDFAST_TESTS_CHAOS_OPEN_STORE_H_

#include <absl/status/statusor.h>
#include <holdfast/store.h>

#include <cstdint>
#include <memory>
#include <string>

namespace holdfast::chaos {

// Work whose effect is a row beside its record, in one transaction.
class JoinedWorld {
 public:
  virtual ~JoinedWorld() = default;
  // `complete` is executed together with the effect of `key`, or neither is.
  virtual StoreReply Complete(const StoreRequest& complete, const std::string& key) = 0;
  virtual absl::StatusOr<uint64_t> Effects(const std::string& key) = 0;
};

struct OpenedStore {
  std::unique_ptr<Store> store;
  std::unique_ptr<JoinedWorld> joined;  // null where the store has no such thing; goes first
};

// How long to wait for an answer. In a storm not for long, or workers would spend it waiting.
enum class Patience { kStorm, kCalm };

// `shared`: several processes use it at once.
absl::StatusOr<OpenedStore> OpenStore(const std::string& address, bool shared, Patience patience);

// The parts of OpenStore that come with an adapter.
absl::StatusOr<OpenedStore> OpenRedis(uint16_t port, uint32_t replicas, Patience patience);
absl::StatusOr<OpenedStore> OpenCluster(uint16_t port, Patience patience);
absl::StatusOr<OpenedStore> OpenPostgres(uint16_t port, Patience patience);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_OPEN_STORE_H_
