// SPDX-License-Identifier: Apache-2.0
// The Idempotency-Key header of HTTP, both sides, without an HTTP library: which answer a server gives for what RunOnce
// says, and what an answer means to a client. Source: draft-ietf-httpapi-idempotency-key-header-07; where it is silent
// (in doubt, backoff, the mark of a replay) docs/primitives/idempotent_http.md says what was chosen and why.
//
//   key = ReadHttpKey(all values of the field)                       not ok: send HttpRefusal(key.status())
//   result = RunOnce(store, {.key = *key, ...}, {.request = HttpRequestBytes(method, target, body), .report = &report},
//                    [&](Ticket&) { own = Handle(); return HttpAnswer(own); });
//   send HttpReply(result, report, &own)
//
//   reason                                     status  Retry-After  the client
//   (a result, here or replayed)               its own    -         is done; a replay has Idempotency-Replayed: true
//   key_missing, key_oversize, malformed         400      -         has a defect
//   idem_busy, idem_fenced                       409     yes        waits, and asks again with the same key
//   idem_mismatch                                422      -         has a defect: one key, two requests
//   idem_oversize, store_erased (a duplicate)    410      -         was served once; the result is no more
//   idem_oversize (of a limit, nothing happened) 413      -         has to ask for less
//   idem_backoff, deadline, store_unavailable,
//   _locked, _overloaded, _full, and
//   _indeterminate if the work did not run       503     yes        waits, and asks again with the same key
//   idem_in_doubt, idem_poison, store_corrupt,
//   store_indeterminate if the work ran          500      -         asks a person: it may have happened
//
// Bodies of refusals are problem+json (RFC 9457) of fixed text: no key, no message of the work, nothing of a store.
// Threads: pure functions.
#ifndef HOLDFAST_HTTP_IDEMPOTENCY_H_
#define HOLDFAST_HTTP_IDEMPOTENCY_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/http_response.h>
#include <holdfast/idempotency_key.h>
#include <holdfast/outcome.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

inline constexpr std::string_view kHttpKeyField = "Idempotency-Key";
inline constexpr std::string_view kHttpReplayedField = "Idempotency-Replayed";

struct HttpRefusalOptions {
  // Where your API's use of keys is described: an absolute URL, printable ASCII without quotes and angle brackets.
  // Becomes the problem's type and a Link to it. Empty or unfit: about:blank, no link.
  std::string_view docs = {};
  // Told where a wait helps and nobody knows how long; default 1 s.
  Duration retry_after = std::chrono::seconds(1);
};

// The key of a request, from all the values that came for Idempotency-Key.
// Errors: INVALID_ARGUMENT HF_R_KEY_MISSING: no value; HF_R_MALFORMED: two, an empty one, or no string;
// HF_R_KEY_OVERSIZE: above HF_IDEM_KEY_MAX.
inline absl::StatusOr<std::string> ReadHttpKey(std::span<const std::string_view> values) {
  if (values.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_MISSING, "Idempotency-Key: missing");
  }
  if (values.size() > 1) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "Idempotency-Key: more than one");
  }
  std::optional<std::string> key = ParseIdempotencyKey(values[0]);
  if (!key) return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "Idempotency-Key: malformed");
  if (key->size() > HF_IDEM_KEY_MAX) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE, "Idempotency-Key: above 1024 bytes");
  }
  return *std::move(key);
}

// What makes two requests the same, for RunOnceOptions::request: method, target and the body's SHA-256.
inline std::string HttpRequestBytes(std::string_view method, std::string_view target,
                                    std::string_view body) {
  uint8_t digest[32];
  hf_idem_fingerprint(body.data(), body.size(), digest);
  std::string bytes(method);  // neither method nor target has a NUL
  bytes.append(1, '\0').append(target).append(1, '\0');
  return bytes.append(reinterpret_cast<const char*>(digest), sizeof(digest));
}

// What a handler's status says of its work: 429 and 503 may run again, after `retry_after`; other 5xx may have happened;
// the rest is final. A handler that knows better sets the effect by Ticket::SetEffect.
inline hf_outcome HttpOutcome(int status, Duration retry_after = Duration{0}) {
  hf_outcome outcome{};
  outcome.code = status < 400    ? HF_OK
                 : status == 429 ? HF_RESOURCE_EXHAUSTED
                 : status == 503 ? HF_UNAVAILABLE
                 : status < 500  ? HF_FAILED_PRECONDITION
                                 : HF_INTERNAL;
  outcome.effect = status == 429 || status == 503 ? HF_EFFECT_RETRYABLE
                   : status < 500                 ? HF_EFFECT_FINAL
                                                  : HF_EFFECT_AMBIGUOUS;
  outcome.retry_after = std::max<hf_duration>(0, retry_after.count());
  return outcome;
}

// A handler's response as the work's result. One that cannot be encoded has happened all the same: it is stored as an
// empty 500, and final.
inline Answer HttpAnswer(const HttpResponse& response, Duration retry_after = Duration{0}) {
  absl::StatusOr<std::string> bytes = EncodeHttpResponse(response);
  if (bytes.ok()) return {HttpOutcome(response.status, retry_after), *std::move(bytes)};
  hf_outcome final{};
  final.code = HF_INTERNAL;
  final.effect = HF_EFFECT_FINAL;
  return {final, EncodeHttpResponse({.status = 500}).value()};
}

