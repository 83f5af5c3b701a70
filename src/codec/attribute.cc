// SPDX-License-Identifier: Apache-2.0
#include "codec/attribute.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "codec/ascii.h"
#include "codec/attribute_names.h"
#include "codec/base64.h"
#include "codec/event_text.h"
#include "codec/timestamp.h"
#include "codec/uri.h"

namespace holdfast::codec {
namespace {

using Int32 = std::numeric_limits<std::int32_t>;

constexpr std::string_view kTrue = "true", kFalse = "false";

std::string_view View(const hf_str& text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}

Timestamp TimeOf(const hf_attribute& attribute) { return {attribute.number, attribute.nanos}; }

bool IsInt32(std::int64_t number) { return number >= Int32::min() && number <= Int32::max(); }

// "-"? and digits, without a leading zero; -0 is 0, as it is in JSON.
bool ParseInteger(std::string_view text, std::int64_t* out) {
  const std::string_view digits = text.substr(text.substr(0, 1) == "-");
  if (digits.empty() || (digits[0] == '0' && digits.size() > 1)) return false;
  std::int32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return false;
  *out = number;
  return true;
}

bool ReadsAs(hf_attribute_kind kind, std::string_view text) {
  hf_attribute ignored{};
  return ParseValue(kind, text, nullptr, 0, &ignored) == Parsed::kOk;
}

Fault OtherKind(hf_attribute_kind due) {
  switch (due) {
    case HF_ATTRIBUTE_BOOLEAN:
      return Fault::kNotBoolean;
    case HF_ATTRIBUTE_INTEGER:
      return Fault::kNotInteger;
    case HF_ATTRIBUTE_URI:
      return Fault::kNotUri;
    case HF_ATTRIBUTE_URI_REF:
      return Fault::kNotUriReference;
    case HF_ATTRIBUTE_TIMESTAMP:
      return Fault::kNotTimestamp;
    default:
      return Fault::kNotString;
  }
}

Fault OneOf(bool holds, Fault otherwise) { return holds ? Fault::kNone : otherwise; }

// RFC 2045, 5.1: what a type or a parameter's name is made of.
constexpr ByteClass kToken = MakeByteClass([](char byte) {
  constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";
  return byte > ' ' && byte < '\x7F' && kSpecials.find(byte) == std::string_view::npos;
});

}  // namespace

std::string_view TextOf(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "is well";
    case Fault::kNameSize:
      return "has 1 to 64 characters";
    case Fault::kNameByte:
      return "is made of a-z and 0-9";
    case Fault::kNameIsData:
      return "is not data";
    case Fault::kKind:
      return "has no kind";
    case Fault::kBoolean:
      return "a Boolean is 0 or 1";
    case Fault::kInteger:
      return "an Integer has 32 bits";
    case Fault::kTimestamp:
      return "a Timestamp lies in the years 0001 to 9999, its nanoseconds in 0 to 999999999";
    case Fault::kText:
      return "holds a control character, a noncharacter or broken UTF-8";
    case Fault::kUri:
      return "is no absolute URI (RFC 3986, 4.3)";
    case Fault::kUriReference:
      return "is no URI-reference (RFC 3986, 4.1)";
    case Fault::kEmpty:
      return "is empty";
    case Fault::kMediaType:
      return "is no media type (RFC 2046)";
    case Fault::kNotBoolean:
      return "must be a Boolean";
    case Fault::kNotInteger:
      return "must be an Integer";
    case Fault::kNotString:
      return "must be a String";
    case Fault::kNotUri:
      return "must be a URI";
    case Fault::kNotUriReference:
      return "must be a URI-reference";
    case Fault::kNotTimestamp:
      return "must be a Timestamp";
  }
  return "is not well";
}

hf_reason ReasonOf(Fault fault) {
  const bool range =
      fault == Fault::kBoolean || fault == Fault::kInteger || fault == Fault::kTimestamp;
  return range ? HF_R_OUT_OF_RANGE : HF_R_MALFORMED;
}

Fault CheckName(std::string_view name) {
  if (name.empty() || name.size() > HF_ATTRIBUTE_NAME_MAX) return Fault::kNameSize;
  const auto wrong = [](std::uint64_t word) {
    return ascii::Outside<'a', 'z'>(word) & ascii::Outside<'0', '9'>(word);
  };
  if (!NoneIs(name, wrong)) return Fault::kNameByte;
  return OneOf(name != "data", Fault::kNameIsData);
}

