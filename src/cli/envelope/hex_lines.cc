// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/hex_lines.h"

#include <fmt/core.h>

#include <cstdint>

namespace holdfast::cli::envelope {

std::vector<std::string> HexLines(std::string_view bytes) {
  constexpr std::size_t kRow = 16;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size(); at += kRow) {
    std::string hex, ascii;
    for (const char byte : bytes.substr(at, kRow)) {
      hex += fmt::format("{:02x} ", static_cast<std::uint8_t>(byte));
      ascii += byte >= ' ' && byte <= '~' ? byte : '.';
    }
    lines.push_back(fmt::format("{:08x}  {:<48} {}", at, hex, ascii));
  }
  return lines;
}

}  // namespace holdfast::cli::envelope