// The value of Retry-After: whole seconds, rounded up, at least 1. Empty if coming back does not help.
inline std::string HttpRetryAfter(Duration retry_after) {
  if (retry_after == Duration::max()) return {};
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::max(retry_after, Duration{1}));
  return std::to_string(seconds.count());
}

namespace internal {

struct HttpRefusalKind {
  int status;
  bool waits;
  std::string_view title;
};

inline HttpRefusalKind KindOfRefusal(const Rejection& rejection, bool ran) {
  switch (rejection.reason) {
    case HF_R_KEY_MISSING:
      return {400, false, "Idempotency-Key is missing"};
    case HF_R_KEY_OVERSIZE:
    case HF_R_MALFORMED:
      return {400, false, "Idempotency-Key is malformed, too long, or there is more than one"};
    case HF_R_IDEM_BUSY:
      return {409, true, "A request with this Idempotency-Key is being processed"};
    case HF_R_IDEM_FENCED:
      return {409, true, "Another request with this Idempotency-Key has taken over"};
    case HF_R_IDEM_MISMATCH:
      return {422, false, "This Idempotency-Key was used for another request"};
    case HF_R_IDEM_OVERSIZE:
      if (!ran && rejection.code == absl::StatusCode::kInvalidArgument) {
        return {413, false, "Not done: the request is too large"};
      }
      if (!ran && rejection.code == absl::StatusCode::kResourceExhausted) {
        return {413, false, "Not done: its result would be too large to be kept"};
      }
      return {410, false, "It was done, and its result was too large to be kept"};
    case HF_R_STORE_ERASED:
      return {410, false, "The result was erased"};
    case HF_R_IDEM_IN_DOUBT:
    case HF_R_IDEM_POISON:
      return {500, false, "It may have happened, and has to be looked into"};
    case HF_R_STORE_INDETERMINATE:
      if (ran) return {500, false, "It was done, and may not be on record"};
      return {503, true, "Not known yet whether this can be done now"};
    case HF_R_STORE_CORRUPT:
      return {500, false, "What is on record of it cannot be read"};
    case HF_R_IDEM_BACKOFF:
      return {503, true, "It failed before, and can be tried again later"};
    case HF_R_DEADLINE:
    case HF_R_STORE_UNAVAILABLE:
    case HF_R_STORE_LOCKED:
    case HF_R_STORE_OVERLOADED:
    case HF_R_STORE_FULL:
      return {503, true, "Not done: cannot be put on record now"};
    default:
      return {500, false, "Failed"};  // options of this server that are refused, among others
  }
}

inline bool IsFitForLink(std::string_view url) {
  return std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < '\x7F' && c != '"' && c != '\\' && c != '<' && c != '>';
  });
}

}  // namespace internal

// The answer for a status of ReadHttpKey or RunOnce. `ran`: the work ran here (RunOnceReport).
inline HttpResponse HttpRefusal(const absl::Status& status, bool ran = false,
                                const HttpRefusalOptions& options = {}) {
  const Rejection rejection =
      RejectionOf(status).value_or(Rejection{status.code(), HF_R_NONE, Duration{0}});
  const auto kind = internal::KindOfRefusal(rejection, ran);
  const bool links = !options.docs.empty() && internal::IsFitForLink(options.docs);
  HttpResponse refusal{.status = kind.status};
  refusal.fields.push_back({"Content-Type", "application/problem+json"});
  refusal.fields.push_back({"Cache-Control", "no-store"});
  if (links) {
    refusal.fields.push_back(
        {"Link", "<" + std::string(options.docs) + ">; rel=\"describedby\"; type=\"text/html\""});
  }
  if (kind.waits) {
    const Duration wait =
        rejection.retry_after > Duration{0} ? rejection.retry_after : options.retry_after;
    const std::string value = HttpRetryAfter(wait);
    if (!value.empty()) refusal.fields.push_back({"Retry-After", value});
  }
  refusal.body = "{\"type\":\"" + (links ? std::string(options.docs) : "about:blank") +
                 "\",\"title\":\"" + std::string(kind.title) +
                 "\",\"status\":" + std::to_string(kind.status) + ",\"reason\":\"" +
                 std::string(rejection.reason_name()) + "\"}";
  return refusal;
}

// The answer for what RunOnce says of work that returned HttpAnswer. `own`: what the handler answered, if it ran here;
// else null. A failure of the work that stands (it may run again, or may have happened) is answered in its own words.
inline HttpResponse HttpReply(const absl::StatusOr<RunOnceResult>& result,
                              const RunOnceReport& report, const HttpResponse* own = nullptr,
                              const HttpRefusalOptions& options = {}) {
  const bool works_word = report.reason == HF_R_NONE || report.reason == HF_R_NOT_RETRYABLE ||
                          report.reason == HF_R_IDEM_OVERSIZE ||
                          report.reason == HF_R_IDEM_BACKOFF || report.reason == HF_R_IDEM_IN_DOUBT;
  if (own != nullptr && report.ran && works_word) return *own;
  if (!result.ok()) return HttpRefusal(result.status(), report.ran || report.replayed, options);
  if (result->truncated) {
    return HttpRefusal(MakeStatus(HF_FAILED_PRECONDITION, HF_R_IDEM_OVERSIZE, ""), false, options);
  }
  std::optional<HttpResponse> stored = DecodeHttpResponse(result->body);
  if (!stored) {
    return HttpRefusal(MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, ""), report.ran, options);
  }
  if (result->replayed) stored->fields.push_back({std::string(kHttpReplayedField), "true"});
  return *std::move(stored);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_HTTP_IDEMPOTENCY_H_
