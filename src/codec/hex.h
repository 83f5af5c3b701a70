// SPDX-License-Identifier: Apache-2.0
// Lower-case hex, eight digits at a time and without a branch per digit.
#ifndef HOLDFAST_CODEC_HEX_H_
#define HOLDFAST_CODEC_HEX_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace holdfast::codec {

inline constexpr char kHexDigits[] = "0123456789abcdef";
inline constexpr std::uint8_t kNotHex = 0xff;

inline constexpr std::array<std::uint8_t, 256> kHexValue = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotHex);
  for (std::uint8_t i = 0; i < 16; ++i) values[static_cast<std::uint8_t>(kHexDigits[i])] = i;
  return values;
}();

namespace hex {

inline constexpr std::uint64_t kEach = 0x0101010101010101;
// The words below have the first digit in the lowest byte.
inline constexpr bool kByWords = std::endian::native == std::endian::little;

// Eight nibbles, one a byte, as eight digits.
constexpr std::uint64_t Digits(std::uint64_t nibbles) {
  const std::uint64_t letters = ((nibbles + 6 * kEach) >> 4) & kEach;
  return nibbles + '0' * kEach + letters * ('a' - '0' - 10);
}

// Eight digits as four bytes, the first in the lowest. Whatever is not a lower-case digit sets a bit in
// *wrong: what is read from it, written again, is something else.
inline std::uint32_t Decode(std::uint64_t digits, std::uint64_t* wrong) {
  const std::uint64_t letters = (digits >> 6) & kEach;
  std::uint64_t nibbles = (digits & 0x0f * kEach) + 9 * letters;
  *wrong |= (Digits(nibbles) ^ digits) | (nibbles & 0xf0 * kEach);
  nibbles = (nibbles << 4 | nibbles >> 8) & 0x00ff00ff00ff00ff;
  nibbles = (nibbles | nibbles >> 8) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(nibbles | nibbles >> 16);
}

inline std::uint64_t Encode(std::uint32_t bytes) {
  std::uint64_t nibbles = bytes;
  nibbles = (nibbles | nibbles << 16) & 0x0000ffff0000ffff;
  nibbles = (nibbles | nibbles << 8) & 0x00ff00ff00ff00ff;
  nibbles = (nibbles >> 4 | nibbles << 8) & 0x0f * kEach;
  return Digits(nibbles);
}

}  // namespace hex

// Decodes 2 * kBytes digits. Errors are gathered and looked at once, so that there is no branch per
// digit; 0 if there was none, else *out is meaningless.
template <std::size_t kBytes>
std::uint64_t DecodeHex(const char* digits, std::uint8_t* out) {
  constexpr std::size_t kWhole = hex::kByWords ? kBytes / 4 * 4 : 0;
  std::uint64_t wrong = 0;
  for (std::size_t at = 0; at < kWhole; at += 4) {
    std::uint64_t word = 0;
    std::memcpy(&word, digits + 2 * at, sizeof word);
    const std::uint32_t bytes = hex::Decode(word, &wrong);
    std::memcpy(out + at, &bytes, sizeof bytes);
  }
  for (std::size_t at = kWhole; at < kBytes; ++at) {
    const std::uint8_t high = kHexValue[static_cast<std::uint8_t>(digits[2 * at])];
    const std::uint8_t low = kHexValue[static_cast<std::uint8_t>(digits[2 * at + 1])];
    wrong |= (high | low) & 0xf0;
    out[at] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return wrong;
}

// Writes 2 * size digits and returns what comes after them.
inline char* EncodeHex(const std::uint8_t* bytes, std::size_t size, char* out) {
  for (; hex::kByWords && size >= 4; size -= 4, bytes += 4, out += 8) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    const std::uint64_t digits = hex::Encode(word);
    std::memcpy(out, &digits, sizeof digits);
  }
  for (std::size_t i = 0; i < size; ++i) {
    *out++ = kHexDigits[bytes[i] >> 4];
    *out++ = kHexDigits[bytes[i] & 0xf];
  }
  return out;
}

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_HEX_H_
