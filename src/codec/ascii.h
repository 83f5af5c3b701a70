// SPDX-License-Identifier: Apache-2.0
// What every header codec asks of single bytes. ASCII only, whatever the locale.
#ifndef HOLDFAST_CODEC_ASCII_H_
#define HOLDFAST_CODEC_ASCII_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace holdfast::codec {

// RFC 9110: optional white space. Line ends are not among it, so a folded line is malformed everywhere.
constexpr bool IsOws(char byte) { return byte == ' ' || byte == '\t'; }

constexpr std::string_view TrimOws(std::string_view text) {
  while (!text.empty() && IsOws(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsOws(text.back())) text.remove_suffix(1);
  return text;
}

constexpr bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }
constexpr bool IsLower(char byte) { return byte >= 'a' && byte <= 'z'; }
constexpr bool IsUpper(char byte) { return byte >= 'A' && byte <= 'Z'; }
constexpr bool IsAlpha(char byte) { return IsLower(byte) || IsUpper(byte); }
constexpr char ToLower(char byte) { return IsUpper(byte) ? static_cast<char>(byte | 0x20) : byte; }

// Which bytes belong to a class, as one load.
using ByteClass = std::array<bool, 256>;

template <class Belongs>
constexpr ByteClass MakeByteClass(Belongs belongs) {
  ByteClass members{};
  for (int byte = 0; byte < 256; ++byte) {
    members[static_cast<std::size_t>(byte)] = belongs(static_cast<char>(byte));
  }
  return members;
}

constexpr bool Has(const ByteClass& members, char byte) {
  return members[static_cast<std::uint8_t>(byte)];
}

// How many bytes of `text`, from its beginning, belong to the class.
constexpr std::size_t SpanOf(const ByteClass& members, std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && Has(members, text[size])) ++size;
  return size;
}

namespace ascii {

inline constexpr std::uint64_t kEach = 0x0101010101010101;
inline constexpr std::uint64_t kHigh = kEach * 0x80;
inline constexpr std::size_t kWord = sizeof(std::uint64_t);

inline std::uint64_t Load(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, kWord);
  return word;
}

inline std::uint64_t LoadHalf(const char* at) {
  std::uint32_t half = 0;
  std::memcpy(&half, at, sizeof half);
  return half;
}

// 1..7 bytes as a word that holds all of them, some twice, and no other.
inline std::uint64_t LoadShort(const char* at, std::size_t size) {
  if (size >= 4) return LoadHalf(at) | LoadHalf(at + size - 4) << 32;
  const auto byte = [&](std::size_t i) -> std::uint64_t {
    return static_cast<std::uint8_t>(at[i]);
  };
  return byte(0) * kEach ^ (byte(0) ^ byte(size / 2)) << 8 ^ (byte(0) ^ byte(size - 1)) << 16;
}

// The high bit of each byte that is not in kFirst..kLast.
template <char kFirst, char kLast>
constexpr std::uint64_t Outside(std::uint64_t word) {
  const std::uint64_t low = word & ~kHigh;  // so that no sum carries into the next byte
  const std::uint64_t at_least_first = low + kEach * (0x80 - kFirst);
  const std::uint64_t above_last = low + kEach * (0x7F - kLast);
  return (word | ~at_least_first | above_last) & kHigh;
}

}  // namespace ascii

// Whether wrong(word) is 0 for the bytes of `text`, eight at a time; some are seen twice.
template <class Wrong>
bool NoneIs(std::string_view text, Wrong wrong) {
  if (text.empty()) return true;
  if (text.size() < ascii::kWord) return wrong(ascii::LoadShort(text.data(), text.size())) == 0;
  std::uint64_t seen = wrong(ascii::Load(text.data() + text.size() - ascii::kWord));
  for (std::size_t at = 0; at + ascii::kWord < text.size(); at += ascii::kWord) {
    seen |= wrong(ascii::Load(text.data() + at));
  }
  return seen == 0;
}

// Whether every byte is printable and no space: 0x21..0x7E.
inline bool IsGraphic(std::string_view text) { return NoneIs(text, ascii::Outside<0x21, 0x7E>); }

// Whether they are equal but for the case of letters; `lower` has none in upper case.
inline bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ToLower(text[i]) != lower[i]) return false;
  }
  return true;
}

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ASCII_H_
