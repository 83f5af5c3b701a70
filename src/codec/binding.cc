// SPDX-License-Identifier: Apache-2.0
#include "codec/binding.h"

#include <cstddef>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kBatch = "application/cloudevents-batch";
constexpr std::string_view kStructured = "application/cloudevents";

constexpr std::string_view kContentType = "content-type";

constexpr BindingRules kHttp = {.prefix = "ce-",
                                .other_prefix = "",
                                .content_type = kContentType,
                                .http = true,
                                .specversion = "ce-specversion",
                                .id = "ce-id",
                                .source = "ce-source",
                                .type = "ce-type"};
constexpr BindingRules kKafka = {.prefix = "ce_",
                                 .other_prefix = "",
                                 .content_type = kContentType,
                                 .http = false,
                                 .specversion = "ce_specversion",
                                 .id = "ce_id",
                                 .source = "ce_source",
                                 .type = "ce_type"};
constexpr BindingRules kAmqp = {.prefix = "cloudEvents_",
                                .other_prefix = "cloudEvents:",
                                .content_type = kContentType,
                                .http = false,
                                .specversion = "cloudEvents_specversion",
                                .id = "cloudEvents_id",
                                .source = "cloudEvents_source",
                                .type = "cloudEvents_type"};
constexpr BindingRules kAmqpColon = {.prefix = "cloudEvents:",
                                     .other_prefix = "cloudEvents_",
                                     .content_type = kContentType,
                                     .http = false,
                                     .specversion = "cloudEvents:specversion",
                                     .id = "cloudEvents:id",
                                     .source = "cloudEvents:source",
                                     .type = "cloudEvents:type"};

// gRPC's own Content-Type says how calls are framed, so that of the data is an attribute like the others.
constexpr BindingRules kGrpc = [] {
  BindingRules rules = kHttp;
  rules.content_type = "";
  return rules;
}();

bool StartsWith(std::string_view text, std::string_view prefix, bool any_case) {
  if (text.size() < prefix.size()) return false;
  const std::string_view start = text.substr(0, prefix.size());
  return any_case ? EqualsLower(start, prefix) : start == prefix;
}

// What of a media type stands before its parameters.
std::string_view EssenceOf(std::string_view content_type) {
  return TrimOws(content_type.substr(0, content_type.find(';')));
}

hf_event_format FormatOf(std::string_view suffix) {
  if (EqualsLower(suffix, "+json")) return HF_EVENT_FORMAT_JSON;
  if (EqualsLower(suffix, "+protobuf")) return HF_EVENT_FORMAT_PROTOBUF;
  return HF_EVENT_FORMAT_OTHER;
}

constexpr ByteClass kNameStart =
    MakeByteClass([](char byte) { return IsAlpha(byte) || byte == '_'; });
constexpr ByteClass kNameByte =
    MakeByteClass([](char byte) { return IsAlpha(byte) || IsDigit(byte) || byte == '_'; });

// Identifiers of protobuf, with dots between them.
bool IsFullName(std::string_view name) {
  for (;;) {
    if (name.empty() || !Has(kNameStart, name[0])) return false;
    name.remove_prefix(SpanOf(kNameByte, name));
    if (name.empty()) return true;
    if (name[0] != '.') return false;
    name.remove_prefix(1);
  }
}

}  // namespace

const BindingRules* RulesOf(hf_binding binding) {
  switch (binding) {
    case HF_BINDING_HTTP:
      return &kHttp;
    case HF_BINDING_KAFKA:
      return &kKafka;
    case HF_BINDING_AMQP:
      return &kAmqp;
    case HF_BINDING_AMQP_COLON:
      return &kAmqpColon;
    case HF_BINDING_GRPC:
      return &kGrpc;
    default:
      return nullptr;
  }
}

BoundHeader Recognise(const BindingRules& rules, std::string_view header) {
  if (!header.empty() && header.size() == rules.content_type.size() &&
      StartsWith(header, rules.content_type, rules.http)) {
    return {HeaderRole::kContentType, {}};
  }
  for (const std::string_view prefix : {rules.prefix, rules.other_prefix}) {
    if (!prefix.empty() && StartsWith(header, prefix, rules.http)) {
      return {HeaderRole::kAttribute, header.substr(prefix.size())};
    }
  }
  return {HeaderRole::kOther, {}};
}

hf_content_mode ContentModeOf(std::string_view content_type, hf_event_format* format) {
  const std::string_view essence = EssenceOf(content_type);
  *format = HF_EVENT_FORMAT_NONE;
  for (const std::string_view prefix : {kBatch, kStructured}) {
    if (!StartsWith(essence, prefix, true)) continue;
    const std::string_view suffix = essence.substr(prefix.size());
    if (!suffix.empty() && suffix[0] != '+') continue;
    *format = FormatOf(suffix);
    return prefix == kBatch ? HF_CONTENT_BATCH : HF_CONTENT_STRUCTURED;
  }
  return HF_CONTENT_BINARY;
}

bool HasMediaType(std::string_view content_type, std::string_view lower) {
  return EqualsLower(EssenceOf(content_type), lower);
}

bool HasScheme(std::string_view type_url) { return type_url.find("://") != std::string_view::npos; }

std::string_view TypeUrlOf(std::string_view dataschema) {
  if (dataschema.starts_with(kHttps)) dataschema.remove_prefix(kHttps.size());
  const std::size_t slash = dataschema.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  return IsFullName(dataschema.substr(slash + 1)) ? dataschema : std::string_view();
}

bool SaysTypeUrl(std::string_view dataschema, std::string_view type_url) {
  const std::string_view said = TypeUrlOf(dataschema);
  if (said.empty()) return false;
  return said == type_url ||
         (type_url.starts_with(kHttps) && said == type_url.substr(kHttps.size()));
}

}  // namespace holdfast::codec
