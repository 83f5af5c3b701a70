// SPDX-License-Identifier: Apache-2.0
#include "codec/uri.h"

#include <cstddef>

#include "codec/ascii.h"
#include "codec/hex.h"

namespace holdfast::codec {
namespace {

constexpr bool IsOneOf(char byte, std::string_view set) {
  return set.find(byte) != std::string_view::npos;
}
constexpr bool IsUnreserved(char byte) {
  return IsAlpha(byte) || IsDigit(byte) || IsOneOf(byte, "-._~");
}
constexpr bool IsSubDelimiter(char byte) { return IsOneOf(byte, "!$&'()*+,;="); }
constexpr bool IsPathByte(char byte) {  // pchar but for escapes, and "/"
  return IsUnreserved(byte) || IsSubDelimiter(byte) || IsOneOf(byte, ":@/");
}

constexpr ByteClass kScheme =
    MakeByteClass([](char byte) { return IsAlpha(byte) || IsDigit(byte) || IsOneOf(byte, "+-."); });
constexpr ByteClass kUserInfo = MakeByteClass(
    [](char byte) { return IsUnreserved(byte) || IsSubDelimiter(byte) || byte == ':'; });
constexpr ByteClass kRegisteredName =
    MakeByteClass([](char byte) { return IsUnreserved(byte) || IsSubDelimiter(byte); });
constexpr ByteClass kPath = MakeByteClass(IsPathByte);
constexpr ByteClass kQuery =
    MakeByteClass([](char byte) { return IsPathByte(byte) || byte == '?'; });
constexpr ByteClass kDigit = MakeByteClass(IsDigit);

bool IsHexDigit(char byte) {
  return kHexValue[static_cast<unsigned char>(ToLower(byte))] != kNotHex;
}

// Only bytes of the class, and whole escapes.
bool IsMadeOf(const ByteClass& members, std::string_view text) {
  for (text.remove_prefix(SpanOf(members, text)); !text.empty();
       text.remove_prefix(SpanOf(members, text))) {
    if (text.size() < 3 || text[0] != '%' || !IsHexDigit(text[1]) || !IsHexDigit(text[2])) {
      return false;
    }
    text.remove_prefix(3);
  }
  return true;
}

// What stands before `mark`; without one nothing, and *text stays. The mark goes, too.
bool CutBefore(char mark, std::string_view* text, std::string_view* before) {
  const std::size_t at = text->find(mark);
  if (at == std::string_view::npos) return false;
  *before = text->substr(0, at);
  text->remove_prefix(at + 1);
  return true;
}

bool IsDecimalOctet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return false;
  int value = 0;
  for (const char digit : text) {
    if (!IsDigit(digit)) return false;
    value = value * 10 + (digit - '0');
  }
  return value <= 255;
}

bool IsIpv4(std::string_view text) {
  std::string_view octet;
  for (int i = 0; i < 3; ++i) {
    if (!CutBefore('.', &text, &octet) || !IsDecimalOctet(octet)) return false;
  }
  return IsDecimalOctet(text);
}

bool IsGroup(std::string_view text) {
  if (text.empty() || text.size() > 4) return false;
  for (const char byte : text) {
    if (!IsHexDigit(byte)) return false;
  }
  return true;
}

// How many groups of 16 bits stand between single colons; -1: something else does. An IPv4 address, which
// counts as two, may be the last one if it ends the literal.
int GroupsOf(std::string_view text, bool ends_literal) {
  if (text.empty()) return 0;
  int count = 1;
  std::string_view group;
  for (; CutBefore(':', &text, &group); ++count) {
    if (!IsGroup(group)) return -1;
  }
  if (IsGroup(text)) return count;
  return ends_literal && IsIpv4(text) ? count + 1 : -1;
}

bool IsIpv6(std::string_view text) {
  constexpr int kGroups = 8;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return GroupsOf(text, true) == kGroups;
  const int before = GroupsOf(text.substr(0, gap), false);
  const int after = GroupsOf(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after < kGroups;  // `::` is one group at least
}

// "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
bool IsIpFuture(std::string_view text) {
  if (text.empty() || ToLower(text[0]) != 'v') return false;
  text.remove_prefix(1);
  std::string_view version;
  if (!CutBefore('.', &text, &version) || version.empty() || text.empty()) return false;
  for (const char byte : version) {
    if (!IsHexDigit(byte)) return false;
  }
  return SpanOf(kUserInfo, text) == text.size();
}

// [ userinfo "@" ] host [ ":" port ]
bool IsAuthority(std::string_view text) {
  std::string_view user;
  if (CutBefore('@', &text, &user) && !IsMadeOf(kUserInfo, user)) return false;
  std::string_view host = text;
  std::string_view port;
  if (!text.empty() && text[0] == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!IsIpv6(host) && !IsIpFuture(host)) return false;
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
    if (!IsMadeOf(kRegisteredName, host)) return false;  // any IPv4 address is a name as well
  }
  if (port.empty()) return true;
  return port[0] == ':' && SpanOf(kDigit, port.substr(1)) == port.size() - 1;
}

// What stands before a query, which has no other bytes than one may have.
bool TakeQuery(std::string_view text, std::string_view* before) {
  const std::size_t question = text.find('?');
  *before = text.substr(0, question);
  return question == std::string_view::npos || IsMadeOf(kQuery, text.substr(question + 1));
}

// All but scheme and fragment: [ "//" authority ] path [ "?" query ]
bool IsRest(std::string_view text, bool has_scheme) {
  if (text.starts_with("//")) return IsAuthorityAndPath(text.substr(2));
  std::string_view path;
  if (!TakeQuery(text, &path)) return false;
  if (!has_scheme) {
    // path-noscheme: a colon in the first segment would make it a scheme.
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.find(':') != std::string_view::npos) return false;
  }
  return IsMadeOf(kPath, path);
}

// Takes a scheme and its colon off the text, if it begins with one.
bool TakeScheme(std::string_view* text) {
  const std::size_t size = SpanOf(kScheme, *text);
  if (size == 0 || size == text->size() || (*text)[size] != ':' || !IsAlpha(text->front())) {
    return false;
  }
  text->remove_prefix(size + 1);
  return true;
}

// Whether all are letters, digits or one of & ' ( ) * + , - . / which most references are made of: they may stand anywhere
// in one, with or without a scheme before them.
bool IsPlain(std::string_view text) {
  return NoneIs(text, [](std::uint64_t word) {
    return ascii::Outside<'a', 'z'>(word | ascii::kEach * 0x20) & ascii::Outside<'&', '9'>(word);
  });
}

}  // namespace

bool IsAuthorityAndPath(std::string_view text) {
  std::string_view path;
  if (!TakeQuery(text, &path)) return false;
  const std::size_t slash = path.find('/');
  if (!IsAuthority(path.substr(0, slash))) return false;
  return slash == std::string_view::npos || IsMadeOf(kPath, path.substr(slash));
}

bool IsAbsoluteUri(std::string_view text) {
  return TakeScheme(&text) && (IsPlain(text) || IsRest(text, true));
}

bool IsUriReference(std::string_view text) {
  if (IsPlain(text)) return true;
  const std::size_t hash = text.find('#');
  if (hash != std::string_view::npos && !IsMadeOf(kQuery, text.substr(hash + 1))) return false;
  std::string_view rest = text.substr(0, hash);
  const bool has_scheme = TakeScheme(&rest);
  return IsRest(rest, has_scheme);
}

}  // namespace holdfast::codec
