// SPDX-License-Identifier: Apache-2.0
// A folder of its own that nobody else may look into, erased with all that is in it, also where a signal ends the command.
#ifndef HOLDFAST_CLI_CONTRACT_TEMP_FOLDER_H_
#define HOLDFAST_CLI_CONTRACT_TEMP_FOLDER_H_

#include <absl/status/statusor.h>

#include <string>
#include <utility>

namespace holdfast::cli::contract {

class TempFolder {
 public:
  // In $TMPDIR, or /tmp. Errors: kUnavailable.
  static absl::StatusOr<TempFolder> Create();

  TempFolder(TempFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempFolder& operator=(TempFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TempFolder();

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TempFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_TEMP_FOLDER_H_
