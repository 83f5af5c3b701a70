// SPDX-License-Identifier: Apache-2.0
// Requests: Store's three ways to ask, over the operations of a core.
#ifndef HOLDFAST_ADAPTERS_REDIS_REQUESTS_H_
#define HOLDFAST_ADAPTERS_REDIS_REQUESTS_H_

#include <holdfast/operable_store.h>
#include <holdfast/store.h>

#include <span>
#include <string>
#include <vector>

#include "adapters/redis/core.h"

namespace holdfast::inline v0_5::redis {

// Thread-safe.
class Requests {
 public:
  explicit Requests(Core* core) : core_(*core) {}

  StoreReply Execute(const StoreRequest& request, Duration timeout, const AuditNote* note = nullptr,
                     bool only_into_doubt = false);
  void Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter);
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests, Duration timeout);

  // When a request with this timeout must be answered.
  SteadyTime Until(Duration timeout) const;

 private:
  class Waiting;
  class Batch;

  // Empty status: ask.
  StoreReply Refusal() const;

  Core& core_;
};

// Commands as they are, not about one record: answers in their order. On `connection`, as one write.
// Errors: UNAVAILABLE: not sent. UNKNOWN: sent, and not answered. An error reply is a reply.
absl::StatusOr<std::vector<Reply>> AskAll(Connection& connection, std::vector<Wire> wires,
                                          SteadyTime until);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_REQUESTS_H_
