// SPDX-License-Identifier: Apache-2.0
// Attribute: one named value of an event, borrowed. Kinds and rules: c/attribute.h.
//
// Threads: all functions are pure.
#ifndef HOLDFAST_ATTRIBUTE_H_
#define HOLDFAST_ATTRIBUTE_H_

#include <absl/status/statusor.h>
#include <holdfast/c/attribute.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

using Attribute = hf_attribute;

// A moment on the wall clock: the years 1677..2262. What an event may say is wider: Attribute's number and nanos.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

inline std::string_view View(const hf_str& text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}
inline hf_str Borrow(std::string_view text) { return {text.data(), text.size()}; }

inline Attribute TextAttribute(std::string_view name, std::string_view text,
                               hf_attribute_kind kind = HF_ATTRIBUTE_STRING) {
  return {Borrow(name), Borrow(text), 0, 0, kind};
}
inline Attribute IntegerAttribute(std::string_view name, std::int32_t number) {
  return {Borrow(name), {nullptr, 0}, number, 0, HF_ATTRIBUTE_INTEGER};
}
inline Attribute BooleanAttribute(std::string_view name, bool value) {
  return {Borrow(name), {nullptr, 0}, value ? 1 : 0, 0, HF_ATTRIBUTE_BOOLEAN};
}
inline Attribute TimeAttribute(std::string_view name, WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto nanos = static_cast<std::int32_t>((time - seconds).count());
  return {Borrow(name),
          {nullptr, 0},
          seconds.time_since_epoch().count(),
          nanos,
          HF_ATTRIBUTE_TIMESTAMP};
}

// A value's canonical text. Errors: kInvalidArgument: it breaks the rules, or is OPAQUE.
inline absl::StatusOr<std::string> FormatAttribute(const Attribute& attribute) {
  std::size_t need = 0;
  hf_code code = hf_attribute_format(&attribute, nullptr, 0, &need);
  std::string text(code == HF_RESOURCE_EXHAUSTED ? need : 0, '\0');
  if (code == HF_RESOURCE_EXHAUSTED) {
    code = hf_attribute_format(&attribute, text.data(), text.size(), &need);
  }
  if (code == HF_OK) return text;
  hf_error error{};
  hf_attribute_check(&attribute, &error);
  if (error.code == HF_OK) return MakeStatus(code, HF_R_MALFORMED, "an attribute without a text");
  return MakeStatus(error);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ATTRIBUTE_H_
