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
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

using Attribute = hf_attribute;

// A moment on the wall clock: the years 1677..2262.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// A moment as an event may say it: the years 1..9999, in UTC.
struct Timestamp {
  std::int64_t seconds = 0;  // since 1970
  std::int32_t nanos = 0;    // 0..999999999

  Timestamp() = default;
  Timestamp(std::int64_t since_1970, std::int32_t nanoseconds)
      : seconds(since_1970), nanos(nanoseconds) {}
  Timestamp(WallTime time)  // NOLINT: every WallTime is one
      : seconds(time.time_since_epoch().count() / kSecond),
        nanos(static_cast<std::int32_t>(time.time_since_epoch().count() % kSecond)) {
    if (nanos >= 0) return;
    --seconds;
    nanos += kSecond;
  }

  // The first or last WallTime there is, if it lies beyond.
  WallTime Nearest() const {
    if (*this >= Timestamp(WallTime::max())) return WallTime::max();
    if (*this <= Timestamp(WallTime::min())) return WallTime::min();
    // Of the first second there is not all: what lies before it cannot be said in nanoseconds.
    const std::int64_t from_zero = seconds < 0 ? 1 : 0;
    return WallTime(
        std::chrono::nanoseconds((seconds + from_zero) * kSecond + (nanos - from_zero * kSecond)));
  }

  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;

 private:
  static constexpr std::int32_t kSecond = 1'000'000'000;
};

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
inline Attribute TimeAttribute(std::string_view name, const Timestamp& time) {
  return {Borrow(name), {nullptr, 0}, time.seconds, time.nanos, HF_ATTRIBUTE_TIMESTAMP};
}

// The value as one of `kind`: itself, or what a String, or a URI for a URI_REF, reads as. nullopt: neither.
inline std::optional<Attribute> AttributeAs(const Attribute& attribute, hf_attribute_kind kind) {
  if (attribute.kind == kind) return attribute;
  const bool text = attribute.kind == HF_ATTRIBUTE_STRING ||
                    (attribute.kind == HF_ATTRIBUTE_URI && kind == HF_ATTRIBUTE_URI_REF);
  Attribute read = attribute;
  if (!text || hf_attribute_parse(kind, attribute.text.data, attribute.text.size, nullptr, 0,
                                  &read) != HF_OK) {
    return std::nullopt;
  }
  return read;
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
