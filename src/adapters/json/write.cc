// SPDX-License-Identifier: Apache-2.0
// WriteJson and WriteJsonBatch.
#include <holdfast/json/envelope.h>

#include <utility>

#include "adapters/json/limits.h"
#include "adapters/json/media_type.h"
#include "adapters/json/scan.h"

namespace holdfast::inline v0_5::json {
namespace {

constexpr std::string_view kContentType = "datacontenttype";
constexpr std::string_view kSchema = "dataschema";

absl::Status Refuse(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, text);
}

// Appends the members of one event, which has been checked.
class EventWriter {
 public:
  EventWriter(const EnvelopeView& event, std::uint32_t max_depth, std::string* out)
      : event_(event), max_depth_(max_depth), out_(*out) {}

  absl::Status Write() {
    if (event_.raw().unknown_count != 0)
      return Refuse("unknown: JSON cannot carry fields that are not known");
    out_ += "{\"specversion\":\"1.0\"";
    PutText("id", event_.id());
    PutText("source", event_.source());
    PutText("type", event_.type());
    for (const Attribute& attribute : event_.attributes()) {
      if (absl::Status status = PutAttribute(attribute); !status.ok()) return status;
    }
    if (absl::Status status = PutData(); !status.ok()) return status;
    out_ += '}';
    return absl::OkStatus();
  }

 private:
  void PutName(std::string_view name) { out_.append(",\"").append(name).append("\":"); }

  bool PutText(std::string_view name, std::string_view text) {
    const std::size_t before = out_.size();
    PutName(name);
    if (AppendString(text, &out_)) return true;
    out_.resize(before);
    return false;
  }

  absl::Status PutAttribute(const Attribute& attribute) {
    const std::string_view name = View(attribute.name);
    const bool bare =
        attribute.kind == HF_ATTRIBUTE_BOOLEAN || attribute.kind == HF_ATTRIBUTE_INTEGER;
    const auto text = FormatAttribute(attribute);
    if (!text.ok()) return Refuse(std::string(name) + ": a value that has no text");
    if (!bare) {
      PutText(name, *text);
      return absl::OkStatus();
    }
    PutName(name);
    out_ += *text;
    return absl::OkStatus();
  }

  absl::Status PutData() {
    switch (event_.data_kind()) {
      case DataKind::kNone:
        return absl::OkStatus();
      case DataKind::kProto:
        return PutMessage();
      case DataKind::kBinary:
      case DataKind::kText:
        break;
    }
    const Attribute* const declared = event_.Find(kContentType);
    const std::string_view type = declared == nullptr ? std::string_view() : View(declared->text);
    const bool is_text = event_.data_kind() == DataKind::kText ? !type.empty() : IsTextType(type);
    if (IsJsonType(type)) {
      if (PutValue(TrimJson(event_.data()))) return absl::OkStatus();
    } else if (is_text && PutText("data", event_.data())) {
      return absl::OkStatus();
    }
    PutBase64();
    return absl::OkStatus();
  }

  bool PutValue(std::string_view json) {
    if (!IsValue(json, max_depth_)) return false;
    PutName("data");
    out_ += json;
    return true;
  }

  void PutBase64() {
    const std::string_view data = event_.data();
    const Attribute bytes = TextAttribute("data", data, HF_ATTRIBUTE_BYTES);
    PutName("data_base64");
    out_ += '"';
    const std::size_t before = out_.size();
    std::size_t size = (data.size() + 2) / 3 * 4;
    out_.resize(before + size);
    hf_attribute_format(&bytes, out_.data() + before, size, &size);
    out_ += '"';
  }

  // A reader knows data as a message of protobuf by these two attributes.
  absl::Status PutMessage() {
    const std::string_view type_url = event_.data_type();
    const std::string schema = DataSchemaOf(type_url);
    if (TypeUrlOf(schema).empty()) return Refuse("data_type: is no type URL");
    const Attribute* const type = event_.Find(kContentType);
    const std::size_t told = (type == nullptr ? 1 : 0) + (event_.Find(kSchema) == nullptr ? 1 : 0);
    if (event_.attributes().size() + told > HF_ENVELOPE_ATTRIBUTES) {
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE,
                        "attributes: are too many beside those that say the type of the data");
    }
    if (type == nullptr) {
      PutText(kContentType, kProtobufType);
    } else if (!IsProtobufType(View(type->text))) {
      return Refuse("datacontenttype: is not application/protobuf, as that of the data is");
    }
    const Attribute* const declared = event_.Find(kSchema);
    if (declared == nullptr) {
      const Attribute uri = TextAttribute(kSchema, schema, HF_ATTRIBUTE_URI);
      if (hf_attribute_check(&uri, nullptr) != HF_OK)
        return Refuse("data_type: is no URI (RFC 3986)");
      PutText(kSchema, schema);
    } else if (TypeUrlOf(View(declared->text)) != TypeUrlOf(schema)) {
      return Refuse(
          "dataschema: is not the type URL of the data, which JSON has no other place for");
    }
    PutBase64();
    return absl::OkStatus();
  }

  const EnvelopeView& event_;
  const std::uint32_t max_depth_;
  std::string& out_;
};

}  // namespace

absl::Status WriteJson(const EnvelopeView& event, std::string* out, const JsonLimits& limits) {
  if (absl::Status status = event.Check(limits.event); !status.ok()) return status;
  const std::size_t before = out->size();
  absl::Status status = EventWriter(event, MaxDepth(limits), out).Write();
  if (status.ok() && out->size() - before > MaxSize(limits)) {
    status = MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "larger than max_size as JSON");
  }
  if (!status.ok()) out->resize(before);
  return status;
}

absl::Status WriteJsonBatch(std::span<const Envelope> events, std::string* out,
                            const JsonLimits& limits) {
  if (events.size() > MaxEvents(limits)) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "more events than max_events");
  }
  const std::size_t before = out->size();
  *out += '[';
  for (const Envelope& event : events) {
    if (&event != events.data()) *out += ',';
    const absl::Status status = WriteJson(event.view(), out, limits);
    if (status.ok()) continue;
    out->resize(before);
    const auto rejection = RejectionOf(status);
    return MakeStatus(
        static_cast<hf_code>(status.code()), rejection ? rejection->reason : HF_R_MALFORMED,
        "event " + std::to_string(&event - events.data()) + ": " + std::string(status.message()));
  }
  *out += ']';
  return absl::OkStatus();
}

}  // namespace holdfast::inline v0_5::json
