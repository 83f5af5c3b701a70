// SPDX-License-Identifier: Apache-2.0
// From a URL to a store, with what an operator's tool needs of it.
#ifndef HOLDFAST_CLI_IDEM_OPEN_STORE_H_
#define HOLDFAST_CLI_IDEM_OPEN_STORE_H_

#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>

#include <memory>
#include <string>

namespace holdfast::cli::idem {

// Never creates a store and never migrates one: whoever mistypes a path gets an error, not an empty store.
// Errors: INVALID_ARGUMENT for a URL of no known kind or one this build has no store for; else as the store's.
absl::StatusOr<std::unique_ptr<OperableStore>> OpenStore(const std::string& url,
                                                         const std::string& password_file);

// Brings the schema up to this version, creating it in a database that has none. One sentence on what was done.
absl::StatusOr<std::string> MigrateStore(const std::string& url, const std::string& password_file);

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_OPEN_STORE_H_
