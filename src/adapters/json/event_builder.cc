// SPDX-License-Identifier: Apache-2.0
#include "adapters/json/event_builder.h"

#include <algorithm>
#include <utility>

#include "adapters/json/media_type.h"

namespace holdfast::inline v0_5::json {
namespace {

constexpr std::string_view kSpecVersion = "specversion";
constexpr std::string_view kBase64 = "data_base64";
constexpr std::string_view kContentType = "datacontenttype";
constexpr std::string_view kSchema = "dataschema";
constexpr std::size_t kMembers =
    HF_ENVELOPE_ATTRIBUTES + 6;  // id, source, specversion, type, the two of data

absl::Status Malformed(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, text);
}

// Whether a name may be shown, and be an attribute's.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= HF_ATTRIBUTE_NAME_MAX &&
         std::all_of(name.begin(), name.end(), [](char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
         });
}

}  // namespace

absl::Status EventBuilder::Fail(std::string_view why) const {
  return Malformed(name_ + ": " + std::string(why));
}

absl::Status EventBuilder::Name(std::string_view name) {
  if (!IsName(name) && name != kBase64) {
    return Malformed("a member's name has 1 to 64 characters of a-z and 0-9");
  }
  name_ = name;
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return Fail("comes twice");
  if (names_.size() == kMembers) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "more than 64 attributes");
  }
  names_.push_back(name_);
  return absl::OkStatus();
}

absl::Status EventBuilder::Put(const Attribute& attribute) {
  hf_error error{};
  if (hf_attribute_check(&attribute, &error) != HF_OK) return MakeStatus(error);
  if (event_.Set(attribute)) return absl::OkStatus();
  return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "more than 64 attributes");
}

absl::Status EventBuilder::Boolean(bool value) {
  if (name_ == kBase64) return Fail("must be a String");
  return Put(BooleanAttribute(name_, value));
}

absl::Status EventBuilder::Integer(std::int64_t value) {
  if (name_ == kBase64) return Fail("must be a String");
  return Put({Borrow(name_), {nullptr, 0}, value, 0, HF_ATTRIBUTE_INTEGER});
}

absl::Status EventBuilder::Fraction() {
  return Fail("a number that is no Integer: it has a fraction, an exponent, or more than 32 bits");
}

absl::Status EventBuilder::Nested() { return Fail("an attribute is no object and no array"); }

absl::Status EventBuilder::Text(const std::string& text) {
  if (name_ == kSpecVersion) return SpecVersion(text);
  if (name_ == kBase64) return Base64(text);
  Attribute attribute = TextAttribute(name_, text);
  const hf_attribute_kind kind = hf_attribute_kind_of(name_.data(), name_.size());
  // What does not read as its kind stays a String, and is refused as one.
  if (kind != 0) hf_attribute_parse(kind, text.data(), text.size(), nullptr, 0, &attribute);
  if (name_ != "id" && name_ != "source" && name_ != "type") return Put(attribute);
  hf_error error{};
  if (hf_attribute_check(&attribute, &error) != HF_OK) return MakeStatus(error);
  if (name_ == "id") event_.set_id(text);
  if (name_ == "source") event_.set_source(text);
  if (name_ == "type") event_.set_type(text);
  return absl::OkStatus();
}

absl::Status EventBuilder::SpecVersion(std::string_view text) {
  versioned_ = true;
  if (text == "1.0") return absl::OkStatus();
  return MakeStatus(HF_UNIMPLEMENTED, HF_R_UNSUPPORTED_FIELD, "specversion: is not 1.0");
}

absl::Status EventBuilder::Base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  Attribute decoded{};
  if (hf_attribute_parse(HF_ATTRIBUTE_BYTES, text.data(), text.size(), bytes.data(), bytes.size(),
                         &decoded) != HF_OK) {
    return Fail("is no base64 (RFC 4648, 4)");
  }
  bytes.resize(decoded.text.size);
  data_base64_ = std::move(bytes);
  return absl::OkStatus();
}

void EventBuilder::Data(std::string_view json, std::optional<std::string> text) {
  json_ = json;
  json_text_ = std::move(text);
}

absl::Status EventBuilder::SettleData() {
  const Attribute* const declared = event_->Find(kContentType);
  if (declared == nullptr) {
    name_ = kContentType;
    if (absl::Status status = Put(TextAttribute(kContentType, kJsonType)); !status.ok())
      return status;
  }
  if (declared == nullptr || IsJsonType(View(declared->text))) {
    event_.set_data(DataKind::kBinary, *json_);
  } else if (json_text_) {
    event_.set_data(DataKind::kText, *json_text_);
  } else {
    return Malformed("data: is no string, and datacontenttype not that of JSON");
  }
  return absl::OkStatus();
}

void EventBuilder::SettleBase64() {
  const std::string_view type_url = TypeUrlOf(event_->Text(kSchema));
  const bool is_message = !type_url.empty() && IsProtobufType(event_->Text(kContentType));
  event_.set_data(is_message ? DataKind::kProto : DataKind::kBinary, *data_base64_,
                  is_message ? type_url : std::string_view());
}

absl::StatusOr<Envelope> EventBuilder::Finish(const EnvelopeLimits& limits) {
  if (!versioned_) return Malformed("specversion: is missing");
  if (json_ && data_base64_) return Malformed("data_base64: there is data beside it");
  if (json_) {
    if (absl::Status status = SettleData(); !status.ok()) return status;
  }
  if (data_base64_) SettleBase64();
  if (absl::Status status = event_->Check(limits); !status.ok()) return status;
  return std::move(event_);
}

}  // namespace holdfast::inline v0_5::json
