// SPDX-License-Identifier: Apache-2.0
#include "codec/binding_value.h"

#include <cstdint>
#include <cstring>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr ByteClass kPlain = MakeByteClass(
    [](char byte) { return byte > 0x20 && byte < 0x7F && byte != '"' && byte != '%'; });
// A whole quoted string without its marks, backslashes still in it; nothing else is one.
bool Unquote(std::string_view& value) {
  if (value.size() < 2 || value.front() != '"') return false;
  std::size_t at = 1;
  while (at < value.size() && value[at] != '"') at += value[at] == '\\' ? 2 : 1;
  if (at + 1 != value.size()) return false;
  value = value.substr(1, value.size() - 2);
  return true;
}

std::size_t DropBackslashes(std::string_view value, char* out) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '\\') ++at;  // Unquote saw that a byte follows
    out[size++] = value[at];
  }
  return size;
}

int Digit(char byte) {
  if (IsDigit(byte)) return byte - '0';
  const char lower = ToLower(byte);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool IsPlainValue(std::string_view text) {
  // Eight bytes at a time; a byte that is not plain shows in its highest bit.
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kHigh = kEach * 0x80;
  const auto wrong = [](std::uint64_t word) {
    const std::uint64_t low = word & ~kHigh;  // so that no sum carries into the next byte
    const std::uint64_t at_least_first = low + kEach * (0x80 - 0x21);
    const std::uint64_t above_last = low + kEach;
    const std::uint64_t no_quote = (low ^ kEach * '"') + kEach * 0x7F;
    const std::uint64_t no_percent = (low ^ kEach * '%') + kEach * 0x7F;
    return (word | above_last | ~(at_least_first & no_quote & no_percent)) & kHigh;
  };
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (text.size() < kWord) return SpanOf(kPlain, text) == text.size();
  const auto load = [&](std::size_t at) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, kWord);
    return word;
  };
  std::uint64_t seen = wrong(load(text.size() - kWord));
  for (std::size_t at = 0; at + kWord < text.size(); at += kWord) seen |= wrong(load(at));
  return seen == 0;
}

void EncodeHeaderValue(std::string_view text, TextSink& out) {
  while (!text.empty()) {
    const std::size_t plain = SpanOf(kPlain, text);
    out.Put(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    out.PutEscape(static_cast<std::uint8_t>(text[0]));
    text.remove_prefix(1);
  }
}

bool IsHeaderText(std::string_view text) {
  constexpr ByteClass kAscii =
      MakeByteClass([](char byte) { return byte >= 0x20 && byte < 0x7F; });  // 0x80 on: negative
  return !text.empty() && TrimOws(text).size() == text.size() &&
         SpanOf(kAscii, text) == text.size();
}

HeaderValue DecodeHeaderValue(std::string_view value, char* buffer) {
  HeaderValue read;
  if (IsPlainValue(value)) {
    read.text = value;
    return read;
  }
  read.quoted = Unquote(value);
  if (read.quoted) value = {buffer, DropBackslashes(value, buffer)};
  // In place from here on: what was read is never before what is written.
  std::size_t size = 0;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] != '%') {
      read.raw |= !Has(kPlain, value[at]);
      buffer[size++] = value[at];
      continue;
    }
    const int high = at + 2 < value.size() ? Digit(value[at + 1]) : -1;
    const int low = high < 0 ? -1 : Digit(value[at + 2]);
    read.lone |= low < 0;
    buffer[size++] = low < 0 ? '%' : static_cast<char>(high << 4 | low);
    if (low >= 0) at += 2;
  }
  read.text = {buffer, size};
  return read;
}

}  // namespace holdfast::codec