Fault CheckValue(const hf_attribute& attribute) {
  switch (attribute.kind) {
    case HF_ATTRIBUTE_BOOLEAN:
      return OneOf(attribute.number == 0 || attribute.number == 1, Fault::kBoolean);
    case HF_ATTRIBUTE_INTEGER:
      return OneOf(IsInt32(attribute.number), Fault::kInteger);
    case HF_ATTRIBUTE_STRING:
      return OneOf(IsEventText(View(attribute.text)), Fault::kText);
    case HF_ATTRIBUTE_URI:
      return OneOf(IsAbsoluteUri(View(attribute.text)), Fault::kUri);
    case HF_ATTRIBUTE_URI_REF:
      return OneOf(IsUriReference(View(attribute.text)), Fault::kUriReference);
    case HF_ATTRIBUTE_TIMESTAMP:
      return OneOf(IsTimestamp(TimeOf(attribute)), Fault::kTimestamp);
    case HF_ATTRIBUTE_BYTES:
    case HF_ATTRIBUTE_OPAQUE:
      return Fault::kNone;
    default:
      return Fault::kKind;
  }
}

Fault CheckKnown(const hf_attribute& attribute, std::uint8_t known) {
  const std::string_view text = View(attribute.text);
  const hf_attribute_kind kind = kKnownNames[known - 1].kind;
  if (known >= kFirstOurs) return Fault::kNone;
  if (attribute.kind != kind) {
    const bool readable = attribute.kind == HF_ATTRIBUTE_STRING ||
                          (attribute.kind == HF_ATTRIBUTE_URI && kind == HF_ATTRIBUTE_URI_REF);
    return OneOf(readable && ReadsAs(kind, text), OtherKind(kind));
  }
  if (known == kSubject) return OneOf(!text.empty(), Fault::kEmpty);
  if (known == kDataContentType) return OneOf(IsMediaType(text), Fault::kMediaType);
  return Fault::kNone;
}

bool IsMediaType(std::string_view text) {
  const std::size_t type = SpanOf(kToken, text);
  if (type == 0 || type == text.size() || text[type] != '/') return false;
  text.remove_prefix(type + 1);
  const std::size_t subtype = SpanOf(kToken, text);
  text.remove_prefix(subtype);
  while (!text.empty() && IsOws(text.front())) text.remove_prefix(1);
  return subtype != 0 && (text.empty() || text.front() == ';');
}

std::size_t FormattedSize(const hf_attribute& attribute) {
  char scratch[HF_TIMESTAMP_SIZE];
  switch (attribute.kind) {
    case HF_ATTRIBUTE_BOOLEAN:
      return attribute.number != 0 ? kTrue.size() : kFalse.size();
    case HF_ATTRIBUTE_INTEGER:
      return static_cast<std::size_t>(
          std::to_chars(scratch, scratch + sizeof scratch, attribute.number).ptr - scratch);
    case HF_ATTRIBUTE_BYTES:
      return Base64Size(attribute.text.size);
    case HF_ATTRIBUTE_TIMESTAMP:
      return FormatTimestamp(TimeOf(attribute), scratch);
    default:
      return attribute.text.size;
  }
}

void FormatValue(const hf_attribute& attribute, char* out) {
  switch (attribute.kind) {
    case HF_ATTRIBUTE_BOOLEAN: {
      const std::string_view word = attribute.number != 0 ? kTrue : kFalse;
      std::copy(word.begin(), word.end(), out);
      return;
    }
    case HF_ATTRIBUTE_INTEGER:
      std::to_chars(out, out + FormattedSize(attribute), attribute.number);
      return;
    case HF_ATTRIBUTE_BYTES:
      EncodeBase64(View(attribute.text), out);
      return;
    case HF_ATTRIBUTE_TIMESTAMP:
      FormatTimestamp(TimeOf(attribute), out);
      return;
    default:
      if (attribute.text.size != 0) std::memcpy(out, attribute.text.data, attribute.text.size);
  }
}

Parsed ParseValue(hf_attribute_kind kind, std::string_view text, char* buffer, std::size_t capacity,
                  hf_attribute* value) {
  hf_attribute read{value->name, {nullptr, 0}, 0, 0, kind};
  bool ok = false;
  switch (kind) {
    case HF_ATTRIBUTE_BOOLEAN:
      ok = text == kTrue || text == kFalse;
      read.number = text == kTrue ? 1 : 0;
      break;
    case HF_ATTRIBUTE_INTEGER:
      ok = ParseInteger(text, &read.number);
      break;
    case HF_ATTRIBUTE_TIMESTAMP: {
      Timestamp time;
      ok = ParseTimestamp(text, &time);
      read.number = time.seconds;
      read.nanos = time.nanos;
      break;
    }
    case HF_ATTRIBUTE_BYTES: {
      if (text.size() % 4 != 0) break;
      const std::size_t size = Base64DecodedSize(text);
      if (size > capacity) return Parsed::kNoRoom;
      ok = DecodeBase64(text, buffer);
      read.text = {buffer, size};
      break;
    }
    case HF_ATTRIBUTE_STRING:
    case HF_ATTRIBUTE_URI:
    case HF_ATTRIBUTE_URI_REF:
      read.text = {text.data(), text.size()};
      ok = CheckValue(read) == Fault::kNone;
      break;
    default:
      break;
  }
  if (!ok) return Parsed::kMalformed;
  *value = read;
  return Parsed::kOk;
}

}  // namespace holdfast::codec
