// SPDX-License-Identifier: Apache-2.0
// AMQP 1.0: an event as a message's application properties, in AMQP's own types (CloudEvents AMQP binding 1.0.2).
//
//   kind of a property   AMQP type              attribute
//   BOOLEAN              boolean                Boolean
//   INTEGER              int, long, smaller     Integer: 32 bits
//   BYTES                binary                 Binary
//   TIMESTAMP            timestamp, in ms       Timestamp
//   STRING               string                 any, as its canonical text
//
// A reader takes both, and `cloudEvents_` as well as `cloudEvents:`. A writer gives AMQP's types, but text where a
// timestamp is finer than a millisecond. Headers that are text alone: Binding::kAmqp of envelope_headers.h. The property
// content-type of the message, which is no application property, is given and taken apart.
// Threads: objects of this file are as thread-safe as a string.
#ifndef HOLDFAST_ENVELOPE_AMQP_H_
#define HOLDFAST_ENVELOPE_AMQP_H_

#include <absl/status/status.h>
#include <holdfast/envelope_headers.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5 {

// An application property: an attribute whose name is the property's, prefix and all.
using AmqpProperty = Attribute;

// An event out of a message.
class ReceivedAmqpEvent {
 public:
  // What is given must outlive this; std::nullopt is an absent section. After an error there is no event.
  // Errors: as ReceivedEvent::Read; kInvalidArgument HF_R_OUT_OF_RANGE: a long beyond 32 bits.
  absl::Status Read(std::string_view content_type, std::span<const AmqpProperty> properties,
                    std::optional<std::string_view> body, const EnvelopeLimits& limits = {}) {
    event_.Clear();
    absl::Status status = ReadTexts(content_type, properties, body, limits);
    if (!status.ok()) return status;
    event_ = received_.event();
    if (ModeOf(content_type).mode == ContentMode::kBinary) {
      status = AddTyped(properties);
      if (status.ok()) status = event_.Check(limits);
    }
    if (!status.ok()) event_.Clear();
    return status;
  }

  const EnvelopeView& event() const { return event_; }
  const hf_binding_report& report() const { return received_.report(); }

 private:
  // The attribute's name; empty: it is none.
  static std::string_view NameOf(const AmqpProperty& property) {
    constexpr std::string_view kPrefix = "cloudEvents";
    const std::string_view name = View(property.name);
    const bool ours = name.size() > kPrefix.size() && name.starts_with(kPrefix) &&
                      (name[kPrefix.size()] == '_' || name[kPrefix.size()] == ':');
    return ours ? name.substr(kPrefix.size() + 1) : std::string_view();
  }

  absl::Status ReadTexts(std::string_view content_type, std::span<const AmqpProperty> properties,
                         std::optional<std::string_view> body, const EnvelopeLimits& limits) {
    texts_.clear();
    if (!content_type.empty()) texts_.push_back({Borrow("content-type"), Borrow(content_type)});
    for (const AmqpProperty& property : properties) {
      if (property.kind == HF_ATTRIBUTE_STRING) texts_.push_back({property.name, property.text});
    }
    return received_.Read(Binding::kAmqp, texts_, body, limits);
  }

  absl::Status AddTyped(std::span<const AmqpProperty> properties) {
    for (const AmqpProperty& property : properties) {
      const std::string_view name = NameOf(property);
      if (name.empty() || property.kind == HF_ATTRIBUTE_STRING) continue;
      if (IsRequired(name)) {
        return Refuse(HF_INVALID_ARGUMENT, HF_R_MALFORMED, name, "is no string");
      }
      Attribute attribute = property;
      attribute.name = Borrow(name);
      // Before the name is shown in any error.
      hf_error error{};
      if (hf_attribute_check(&attribute, &error) != HF_OK) return MakeStatus(error);
      if (event_.Find(name) != nullptr) {
        return Refuse(HF_INVALID_ARGUMENT, HF_R_MALFORMED, name, "comes twice");
      }
      if (!event_.Set(attribute)) {
        return Refuse(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, name, "is one attribute too many");
      }
    }
    return absl::OkStatus();
  }

  static bool IsRequired(std::string_view name) {
    return name == "id" || name == "source" || name == "type" || name == "specversion";
  }

  static absl::Status Refuse(hf_code code, hf_reason reason, std::string_view name,
                             std::string_view why) {
    return MakeStatus(code, reason, std::string(name) + ": " + std::string(why));
  }

  ReceivedEvent received_;
  EnvelopeView event_;
  std::vector<hf_header> texts_;
};

// The properties of an event in binary mode.
class AmqpProperties {
 public:
  // `binding`: kAmqp or kAmqpColon. After an error there are no properties. Errors: as hf_binding_write.
  absl::Status Write(Binding binding, const EnvelopeView& event,
                     const EnvelopeLimits& limits = {}) {
    properties_.clear();
    content_type_ = {};
    if (absl::Status status = headers_.Write(binding, event, limits); !status.ok()) return status;
    const std::span<const hf_header> headers = headers_.headers();
    for (std::size_t i = 0; i < headers.size(); ++i) {
      if (View(headers[i].name) == "content-type") {
        content_type_ = View(headers[i].value);
        continue;
      }
      AmqpProperty property = TextAttribute(View(headers[i].name), View(headers[i].value));
      // The attributes follow specversion, id, source and type, in the event's order.
      const std::size_t at = i - 4;
      if (i >= 4 && at < event.attributes().size() && HasOwnType(event.attributes()[at])) {
        property = event.attributes()[at];
        property.name = headers[i].name;
      }
      properties_.push_back(property);
    }
    return absl::OkStatus();
  }

  // They point into this object, and into what the event points to; valid until the next Write.
  std::span<const AmqpProperty> properties() const { return properties_; }
  // The message's property content-type; empty: none.
  std::string_view content_type() const { return content_type_; }

 private:
  static bool HasOwnType(const Attribute& attribute) {
    constexpr std::int32_t kNanosPerMilli = 1'000'000;
    return attribute.kind == HF_ATTRIBUTE_BOOLEAN || attribute.kind == HF_ATTRIBUTE_INTEGER ||
           attribute.kind == HF_ATTRIBUTE_BYTES ||
           (attribute.kind == HF_ATTRIBUTE_TIMESTAMP && attribute.nanos % kNanosPerMilli == 0);
  }

  EventHeaders headers_;
  std::vector<AmqpProperty> properties_;
  std::string_view content_type_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_AMQP_H_
