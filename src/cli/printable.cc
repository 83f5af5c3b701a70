// SPDX-License-Identifier: Apache-2.0
#include "cli/printable.h"

#include <absl/strings/escaping.h>

#include <cstddef>
#include <cstdint>

namespace holdfast::cli {
namespace {

// What a terminal takes for an order, and what shows as nothing or turns the text around it about.
bool Misleads(uint32_t character) {
  const auto in = [character](uint32_t first, uint32_t last) {
    return first <= character && character <= last;
  };
  return in(0x80, 0x9F) || character == 0x061C || in(0x200B, 0x200F) || in(0x2028, 0x202E) ||
         in(0x2060, 0x206F) || character == 0xFEFF || in(0xE0000, 0xE0FFF);
}

// Bytes of the character that `text`, not empty, begins with, if it is above ASCII, sound and fit to be shown; else 1.
size_t ShownSize(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1;
  if (size == 1 || first > 0xF4 || text.size() < size) return 1;
  uint32_t character = first & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return 1;
    character = character << 6 | (next & 0x3Fu);
  }
  const bool overlong = character < (size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u);
  const bool surrogate = 0xD800 <= character && character <= 0xDFFF;
  return overlong || surrogate || character > 0x10FFFF || Misleads(character) ? 1 : size;
}

// `as_it_is`: ASCII that is not escaped, though it would be in a string of C.
std::string Escaped(std::string_view text, std::string_view as_it_is) {
  std::string safe;
  while (!text.empty()) {
    const size_t size = ShownSize(text);
    const std::string_view one = text.substr(0, size);
    const bool plain = size > 1 || as_it_is.find(one) != as_it_is.npos;
    safe += plain ? std::string(one) : absl::CHexEscape(absl::string_view(one.data(), 1));
    text.remove_prefix(size);
  }
  return safe;
}

}  // namespace

std::string Printable(std::string_view text) { return Escaped(text, ""); }

std::string PrintableText(std::string_view text) { return Escaped(text, "\"'"); }

std::string PrintableLines(std::string_view text) { return Escaped(text, "\"'\n"); }

bool IsHarmless(std::string_view text) {
  while (!text.empty()) {
    const size_t size = ShownSize(text);
    const bool shown = size > 1 || (text[0] >= ' ' && text[0] <= '~');
    const bool space = text[0] == '\t' || text[0] == '\n' || text.starts_with("\r\n");
    if (!shown && !space) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string Line(const nlohmann::json& value) {
  return value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace holdfast::cli
