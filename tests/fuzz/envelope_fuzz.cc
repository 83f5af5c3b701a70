// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an event: what is taken passes the check, is written, and reads as the same; writing it again is a fixed
// point. Of every prefix the head is read: the whole says the same or more, and what a prefix says stays true.
#include <holdfast/c/envelope.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string_view View(const hf_str& text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}

struct Event {
  hf_envelope raw = HF_INIT(hf_envelope);
  hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];

  Event() {
    raw.attributes = attributes;
    raw.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

bool Same(const hf_attribute& a, const hf_attribute& b) {
  return View(a.name) == View(b.name) && View(a.text) == View(b.text) && a.kind == b.kind &&
         a.number == b.number && a.nanos == b.nanos;
}

// All but the data's bytes and what is unknown, of which there may be one run for several.
bool SameHead(const hf_envelope& a, const hf_envelope& b) {
  return View(a.id) == View(b.id) && View(a.source) == View(b.source) &&
         View(a.type) == View(b.type) && a.data_kind == b.data_kind && a.data.size == b.data.size &&
         View(a.data_type) == View(b.data_type) &&
         std::equal(a.attributes, a.attributes + a.attribute_count, b.attributes,
                    b.attributes + b.attribute_count, Same);
}

std::vector<char> Written(const hf_envelope& event) {
  std::size_t need = 0;
  Require(hf_envelope_encode(&event, nullptr, nullptr, 0, &need, nullptr) == HF_RESOURCE_EXHAUSTED);
  std::vector<char> bytes(need);
  Require(hf_envelope_encode(&event, nullptr, bytes.data(), need, &need, nullptr) == HF_OK);
  std::vector<char> head(need);
  std::size_t head_size = 0;
  Require(hf_envelope_encode_head(&event, nullptr, head.data(), need, &head_size, nullptr) ==
          HF_OK);
  Require(head_size + event.data.size == need &&
          std::equal(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size),
                     bytes.begin()));
  return bytes;
}

void RequireRoundTrip(const hf_envelope& event, std::size_t size) {
  Require(hf_envelope_check(&event, nullptr, nullptr) == HF_OK);
  for (std::uint32_t i = 0; i < event.attribute_count; ++i) {
    const hf_attribute& attribute = event.attributes[i];
    Require(hf_attribute_check(&attribute, nullptr) == HF_OK);
    Require(hf_envelope_find(&event, attribute.name.data, attribute.name.size) == &attribute);
  }
  const std::vector<char> bytes = Written(event);
  Require(bytes.size() <= size);
  Event again;
  Require(hf_envelope_decode(bytes.data(), bytes.size(), nullptr, &again.raw, nullptr) == HF_OK);
  Require(SameHead(event, again.raw) && View(event.data) == View(again.raw.data));
  Require(again.raw.unknown_count <= 1 && Written(again.raw) == bytes);
}

void RequireHead(const std::vector<char>& bytes, std::size_t have, hf_code whole_code,
                 const hf_envelope& whole) {
  const std::vector<char> head(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(have));
  Event event;
  hf_error error{};
  const hf_code code =
      hf_envelope_decode_head(head.data(), have, bytes.size(), nullptr, &event.raw, &error);
  if (code == HF_OUT_OF_RANGE) {
    Require(error.reason == HF_R_BUFFER_TOO_SMALL && have < bytes.size());
  } else if (whole_code == HF_OK) {
    Require(code == HF_OK && SameHead(event.raw, whole));
  } else if (code == HF_OK) {  // then it is the rest of a text that is wrong
    Require(event.raw.data_kind == HF_DATA_TEXT && have < bytes.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> bytes(data, data + size);
  Event event;
  hf_error error{};
  const hf_code code = hf_envelope_decode(bytes.data(), size, nullptr, &event.raw, &error);
  Require(code == error.code && (code == HF_OK) == (error.text[0] == '\0'));
  if (code == HF_OK) RequireRoundTrip(event.raw, size);
  const std::size_t step = 1 + size / 64;  // of a large one not every prefix
  for (std::size_t have = 0; have <= size; have += step) RequireHead(bytes, have, code, event.raw);
  RequireHead(bytes, size, code, event.raw);
  return 0;
}
