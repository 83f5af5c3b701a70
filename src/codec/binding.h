// SPDX-License-Identifier: Apache-2.0
// How the transports that carry an event in headers spell its attributes; the table is in c/binding.h.
#ifndef HOLDFAST_CODEC_BINDING_H_
#define HOLDFAST_CODEC_BINDING_H_

#include <holdfast/c/binding.h>

#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::string_view kSpecVersion = "1.0";
inline constexpr std::string_view kProtobufType = "application/protobuf";

// One binding, as data.
struct BindingRules {
  std::string_view prefix;        // before an attribute's name
  std::string_view other_prefix;  // which is read as well
  std::string_view
      content_type;  // the header of datacontenttype, and of the content mode; empty: none
  bool
      http;  // names are compared without case, values percent-encoded, and an empty body is no data
  std::string_view specversion, id, source, type;  // with the prefix
};

// Null: there is no such binding.
const BindingRules* RulesOf(hf_binding binding);

enum class HeaderRole : std::uint8_t { kOther, kAttribute, kContentType };

struct BoundHeader {
  HeaderRole role;
  std::string_view name;  // of an attribute: what follows the prefix, in whatever case it came
};
BoundHeader Recognise(const BindingRules& rules, std::string_view header);

hf_content_mode ContentModeOf(std::string_view content_type, hf_event_format* format);

// Whether a media type is this one, whatever its parameters and case; `lower` is in lower case.
bool HasMediaType(std::string_view content_type, std::string_view lower);

// The type URL that a dataschema is: what follows `https://`, if its last segment is a message's full name.
// Empty: it is none.
std::string_view TypeUrlOf(std::string_view dataschema);

// Whether a dataschema and a type URL say the same: they differ in `https://` at most.
bool SaysTypeUrl(std::string_view dataschema, std::string_view type_url);

// Whether a type URL has a scheme of its own.
bool HasScheme(std::string_view type_url);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_BINDING_H_
