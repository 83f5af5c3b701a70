// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"

#include <array>
#include <cstdint>

namespace holdfast::codec {
namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNoDigit = 0x40;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(kDigits[i])] = i;
  return values;
}();

std::uint32_t ValueOf(char digit) { return kValues[static_cast<std::uint8_t>(digit)]; }
std::uint32_t ByteOf(char byte) { return static_cast<std::uint8_t>(byte); }

std::size_t PaddingOf(std::string_view text) {
  if (text.size() < 4 || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

}  // namespace

std::size_t Base64DecodedSize(std::string_view text) {
  return text.size() / 4 * 3 - PaddingOf(text);
}

bool DecodeBase64(std::string_view text, char* out) {
  if (text.size() % 4 != 0) return false;
  std::string_view digits = text.substr(0, text.size() - PaddingOf(text));
  std::uint32_t wrong = 0;
  for (; digits.size() >= 4; digits.remove_prefix(4)) {
    const std::uint32_t a = ValueOf(digits[0]), b = ValueOf(digits[1]);
    const std::uint32_t c = ValueOf(digits[2]), d = ValueOf(digits[3]);
    wrong |= (a | b | c | d) & kNoDigit;
    *out++ = static_cast<char>(a << 2 | b >> 4);
    *out++ = static_cast<char>(b << 4 | c >> 2);
    *out++ = static_cast<char>(c << 6 | d);
  }
  if (digits.empty()) return wrong == 0;
  const std::uint32_t a = ValueOf(digits[0]), b = ValueOf(digits[1]);
  const std::uint32_t c = digits.size() == 3 ? ValueOf(digits[2]) : 0;
  wrong |= (a | b | c) & kNoDigit;
  *out++ = static_cast<char>(a << 2 | b >> 4);
  if (digits.size() == 2) return (wrong | (b & 0xF)) == 0;
  *out++ = static_cast<char>(b << 4 | c >> 2);
  return (wrong | (c & 0x3)) == 0;
}

void EncodeBase64(std::string_view bytes, char* out) {
  for (; bytes.size() >= 3; bytes.remove_prefix(3)) {
    const std::uint32_t group = ByteOf(bytes[0]) << 16 | ByteOf(bytes[1]) << 8 | ByteOf(bytes[2]);
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = kDigits[group >> shift & 63];
  }
  if (bytes.empty()) return;
  const std::uint32_t second = bytes.size() == 2 ? ByteOf(bytes[1]) : 0;
  const std::uint32_t group = ByteOf(bytes[0]) << 16 | second << 8;
  *out++ = kDigits[group >> 18];
  *out++ = kDigits[group >> 12 & 63];
  *out++ = bytes.size() == 2 ? kDigits[group >> 6 & 63] : '=';
  *out++ = '=';
}

}  // namespace holdfast::codec
