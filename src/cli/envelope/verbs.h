// SPDX-License-Identifier: Apache-2.0
// The verbs of `holdfast envelope`. Errors: kInvalidArgument: a mistake on the command line; kFailedPrecondition: an event
// that cannot be written so; all others: an input that cannot be read.
#ifndef HOLDFAST_CLI_ENVELOPE_VERBS_H_
#define HOLDFAST_CLI_ENVELOPE_VERBS_H_

#include <absl/status/status.h>

#include "cli/envelope/arguments.h"

namespace holdfast::cli::envelope {

absl::Status Decode(const Arguments& arguments);
absl::Status Encode(const Arguments& arguments);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_VERBS_H_
