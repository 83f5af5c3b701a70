// SPDX-License-Identifier: Apache-2.0
// Runs a program by its words: no shell, and so nothing in a word is an order to one.
#ifndef HOLDFAST_CLI_CONTRACT_RUN_PROGRAM_H_
#define HOLDFAST_CLI_CONTRACT_RUN_PROGRAM_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "cli/contract/temp_folder.h"

namespace holdfast::cli::contract {

struct ProgramResult {
  int exit_code = 0;   // 128 and the signal's number if one ended it
  std::string output;  // what it wrote to standard output
  std::string errors;  // and to standard error
};

// Waits for its end; words[0] is looked for in PATH unless it has a slash. It reads `input`, and what it writes goes
// through files in `scratch`, so that neither side ever waits for a full pipe. Errors: kNotFound: there is no such
// program; kUnavailable; kResourceExhausted: it wrote more than a GiB.
absl::StatusOr<ProgramResult> RunProgram(const TempFolder& scratch,
                                         const std::vector<std::string>& words,
                                         const std::string& input = {});

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_RUN_PROGRAM_H_
