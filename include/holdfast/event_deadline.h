// SPDX-License-Identifier: Apache-2.0
// EventDeadline: how much time an event's work may still take (holdfast's deadlinems and senttime).
//
// A duration when it was sent, and the sender's clock then. A receiver takes off how old the event is, and a margin for how
// far the two clocks may be apart, so that the deadline is never later than the sender meant:
//
//   remaining = left - max(0, now - sent + margin)
//
// If the event comes from the future by more than the margin, the clocks are further apart than assumed: the duration is
// believed in full, since nothing tells how old it is, and so it is without a senttime. Both are flagged.
#ifndef HOLDFAST_EVENT_DEADLINE_H_
#define HOLDFAST_EVENT_DEADLINE_H_

#include <absl/status/statusor.h>
#include <holdfast/event_field.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace holdfast::inline v0_5 {

struct EventDeadline {
  Duration left = {};                  // when it was sent
  std::optional<Timestamp> sent = {};  // on the sender's wall clock

  struct Remaining {
    Duration left = {};  // 0: it is over
    bool unsure =
        false;  // the age is not known: `left` may be too much, by the time it was on its way
  };

  // margin: how far the clocks of sender and receiver may be apart; below 0 is 0.
  Remaining RemainingAt(WallTime now, Duration margin = {}) const {
    if (!sent) return {left, true};
    // Beyond this, in seconds, nanoseconds may not hold the difference.
    constexpr std::int64_t kFar = 4'000'000'000;
    const Timestamp here(now);
    const std::int64_t seconds = std::clamp(here.seconds - sent->seconds, -kFar, kFar);
    const Duration age = std::chrono::seconds(seconds) + Duration(here.nanos - sent->nanos);
    const Duration apart = std::clamp(margin, Duration{}, Duration(std::chrono::seconds(kFar / 2)));
    if (age < -apart) return {left, true};
    return {std::max(Duration{}, left - (age + apart)), false};
  }

  // nullopt: no `deadlinems`. Errors: as event_field.h; `deadlinems` below 0.
  static absl::StatusOr<std::optional<EventDeadline>> Read(const EnvelopeView& event) {
    const auto ms = kLeft.Read(event);
    if (!ms.ok()) return ms.status();
    if (!*ms) return std::nullopt;
    const auto sent = kSent.Read(event);
    if (!sent.ok()) return sent.status();
    return EventDeadline{std::chrono::milliseconds(**ms), *sent};
  }

  // Whole milliseconds, rounded down; more than 24 days are said as 24.8. Without `sent` a senttime is taken off.
  // Errors: as event_field.h; kDeadlineExceeded HF_R_DEADLINE: less than a millisecond is left, do not send.
  absl::Status Write(Envelope* event) const {
    const std::int64_t ms = std::chrono::floor<std::chrono::milliseconds>(left).count();
    if (ms < 1) {
      return MakeStatus(HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, "deadlinems: no time is left");
    }
    const auto told = static_cast<std::int32_t>(std::min<std::int64_t>(ms, INT32_MAX));
    const Attribute fields[] = {
        IntegerAttribute(kLeft.name, told),
        sent ? TimeAttribute(kSent.name, *sent) : internal::NoField(kSent.name)};
    return internal::SetFields(fields, event);
  }

 private:
  static constexpr IntegerField kLeft{"deadlinems", 0};
  static constexpr TimeField kSent{"senttime"};
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_DEADLINE_H_
