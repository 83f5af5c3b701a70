// SPDX-License-Identifier: Apache-2.0
// Events as words: what a drained hf_event says, for logs and labels.
#ifndef HOLDFAST_EVENT_H_
#define HOLDFAST_EVENT_H_

#include <holdfast/c/breaker.h>
#include <holdfast/c/journal.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

// "refused": stable, for logs and labels; "event_?" for a kind that this library does not know.
inline std::string_view EventKindName(hf_event_kind kind) { return hf_event_kind_name(kind); }

// "half_open": stable, as above; "state_?" outside the set.
inline std::string_view BreakerStateName(hf_breaker_state state) {
  switch (state) {
    case HF_BREAKER_CLOSED:
      return "closed";
    case HF_BREAKER_OPEN:
      return "open";
    case HF_BREAKER_HALF_OPEN:
      return "half_open";
    case HF_BREAKER_FORCED_OPEN:
      return "forced_open";
    case HF_BREAKER_DISABLED:
      return "disabled";
    case HF_BREAKER_METRICS_ONLY:
      return "metrics_only";
    default:
      return "state_?";
  }
}

namespace internal {

inline void AppendInteger(std::string& text, int64_t value) {
  char digits[24];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// What `before` and `after` say for one kind, with a blank in front; nothing if they say nothing.
inline void AppendChange(std::string& text, const hf_event& event) {
  switch (event.kind) {
    case HF_EVENT_KIND_STATE:
      text += ' ';
      text += BreakerStateName(static_cast<hf_breaker_state>(event.before));
      text += " -> ";
      text += BreakerStateName(static_cast<hf_breaker_state>(event.after));
      return;
    case HF_EVENT_KIND_SWITCHED:
      text += event.after != 0 ? " on" : " off";
      return;
    case HF_EVENT_KIND_EVICTED: {
      char digits[16];
      text += " 0x";
      const auto hash = static_cast<uint64_t>(event.before);
      text.append(digits, std::to_chars(digits, digits + sizeof digits, hash, 16).ptr);
      return;
    }
    case HF_EVENT_KIND_LIMIT:
      text += ' ';
      AppendInteger(text, event.before);
      text += " -> ";
      AppendInteger(text, event.after);
      return;
    default:
      text += ' ';
      AppendInteger(text, event.after);
      return;
  }
}

}  // namespace internal

// One line for people, without a newline: "12.000000500 object 7 #3: refused breaker_open 1", that is
// the time in seconds, the object, its sequence, the kind, the reason if it has one, and what changed.
inline std::string Describe(const hf_event& event) {
  constexpr int64_t kSecond = HF_S;
  const hf_time time = event.time < 0 ? 0 : event.time;
  std::string text;
  internal::AppendInteger(text, time / kSecond);
  text += '.';
  // The leading 1 keeps the zeros after the point, and goes.
  std::string fraction;
  internal::AppendInteger(fraction, kSecond + time % kSecond);
  text.append(fraction, 1);
  text += " object ";
  char digits[24];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, event.object).ptr);
  text += " #";
  text.append(digits, std::to_chars(digits, digits + sizeof digits, event.sequence).ptr);
  text += ": ";
  text += EventKindName(event.kind);
  if (event.reason != HF_R_NONE) {
    text += ' ';
    text += hf_reason_name(event.reason);
  }
  internal::AppendChange(text, event);
  return text;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_H_
