// SPDX-License-Identifier: Apache-2.0
// ProcessTimers: what asynchronous calls wait with between their attempts, where they are told nothing else.
//
// One thread for the process, begun by the first alarm and never ended. It runs the alarms, and so
// what a call does after a pause: begin the next attempt, or tell its user that there is none. Whatever blocks
// there holds up every other pause; see Timers for those who want their own.
#ifndef HOLDFAST_GRPC_TIMERS_H_
#define HOLDFAST_GRPC_TIMERS_H_

#include <holdfast/timers.h>

namespace holdfast::inline v0_5::grpc {

// Lives for ever. Of the time of Clock::Steady(). Thread-safe.
Timers& ProcessTimers();

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_TIMERS_H_
