// SPDX-License-Identifier: Apache-2.0
// The attributes of events that mean the same everywhere, as C++ values: the optional ones of CloudEvents 1.0, its
// documented extensions, and ours. How they are read and written: event_field.h.
//
//   attributes                                what it is
//   subject, time, datacontenttype, ...       CloudEvents itself
//   traceparent, tracestate                   EventTrace (event_trace.h)
//   deprecated, deprecationfrom, ...          EventDeprecation (event_deprecation.h)
//   authtype, authid, authclaims              EventAuth (event_auth.h)
//   deadlinems, senttime                      EventDeadline (event_deadline.h)
//   every other one                           a constant below
//
// A context and an event at once: event_context.h.
#ifndef HOLDFAST_ENVELOPE_EXTENSIONS_H_
#define HOLDFAST_ENVELOPE_EXTENSIONS_H_

#include <absl/status/statusor.h>
#include <holdfast/event_auth.h>
#include <holdfast/event_deadline.h>
#include <holdfast/event_deprecation.h>
#include <holdfast/event_field.h>
#include <holdfast/event_trace.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

inline constexpr TextField kSubject{"subject"};
inline constexpr TimeField kTime{"time"};  // when it happened
inline constexpr TextField kDataContentType{"datacontenttype"};
inline constexpr TextField kDataSchema{"dataschema", HF_ATTRIBUTE_URI};

inline constexpr TextField kCorrelationId{"correlationid"};  // the whole story
inline constexpr TextField kCausationId{"causationid"};  // the id of the event that caused this one
// Where the data lies, which is the same as what the event has. Data may be dropped for it only if every receiver
// knows this attribute.
inline constexpr TextField kDataRef{"dataref", HF_ATTRIBUTE_URI_REF};
inline constexpr TextField kPartitionKey{"partitionkey"};
inline constexpr TimeField kExpiryTime{"expirytime"};  // a relay may change it, never take it off
inline constexpr TimeField kRecordedTime{
    "recordedtime"};  // when the event was made; no relay changes it
inline constexpr IntegerField kSampledRate{"sampledrate", 1};  // one event stands for so many

inline constexpr VersionField kContractVersion{
    "contractversion"};  // of the contract that `type` names
inline constexpr TextField kIdempotencyKey{"idempotencykey"};
inline constexpr IntegerField kAttempt{"attempt", 1};  // which sending of this event it is
inline constexpr TextField kTenant{"tenant"};
inline constexpr CriticalityField kCriticality{"criticality"};

// Where an event stands among those of its source, as text that sorts: numbers are written with all twenty digits.
struct SequenceField {
  std::string_view name = "sequence";

  // Whatever the source writes: it need not be a number.
  absl::StatusOr<std::optional<std::string_view>> Read(const EnvelopeView& event) const {
    return TextField{name}.Read(event);
  }
  absl::Status Write(std::uint64_t value, Envelope* event) const {
    char digits[kDigits];
    const char* const end = std::to_chars(digits, digits + kDigits, value).ptr;
    std::string padded(kDigits - static_cast<std::size_t>(end - digits), '0');
    return TextField{name}.Write(padded.append(digits, static_cast<std::size_t>(end - digits)),
                                 event);
  }
  // The number that Write wrote; nullopt: some other text.
  static std::optional<std::uint64_t> NumberOf(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [ptr, error] = std::from_chars(text.data(), end, number);
    if (text.size() != kDigits || error != std::errc{} || ptr != end) return std::nullopt;
    return number;
  }

 private:
  static constexpr std::size_t kDigits = 20;  // of 2^64 - 1
};
inline constexpr SequenceField kSequence{};

// Whether an event is past its expirytime and may be dropped; one without is never. Clocks differ: give a `now` that is
// earlier by as much as they may. Errors: as event_field.h.
inline absl::StatusOr<bool> IsExpired(const EnvelopeView& event, const Timestamp& now) {
  const auto expiry = kExpiryTime.Read(event);
  if (!expiry.ok()) return expiry.status();
  return *expiry && **expiry <= now;
}

// Under which key an event is processed once: its idempotencykey, else its source and id, which CloudEvents makes
// unique together; a space between them keeps "a" "bc" apart from "ab" "c", for no source has one.
// Errors: as event_field.h.
inline absl::StatusOr<std::string> IdempotencyKeyOf(const EnvelopeView& event) {
  const auto key = kIdempotencyKey.Read(event);
  if (!key.ok()) return key.status();
  if (*key) return std::string(**key);
  return std::string(event.source()).append(" ").append(event.id());
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_EXTENSIONS_H_
