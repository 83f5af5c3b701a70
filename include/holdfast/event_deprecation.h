// SPDX-License-Identifier: Apache-2.0
// EventDeprecation: that, since when and until when a type of event is deprecated (CloudEvents extension deprecation).
#ifndef HOLDFAST_EVENT_DEPRECATION_H_
#define HOLDFAST_EVENT_DEPRECATION_H_

#include <absl/status/statusor.h>
#include <holdfast/event_field.h>

#include <optional>
#include <string_view>

namespace holdfast::inline v0_5 {

// Borrowed: `migration` is a view of the event's text.
struct EventDeprecation {
  std::optional<Timestamp> from = {};    // nullopt: nobody said since when
  std::optional<Timestamp> sunset = {};  // not before `from`; nullopt: no end is foreseen
  std::string_view migration = {};       // a URI: what to use instead, and how; empty: none

  // Whether the type has had its end: then it should neither be published nor processed.
  bool IsOver(const Timestamp& now) const { return sunset && now >= *sunset; }

  // nullopt unless `deprecated` is true, whatever else there is. Errors: as event_field.h; `deprecationsunset` is before
  // `deprecationfrom`.
  static absl::StatusOr<std::optional<EventDeprecation>> Read(const EnvelopeView& event) {
    const auto deprecated = kDeprecated.Read(event);
    if (!deprecated.ok()) return deprecated.status();
    if (!deprecated->value_or(false)) return std::nullopt;
    const auto from = kFrom.Read(event);
    if (!from.ok()) return from.status();
    const auto sunset = kSunset.Read(event);
    if (!sunset.ok()) return sunset.status();
    const auto migration = kMigration.Read(event);
    if (!migration.ok()) return migration.status();
    const EventDeprecation read{*from, *sunset, migration->value_or("")};
    if (absl::Status order = read.CheckOrder(); !order.ok()) return order;
    return read;
  }

  // Sets `deprecated` and what is told; what is not told is taken off.
  // Errors: as event_field.h; the sunset is before `from`; kFailedPrecondition: the event has a later sunset
  // already, which may be extended and never shortened.
  absl::Status Write(Envelope* event) const {
    if (absl::Status order = CheckOrder(); !order.ok()) return order;
    const auto before = kSunset.Read(event->view());
    if (before.ok() && *before && sunset && **before > *sunset) {
      return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_STATE,
                        "deprecationsunset: is never shortened");
    }
    const Attribute fields[] = {BooleanAttribute(kDeprecated.name, true), TimeOrNone(kFrom, from),
                                TimeOrNone(kSunset, sunset),
                                internal::TextOrNone(kMigration, migration)};
    return internal::SetFields(fields, event);
  }

 private:
  static constexpr BooleanField kDeprecated{"deprecated"};
  static constexpr TimeField kFrom{"deprecationfrom"};
  static constexpr TimeField kSunset{"deprecationsunset"};
  static constexpr TextField kMigration{"deprecationmigration", HF_ATTRIBUTE_URI};

  absl::Status CheckOrder() const {
    if (!from || !sunset || *sunset >= *from) return absl::OkStatus();
    return internal::BadField(kSunset.name, "is before deprecationfrom", HF_R_OUT_OF_RANGE);
  }
  static Attribute TimeOrNone(const TimeField& field, const std::optional<Timestamp>& time) {
    return time ? TimeAttribute(field.name, *time) : internal::NoField(field.name);
  }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_DEPRECATION_H_
