// SPDX-License-Identifier: Apache-2.0
#include "codec/event_text.h"

#include <cstdint>

#include "codec/ascii.h"
#include "codec/percent.h"

namespace holdfast::codec {
namespace {

using ascii::Load;
constexpr std::size_t kBlock = 2 * ascii::kWord;

std::uint8_t ByteAt(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// Not 0 if a byte is outside 0x20..0x7E. As long as all are inside, no sum carries or borrows.
std::uint64_t Unusual(std::uint64_t word) {
  return (word | (word - ascii::kEach * 0x20) | (word + ascii::kEach)) & ascii::kHigh;
}

// A well-formed sequence of two bytes or more as its code point.
std::uint32_t CodePoint(std::string_view sequence) {
  const std::uint32_t lead = ByteAt(sequence, 0) & (0x7Fu >> sequence.size());
  std::uint32_t code = lead;
  for (std::size_t i = 1; i < sequence.size(); ++i)
    code = code << 6 | (ByteAt(sequence, i) & 0x3Fu);
  return code;
}

constexpr bool IsNoncharacter(std::uint32_t code) {
  return (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
}

// The size of the character at `at`, which is not ASCII; 0: it is none, or not allowed.
std::size_t WideCharacter(std::string_view text, std::size_t at, bool any) {
  const std::string_view left = text.substr(at);
  const Sequence next = ReadUtf8(left);
  if (!next.valid) return 0;
  if (any) return next.size;
  const std::uint32_t code = CodePoint(left.substr(0, next.size));
  return code <= 0x9F || IsNoncharacter(code) ? 0 : next.size;
}

// Sixteen bytes at a time as long as they are plain, else character by character.
template <class Unusual>
std::size_t Span(std::string_view text, bool any, Unusual unusual) {
  std::size_t at = 0;
  while (at < text.size()) {
    while (text.size() - at >= kBlock && (unusual(Load(text.data() + at)) |
                                          unusual(Load(text.data() + at + ascii::kWord))) == 0) {
      at += kBlock;
    }
    const std::size_t end = text.size() - at < kBlock ? text.size() : at + kBlock;
    while (at < end) {
      const std::uint8_t byte = ByteAt(text, at);
      const bool plain = any ? byte < 0x80 : byte >= 0x20 && byte < 0x7F;
      const std::size_t size = plain ? 1 : byte < 0x80 ? 0 : WideCharacter(text, at, any);
      if (size == 0) return at;
      at += size;
    }
  }
  return at;
}

}  // namespace

std::size_t SpanOfEventText(std::string_view text) { return Span(text, false, Unusual); }

bool IsEventText(std::string_view text) {
  return NoneIs(text, Unusual) || SpanOfEventText(text) == text.size();
}

bool IsUtf8(std::string_view text) {
  const auto high = [](std::uint64_t word) { return word & ascii::kHigh; };
  return Span(text, true, high) == text.size();
}

}  // namespace holdfast::codec
