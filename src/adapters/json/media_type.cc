// SPDX-License-Identifier: Apache-2.0
#include "adapters/json/media_type.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/strip.h>

#include <algorithm>

namespace holdfast::inline v0_5::json {
namespace {

constexpr std::string_view kHttps = "https://";

absl::string_view Essence(std::string_view media_type) {
  const std::string_view bare = media_type.substr(0, media_type.find(';'));
  return absl::StripAsciiWhitespace(absl::string_view(bare.data(), bare.size()));
}

// Identifiers of protobuf, with dots between them.
bool IsFullName(std::string_view name) {
  const auto continues = [](char byte) {
    return absl::ascii_isalnum(static_cast<unsigned char>(byte)) || byte == '_';
  };
  for (;;) {
    const std::string_view part = name.substr(0, name.find('.'));
    if (part.empty() || absl::ascii_isdigit(static_cast<unsigned char>(part[0]))) return false;
    if (!std::all_of(part.begin(), part.end(), continues)) return false;
    if (part.size() == name.size()) return true;
    name.remove_prefix(part.size() + 1);
  }
}

}  // namespace

bool IsJsonType(std::string_view media_type) {
  const absl::string_view essence = Essence(media_type);
  return absl::EndsWithIgnoreCase(essence, "/json") || absl::EndsWithIgnoreCase(essence, "+json");
}

bool IsTextType(std::string_view media_type) {
  return absl::StartsWithIgnoreCase(Essence(media_type), "text/");
}

bool IsProtobufType(std::string_view media_type) {
  return absl::EqualsIgnoreCase(Essence(media_type),
                                absl::string_view(kProtobufType.data(), kProtobufType.size()));
}

std::string_view TypeUrlOf(std::string_view dataschema) {
  if (dataschema.starts_with(kHttps)) dataschema.remove_prefix(kHttps.size());
  const std::size_t slash = dataschema.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  return IsFullName(dataschema.substr(slash + 1)) ? dataschema : std::string_view();
}

std::string DataSchemaOf(std::string_view type_url) {
  const bool has_scheme = type_url.find("://") != std::string_view::npos;
  return std::string(has_scheme ? std::string_view() : kHttps) + std::string(type_url);
}

}  // namespace holdfast::inline v0_5::json
