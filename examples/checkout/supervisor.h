// SPDX-License-Identifier: Apache-2.0
// The supervisor: starts the three processes of a run, restarts what the fault plan kills, and counts.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_SUPERVISOR_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_SUPERVISOR_H_

#include <absl/status/statusor.h>

#include <string>

#include "settings.h"
#include "tally.h"

namespace checkout {

// From now on SIGINT, SIGTERM and SIGHUP end a run as CANCELLED, with everything cleaned up.
void CatchInterrupts();

// Runs the whole checkout once under the guards called `guards`, in `folder` (which must not exist), with
// a progress line on stderr.
// Errors: CANCELLED: interrupted. DEADLINE_EXCEEDED: stuck. INTERNAL: a process died by itself.
absl::StatusOr<Tally> RunCheckout(Settings settings, const FaultPlan& plan,
                                  const std::string& guards, const std::string& folder);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_SUPERVISOR_H_
