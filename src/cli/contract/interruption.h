// SPDX-License-Identifier: Apache-2.0
// A signal that ends the command while it has files to erase: first the program that it waits for is told, then the files
// go, then the command ends as it would have.
#ifndef HOLDFAST_CLI_CONTRACT_INTERRUPTION_H_
#define HOLDFAST_CLI_CONTRACT_INTERRUPTION_H_

#include <sys/types.h>

namespace holdfast::cli::contract {

// From now on SIGHUP, SIGINT and SIGTERM are kept for ObeySignals, but for those that are ignored.
void KeepSignals();
// The program that a kept signal is handed on to; 0 for none.
void HandSignalsTo(pid_t program);
// Ends the command if a signal was kept, and keeps no more.
void ObeySignals();

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_INTERRUPTION_H_
