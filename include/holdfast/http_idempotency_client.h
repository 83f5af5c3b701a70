// SPDX-License-Identifier: Apache-2.0
// What an answer of HTTP means to a client that sent an Idempotency-Key: done, wait, give up, or ask a person. As an
// hf_outcome it fits a retry policy (call.h): declare the call idempotent, and send the same key each time.
//
//   status                     advice      effect      code
//   1xx..3xx                   done        final       OK
//   409 with Retry-After       wait        retryable   ABORTED              a request with this key is under way
//   408, 425, 429, 503         wait        retryable   UNAVAILABLE, or RESOURCE_EXHAUSTED (429)
//   422                        give up     final       INVALID_ARGUMENT     the key was used for another request
//   400, 409 and other 4xx     give up     final       FAILED_PRECONDITION
//   500 and other 5xx          ask again   ambiguous   INTERNAL             with the same key only; in the end a person
//   none: the connection broke ask again   ambiguous   UNAVAILABLE          likewise
//
// Threads: pure functions.
#ifndef HOLDFAST_HTTP_IDEMPOTENCY_CLIENT_H_
#define HOLDFAST_HTTP_IDEMPOTENCY_CLIENT_H_

#include <holdfast/c/outcome.h>
#include <holdfast/status.h>

#include <charconv>
#include <limits>
#include <string_view>

namespace holdfast::inline v0_5 {

enum class HttpAdvice {
  kDone,
  kWait,      // outcome.retry_after, then the same request with the same key
  kGiveUp,    // the same request will be refused again
  kAskAgain,  // it may have happened: the same key finds out, or says so again
};

struct HttpVerdict {
  HttpAdvice advice = HttpAdvice::kAskAgain;
  hf_outcome outcome{};
  bool replayed = false;  // the answer is that of an earlier request
};

// What a client has of an answer. Empty: the field did not come.
struct HttpReceived {
  int status = 0;  // 0: no answer came
  std::string_view retry_after{};
  std::string_view replayed{};  // Idempotency-Replayed
};

// The seconds of a Retry-After; 0 if there are none. A date is not read: it needs both clocks to agree.
inline Duration ReadHttpRetryAfter(std::string_view value) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 1'000'000'000;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (end != value.data() + value.size() || value.empty() || value[0] == '-') return Duration{0};
  if (error == std::errc::result_out_of_range || seconds > kMost) return Duration::max();
  return error == std::errc{} ? Duration{std::chrono::seconds(seconds)} : Duration{0};
}

inline HttpVerdict ReadHttpAnswer(const HttpReceived& received) {
  const auto verdict = [&](HttpAdvice advice, hf_code code, hf_effect effect) {
    HttpVerdict is;
    is.advice = advice;
    is.outcome.code = code;
    is.outcome.effect = effect;
    if (effect != HF_EFFECT_FINAL) {
      is.outcome.retry_after = ReadHttpRetryAfter(received.retry_after).count();
    }
    is.replayed = received.replayed == "true";
    return is;
  };
  const int status = received.status;
  if (status >= 100 && status < 400) return verdict(HttpAdvice::kDone, HF_OK, HF_EFFECT_FINAL);
  switch (status) {
    case 0:
      return verdict(HttpAdvice::kAskAgain, HF_UNAVAILABLE, HF_EFFECT_AMBIGUOUS);
    case 409:
      if (received.retry_after.empty()) break;  // a conflict of the application's own
      return verdict(HttpAdvice::kWait, HF_ABORTED, HF_EFFECT_RETRYABLE);
    case 429:
      return verdict(HttpAdvice::kWait, HF_RESOURCE_EXHAUSTED, HF_EFFECT_RETRYABLE);
    case 408:
    case 425:
    case 503:
      return verdict(HttpAdvice::kWait, HF_UNAVAILABLE, HF_EFFECT_RETRYABLE);
    case 422:
      return verdict(HttpAdvice::kGiveUp, HF_INVALID_ARGUMENT, HF_EFFECT_FINAL);
    default:
      break;
  }
  if (status >= 400 && status < 500) {
    return verdict(HttpAdvice::kGiveUp, HF_FAILED_PRECONDITION, HF_EFFECT_FINAL);
  }
  return verdict(HttpAdvice::kAskAgain, HF_INTERNAL, HF_EFFECT_AMBIGUOUS);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_HTTP_IDEMPOTENCY_CLIENT_H_
