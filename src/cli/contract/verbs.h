// SPDX-License-Identifier: Apache-2.0
// The verbs of `holdfast contract`. Each prints its answer. Errors: kInvalidArgument: a mistake on the command line; all
// others: an input that cannot be read.
#ifndef HOLDFAST_CLI_CONTRACT_VERBS_H_
#define HOLDFAST_CLI_CONTRACT_VERBS_H_

#include <absl/status/statusor.h>

#include "cli/contract/arguments.h"
#include "cli/noun.h"

namespace holdfast::cli::contract {

absl::StatusOr<Exit> Check(const Arguments& arguments);
absl::StatusOr<Exit> Diff(const Arguments& arguments);
absl::StatusOr<Exit> Lint(const Arguments& arguments);
absl::StatusOr<Exit> Matrix(const Arguments& arguments);
absl::StatusOr<Exit> Sunset(const Arguments& arguments);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_VERBS_H_
