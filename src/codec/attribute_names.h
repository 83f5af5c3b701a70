// SPDX-License-Identifier: Apache-2.0
//
// The names that mean the same everywhere, and the kind of each: attributes of CloudEvents 1.0, of its documented
// extensions (github.com/cloudevents/spec, cloudevents/extensions), and ours.
#ifndef HOLDFAST_CODEC_ATTRIBUTE_NAMES_H_
#define HOLDFAST_CODEC_ATTRIBUTE_NAMES_H_

#include <holdfast/c/attribute.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

struct KnownName {
  std::string_view name;
  hf_attribute_kind kind;
};

inline constexpr KnownName kKnownNames[] = {
    {"id", HF_ATTRIBUTE_STRING},
    {"source", HF_ATTRIBUTE_URI_REF},
    {"specversion", HF_ATTRIBUTE_STRING},
    {"type", HF_ATTRIBUTE_STRING},
    {"subject", HF_ATTRIBUTE_STRING},
    {"time", HF_ATTRIBUTE_TIMESTAMP},
    {"datacontenttype", HF_ATTRIBUTE_STRING},
    {"dataschema", HF_ATTRIBUTE_URI},
    // distributed-tracing
    {"traceparent", HF_ATTRIBUTE_STRING},
    {"tracestate", HF_ATTRIBUTE_STRING},
    // correlation
    {"correlationid", HF_ATTRIBUTE_STRING},
    {"causationid", HF_ATTRIBUTE_STRING},
    // deprecation
    {"deprecated", HF_ATTRIBUTE_BOOLEAN},
    {"deprecationfrom", HF_ATTRIBUTE_TIMESTAMP},
    {"deprecationsunset", HF_ATTRIBUTE_TIMESTAMP},
    {"deprecationmigration", HF_ATTRIBUTE_URI},
    // dataref, partitioning, sequence, expirytime, recordedtime, sampledrate
    {"dataref", HF_ATTRIBUTE_URI_REF},
    {"partitionkey", HF_ATTRIBUTE_STRING},
    {"sequence", HF_ATTRIBUTE_STRING},
    {"sequencetype", HF_ATTRIBUTE_STRING},
    {"expirytime", HF_ATTRIBUTE_TIMESTAMP},
    {"recordedtime", HF_ATTRIBUTE_TIMESTAMP},
    {"sampledrate", HF_ATTRIBUTE_INTEGER},
    // authcontext
    {"authtype", HF_ATTRIBUTE_STRING},
    {"authid", HF_ATTRIBUTE_STRING},
    {"authclaims", HF_ATTRIBUTE_STRING},
    // severity
    {"severitytext", HF_ATTRIBUTE_STRING},
    {"severitynumber", HF_ATTRIBUTE_INTEGER},
    // holdfast: no registered names, and so others may mean something else by them
    {"contractversion", HF_ATTRIBUTE_STRING},
    {"idempotencykey", HF_ATTRIBUTE_STRING},
    {"deadlinems", HF_ATTRIBUTE_INTEGER},
    {"senttime", HF_ATTRIBUTE_TIMESTAMP},
    {"attempt", HF_ATTRIBUTE_INTEGER},
    {"tenant", HF_ATTRIBUTE_STRING},
    {"criticality", HF_ATTRIBUTE_STRING},
};

// Of a known name, counted from 1; 0: it is none.
constexpr std::uint8_t IndexOf(std::string_view name) {
  std::uint8_t index = 1;
  for (const KnownName& known : kKnownNames) {
    if (known.name == name) return index;
    ++index;
  }
  return 0;
}

// `id`, `source`, `type` and `specversion` come first.
inline constexpr std::uint8_t kLastRequired = 4;
inline constexpr std::uint8_t kSubject = IndexOf("subject");
inline constexpr std::uint8_t kDataContentType = IndexOf("datacontenttype");
// The names from here on are ours: typed for who reads them as ours (event_field.h), and for nobody else.
inline constexpr std::uint8_t kFirstOurs = IndexOf("contractversion");
static_assert(kSubject == kLastRequired + 1 && std::size(kKnownNames) < 64);

// A bit for each known name that any STRING may stand under, by index; that of 0 is the names that are not known.
inline constexpr std::uint64_t kAnyString = [] {
  std::uint64_t bits = 1;
  for (std::uint8_t i = 1; i <= std::size(kKnownNames); ++i) {
    const bool any = i != kSubject && i != kDataContentType;
    if (i >= kFirstOurs || (any && kKnownNames[i - 1].kind == HF_ATTRIBUTE_STRING))
      bits |= std::uint64_t{1} << i;
  }
  return bits;
}();

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ATTRIBUTE_NAMES_H_
