// SPDX-License-Identifier: Apache-2.0
#include "codec/percent.h"

#include <cstring>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kReplacementEscaped = "%EF%BF%BD";
constexpr std::size_t kLongestSequence = 4;
constexpr int kNoDigit = -1;

constexpr ByteClass kUnreserved = MakeByteClass([](char byte) {
  return IsAlpha(byte) || IsDigit(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~';
});

int Digit(char byte) {
  if (IsDigit(byte)) return byte - '0';
  const char lower = ToLower(byte);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : kNoDigit;
}

// The byte of the escape at the beginning of `value`; a negative number if there is none.
int Escaped(std::string_view value) {
  if (value.size() < 3 || value[0] != '%') return kNoDigit;
  const int high = Digit(value[1]), low = Digit(value[2]);
  return high < 0 || low < 0 ? kNoDigit : high << 4 | low;
}

// The next character of a value: a sequence of UTF-8 whose bytes are all escaped, or one byte as it stands.
struct Character {
  char bytes[kLongestSequence];
  Sequence sequence;
  bool escaped = false;
  bool malformed = false;

  std::string_view text() const { return {bytes, sequence.size}; }
};

Character TakeCharacter(std::string_view& value) {
  Character next;
  std::size_t count = 0;
  int byte = Escaped(value);
  if (byte < 0) {
    next.malformed = value[0] == '%';
    next.bytes[0] = value[0];
    next.sequence = {1, static_cast<std::uint8_t>(value[0]) < 0x80};
    value.remove_prefix(1);
    return next;
  }
  next.escaped = true;
  for (; byte >= 0 && count < kLongestSequence; byte = Escaped(value.substr(3 * count))) {
    next.bytes[count++] = static_cast<char>(byte);
  }
  next.sequence = ReadUtf8({next.bytes, count});
  value.remove_prefix(3 * next.sequence.size);
  return next;
}

}  // namespace

void TextSink::Put(std::string_view text) {
  if (need_ + text.size() <= capacity_ && !text.empty()) {
    std::memcpy(out_ + need_, text.data(), text.size());
    need_ += text.size();
    return;
  }
  for (const char byte : text) Put(byte);
}

void TextSink::PutEscape(std::uint8_t byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  Put('%');
  Put(kDigits[byte >> 4]);
  Put(kDigits[byte & 15]);
}

Sequence ReadUtf8(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte excludes over-long forms, surrogates, and what is beyond U+10FFFF.
  std::uint8_t lowest = 0x80, highest = 0xBF;
  if (first == 0xE0) lowest = 0xA0;
  if (first == 0xED) highest = 0x9F;
  if (first == 0xF0) lowest = 0x90;
  if (first == 0xF4) highest = 0x8F;
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size() || at(i) < lowest || at(i) > highest) return {i, false};
    lowest = 0x80;
    highest = 0xBF;
  }
  return {size, true};
}

void EncodeValue(std::string_view text, TextSink& out) {
  while (!text.empty()) {
    const Sequence next = ReadUtf8(text);
    const std::string_view bytes = text.substr(0, next.size);
    text.remove_prefix(next.size);
    if (!next.valid) {
      out.Put(kReplacementEscaped);
    } else if (Has(kUnreserved, bytes[0])) {
      out.Put(bytes[0]);
    } else {
      for (const char byte : bytes) out.PutEscape(static_cast<std::uint8_t>(byte));
    }
  }
}

bool DecodeValue(std::string_view value, TextSink& out) {
  while (!value.empty()) {
    const Character next = TakeCharacter(value);
    if (next.malformed) return false;
    out.Put(next.sequence.valid ? next.text() : kReplacement);
  }
  return true;
}

bool RepairValue(std::string_view value, TextSink& out) {
  while (!value.empty()) {
    const Character next = TakeCharacter(value);
    if (next.malformed) return false;
    if (!next.sequence.valid) {
      out.Put(kReplacementEscaped);
    } else if (next.escaped) {
      for (const char byte : next.text()) out.PutEscape(static_cast<std::uint8_t>(byte));
    } else {
      out.Put(next.bytes[0]);
    }
  }
  return true;
}

}  // namespace holdfast::codec
