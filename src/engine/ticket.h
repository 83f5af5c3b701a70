// SPDX-License-Identifier: Apache-2.0
// What a take from a limiter got, and how much of it a cancel gives back.
//
//   refund   min(cost, end + capacity - credit)                 the newest: nothing was taken after it
//            min(cost, end + capacity - max(taken, credit))     any other; 0 if negative
//            end: the ticket's position + cost                  the rest of the cost is lost
//
// Why that never mints, that is, never lets more in than a bucket that had not seen the ticket would have.
// What was taken after it was admitted with it in place.
//   Those that went may have found the bucket all but full, and what the ticket had not taken would then have
//   flown over. Since the ticket there was never less room than what is left now, less what was taken
//   after it: (taken + capacity - credit) - (taken - end) = end + capacity - credit.
//   Those that still wait (taken is ahead of credit) were promised times. A refund of x lets newcomers in
//   before them, as if each of them had moved forward by x and went later than it could: right as long as
//   its cost and x are at most one burst. All that was taken after the ticket, taken - end, has its costs in
//   it, and other refunds' too.
// For the newest the first bound is exact: the bucket is as if the ticket had never been.
#ifndef HOLDFAST_ENGINE_TICKET_H_
#define HOLDFAST_ENGINE_TICKET_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

#include "engine/supply.h"

namespace holdfast::engine {

enum class LimiterAnswer {
  kGranted,
  kWait,     // granted from ticket.at on
  kLimited,  // there would be tokens at ticket.at
  kTooDear,  // a cost of nothing, or of more than a burst
};

// The engine's part of hf_reservation.
struct Ticket {
  Units position = 0;  // taken, before it
  hf_time at = 0;
  uint32_t cost = 0;
};

// What a take by addition has done so far. Two words, to be passed in registers.
struct Attempt {
  static constexpr int64_t kNone = -1;

  Units position = 0;
  int64_t promises = kNone;  // reservations until then that had to wait; kNone: nothing was taken
};

constexpr Units RefundOf(Units position, Units units, Units capacity, Units taken, Units credit) {
  const Units end = position + units;
  const bool promised = taken != end && Ahead(taken, credit) > 0;
  const int64_t room = Ahead(end + capacity, promised ? taken : credit);
  return std::min(units, static_cast<Units>(std::max<int64_t>(room, 0)));
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_TICKET_H_
