// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a message of any binding. The first byte tells the binding and whether there is a body; then come lines
// `name: value`, and after an empty line the body. What is accepted may be sent; what is written of it is read as the
// same event, with nothing put up with, and writes to the same headers; over gRPC nothing illegal ever comes out.
#include <holdfast/c/binding.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string_view View(const hf_str& text) { return {text.data, text.size}; }
hf_str Borrow(std::string_view text) { return {text.data(), text.size()}; }

struct Event {
  Event() : raw(HF_INIT(hf_envelope)) {
    raw.attributes = attributes;
    raw.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
  }
  Event(const Event&) = delete;

  hf_envelope raw;
  hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
};

struct Read {
  Read(hf_binding binding, const hf_header* headers, std::size_t count, const hf_str& body) {
    std::size_t room = 0;
    for (std::size_t i = 0; i < count; ++i) room += headers[i].name.size + headers[i].value.size;
    buffer.resize(room);
    report.struct_size = sizeof report;
    code = hf_binding_read(binding, headers, count, body.data, body.size, nullptr, buffer.data(),
                           buffer.size(), &event.raw, &report, &error);
  }

  Event event;
  std::vector<char> buffer;
  hf_binding_report report{};
  hf_error error{};
  hf_code code;
};

struct Written {
  Written(hf_binding binding, const hf_envelope& event) {
    std::size_t need = 0;
    code = hf_binding_write(binding, &event, nullptr, headers, &count, nullptr, 0, &need, &error);
    if (code != HF_RESOURCE_EXHAUSTED || error.reason != HF_R_BUFFER_TOO_SMALL) return;
    Require(count == 0 && need != 0);
    buffer.resize(need);
    code = hf_binding_write(binding, &event, nullptr, headers, &count, buffer.data(), need, &need,
                            &error);
    Require(code == HF_OK && need == buffer.size());
  }

  hf_header headers[HF_BINDING_HEADERS];
  std::size_t count = 0;
  std::vector<char> buffer;
  hf_error error{};
  hf_code code;
};

void RequireSame(const hf_envelope& a, const hf_envelope& b) {
  Require(View(a.id) == View(b.id) && View(a.source) == View(b.source) &&
          View(a.type) == View(b.type));
  Require(a.data_kind == b.data_kind && View(a.data) == View(b.data) &&
          View(a.data_type) == View(b.data_type));
  Require(a.attribute_count == b.attribute_count);
  for (std::uint32_t i = 0; i < a.attribute_count; ++i) {
    const hf_attribute& one = a.attributes[i];
    const hf_attribute* const two = hf_envelope_find(&b, one.name.data, one.name.size);
    Require(two != nullptr && two->kind == one.kind && two->number == one.number &&
            two->nanos == one.nanos && View(two->text) == View(one.text));
  }
}

void RequireSameHeaders(const Written& a, const Written& b) {
  Require(a.count == b.count);
  for (std::size_t i = 0; i < a.count; ++i) {
    Require(View(a.headers[i].name) == View(b.headers[i].name) &&
            View(a.headers[i].value) == View(b.headers[i].value));
  }
}

bool IsMetadata(const hf_header& header) {
  const auto key = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
  };
  const auto value = [](char byte) { return byte > 0x20 && byte < 0x7F; };
  const std::string_view name = View(header.name), text = View(header.value);
  return !name.empty() && name.size() < 256 && std::all_of(name.begin(), name.end(), key) &&
         std::all_of(text.begin(), text.end(), value);
}

void RequireCounts(const hf_binding_report& report, std::size_t headers) {
  for (const std::uint32_t count :
       {report.raw_bytes, report.lone_percents, report.quoted, report.passed_over}) {
    Require(count <= headers);
  }
  Require(report.reserved0 == 0);
}

void RoundTrip(hf_binding binding, const hf_envelope& event) {
  const Written written(binding, event);
  Require(written.code == HF_OK);
  for (std::size_t i = 0; binding == HF_BINDING_GRPC && i < written.count; ++i) {
    Require(IsMetadata(written.headers[i]));
  }
  const hf_str body = event.data_kind == HF_DATA_NONE ? hf_str{nullptr, 0}
                      : event.data.data == nullptr    ? hf_str{"", 0}
                                                      : event.data;
  const Read again(binding, written.headers, written.count, body);
  Require(again.code == HF_OK);
  RequireSame(again.event.raw, event);
  Require(again.report.raw_bytes + again.report.lone_percents + again.report.quoted +
              again.report.passed_over ==
          0);
  const Written twice(binding, again.event.raw);
  Require(twice.code == HF_OK);
  RequireSameHeaders(twice, written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const hf_binding binding = data[0] % 5 + 1;
  const bool null_body = data[0] >= 128;
  std::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<hf_header> headers;
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    if (line.empty()) break;
    const std::size_t colon = std::min(line.find(": "), line.size());
    headers.push_back(
        {Borrow(line.substr(0, colon)), Borrow(line.substr(std::min(line.size(), colon + 2)))});
    hf_event_format format;
    hf_content_mode_of(headers.back().value.data, headers.back().value.size, &format);
  }
  const Read read(binding, headers.data(), headers.size(),
                  null_body ? hf_str{nullptr, 0} : Borrow(left));
  if (read.code != HF_OK) {
    Require(read.error.code == read.code && read.error.text[0] != '\0');
    Require(read.event.raw.id.size == 0 && read.event.raw.attribute_count == 0);
    Require(read.report.passed_over == 0);
    return 0;
  }
  RequireCounts(read.report, headers.size());
  Require(hf_envelope_check(&read.event.raw, nullptr, nullptr) == HF_OK);
  RoundTrip(binding, read.event.raw);
  return 0;
}
