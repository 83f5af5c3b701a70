// SPDX-License-Identifier: Apache-2.0
// The verbs of `holdfast idem`. Each prints its answer and says what is wrong as a status.
#ifndef HOLDFAST_CLI_IDEM_VERBS_H_
#define HOLDFAST_CLI_IDEM_VERBS_H_

#include <absl/status/status.h>
#include <holdfast/operable_store.h>

#include "cli/idem/arguments.h"

namespace holdfast::cli::idem {

// Reading (read_verbs.cc).
absl::Status List(OperableStore& store, const Arguments& arguments);
absl::Status Show(OperableStore& store, const Arguments& arguments);
absl::Status Explain(OperableStore& store, const Arguments& arguments);
absl::Status Export(OperableStore& store, const Arguments& arguments);
absl::Status Verify(OperableStore& store, const Arguments& arguments);  // DATA_LOSS: found some

// Changing (change_verbs.cc).
absl::Status Release(OperableStore& store, const Arguments& arguments);
absl::Status Resolve(OperableStore& store, const Arguments& arguments);
absl::Status Purge(OperableStore& store, const Arguments& arguments);

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_VERBS_H_
