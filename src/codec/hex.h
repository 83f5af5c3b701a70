// SPDX-License-Identifier: Apache-2.0
// Lower-case hex, of a size known at compile time, without a branch per digit.
#ifndef HOLDFAST_CODEC_HEX_H_
#define HOLDFAST_CODEC_HEX_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast::codec {

inline constexpr char kHexDigits[] = "0123456789abcdef";
inline constexpr std::uint8_t kNotHex = 0xff;

inline constexpr std::array<std::uint8_t, 256> kHexValue = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotHex);
  for (std::uint8_t i = 0; i < 16; ++i) values[static_cast<std::uint8_t>(kHexDigits[i])] = i;
  return values;
}();

// Decodes 2 * kBytes digits. Errors are gathered in the high nibble and looked at once, so that the
// loop has no branch and unrolls; 0 if there was none, else *out is meaningless.
template <std::size_t kBytes>
std::uint8_t DecodeHex(const char* digits, std::uint8_t* out) {
  std::uint8_t seen = 0;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kBytes; ++i) {
    const std::uint8_t high = kHexValue[static_cast<std::uint8_t>(digits[2 * i])];
    const std::uint8_t low = kHexValue[static_cast<std::uint8_t>(digits[2 * i + 1])];
    seen |= high | low;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return seen & 0xf0;
}

// Writes 2 * size digits and returns what comes after them.
inline char* EncodeHex(const std::uint8_t* bytes, std::size_t size, char* out) {
  for (std::size_t i = 0; i < size; ++i) {
    *out++ = kHexDigits[bytes[i] >> 4];
    *out++ = kHexDigits[bytes[i] & 0xf];
  }
  return out;
}

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_HEX_H_
