// SPDX-License-Identifier: Apache-2.0
// Statuses across three vocabularies: absl, gRPC with the common error model, and outcomes.
//
// Invariants: codes stay within the canonical 0..16. Bytes from a peer can be anything: nothing here
// fails or throws on them, and no number taken from them is used unbounded.
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/status.h>
#include <holdfast/v1/refusal.pb.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>

namespace holdfast::inline v0_5::grpc {
namespace {

constexpr std::string_view kUrlPrefix = "type.googleapis.com/";
constexpr std::string_view kErrorInfo = "google.rpc.ErrorInfo";
constexpr std::string_view kRetryInfo = "google.rpc.RetryInfo";
constexpr std::string_view kDomain = "holdfast";
constexpr std::string_view kReasonNumber = "code";
constexpr Duration kLongestAdvice = std::chrono::hours(24);
constexpr std::int64_t kMostRetried = 1'000'000;

hf_code CanonicalCode(int code) {
  return code >= HF_OK && code <= HF_UNAUTHENTICATED ? code : HF_UNKNOWN;
}

// A protobuf `string` must be UTF-8, which the text of a status need not be.
std::string AsciiOf(std::string_view text) {
  std::string ascii(text);
  std::replace_if(ascii.begin(), ascii.end(), [](unsigned char byte) { return byte >= 0x80; }, '?');
  return ascii;
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::toupper(byte)); });
  return upper;
}

template <class Message>
void PackAs(std::string_view name, const Message& message, v1::RpcStatus& status) {
  auto* const any = status.add_details();
  any->set_type_url(std::string(kUrlPrefix) + std::string(name));
  message.SerializeToString(any->mutable_value());
}

// Of a type's name only what follows the last slash is agreed upon.
bool Is(std::string_view name, const std::string& url) {
  return url.substr(url.rfind('/') + 1) == name;
}

std::string Serialized(::grpc::StatusCode code, const std::string& message,
                       const ErrorDetail& detail) {
  v1::RpcStatus status;
  status.set_code(static_cast<int>(code));
  status.set_message(AsciiOf(message));
  if (!detail.domain.empty() || !detail.reason.empty() || !detail.metadata.empty()) {
    v1::ErrorInfo info;
    info.set_reason(AsciiOf(detail.reason));
    info.set_domain(AsciiOf(detail.domain));
    for (const auto& [key, value] : detail.metadata) {
      (*info.mutable_metadata())[AsciiOf(key)] = AsciiOf(value);
    }
    PackAs(kErrorInfo, info, status);
  }
  if (detail.retry_after > Duration{0} && detail.retry_after != Duration::max()) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(detail.retry_after);
    v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(seconds.count());
    retry.mutable_retry_delay()->set_nanos(
        static_cast<std::int32_t>((detail.retry_after - seconds).count()));
    PackAs(kRetryInfo, retry, status);
  }
  return status.SerializeAsString();
}

Duration DelayOf(const v1::RetryInfo& retry) {
  const std::int64_t seconds = retry.retry_delay().seconds();
  const std::int64_t longest = std::chrono::floor<std::chrono::seconds>(kLongestAdvice).count();
  if (seconds < 0 || retry.retry_delay().nanos() < 0) return Duration{0};
  if (seconds >= longest) return kLongestAdvice;
  const Duration whole = std::chrono::seconds(seconds);
  return std::min(kLongestAdvice, whole + Duration{retry.retry_delay().nanos()});
}

