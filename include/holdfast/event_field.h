// SPDX-License-Identifier: Apache-2.0
// Fields: one attribute of an event as a C++ value. Those that have a meaning are in envelope_extensions.h; of your
// own they are made alike:
//
//   inline constexpr holdfast::TextField kRegion{"region"};
//   absl::StatusOr<std::optional<std::string_view>> region = kRegion.Read(event);
//
// Read: nullopt if the event has no such attribute. A String that reads as the field's kind is taken for it: headers
// know no kinds. Errors: kInvalidArgument, naming the attribute; never its value.
// Write: adds the attribute or replaces it. Errors: kInvalidArgument, likewise; kResourceExhausted: the event has
// HF_ENVELOPE_ATTRIBUTES already. The event is as it was then.
// Threads: values; as thread-safe as the event.
#ifndef HOLDFAST_EVENT_FIELD_H_
#define HOLDFAST_EVENT_FIELD_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/attribute.h>
#include <holdfast/criticality.h>
#include <holdfast/envelope.h>
#include <holdfast/status.h>
#include <holdfast/version_number.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

namespace internal {

// "sampledrate: is below 1".
inline absl::Status BadField(std::string_view name, std::string_view complaint,
                             hf_reason reason = HF_R_MALFORMED) {
  return MakeStatus(HF_INVALID_ARGUMENT, reason, std::string(name).append(": ").append(complaint));
}

inline absl::StatusOr<std::optional<Attribute>> FindField(const EnvelopeView& event,
                                                          std::string_view name,
                                                          hf_attribute_kind kind) {
  const Attribute* const found = event.Find(name);
  if (found == nullptr) return std::nullopt;
  std::optional<Attribute> read = AttributeAs(*found, kind);
  if (!read) return BadField(name, "is of another kind");
  return read;
}

inline absl::Status SetField(const Attribute& attribute, Envelope* event) {
  hf_error error{};
  if (hf_attribute_check(&attribute, &error) != HF_OK) return MakeStatus(error);
  if (event->Set(attribute)) return absl::OkStatus();
  return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE,
                    std::string(View(attribute.name)) + ": the event has no room for it");
}

// An attribute that is to be taken off.
inline Attribute NoField(std::string_view name) { return {Borrow(name), {nullptr, 0}, 0, 0, 0}; }

// Sets those that belong together, and takes off; all of them or, after an error, none.
inline absl::Status SetFields(std::span<const Attribute> fields, Envelope* event) {
  std::size_t count = event->view().attributes().size();
  for (const Attribute& field : fields) {
    const bool there = event->view().Find(View(field.name)) != nullptr;
    count += field.kind == 0 ? 0 : 1;
    count -= there ? 1 : 0;
    hf_error error{};
    if (field.kind != 0 && hf_attribute_check(&field, &error) != HF_OK) return MakeStatus(error);
  }
  if (count > HF_ENVELOPE_ATTRIBUTES) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE,
                      std::string(View(fields[0].name)) + ": the event has no room for it");
  }
  for (const Attribute& field : fields) {
    if (field.kind == 0) event->Erase(View(field.name));
  }
  for (const Attribute& field : fields) {
    if (field.kind != 0) event->Set(field);
  }
  return absl::OkStatus();
}

}  // namespace internal

// Text that is not empty.
struct TextField {
  std::string_view name;
  hf_attribute_kind kind = HF_ATTRIBUTE_STRING;  // or URI, URI_REF

  // A view of the event's text.
  absl::StatusOr<std::optional<std::string_view>> Read(const EnvelopeView& event) const {
    const auto found = internal::FindField(event, name, kind);
    if (!found.ok()) return found.status();
    if (!*found) return std::nullopt;
    if ((*found)->text.size == 0) return internal::BadField(name, "is empty");
    return View((*found)->text);
  }
  absl::Status Write(std::string_view value, Envelope* event) const {
    if (value.empty()) return internal::BadField(name, "is empty");
    return internal::SetField(TextAttribute(name, value, kind), event);
  }
};

namespace internal {

inline Attribute TextOrNone(const TextField& field, std::string_view text) {
  return text.empty() ? NoField(field.name) : TextAttribute(field.name, text, field.kind);
}

}  // namespace internal

struct IntegerField {
  std::string_view name;
  std::int32_t lowest = INT32_MIN;

  absl::StatusOr<std::optional<std::int32_t>> Read(const EnvelopeView& event) const {
    const auto found = internal::FindField(event, name, HF_ATTRIBUTE_INTEGER);
    if (!found.ok()) return found.status();
    if (!*found) return std::nullopt;
    const auto number = static_cast<std::int32_t>((*found)->number);
    if (number < lowest) return TooLow();
    return number;
  }
  absl::Status Write(std::int32_t value, Envelope* event) const {
    if (value < lowest) return TooLow();
    return internal::SetField(IntegerAttribute(name, value), event);
  }

 private:
  absl::Status TooLow() const {
    return internal::BadField(name, "is below " + std::to_string(lowest), HF_R_OUT_OF_RANGE);
  }
};

struct TimeField {
  std::string_view name;

  absl::StatusOr<std::optional<Timestamp>> Read(const EnvelopeView& event) const {
    const auto found = internal::FindField(event, name, HF_ATTRIBUTE_TIMESTAMP);
    if (!found.ok()) return found.status();
    if (!*found) return std::nullopt;
    return Timestamp((*found)->number, (*found)->nanos);
  }
  absl::Status Write(const Timestamp& value, Envelope* event) const {
    return internal::SetField(TimeAttribute(name, value), event);
  }
};

struct BooleanField {
  std::string_view name;

  absl::StatusOr<std::optional<bool>> Read(const EnvelopeView& event) const {
    const auto found = internal::FindField(event, name, HF_ATTRIBUTE_BOOLEAN);
    if (!found.ok()) return found.status();
    if (!*found) return std::nullopt;
    return (*found)->number != 0;
  }
  absl::Status Write(bool value, Envelope* event) const {
    return internal::SetField(BooleanAttribute(name, value), event);
  }
};

// "2.1".
struct VersionField {
  std::string_view name;

  absl::StatusOr<std::optional<VersionNumber>> Read(const EnvelopeView& event) const {
    const auto text = TextField{name}.Read(event);
    if (!text.ok()) return text.status();
    if (!*text) return std::nullopt;
    const std::optional<VersionNumber> number = ParseVersionNumber(**text);
    if (!number) return internal::BadField(name, "is no version, major.minor");
    return number;
  }
  absl::Status Write(const VersionNumber& value, Envelope* event) const {
    const std::string text = Text(value);
    if (!ParseVersionNumber(text)) {
      return internal::BadField(name, "has more than five digits", HF_R_OUT_OF_RANGE);
    }
    return TextField{name}.Write(text, event);
  }
};

// One of the words of criticality.h.
struct CriticalityField {
  std::string_view name;

  absl::StatusOr<std::optional<Criticality>> Read(const EnvelopeView& event) const {
    const auto text = TextField{name}.Read(event);
    if (!text.ok()) return text.status();
    if (!*text) return std::nullopt;
    const std::optional<Criticality> criticality = ParseCriticality(**text);
    if (!criticality) return internal::BadField(name, "is no word for a criticality");
    return criticality;
  }
  absl::Status Write(Criticality value, Envelope* event) const {
    return TextField{name}.Write(CriticalityWord(value), event);
  }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_FIELD_H_
