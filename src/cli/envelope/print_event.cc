// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/print_event.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "cli/envelope/hex_lines.h"
#include "cli/printable.h"

namespace holdfast::cli::envelope {
namespace {

constexpr std::size_t kShownData = 4096;
constexpr const char* kVersion = "contractversion";

std::string_view KindName(hf_attribute_kind kind) {
  switch (kind) {
    case HF_ATTRIBUTE_BOOLEAN:
      return "boolean";
    case HF_ATTRIBUTE_INTEGER:
      return "integer";
    case HF_ATTRIBUTE_STRING:
      return "string";
    case HF_ATTRIBUTE_BYTES:
      return "bytes";
    case HF_ATTRIBUTE_URI:
      return "uri";
    case HF_ATTRIBUTE_URI_REF:
      return "uri-reference";
    case HF_ATTRIBUTE_TIMESTAMP:
      return "timestamp";
    default:
      return "unknown";
  }
}

std::string_view KindName(DataKind kind) {
  switch (kind) {
    case DataKind::kNone:
      return "none";
    case DataKind::kBinary:
      return "binary";
    case DataKind::kText:
      return "text";
    default:
      return "protobuf";
  }
}

// What an attribute says; of a kind that is not known, its bytes.
std::string ValueOf(const Attribute& attribute) {
  absl::StatusOr<std::string> text = FormatAttribute(attribute);
  if (text.ok()) return *std::move(text);
  const std::string_view bytes = View(attribute.text);
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

void PrintRow(std::string_view name, std::string_view kind, std::string_view value) {
  fmt::print("{:<16}  {:<13}  {}\n", Printable(name), kind, PrintableText(value));
}

// What of the data is shown. A character is not cut in two.
std::string_view HeadOf(std::string_view data) {
  std::string_view head = data.substr(0, kShownData);
  const auto goes_on = [&] {
    return head.size() < data.size() &&
           (static_cast<unsigned char>(data[head.size()]) & 0xC0) == 0x80;
  };
  for (int i = 0; i < 3 && goes_on(); ++i) head.remove_suffix(1);
  return head;
}

void PrintData(const EnvelopeView& event, bool shown) {
  if (event.data_kind() == DataKind::kNone) return PrintRow("data", "none", "");
  const std::string_view data = event.data();
  const bool json = nlohmann::json::accept(data);
  PrintRow("data", KindName(event.data_kind()),
           absl::StrCat(data.size(), data.size() == 1 ? " byte" : " bytes",
                        event.data_type().empty() ? "" : ", ", std::string(event.data_type()),
                        json ? ", JSON" : ""));
  if (!shown) return;
  const std::string_view head = HeadOf(data);
  if (IsHarmless(data)) {
    for (absl::string_view line :
         absl::StrSplit(absl::string_view(head.data(), head.size()), '\n')) {
      absl::ConsumeSuffix(&line, "\r");
      fmt::print("  {}\n", std::string_view(line.data(), line.size()));
    }
  } else {
    for (const std::string& line : HexLines(head)) fmt::print("  {}\n", line);
  }
  if (data.size() > head.size()) {
    fmt::print("  ... and {} bytes more: --to=data has all of them\n", data.size() - head.size());
  }
}

void PrintLimits(const EnvelopeView& event, const EnvelopeLimits& limits) {
  std::string encoded;
  const std::size_t size = event.Encode(&encoded, limits).ok() ? encoded.size() : 0;
  std::size_t longest = std::max({event.id().size(), event.source().size(), event.type().size()});
  for (const Attribute& attribute : event.attributes()) {
    longest = std::max(longest, attribute.text.size);
  }
  const std::uint64_t max_size = limits.max_size != 0 ? limits.max_size : std::uint64_t{1} << 20;
  PrintRow("of its limits", "",
           absl::StrCat(size, " of ", max_size, " bytes as protobuf, ", event.attributes().size(),
                        " of ", HF_ENVELOPE_ATTRIBUTES, " attributes, ", longest,
                        " of 8192 bytes in the longest"));
}

using Counter = std::pair<const char*, std::uint32_t>;

std::array<Counter, 4> CountersOf(const hf_binding_report& report) {
  return {Counter{"raw_bytes", report.raw_bytes}, Counter{"lone_percents", report.lone_percents},
          Counter{"quoted", report.quoted}, Counter{"passed_over", report.passed_over}};
}

}  // namespace

void PrintEvent(const EnvelopeView& event, bool data, const EnvelopeLimits& limits) {
  const std::string_view version = event.Text(kVersion);
  PrintRow(
      "contract", "",
      absl::StrCat(std::string(event.type()), version.empty() ? "" : " ", std::string(version)));
  PrintRow("id", "string", event.id());
  PrintRow("source", "uri-reference", event.source());
  PrintRow("type", "string", event.type());
  for (const Attribute& attribute : event.attributes()) {
    PrintRow(View(attribute.name), KindName(attribute.kind), ValueOf(attribute));
  }
  if (event.raw().unknown_count > 0) {
    PrintRow("unknown fields", "",
             absl::StrCat(event.raw().unknown_count, " runs, kept as they are"));
  }
  PrintLimits(event, limits);
  PrintData(event, data);
}

void PrintMessage(const EventsRead& read) {
  PrintRow("form", "",
           absl::StrCat(std::string(Name(read.form)), read.mode.empty() ? "" : ", ", read.mode,
                        ", ", read.size, " bytes"));
  for (const auto& [name, count] : CountersOf(read.tolerated)) {
    if (count > 0) PrintRow("tolerated", name, absl::StrCat(count));
  }
}

nlohmann::json JsonOf(const EnvelopeView& event, bool data) {
  nlohmann::json json = {{"id", event.id()},
                         {"source", event.source()},
                         {"type", event.type()},
                         {"attributes", nlohmann::json::array()},
                         {"unknown_fields", event.raw().unknown_count},
                         {"data",
                          {{"kind", KindName(event.data_kind())},
                           {"bytes", event.data().size()},
                           {"type", event.data_type()}}}};
  for (const Attribute& attribute : event.attributes()) {
    json["attributes"].push_back({{"name", View(attribute.name)},
                                  {"kind", KindName(attribute.kind)},
                                  {"value", ValueOf(attribute)}});
  }
  if (data) {
    const std::string_view bytes = event.data();
    json["data"]["base64"] = absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
  }
  return json;
}

nlohmann::json JsonOf(const EventsRead& read, bool data) {
  nlohmann::json json = {{"form", Name(read.form)},
                         {"mode", read.mode},
                         {"bytes", read.size},
                         {"tolerated", nlohmann::json::object()},
                         {"events", nlohmann::json::array()}};
  for (const auto& [name, count] : CountersOf(read.tolerated)) json["tolerated"][name] = count;
  for (const Envelope& event : read.events) json["events"].push_back(JsonOf(event.view(), data));
  return json;
}

}  // namespace holdfast::cli::envelope
