// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/table.h"

#include <absl/strings/ascii.h>
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "cli/printable.h"

namespace holdfast::cli::contract {

void Table::Add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::Print() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const std::vector<std::string>& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}", row[i], widths[i] + 2);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    fmt::print("{}\n", line);
  }
}

}  // namespace holdfast::cli::contract
