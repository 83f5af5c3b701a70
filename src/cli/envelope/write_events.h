// SPDX-License-Identifier: Apache-2.0
// From events to bytes in some form, and from there to a file or the terminal.
#ifndef HOLDFAST_CLI_ENVELOPE_WRITE_EVENTS_H_
#define HOLDFAST_CLI_ENVELOPE_WRITE_EVENTS_H_

#include <absl/status/statusor.h>
#include <holdfast/envelope.h>

#include <span>
#include <string>
#include <string_view>

#include "cli/envelope/forms.h"

namespace holdfast::cli::envelope {

// Errors: kFailedPrecondition: another number of events than the form takes, or an event that it cannot carry.
absl::StatusOr<std::string> WriteEvents(Form form, std::span<const Envelope> events,
                                        const EnvelopeLimits& limits);

// To a file, or to standard output if `path` is empty: but not to a terminal what could be an order to it.
// Errors: kFailedPrecondition, kUnavailable.
absl::Status Deliver(std::string_view bytes, const std::string& path);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_WRITE_EVENTS_H_
