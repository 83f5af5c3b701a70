// SPDX-License-Identifier: Apache-2.0
// A limiter on plain cells, with its pace, as the unit tests talk to it.
#ifndef HOLDFAST_TESTS_UNIT_LIMITER_MACHINE_H_
#define HOLDFAST_TESTS_UNIT_LIMITER_MACHINE_H_

#include <cstdint>
#include <limits>

#include "engine/cells.h"
#include "engine/limiter.h"

namespace holdfast::engine {

inline constexpr hf_duration kNoWait = std::numeric_limits<hf_duration>::min();

struct LimiterMachine {
  explicit LimiterMachine(const LimiterPolicy& policy) : limiter(policy, nullptr) {}
  LimiterMachine(const LimiterPolicy& policy, const Pace& given)
      : pace(given), limiter(policy, &pace) {}

  bool Try(uint32_t cost, hf_time now) {
    return limiter.Take(cost, now, now, &ticket) == LimiterAnswer::kGranted;
  }
  // How long a refused one would have to wait.
  hf_duration RefusedFor(uint32_t cost, hf_time now) {
    return limiter.Take(cost, now, now, &ticket) == LimiterAnswer::kLimited ? ticket.at - now
                                                                            : kNoWait;
  }
  // The wait of a reservation; -1 if it is refused.
  hf_duration Reserve(uint32_t cost, hf_time now, hf_time deadline = HF_INFINITE) {
    const LimiterAnswer answer = limiter.Take(cost, deadline, now, &ticket);
    const bool granted = answer == LimiterAnswer::kGranted || answer == LimiterAnswer::kWait;
    return granted ? ticket.at - now : -1;
  }
  int Drain(hf_time now, uint32_t cost = 1) {
    int granted = 0;
    while (Try(cost, now)) ++granted;
    return granted;
  }
  double Tokens(hf_time now) { return limiter.Read(now).tokens; }

  Pace pace;
  Limiter<PlainCells> limiter;
  Ticket ticket;  // of the newest take
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_LIMITER_MACHINE_H_
