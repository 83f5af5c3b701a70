// SPDX-License-Identifier: Apache-2.0
// A pipeline for calls to one service, with the parts that a run has.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_DEPENDENCY_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_DEPENDENCY_H_

#include <absl/status/statusor.h>
#include <holdfast/call.h>
#include <holdfast/pipeline.h>

#include "fault_point.h"
#include "settings.h"

namespace checkout {

absl::StatusOr<holdfast::Pipeline> MakePipeline(const Guards& guards,
                                                std::chrono::milliseconds attempt_timeout,
                                                std::chrono::milliseconds timeout);

// Adds what a call for `order` went through to the board and the log.
void NoteReport(const RunFiles& files, uint32_t order, const holdfast::CallReport& report);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_DEPENDENCY_H_
