// SPDX-License-Identifier: Apache-2.0
//
// The first byte is a kind, the second the size of a name, then a name and a text. What reads is legal, and what it is
// written as reads as the same and is a fixed point; text is what a character by character reading says it is.
#include <holdfast/c/attribute.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/event_text.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string Written(const hf_attribute& attribute) {
  std::size_t need = 0;
  const hf_code asked = hf_attribute_format(&attribute, nullptr, 0, &need);
  Require(asked == (need == 0 ? HF_OK : HF_RESOURCE_EXHAUSTED));
  std::string text(need, '\0');
  Require(hf_attribute_format(&attribute, text.data(), text.size(), &need) == HF_OK);
  return text;
}

bool Read(hf_attribute_kind kind, std::string_view text, std::string* buffer, hf_attribute* value) {
  buffer->resize(3 * (text.size() / 4));
  return hf_attribute_parse(kind, text.data(), text.size(), buffer->data(), buffer->size(),
                            value) == HF_OK;
}

// Slowly, by the words of the specification.
bool MayBeText(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
    };
    const std::uint32_t lead = byte(at);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xC0 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                                           : 4;
    if (size == 0 || lead > 0xF7) return false;
    std::uint32_t code = size == 1 ? lead : lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
      if ((byte(at + i) & 0xC0) != 0x80) return false;
      code = code << 6 | (byte(at + i) & 0x3F);
    }
    constexpr std::uint32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool legal =
        code >= kLowest[size] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool noncharacter = (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
    if (!legal || control || noncharacter) return false;
    at += size;
  }
  return true;
}

bool MayBeName(std::string_view name) {
  const auto well = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
  };
  return !name.empty() && name.size() <= HF_ATTRIBUTE_NAME_MAX && name != "data" &&
         std::all_of(name.begin(), name.end(), well);
}

void TryValue(hf_attribute_kind kind, std::string_view text) {
  std::string buffer, again_buffer;
  hf_attribute value{{"x", 1}, {nullptr, 0}, 0, 0, 0};
  if (!Read(kind, text, &buffer, &value)) return;
  Require(value.kind == kind && hf_attribute_check(&value, nullptr) == HF_OK);
  const std::string written = Written(value);
  hf_attribute again = value;
  Require(Read(kind, written, &again_buffer, &again));
  Require(again.number == value.number && again.nanos == value.nanos);
  Require(Written(again) == written);
  const bool other_texts =
      kind == HF_ATTRIBUTE_TIMESTAMP || (kind == HF_ATTRIBUTE_INTEGER && text == "-0");
  if (!other_texts) Require(written == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const hf_attribute_kind kind = data[0] % 11 - 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view name = rest.substr(0, data[1]);
  const std::string_view text = rest.substr(name.size());
  TryValue(kind, text);
  Require(holdfast::codec::IsEventText(text) == MayBeText(text));
  const std::size_t good = holdfast::codec::SpanOfEventText(text);
  Require(MayBeText(text.substr(0, good)) && (good == text.size()) == MayBeText(text));
  const hf_attribute named{{name.data(), name.size()}, {text.data(), text.size()}, 1, 0, kind};
  hf_error error{};
  const hf_code checked = hf_attribute_check(&named, &error);
  Require(checked == error.code && (checked == HF_OK || error.text[0] != '\0'));
  Require(checked != HF_OK || MayBeName(name));
  const hf_attribute number{{name.data(), name.size()}, {nullptr, 0}, 1, 0, HF_ATTRIBUTE_INTEGER};
  const hf_attribute_kind known = hf_attribute_kind_of(name.data(), name.size());
  Require(known == 0 || MayBeName(name));
  Require((hf_attribute_check(&number, nullptr) == HF_OK) ==
          (MayBeName(name) && (known == 0 || known == HF_ATTRIBUTE_INTEGER)));
  return 0;
}
