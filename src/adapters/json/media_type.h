// SPDX-License-Identifier: Apache-2.0
// What a datacontenttype says about how data is written, and a dataschema about what it is.
#ifndef HOLDFAST_ADAPTERS_JSON_MEDIA_TYPE_H_
#define HOLDFAST_ADAPTERS_JSON_MEDIA_TYPE_H_

#include <string>
#include <string_view>

namespace holdfast::inline v0_5::json {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kProtobufType = "application/protobuf";

// The subtype is `json`, or ends with `+json`; in any case, whatever the parameters.
bool IsJsonType(std::string_view media_type);
// text/*
bool IsTextType(std::string_view media_type);
bool IsProtobufType(std::string_view media_type);

// The type URL that a dataschema is: what follows `https://`, if its last segment is a message's full name.
std::string_view TypeUrlOf(std::string_view dataschema);
// The dataschema of a type URL: a URI has a scheme, a type URL mostly has none and means https.
std::string DataSchemaOf(std::string_view type_url);

}  // namespace holdfast::inline v0_5::json

#endif  // HOLDFAST_ADAPTERS_JSON_MEDIA_TYPE_H_
