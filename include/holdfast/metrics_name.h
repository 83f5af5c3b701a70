// SPDX-License-Identifier: Apache-2.0
// What may be a name on a metrics page, and how a name that may not is shown in an error.
//
// Both formats allow any UTF-8 as a label's value and little else as a name. NUL is text for neither a
// log nor a C string, and some readers stop at it, so it is refused, too.
#ifndef HOLDFAST_METRICS_NAME_H_
#define HOLDFAST_METRICS_NAME_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

// [a-zA-Z_][a-zA-Z0-9_]*. The colon is left to the recording rules of whoever scrapes.
inline bool IsMetricName(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !letter(name.front())) return false;
  for (const char c : name) {
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

// As a metric's, and not one that begins with __: those belong to the scraper.
inline bool IsLabelName(std::string_view name) {
  return IsMetricName(name) && !name.starts_with("__");
}

namespace internal {

// The length of the UTF-8 sequence that `text` begins with; 0 if it is none (overlong, a surrogate,
// above U+10FFFF, cut off). Table 3-7 of the Unicode standard.
inline size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto within = [](unsigned value, unsigned lowest, unsigned highest) {
    return value - lowest <= highest - lowest;
  };
  const auto follows = [&](size_t i) { return within(byte(i), 0x80, 0xbf); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (within(first, 0xc2, 0xdf)) return follows(1) ? 2 : 0;
  if (within(first, 0xe0, 0xef)) {
    const unsigned lowest = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned highest = first == 0xed ? 0x9f : 0xbf;
    return within(byte(1), lowest, highest) && follows(2) ? 3 : 0;
  }
  if (!within(first, 0xf0, 0xf4)) return 0;
  const unsigned lowest = first == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xf4 ? 0x8f : 0xbf;
  return within(byte(1), lowest, highest) && follows(2) && follows(3) ? 4 : 0;
}

}  // namespace internal

// UTF-8 without NUL; may be empty.
inline bool IsText(std::string_view text) {
  while (!text.empty()) {
    const size_t length = text.front() == '\0' ? 0 : internal::Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// "text" in quotes for an error's message: printable ASCII as it is, other bytes as \xff; cut at 64.
inline std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 64;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      quoted += c;
    } else {
      quoted += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  quoted += text.size() > kLongest ? "...\"" : "\"";
  return quoted;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METRICS_NAME_H_
