// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one asynchronous call: as holdfast::CallOptions, for coroutines.
//
// GCC 12 destroys twice what a braced temporary inside a co_await expression holds, if that has a destructor.
// So this holds only what has none. Instead of a stop token, cancel the operation.
#ifndef HOLDFAST_ASIO_CALL_OPTIONS_H_
#define HOLDFAST_ASIO_CALL_OPTIONS_H_

#include <holdfast/c/call.h>
#include <holdfast/call_options.h>
#include <holdfast/clock.h>
#include <holdfast/match.h>
#include <holdfast/status.h>
#include <holdfast/timers.h>

#include <cstdint>
#include <type_traits>

namespace holdfast::inline v0_5::asio {

// What is borrowed must live until the operation has completed.
struct CallOptions {
  Duration timeout{0};      // for the whole call; 0: none; negative: no time is left
  hf_time deadline = 0;     // the same as a point on the clock; 0: none. The earlier one holds
  bool idempotent = false;  // an attempt that may have happened may be made again
  hf_context* context = nullptr;  // keeps the allowance of retries; null: the thread's current one
  const Facts* facts = nullptr;   // what kill switches and faults match; borrowed
  const hf_bulkhead_request* request = nullptr;  // who asks of the bulkheads; borrowed
  uint32_t cost = 1;                             // tokens of each rate limit
  CallReport* report =
      nullptr;  // filled before the operation completes, unless the function throws
  CallObserver* observer = nullptr;
  Clock* clock = nullptr;    // null: Clock::Steady()
  Timers* timers = nullptr;  // null: those of the executor's context. They must keep `clock`'s time
  uint64_t seed = 0;         // 0: fresh from the operating system. For tests and replays only
};
static_assert(std::is_trivially_destructible_v<CallOptions>);

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_CALL_OPTIONS_H_
