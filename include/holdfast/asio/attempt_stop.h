// SPDX-License-Identifier: Apache-2.0
// Stop: how an asynchronous attempt in flight is told to stop. For drivers only.
#ifndef HOLDFAST_ASIO_ATTEMPT_STOP_H_
#define HOLDFAST_ASIO_ATTEMPT_STOP_H_

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>

namespace holdfast::inline v0_5::asio::internal {

// Pinned; on the executor only.
struct Stop {
  boost::asio::cancellation_signal signal;
  bool told = false;  // for an attempt that has not begun to listen yet

  // The attempt may end inside this, and take with it whatever waits for its end.
  void Tell(boost::asio::cancellation_type type) {
    told = true;
    signal.emit(type);
  }
  // Between two attempts.
  void Reset() {
    told = false;
    signal.slot().clear();
  }
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_ATTEMPT_STOP_H_
