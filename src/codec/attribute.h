// SPDX-License-Identifier: Apache-2.0
//
// One attribute of an event: which names and values there may be, and their canonical text. Rules: c/attribute.h.
#ifndef HOLDFAST_CODEC_ATTRIBUTE_H_
#define HOLDFAST_CODEC_ATTRIBUTE_H_

#include <holdfast/c/attribute.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/attribute_names.h"

namespace holdfast::codec {

// What is wrong with a name or a value; kNone: nothing.
enum class Fault : std::uint8_t {
  kNone,
  kNameSize,
  kNameByte,
  kNameIsData,
  kKind,       // no number of a kind
  kBoolean,    // neither 0 nor 1
  kInteger,    // beyond 32 bits
  kTimestamp,  // outside the years, or the nanoseconds
  kText,       // breaks the rule of event_text.h
  kUri,
  kUriReference,
  kEmpty,       // of `subject`
  kMediaType,   // of `datacontenttype`
  kNotBoolean,  // a known name has another kind, and text that does not read as its own
  kNotInteger,
  kNotString,
  kNotUri,
  kNotUriReference,
  kNotTimestamp,
};

// What goes on after the attribute's name: "is not a URI (RFC 3986, 4.3)". Static storage.
std::string_view TextOf(Fault fault);
// HF_R_MALFORMED or HF_R_OUT_OF_RANGE.
hf_reason ReasonOf(Fault fault);
// Whether it is the name that is wrong: then it is not fit to be shown.
constexpr bool IsOfName(Fault fault) {
  return fault == Fault::kNameSize || fault == Fault::kNameByte || fault == Fault::kNameIsData;
}

Fault CheckName(std::string_view name);

// The value alone, by its kind.
Fault CheckValue(const hf_attribute& attribute);

// Which of the known names it is (attribute_names.h), counted from 1; 0: none of them.
std::uint8_t KnownIndex(std::string_view name);

// The kind that a name has everywhere, `id`, `source`, `type` and `specversion` included; 0: none.
hf_attribute_kind KnownKind(std::string_view name);

// A value that passes CheckValue, under its name, whose KnownIndex is not 0: it has the name's kind, or is a STRING that reads
// as it, or a URI where a URI_REF is due.
Fault CheckKnown(const hf_attribute& attribute, std::uint8_t known);

// All three; `known` is the KnownIndex of its name, for those who have asked already.
inline Fault CheckAttribute(const hf_attribute& attribute, std::uint8_t known) {
  Fault fault = Fault::kNone;
  if (known == 0) fault = CheckName({attribute.name.data, attribute.name.size});
  if (fault == Fault::kNone) fault = CheckValue(attribute);
  const bool any_string = attribute.kind == HF_ATTRIBUTE_STRING && (kAnyString >> known & 1) != 0;
  if (fault != Fault::kNone || any_string || known == 0) return fault;
  return CheckKnown(attribute, known);
}
inline Fault CheckAttribute(const hf_attribute& attribute) {
  const std::string_view name(attribute.name.data, attribute.name.size);
  return CheckAttribute(attribute, name.empty() ? 0 : KnownIndex(name));
}

// An RFC 2045 media type: two tokens, and what follows a semicolon.
bool IsMediaType(std::string_view text);

// How many bytes the canonical text has, of a value that passes CheckValue and is not OPAQUE.
std::size_t FormattedSize(const hf_attribute& attribute);
// Writes them.
void FormatValue(const hf_attribute& attribute, char* out);

enum class Parsed : std::uint8_t { kOk, kMalformed, kNoRoom };

// As hf_attribute_parse.
Parsed ParseValue(hf_attribute_kind kind, std::string_view text, char* buffer, std::size_t capacity,
                  hf_attribute* value);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ATTRIBUTE_H_
