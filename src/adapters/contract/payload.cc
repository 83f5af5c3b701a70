// SPDX-License-Identifier: Apache-2.0
// See contract/payload.h. libprotobuf's own words about a payload that does not parse quote it, so they are not used.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/string_view.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/json_util.h>
#include <holdfast/contract/payload.h>

#include <algorithm>
#include <climits>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

absl::Status Refuse(const std::string& text, hf_reason reason = HF_R_CONTRACT_PAYLOAD) {
  return MakeStatus(HF_INVALID_ARGUMENT, reason, text);
}

// What the type is without its parameters.
absl::string_view MediaType(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return absl::StripAsciiWhitespace(absl::string_view(type.data(), type.size()));
}

bool IsJson(absl::string_view type) {
  return absl::EqualsIgnoreCase(type, "application/json") ||
         absl::EqualsIgnoreCase(type, "text/json") || absl::EndsWithIgnoreCase(type, "+json");
}

bool IsProtobuf(absl::string_view type) {
  constexpr absl::string_view kTypes[] = {"application/protobuf", "application/x-protobuf",
                                          "application/vnd.google.protobuf",
                                          "application/octet-stream"};
  return std::any_of(std::begin(kTypes), std::end(kTypes),
                     [&](absl::string_view known) { return absl::EqualsIgnoreCase(type, known); });
}

absl::Status ReadBinary(std::string_view data, int max_depth, pb::Message* message) {
  pb::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(data.data()),
                              static_cast<int>(data.size()));
  in.SetRecursionLimit(max_depth);
  if (message->MergePartialFromCodedStream(&in) && in.ConsumedEntireMessage()) return {};
  return Refuse("the payload does not parse as " + message->GetDescriptor()->full_name());
}

absl::Status ReadJson(std::string_view data, pb::Message* message, std::uint64_t* unknown_fields) {
  const pb::StringPiece text(data.data(), data.size());
  pb::util::JsonParseOptions options;
  if (unknown_fields != nullptr) {
    if (pb::util::JsonStringToMessage(text, message, options).ok()) return {};
    *unknown_fields = 1;  // or it is no JSON at all
    message->Clear();
  }
  options.ignore_unknown_fields = true;
  if (pb::util::JsonStringToMessage(text, message, options).ok()) return {};
  if (unknown_fields != nullptr) *unknown_fields = 0;
  return Refuse("the payload is no JSON form of " + message->GetDescriptor()->full_name());
}

absl::Status CheckTypeUrl(std::string_view url, const pb::Message& message) {
  const std::string& name = message.GetDescriptor()->full_name();
  if (url.substr(url.rfind('/') + 1) == name) return {};
  return Refuse("the payload's type URL names another message than " + name, HF_R_CONTRACT_MESSAGE);
}

std::string Deterministic(const pb::Message& message) {
  std::string bytes;
  pb::io::StringOutputStream stream(&bytes);
  pb::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

}  // namespace

absl::StatusOr<Encoding> EncodingOf(const EnvelopeView& event) {
  const absl::string_view type = MediaType(event.Text("datacontenttype"));
  switch (event.data_kind()) {
    case DataKind::kNone:
      return Refuse("the event has no data");
    case DataKind::kProto:
      return Encoding::kBinary;
    case DataKind::kBinary:
      if (type.empty() || IsProtobuf(type)) return Encoding::kBinary;
      break;
    case DataKind::kText:
      if (type.empty()) return Encoding::kJson;
      break;
  }
  if (IsJson(type)) return Encoding::kJson;
  return Refuse("the data is neither protobuf nor JSON, says its datacontenttype");
}

absl::Status ReadPayload(const EnvelopeView& event, pb::Message* message,
                         const PayloadLimits& limits, std::uint64_t* unknown_fields) {
  message->Clear();
  if (unknown_fields != nullptr) *unknown_fields = 0;
  const absl::StatusOr<Encoding> encoding = EncodingOf(event);
  if (!encoding.ok()) return encoding.status();
  if (event.data().size() > std::min(limits.max_size, std::size_t{INT_MAX})) {
    return Refuse("the payload has " + std::to_string(event.data().size()) + " bytes, more than " +
                  std::to_string(limits.max_size));
  }
  if (event.data_kind() == DataKind::kProto) {
    if (absl::Status same = CheckTypeUrl(event.data_type(), *message); !same.ok()) return same;
  }
  const bool json = *encoding == Encoding::kJson;
  absl::Status read = json ? ReadJson(event.data(), message, unknown_fields)
                           : ReadBinary(event.data(), limits.max_depth, message);
  if (!read.ok()) return read;
  if (!message->IsInitialized()) {
    return Refuse("the payload lacks required fields of " + message->GetDescriptor()->full_name() +
                  ": " + message->InitializationErrorString());
  }
  if (!json && unknown_fields != nullptr) *unknown_fields = CountUnknownFields(*message);
  return {};
}

absl::Status WritePayload(const pb::Message& message, Envelope* event) {
  const std::string& name = message.GetDescriptor()->full_name();
  const DataKind kind = event->view().data_kind();
  Encoding encoding = Encoding::kBinary;
  if (kind != DataKind::kNone) {
    const absl::StatusOr<Encoding> has = EncodingOf(event->view());
    if (!has.ok()) return has.status();
    encoding = *has;
  }
  if (!message.IsInitialized()) {
    return Refuse("the payload lacks required fields of " + name + ": " +
                  message.InitializationErrorString());
  }
  if (encoding == Encoding::kJson) {
    std::string json;
    if (!pb::util::MessageToJsonString(message, &json).ok()) {
      return Refuse("the payload, a " + name + ", has no JSON form");
    }
    event->set_data(kind, json);
    return {};
  }
  if (message.ByteSizeLong() > INT_MAX) return Refuse("the payload has more than 2^31-1 bytes");
  if (kind != DataKind::kProto) {
    event->set_data(DataKind::kBinary, Deterministic(message));
    return {};
  }
  const std::string_view url = event->view().data_type();
  const std::string prefix(url.substr(0, url.rfind('/') + 1));
  event->set_data(kind, Deterministic(message),
                  (prefix.empty() ? "type.googleapis.com/" : prefix) + name);
  return {};
}

std::uint64_t CountUnknownFields(const pb::Message& message) {
  const pb::Reflection* const reflection = message.GetReflection();
  auto count = static_cast<std::uint64_t>(reflection->GetUnknownFields(message).field_count());
  std::vector<const pb::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      count += CountUnknownFields(reflection->GetMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      count += CountUnknownFields(reflection->GetRepeatedMessage(message, field, i));
    }
  }
  return count;
}

}  // namespace holdfast::inline v0_5::contract
