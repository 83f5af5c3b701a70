// SPDX-License-Identifier: Apache-2.0
// What an audit note may hold, one rule for every OperableStore.
#ifndef HOLDFAST_AUDIT_NOTE_H_
#define HOLDFAST_AUDIT_NOTE_H_

#include <absl/status/status.h>
#include <holdfast/operable_store.h>
#include <holdfast/status.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

inline constexpr size_t kAuditTextMax = 256;  // bytes of an actor or a reason

// Well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF) without control characters.
// Thread-safe.
inline bool IsPrintableUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x20 || lead == 0x7F) return false;
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if (length == 4 && lead >> 3 != 30) return false;
    if (text.size() - at < length) return false;
    char32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if (next >> 6 != 2) return false;
      point = (point << 6) | (next & 0x3Fu);
    }
    constexpr char32_t kShortestOf[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kShortestOf[length] || point > 0x10FFFF) return false;
    if (point >= 0xD800 && point <= 0xDFFF) return false;
    if (point >= 0x80 && point < 0xA0) return false;  // the other control characters
    at += length;
  }
  return true;
}

// Thread-safe. Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE naming `actor` or `reason`.
inline absl::Status CheckAuditNote(const AuditNote& note) {
  const auto check = [](const std::string& text, std::string_view name) -> absl::Status {
    if (!text.empty() && text.size() <= kAuditTextMax && IsPrintableUtf8(text)) {
      return absl::OkStatus();
    }
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                      std::string(name) + ": 1..256 bytes of printable UTF-8");
  };
  absl::Status actor = check(note.actor, "actor");
  return actor.ok() ? check(note.reason, "reason") : actor;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_AUDIT_NOTE_H_
