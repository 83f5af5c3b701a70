// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one Acquire.
#ifndef HOLDFAST_ASIO_ACQUIRE_OPTIONS_H_
#define HOLDFAST_ASIO_ACQUIRE_OPTIONS_H_

#include <holdfast/bulkhead_options.h>
#include <holdfast/c/base.h>
#include <holdfast/clock.h>
#include <holdfast/status.h>
#include <holdfast/timers.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace holdfast::inline v0_5::asio {

// Trivially destructible, as all options of coroutines (call_options.h).
struct AcquireOptions {
  Duration timeout{0};   // 0: none, the guard's own max_wait holds; negative: no time is left
  hf_time deadline = 0;  // the same as a point on the clock; 0: none. The earlier one holds
  BulkheadRequest request = {};  // who asks a bulkhead; its deadline holds as well
  uint32_t cost = 1;             // tokens of a rate limiter
  Clock* clock = nullptr;        // null: Clock::Steady(). A permit keeps it, it must outlive that
  Timers* timers = nullptr;  // null: those of the executor's context. They must keep `clock`'s time
};
static_assert(std::is_trivially_destructible_v<AcquireOptions>);

namespace internal {

// The earliest of the limits; 0: there is none.
inline hf_time DeadlineOf(const AcquireOptions& options, hf_time now) {
  const hf_time end =
      options.timeout.count() == 0 ? 0 : std::max<hf_time>(1, AddTime(now, options.timeout));
  hf_time earliest = 0;
  for (const hf_time limit : {end, options.deadline, options.request.deadline}) {
    if (limit != 0 && (earliest == 0 || limit < earliest)) earliest = limit;
  }
  return earliest;
}

}  // namespace internal
}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_ACQUIRE_OPTIONS_H_
