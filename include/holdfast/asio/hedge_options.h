// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one hedged call.
#ifndef HOLDFAST_ASIO_HEDGE_OPTIONS_H_
#define HOLDFAST_ASIO_HEDGE_OPTIONS_H_

#include <holdfast/c/base.h>
#include <holdfast/call_options.h>
#include <holdfast/clock.h>
#include <holdfast/match.h>
#include <holdfast/status.h>
#include <holdfast/timers.h>

#include <type_traits>

namespace holdfast::inline v0_5::asio {

// Trivially destructible, as all options of coroutines (call_options.h).
struct HedgeCallOptions {
  Duration timeout{0};           // for the whole call; 0: none; negative: no time is left
  hf_time deadline = 0;          // the same as a point on the clock; 0: none. The earlier one holds
  bool idempotent = false;       // false: it may not be done twice, so one attempt is made
  const Facts* facts = nullptr;  // what kill switches match; borrowed until the end
  CallReport* report = nullptr;  // filled before the operation completes; no retries, no seed
  Clock* clock = nullptr;        // null: Clock::Steady()
  Timers* timers = nullptr;  // null: those of the executor's context. They must keep `clock`'s time
};
static_assert(std::is_trivially_destructible_v<HedgeCallOptions>);

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_HEDGE_OPTIONS_H_
