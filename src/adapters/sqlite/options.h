// SPDX-License-Identifier: Apache-2.0
// Options, checked and filled in before anything is opened.
#ifndef HOLDFAST_ADAPTERS_SQLITE_OPTIONS_H_
#define HOLDFAST_ADAPTERS_SQLITE_OPTIONS_H_

#include <absl/status/status.h>
#include <holdfast/sqlite/options.h>

namespace holdfast::inline v0_5::sqlite {

// Errors name the option.
absl::Status CheckOptions(const Options& options);

void FillDefaults(Options* options);

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_OPTIONS_H_
