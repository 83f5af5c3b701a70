// SPDX-License-Identifier: Apache-2.0
// Our side of cloudevents_sdk_test.py, without a socket of its own:
//
//   events read                            an HTTP message's fields, an empty line and its body -> what it says
//   events write binary|structured|batch   the same description -> a message
//
// A description is {"events": [{"attributes": {name: [kind, text]}, "data": {"kind": ..., "base64": ...}}]}; what was
// read has "mode" and "report" as well, or just "error".
#include <holdfast/envelope_headers.h>
#include <holdfast/json/envelope.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using holdfast::Attribute;
using holdfast::DataKind;
using holdfast::Envelope;
using holdfast::EnvelopeView;
using holdfast::View;
using Json = nlohmann::json;

constexpr std::string_view kKinds[] = {"",       "Boolean", "Integer",       "String",
                                       "Binary", "URI",     "URI-reference", "Timestamp"};
constexpr std::string_view kDataKinds[] = {"none", "binary", "text", "protobuf"};
constexpr std::string_view kModes[] = {"", "binary", "structured", "batch"};

std::string Base64(std::string_view bytes) {
  return *holdfast::FormatAttribute(holdfast::TextAttribute("data", bytes, HF_ATTRIBUTE_BYTES));
}

template <std::size_t kWords>
int IndexOf(const std::string_view (&words)[kWords], std::string_view word) {
  return static_cast<int>(std::find(words, words + kWords, word) - words);
}

Json Described(const EnvelopeView& event) {
  Json attributes;
  attributes["id"] = {"String", event.id()};
  attributes["source"] = {"URI-reference", event.source()};
  attributes["type"] = {"String", event.type()};
  for (const Attribute& attribute : event.attributes()) {
    attributes[std::string(View(attribute.name))] = {kKinds[attribute.kind],
                                                     *holdfast::FormatAttribute(attribute)};
  }
  Json data;
  if (event.data_kind() != DataKind::kNone) {
    data["kind"] = kDataKinds[static_cast<int>(event.data_kind())];
    data["base64"] = Base64(event.data());
  }
  return {{"attributes", attributes}, {"data", data}};
}

Envelope FromDescription(const Json& description) {
  Envelope event;
  for (const auto& [name, value] : description.at("attributes").items()) {
    const std::string text = value.at(1);
    std::string bytes(text.size(), '\0');
    Attribute attribute = holdfast::TextAttribute(name, text);
    const auto kind =
        static_cast<hf_attribute_kind>(IndexOf(kKinds, value.at(0).get<std::string>()));
    hf_attribute_parse(kind, text.data(), text.size(), bytes.data(), bytes.size(), &attribute);
    if (name == "id")
      event.set_id(text);
    else if (name == "source")
      event.set_source(text);
    else if (name == "type")
      event.set_type(text);
    else
      event.Set(attribute);
  }
  if (const Json& data = description.at("data"); !data.is_null()) {
    const std::string text = data.at("base64");
    std::string bytes(text.size(), '\0');
    Attribute decoded{};
    hf_attribute_parse(HF_ATTRIBUTE_BYTES, text.data(), text.size(), bytes.data(), bytes.size(),
                       &decoded);
    const int kind = IndexOf(kDataKinds, data.at("kind").get<std::string>());
    event.set_data(static_cast<DataKind>(kind), View(decoded.text));
  }
  return event;
}

// The fields of a message, each line ended by CR LF; what is left of `message` is its body.
std::vector<hf_header> TakeFields(std::string_view& message) {
  std::vector<hf_header> fields;
  for (;;) {
    const std::size_t end = message.find("\r\n");
    const std::string_view line = message.substr(0, end);
    message.remove_prefix(end + 2);
    if (line.empty()) return fields;
    const std::size_t colon = line.find(": ");
    fields.push_back(
        {holdfast::Borrow(line.substr(0, colon)), holdfast::Borrow(line.substr(colon + 2))});
  }
}

absl::StatusOr<std::vector<Envelope>> ReadStructured(const holdfast::MessageMode& mode,
                                                     std::string_view body) {
  if (mode.format != holdfast::EventFormat::kJson)
    return absl::UnimplementedError("another format than JSON");
  if (mode.mode == holdfast::ContentMode::kBatch) return holdfast::json::ReadJsonBatch(body);
  auto event = holdfast::json::ReadJson(body);
  if (!event.ok()) return event.status();
  return std::vector<Envelope>{*std::move(event)};
}

Json Read(std::string_view message) {
  std::string_view body = message;
  const std::vector<hf_header> fields = TakeFields(body);
  const holdfast::MessageMode mode = holdfast::ModeOf(holdfast::ContentTypeOf(fields));
  Json read{{"mode", kModes[static_cast<int>(mode.mode)]}, {"events", Json::array()}};
  const auto failed = [](const absl::Status& status) {
    return Json{{"error", std::string(status.message())}};
  };
  if (mode.mode != holdfast::ContentMode::kBinary) {
    const auto events = ReadStructured(mode, body);
    if (!events.ok()) return failed(events.status());
    for (const Envelope& event : *events) read["events"].push_back(Described(event.view()));
    return read;
  }
  holdfast::ReceivedEvent received;
  if (const absl::Status status = received.Read(holdfast::Binding::kHttp, fields, body);
      !status.ok()) {
    return failed(status);
  }
  const hf_binding_report& report = received.report();
  read["report"] = {{"raw_bytes", report.raw_bytes},
                    {"lone_percents", report.lone_percents},
                    {"quoted", report.quoted}};
  read["events"].push_back(Described(received.event()));
  return read;
}

void PutField(std::string& message, std::string_view name, std::string_view value) {
  message.append(name).append(": ").append(value).append("\r\n");
}

absl::Status WriteBinary(const EnvelopeView& event, std::string* message) {
  holdfast::EventHeaders headers;
  if (absl::Status status = headers.Write(holdfast::Binding::kHttp, event); !status.ok())
    return status;
  for (const hf_header& header : headers.headers())
    PutField(*message, View(header.name), View(header.value));
  message->append("\r\n").append(event.data());
  return absl::OkStatus();
}

absl::Status Write(std::string_view mode, const Json& description, std::string* message) {
  std::vector<Envelope> events;
  for (const Json& event : description.at("events")) events.push_back(FromDescription(event));
  if (mode == "binary") return WriteBinary(events.at(0).view(), message);
  const bool batch = mode == "batch";
  PutField(*message, "Content-Type", batch ? holdfast::kJsonEvents : holdfast::kJsonEvent);
  message->append("\r\n");
  return batch ? holdfast::json::WriteJsonBatch(events, message)
               : holdfast::json::WriteJson(events.at(0).view(), message);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  if (verb == "read" && argc == 2) {
    std::cout << Read(input) << std::flush;
    return 0;
  }
  if (verb != "write" || argc != 3) return 2;
  std::string message;
  if (const absl::Status status = Write(argv[2], Json::parse(input), &message); !status.ok()) {
    std::cerr << status.message() << "\n";
    return 1;
  }
  std::cout << message << std::flush;
  return 0;
}
