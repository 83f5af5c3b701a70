// SPDX-License-Identifier: Apache-2.0
// Stores by name, for programs that are told which one to use on their command line:
//   memory:   sqlite:PATH   redis:PORT   cluster:PORT,PORT,...   postgres:PORT      (ports of 127.0.0.1)
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

// `shared`: several processes use it at once.
absl::StatusOr<OpenedStore> OpenStore(const std::string& address, bool shared);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_OPEN_STORE_H_
