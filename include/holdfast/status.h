// SPDX-License-Identifier: Apache-2.0
// Status: the library's codes and reasons as absl::Status, and back.
//
// The code says what a caller may do, the reason who decided. Both travel in the status, the reason and
// the retry-after as a payload, so that they survive StatusOr, logs and copies:
//
//   if (auto rejection = holdfast::RejectionOf(status)) Reschedule(rejection->retry_after);
#ifndef HOLDFAST_STATUS_H_
#define HOLDFAST_STATUS_H_

#include <absl/status/status.h>
#include <absl/strings/cord.h>
#include <absl/strings/string_view.h>
#include <holdfast/c/base.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

// All durations of the C++ layer. Zero in options: the default. Duration::max(): never.
using Duration = std::chrono::nanoseconds;

// Who refused or stopped, why, and when to come back.
struct Rejection {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  hf_reason reason = HF_R_NONE;        // HF_R_*; an open set
  Duration retry_after = Duration{0};  // 0: unknown; Duration::max(): not by itself

  // "breaker_open": stable, for metrics and logs. Static storage.
  std::string_view reason_name() const { return hf_reason_name(reason); }
};

// The payload under which a status carries its rejection: "<reason> <retry_after in ns>".
inline constexpr std::string_view kRejectionPayload = "holdfast.v1/rejection";

// A status with a reason and, if positive, a retry-after. OK if the code is OK.
inline absl::Status MakeStatus(hf_code code, hf_reason reason, std::string_view text,
                               Duration retry_after = Duration{0}) {
  absl::Status status(static_cast<absl::StatusCode>(code),
                      absl::string_view(text.data(), text.size()));
  if (status.ok() || reason == HF_R_NONE) return status;
  const std::string payload =
      std::to_string(reason) + " " + std::to_string(static_cast<long long>(retry_after.count()));
  status.SetPayload(absl::string_view(kRejectionPayload.data(), kRejectionPayload.size()),
                    absl::Cord(payload));
  return status;
}

inline absl::Status MakeStatus(const hf_error& error) {
  return MakeStatus(error.code, error.reason, error.text);
}

// The same status with `rejection`'s reason and retry-after attached; code and message stay.
inline absl::Status WithReason(absl::Status status, hf_reason reason, Duration retry_after) {
  if (status.ok()) return status;
  const absl::Status marked =
      MakeStatus(static_cast<hf_code>(status.code()), reason, "", retry_after);
  marked.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& value) { status.SetPayload(url, value); });
  return status;
}

// The rejection a status carries; nullopt if it has none, or none that this version can read.
inline std::optional<Rejection> RejectionOf(const absl::Status& status) {
  const auto payload =
      status.GetPayload(absl::string_view(kRejectionPayload.data(), kRejectionPayload.size()));
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  const char* const end = text.data() + text.size();
  Rejection rejection;
  rejection.code = status.code();
  const auto reason = std::from_chars(text.data(), end, rejection.reason);
  if (reason.ec != std::errc{} || reason.ptr == end || *reason.ptr != ' ') return std::nullopt;
  Duration::rep count = 0;
  const auto after = std::from_chars(reason.ptr + 1, end, count);
  if (after.ec != std::errc{} || after.ptr != end) return std::nullopt;
  rejection.retry_after = Duration{count};
  return rejection;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STATUS_H_
