// SPDX-License-Identifier: Apache-2.0
// Status: gRPC's codes, details and trailers as outcomes and rejections, and back.
//
// A code alone does not tell whether a call may be made again. UNAVAILABLE is ambiguous: the request may
// have been served and only the answer lost. It is "not started" only if holdfast refused it here, or
// the server proved it by our trailer:
//
//   trailer                   value        what the client takes from it
//   holdfast-not-started      a reason     the handler did not run: may be made again
//   holdfast-retry-after-ms   0..          when to come back; clamped, see c/retry.h; garbage is ignored
//   grpc-retry-pushback-ms    int32        as above; negative or garbage: do not retry (gRFC A6)
//   holdfast-replayed         1            the answer is a stored one
//
// Threads: all functions are pure.
#ifndef HOLDFAST_GRPC_STATUS_H_
#define HOLDFAST_GRPC_STATUS_H_

#include <absl/status/status.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>
#include <holdfast/outcome.h>
#include <holdfast/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {
namespace grpc {

inline constexpr std::string_view kNotStartedTrailer = "holdfast-not-started";
inline constexpr std::string_view kRetryAfterTrailer = "holdfast-retry-after-ms";
inline constexpr std::string_view kPushbackTrailer = "grpc-retry-pushback-ms";
inline constexpr std::string_view kReplayedTrailer = "holdfast-replayed";
inline constexpr std::string_view kRetriedTrailer = "holdfast-retried";  // by the layers below

// Code and message; a rejection (holdfast/status.h) travels in the details, any other payload is left
// behind. A code outside the canonical set becomes UNKNOWN, both ways.
::grpc::Status FromAbsl(const absl::Status& status);
absl::Status ToAbsl(const ::grpc::Status& status);

// A refusal of ours. The message ends in "(holdfast: <reason>)"; the details are a google.rpc.Status
// with an ErrorInfo (domain "holdfast") and, if retry_after is positive, a RetryInfo.
::grpc::Status RefusalStatus(const Rejection& rejection, std::string_view text);

// The rejection that a status carries in its details; nullopt if none, or if the bytes are not ours.
std::optional<Rejection> RejectionOf(const ::grpc::Status& status);

// What the common error model (google.rpc) adds to a status, of any server and any language: an ErrorInfo, of
// whom and why, and a RetryInfo.
struct ErrorDetail {
  std::string domain = {};  // whose vocabulary `reason` is of; "holdfast": RejectionOf knows more
  std::string reason = {};  // SNAKE_CASE, by custom
  std::map<std::string, std::string> metadata = {};
  Duration retry_after{0};  // 0: nothing said; read: at most 24 h
};

// Reads it; what is missing or malformed is empty.
ErrorDetail DetailOf(const ::grpc::Status& status);

// A failure with a detail. What is empty is left out; bytes of `detail` and `text` that are not ASCII become
// '?'. OK stays OK.
::grpc::Status DetailedStatus(::grpc::StatusCode code, std::string_view text,
                              const ErrorDetail& detail);

// What the peer said besides the status.
struct PeerAdvice {
  bool not_started = false;
  bool do_not_retry = false;
  bool replayed = false;
  std::uint32_t retried = 0;           // for this attempt, by the peer and the layers below it
  Duration retry_after = Duration{0};  // 0: nothing asked for; at most 24 h
};

// Reads trailers of any origin; never fails, what it cannot read says nothing (pushback excepted).
PeerAdvice ReadTrailers(const std::multimap<::grpc::string_ref, ::grpc::string_ref>& trailers);

// What an attempt did, by code and advice; see c/outcome.h for the codes.
hf_outcome OutcomeOf(const ::grpc::Status& status, const PeerAdvice& advice = {});

}  // namespace grpc

// A ::grpc::Status as a result, where nothing but the status is known.
template <>
struct OutcomeTraits<::grpc::Status> {
  static hf_outcome Classify(const ::grpc::Status& status) {
    hf_outcome outcome = grpc::OutcomeOf(status);
    if (!status.ok()) outcome.retry_after = grpc::DetailOf(status).retry_after.count();
    return outcome;
  }
  static ::grpc::Status FromRejection(const Rejection& rejection) {
    return grpc::RefusalStatus(rejection, "no attempt was made");
  }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_GRPC_STATUS_H_
