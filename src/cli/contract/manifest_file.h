// SPDX-License-Identifier: Apache-2.0
// The manifest that a word of the command line names, and the moment it is looked at from.
#ifndef HOLDFAST_CLI_CONTRACT_MANIFEST_FILE_H_
#define HOLDFAST_CLI_CONTRACT_MANIFEST_FILE_H_

#include <absl/status/statusor.h>
#include <holdfast/attribute.h>

#include <optional>
#include <string>

namespace holdfast::cli::contract {

inline constexpr const char* kManifest = "contracts.textproto";

// The folder of the manifest, if the word is such a folder or the manifest in it.
std::optional<std::string> FolderOfManifest(const std::string& word);
// Errors: kNotFound, saying what was looked for.
absl::StatusOr<std::string> NeedFolderOfManifest(const std::string& word);

// "2027-01-01" (its first moment in UTC), an RFC 3339 date-time, or now if it is empty. Errors: kInvalidArgument.
absl::StatusOr<WallTime> MomentOf(const std::string& option, const std::string& text);

// "2027-01-01", with its time if that is not midnight in UTC.
std::string DateText(WallTime moment);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_MANIFEST_FILE_H_
