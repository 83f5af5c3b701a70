// SPDX-License-Identifier: Apache-2.0
// One attempt of a hedged call, and the handler it is started with. For hedge_operation.h only.
#ifndef HOLDFAST_ASIO_HEDGE_LANE_H_
#define HOLDFAST_ASIO_HEDGE_LANE_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_start.h>
#include <holdfast/asio/attempt_stop.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/attempt.h>

#include <boost/asio/cancellation_signal.hpp>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

template <class Result>
struct HedgeLane {
  Stop stop;
  std::optional<Attempt> attempt;
  Ended<Result> ended;
  bool in_flight = false;
  bool news = false;  // ended, and the machine does not know
};

// Holds a reference to the operation until the attempt has been told of.
template <class Operation>
class HedgeAttemptHandler : public AttemptHandlerOf<Operation> {
 public:
  using Lane = HedgeLane<typename Operation::Result>;

  HedgeAttemptHandler(Operation& operation, Lane& lane)
      : AttemptHandlerOf<Operation>(operation), lane_(&lane) {}

  Stop& stop() const noexcept { return lane_->stop; }
  boost::asio::cancellation_slot get_cancellation_slot() const noexcept {
    return stop().signal.slot();
  }
  template <class... Args>
  void operator()(Args&&... args) {
    const Owner<Operation> self = std::move(this->owner_);
    self->OnAttempt(*lane_, std::forward<Args>(args)...);
  }

 private:
  Lane* lane_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_HEDGE_LANE_H_
