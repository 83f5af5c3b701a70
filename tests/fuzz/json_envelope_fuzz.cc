// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an event and as a batch: what reads is written, reads again as the same event, and its text is a fixed
// point; a payload of JSON lies in the text as it was. And any bytes as a payload: it comes back.
#include <holdfast/json/envelope.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using holdfast::DataKind;
using holdfast::Envelope;
using holdfast::EnvelopeView;
using holdfast::json::ReadJson;
using holdfast::json::WriteJson;

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireFixedPoint(const EnvelopeView& event) {
  std::string text, again;
  const absl::Status written = WriteJson(event, &text);
  // As JSON an event can be larger than it was: every control character takes six bytes.
  if (absl::IsResourceExhausted(written)) return;
  Require(written.ok());
  const auto read = ReadJson(text);
  if (!read.ok() && absl::IsResourceExhausted(read.status())) return;
  Require(read.ok());
  Require(read->view().data() == event.data() && read->view().id() == event.id());
  Require(read->view().attributes().size() == event.attributes().size());
  Require(WriteJson(read->view(), &again).ok() && again == text);
}

void RequirePayload(std::string_view payload, std::string_view type) {
  EnvelopeView event;
  event.set_id("1");
  event.set_source("/s");
  event.set_type("t");
  if (!type.empty()) event.Set(holdfast::TextAttribute("datacontenttype", type));
  event.set_data(DataKind::kBinary, payload);
  std::string text;
  if (!WriteJson(event, &text).ok()) return Require(payload.size() > 700'000);
  const auto read = ReadJson(text);
  Require(read.ok());
  const std::string_view data = read->view().data();
  if (data == payload) return;
  // White space around JSON is not a part of it.
  Require(type == "application/json" && payload.find(data) != std::string_view::npos);
  Require(payload.find_first_not_of(" \t\r\n") == payload.find(data));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto event = ReadJson(text); event.ok()) {
    const std::string_view payload = event->view().data();
    if (event->view().Text("datacontenttype") == "application/json" &&
        text.find("data_base64") == text.npos) {
      Require(text.find(payload) != std::string_view::npos);
    }
    RequireFixedPoint(event->view());
  }
  if (const auto events = holdfast::json::ReadJsonBatch(text); events.ok()) {
    for (const Envelope& event : *events) RequireFixedPoint(event.view());
  }
  for (const std::string_view type : {"", "application/json", "text/plain", "a/b"})
    RequirePayload(text, type);
  return 0;
}
