// SPDX-License-Identifier: Apache-2.0
#include "cli/read_bytes.h"

#include <absl/strings/str_cat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "cli/printable.h"

namespace holdfast::cli {
namespace {

absl::StatusOr<std::string> ReadAll(std::FILE* file, const std::string& name, std::size_t most) {
  std::string bytes;
  char buffer[65536];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof(buffer), file)) > 0;) {
    bytes.append(buffer, got);
    if (bytes.size() > most) {
      return absl::ResourceExhaustedError(absl::StrCat(name, ": more than ", most, " bytes"));
    }
  }
  if (std::ferror(file) != 0) return absl::DataLossError(name + ": cannot be read to its end");
  return bytes;
}

}  // namespace

absl::StatusOr<std::string> ReadBytes(const std::string& word, std::size_t most) {
  if (word == "-") return ReadAll(stdin, "standard input", most);
  const std::string name = Printable(word);
  std::error_code ignored;
  if (std::filesystem::is_directory(word, ignored)) {
    return absl::DataLossError(name + ": is a folder");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(word.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) return absl::NotFoundError(name + ": " + std::strerror(errno));
  return ReadAll(file.get(), name, most);
}

}  // namespace holdfast::cli
