// SPDX-License-Identifier: Apache-2.0
// An event out of options.
#ifndef HOLDFAST_CLI_ENVELOPE_COMPOSE_EVENT_H_
#define HOLDFAST_CLI_ENVELOPE_COMPOSE_EVENT_H_

#include <absl/status/status.h>
#include <holdfast/envelope.h>

#include "cli/envelope/arguments.h"

namespace holdfast::cli::envelope {

// With an id, and nothing else.
Envelope FreshEvent();

// Sets what the options say. A value is read as the kind its name has (c/attribute.h), else it is a String.
// Errors: kInvalidArgument, naming the option and the attribute; kNotFound, ...: the data's file.
absl::Status Change(const Arguments& arguments, Envelope* event);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_COMPOSE_EVENT_H_