std::optional<std::int64_t> WholeNumber(const ::grpc::string_ref& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

Duration AdviceOf(std::int64_t milliseconds) {
  const auto longest = std::chrono::floor<std::chrono::milliseconds>(kLongestAdvice).count();
  return std::chrono::milliseconds(std::min<std::int64_t>(milliseconds, longest));
}

::grpc::string_ref Ref(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

::grpc::Status RefusalStatus(const Rejection& rejection, std::string_view text) {
  std::string message(text);
  if (!message.empty()) message += ' ';
  message += "(holdfast: ";
  message += rejection.reason_name();
  message += ')';
  const auto code =
      static_cast<::grpc::StatusCode>(CanonicalCode(static_cast<int>(rejection.code)));
  return DetailedStatus(
      code, message,
      {.domain = std::string(kDomain),
       .reason = UpperCase(rejection.reason_name()),
       .metadata = {{std::string(kReasonNumber), std::to_string(rejection.reason)}},
       .retry_after = rejection.retry_after});
}

::grpc::Status DetailedStatus(::grpc::StatusCode code, std::string_view text,
                              const ErrorDetail& detail) {
  if (code == ::grpc::StatusCode::OK) return ::grpc::Status::OK;
  const std::string message(text);
  return ::grpc::Status(code, message, Serialized(code, message, detail));
}

ErrorDetail DetailOf(const ::grpc::Status& status) {
  ErrorDetail detail;
  const std::string details = status.error_details();
  v1::RpcStatus parsed;
  if (status.ok() || details.empty() || !parsed.ParseFromString(details)) return detail;
  for (const auto& any : parsed.details()) {
    v1::ErrorInfo info;
    v1::RetryInfo retry;
    if (Is(kErrorInfo, any.type_url()) && info.ParseFromString(any.value())) {
      // The one nearest to the cause comes first; ours may be added to another's.
      if (!detail.domain.empty() && info.domain() != kDomain) continue;
      detail.domain = info.domain();
      detail.reason = info.reason();
      detail.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (Is(kRetryInfo, any.type_url()) && retry.ParseFromString(any.value())) {
      detail.retry_after = DelayOf(retry);
    }
  }
  return detail;
}

std::optional<Rejection> RejectionOf(const ::grpc::Status& status) {
  const ErrorDetail detail = DetailOf(status);
  const auto number = detail.metadata.find(std::string(kReasonNumber));
  if (detail.domain != kDomain || number == detail.metadata.end()) return std::nullopt;
  hf_reason reason = HF_R_NONE;
  const std::string& digits = number->second;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, reason);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return Rejection{static_cast<absl::StatusCode>(CanonicalCode(status.error_code())), reason,
                   detail.retry_after};
}

::grpc::Status FromAbsl(const absl::Status& status) {
  if (status.ok()) return ::grpc::Status::OK;
  const std::string message(status.message().data(), status.message().size());
  if (const auto rejection = holdfast::RejectionOf(status)) {
    return RefusalStatus(*rejection, message);
  }
  const hf_code code = CanonicalCode(static_cast<int>(status.code()));
  return ::grpc::Status(static_cast<::grpc::StatusCode>(code), message);
}

absl::Status ToAbsl(const ::grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto rejection = RejectionOf(status);
  return MakeStatus(CanonicalCode(status.error_code()), rejection ? rejection->reason : HF_R_NONE,
                    status.error_message(), rejection ? rejection->retry_after : Duration{0});
}

PeerAdvice ReadTrailers(const std::multimap<::grpc::string_ref, ::grpc::string_ref>& trailers) {
  PeerAdvice advice;
  advice.not_started = trailers.count(Ref(kNotStartedTrailer)) > 0;
  advice.replayed = trailers.count(Ref(kReplayedTrailer)) > 0;
  const auto [first, last] = trailers.equal_range(Ref(kRetryAfterTrailer));
  for (auto entry = first; entry != last; ++entry) {
    const auto asked = WholeNumber(entry->second);
    if (asked && *asked > 0) advice.retry_after = std::max(advice.retry_after, AdviceOf(*asked));
  }
  const auto [retried_first, retried_last] = trailers.equal_range(Ref(kRetriedTrailer));
  for (auto entry = retried_first; entry != retried_last; ++entry) {
    const auto count = WholeNumber(entry->second).value_or(0);
    advice.retried =
        std::max(advice.retried,
                 static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, kMostRetried)));
  }
  const auto [push_first, push_last] = trailers.equal_range(Ref(kPushbackTrailer));
  for (auto entry = push_first; entry != push_last; ++entry) {
    const auto asked = WholeNumber(entry->second);
    if (!asked || *asked < 0 || *asked > INT32_MAX || std::next(push_first) != push_last) {
      advice.do_not_retry = true;
    } else {
      advice.retry_after = std::max(advice.retry_after, AdviceOf(*asked));
    }
  }
  return advice;
}

hf_outcome OutcomeOf(const ::grpc::Status& status, const PeerAdvice& advice) {
  hf_outcome outcome{};
  outcome.code = CanonicalCode(status.error_code());
  outcome.retried = advice.retried;
  if (outcome.code == HF_OK) return outcome;
  outcome.retry_after = advice.retry_after.count();
  hf_outcome derived = outcome;
  hf_outcome_derive(&derived);
  // What is refused for good is not asked again, started or not.
  if (advice.not_started && derived.effect != HF_EFFECT_FINAL) {
    outcome.effect = HF_EFFECT_NOT_STARTED;
  }
  // The peer knows better than our table: final to the retry loop, whatever it was to the peer.
  if (advice.do_not_retry) {
    outcome.effect = HF_EFFECT_FINAL;
    outcome.retry_after = HF_INFINITE;
  }
  return outcome;
}

}  // namespace holdfast::inline v0_5::grpc
