// SPDX-License-Identifier: Apache-2.0
#include "codec/baggage.h"

#include <algorithm>
#include <cstring>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

// RFC 9110 5.6.2.
constexpr ByteClass kTokenByte = MakeByteClass([](char byte) {
  return IsAlpha(byte) || IsDigit(byte) ||
         (byte != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos);
});

constexpr bool IsValueByte(char byte) {
  return byte > ' ' && byte <= '~' && byte != '"' && byte != ',' && byte != ';' && byte != '\\';
}
// Which bytes of a value need no look at their neighbours.
constexpr ByteClass kPlainByte =
    MakeByteClass([](char byte) { return IsValueByte(byte) && byte != '%'; });
constexpr ByteClass kValueByte = MakeByteClass(IsValueByte);

std::string_view TakeUntil(char end, std::string_view& text) {
  const void* const found = text.empty() ? nullptr : std::memchr(text.data(), end, text.size());
  const std::size_t size =
      found == nullptr ? text.size()
                       : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
  const std::string_view part = text.substr(0, size);
  text.remove_prefix(std::min(text.size(), size + 1));
  return part;
}

std::string_view TrimLeft(std::string_view text) {
  while (!text.empty() && IsOws(text.front())) text.remove_prefix(1);
  return text;
}

// Takes a key and the white space after it off `text`. Empty: there is none.
std::string_view TakeKey(std::string_view& text) {
  const std::string_view key = text.substr(0, SpanOf(kTokenByte, text));
  text = TrimLeft(text.substr(key.size()));
  return key;
}

// Writes a value in order, without the white space around it. False if it is malformed.
bool PutValue(std::string_view value, TextSink& out) {
  value = TrimOws(value);
  const std::size_t plain = SpanOf(kPlainByte, value);
  out.Put(value.substr(0, plain));
  if (plain == value.size()) return true;
  const std::string_view rest = value.substr(plain);
  return SpanOf(kValueByte, rest) == rest.size() && RepairValue(rest, out);
}

bool PutProperty(std::string_view property, TextSink& out) {
  const std::string_view key = TakeKey(property);
  if (key.empty()) return false;
  out.Put(';');
  out.Put(key);
  if (property.empty()) return true;
  if (property.front() != '=') return false;
  out.Put('=');
  return PutValue(property.substr(1), out);
}

// The key, empty if the member is malformed, and then part of it may be written.
std::string_view PutMember(std::string_view member, TextSink& out) {
  const std::string_view key = TakeKey(member);
  if (key.empty() || member.empty() || member.front() != '=') return {};
  member.remove_prefix(1);
  out.Put(key);
  out.Put('=');
  if (!PutValue(TakeUntil(';', member), out)) return {};
  while (!member.empty()) {
    const std::string_view property = TrimOws(TakeUntil(';', member));
    if (!property.empty() && !PutProperty(property, out)) return {};
  }
  return key;
}

// The member at the beginning of a header, if it is key=value in order with nothing else to it; else size 0.
struct PlainMember {
  std::size_t key_size = 0, size = 0;
};

PlainMember PlainMemberOf(std::string_view header) {
  const std::size_t key = SpanOf(kTokenByte, header);
  if (key == 0 || key == header.size() || header[key] != '=') return {};
  const std::size_t size = key + 1 + SpanOf(kPlainByte, header.substr(key + 1));
  if (size != header.size() && header[size] != ',') return {};
  return {key, size};
}

}  // namespace

bool IsPrivate(std::string_view member) {
  TakeUntil(';', member);
  while (!member.empty()) {
    std::string_view property = TrimLeft(TakeUntil(';', member));
    if (TakeKey(property) == kPrivateProperty) return true;
  }
  return false;
}

std::string_view KeyOf(std::string_view member) { return TakeUntil('=', member); }

void BaggageList::Add(std::string_view header) {
  while (!header.empty()) {
    // Most members are a key and a plain value, and go on as they came.
    header = TrimLeft(header);
    const PlainMember plain = PlainMemberOf(header);
    if (plain.size != 0) {
      AddPlain(header.substr(0, plain.key_size), header.substr(0, plain.size));
      header.remove_prefix(std::min(header.size(), plain.size + 1));
      continue;
    }
    const std::string_view member = TrimOws(TakeUntil(',', header));
    if (!member.empty()) AddMember(member);
  }
}

void BaggageList::AddPlain(std::string_view key, std::string_view member) {
  if (allowed_ != nullptr && !allowed_->Contains(key)) {
    ++untrusted_;
    return;
  }
  const std::size_t begin = Begin();
  TextSink sink = SinkAt(begin);
  sink.Put(member);
  Keep(key, begin, sink, /*is_private=*/false);
}

void BaggageList::AddMember(std::string_view member) {
  const std::size_t begin = Begin();
  TextSink sink = SinkAt(begin);
  const std::string_view key = PutMember(member, sink);
  if (key.empty()) {
    ++malformed_;
  } else if (allowed_ != nullptr && !allowed_->Contains(key)) {
    ++untrusted_;
  } else {
    Keep(key, begin, sink, IsPrivate(member));
  }
}

void BaggageList::Keep(std::string_view key, std::size_t begin, TextSink& sink, bool is_private) {
  if (!is_private && tagged_ != nullptr && tagged_->Contains(key)) {
    sink.Put(';');
    sink.Put(kPrivateProperty);
    is_private = true;
  }
  if (sink.full() || kept_ == kBaggageMembers) {
    ++over_;
    return;
  }
  if (size_ != 0) out_[size_] = ',';
  size_ = begin + sink.need();
  has_private_ |= is_private;
  ++kept_;
}

std::string_view TakeMember(std::string_view& list) { return TakeUntil(',', list); }

FittedBaggage FitBaggage(std::string_view list, std::size_t limit, const KeyList* allowed,
                         const KeyList* tagged, char* out) {
  FittedBaggage fit;
  while (!list.empty()) {
    const std::string_view member = TakeMember(list);
    const std::string_view key = KeyOf(member);
    if (IsPrivate(member) || (tagged != nullptr && tagged->Contains(key))) {
      ++fit.kept_private;
    } else if (allowed != nullptr && !allowed->Contains(key)) {
      ++fit.untrusted;
    } else if (const std::size_t comma = fit.size != 0; fit.size + comma + member.size() > limit) {
      ++fit.over;
    } else {
      if (comma != 0) out[fit.size++] = ',';
      std::memcpy(out + fit.size, member.data(), member.size());
      fit.size += member.size();
    }
  }
  return fit;
}

}  // namespace holdfast::codec
