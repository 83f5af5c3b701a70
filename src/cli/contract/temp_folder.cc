// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/temp_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/contract/interruption.h"

namespace holdfast::cli::contract {

absl::StatusOr<TempFolder> TempFolder::Create() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) return absl::UnavailableError("no folder for temporary files: " + error.message());
  KeepSignals();
  std::string path = (parent / "holdfast-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    return absl::UnavailableError(path + ": " + std::strerror(errno));
  }
  return TempFolder(std::move(path));
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  if (path_.empty()) return;
  std::filesystem::remove_all(path_, ignored);
  ObeySignals();
}

}  // namespace holdfast::cli::contract
