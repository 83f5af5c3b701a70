// SPDX-License-Identifier: Apache-2.0
// SingleRouter: everything goes to one server.
#ifndef HOLDFAST_ADAPTERS_REDIS_SINGLE_ROUTER_H_
#define HOLDFAST_ADAPTERS_REDIS_SINGLE_ROUTER_H_

#include <memory>
#include <utility>

#include "adapters/redis/router.h"

namespace holdfast::inline v0_5::redis {

class SingleRouter final : public Router {
 public:
  explicit SingleRouter(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  Accepted Submit(const Routed& routed) override { return connection_->Submit(*routed.exchange); }
  void Submit(std::span<const Routed> all, std::span<Accepted> accepted) override {
    for (size_t i = 0; i < all.size(); ++i) accepted[i] = Submit(all[i]);
  }
  void Stop() override { connection_->Stop(); }

 private:
  const std::shared_ptr<Connection> connection_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SINGLE_ROUTER_H_
