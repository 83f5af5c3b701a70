// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/manifest_file.h"

#include <absl/time/time.h>

#include <filesystem>
#include <system_error>

#include "cli/printable.h"

namespace holdfast::cli::contract {

namespace fs = std::filesystem;

std::optional<std::string> FolderOfManifest(const std::string& word) {
  std::error_code ignored;
  const fs::path path(word);
  if (path.filename() == kManifest && fs::is_regular_file(path, ignored)) {
    return path.has_parent_path() ? path.parent_path().string() : ".";
  }
  if (fs::is_regular_file(path / kManifest, ignored)) return word;
  return std::nullopt;
}

absl::StatusOr<std::string> NeedFolderOfManifest(const std::string& word) {
  const std::optional<std::string> folder = FolderOfManifest(word);
  if (folder.has_value()) return *folder;
  return absl::NotFoundError(Printable(word) + ": neither " + kManifest + " nor a folder with one");
}

absl::StatusOr<WallTime> MomentOf(const std::string& option, const std::string& text) {
  absl::Time moment = absl::Now();
  std::string error;
  const bool read = text.empty() ||
                    absl::ParseTime("%Y-%m-%d", text, absl::UTCTimeZone(), &moment, &error) ||
                    absl::ParseTime(absl::RFC3339_full, text, &moment, &error);
  // What nanoseconds in 64 bits can tell.
  const bool told = moment > absl::FromUnixSeconds(-9'223'372'036) &&
                    moment < absl::FromUnixSeconds(9'223'372'036);
  if (!read || !told) {
    return absl::InvalidArgumentError(
        option + ": not a date like 2027-01-01 or a time like 2027-01-01T00:00:00Z");
  }
  return WallTime(std::chrono::nanoseconds(absl::ToUnixNanos(moment)));
}

std::string DateText(WallTime moment) {
  const absl::Time time = absl::FromUnixNanos(moment.time_since_epoch().count());
  const bool midnight = moment == std::chrono::floor<std::chrono::days>(moment);
  return absl::FormatTime(midnight ? "%Y-%m-%d" : "%Y-%m-%d%ET%H:%M:%E*SZ", time,
                          absl::UTCTimeZone());
}

}  // namespace holdfast::cli::contract
