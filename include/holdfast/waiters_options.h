// SPDX-License-Identifier: Apache-2.0
// How Waiters waits, and how much it has to do; see waiters.h.
#ifndef HOLDFAST_WAITERS_OPTIONS_H_
#define HOLDFAST_WAITERS_OPTIONS_H_

#include <holdfast/clock.h>
#include <holdfast/status.h>

#include <cstdint>

namespace holdfast::inline v0_5 {

// Zero is the default, everywhere.
struct WaitersOptions {
  uint32_t max_waiting =
      0;                   // at a time, over all keys: 1..1e6, default 16384; about 100 bytes each
  Duration first_look{0};  // 1 ms..1 min, default 5 ms
  Duration longest_look{0};  // first_look..10 min, default 250 ms
  Duration timeout{0};       // of one look at the store; default: as the store sees fit
  bool own_thread = true;    // false: somebody calls Look
  Clock* clock = nullptr;    // that of the calls that wait; default Clock::Steady()
};

// What was so far, and is now.
struct WaitersStats {
  uint64_t waiting = 0;
  uint64_t keys = 0;  // that they wait for
  uint64_t joined = 0;
  uint64_t woken = 0;
  uint64_t refused = 0;  // for want of room
  uint64_t looks = 0;    // requests to the store
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_WAITERS_OPTIONS_H_
