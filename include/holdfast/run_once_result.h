// SPDX-License-Identifier: Apache-2.0
// What goes into a run-once session and what comes out of it, in C++ terms. Included by idempotency.h.
#ifndef HOLDFAST_RUN_ONCE_RESULT_H_
#define HOLDFAST_RUN_ONCE_RESULT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/entropy.h>
#include <holdfast/outcome.h>
#include <holdfast/run_once.h>
#include <holdfast/status.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_4 {

// The work's result where absl::StatusOr<std::string> is too little: any outcome, with its own body.
//   Answer{.outcome = OutcomeTraits<T>::Classify(result), .body = bytes}
struct Answer {
  hf_outcome outcome{};
  std::string body{};  // stored, and replayed, if the outcome is final
};

// A result that stands, of this run or of an earlier one.
struct RunOnceResult {
  std::string body{};
  absl::StatusCode code = absl::StatusCode::kOk;  // not OK only for an Answer
  bool replayed = false;
  // The stored body is the SHA-256 of the result, which was above max_body. `body` is still whole if the
  // work ran here, and the digest if replayed.
  bool truncated = false;
  uint64_t token = 0;
  uint32_t attempt = 0;
};

// How a call ended, errors included.
struct RunOnceReport {
  bool ran = false;  // the work ran here: with an error, its effect may stand
  bool replayed = false;
  hf_reason reason = HF_R_NONE;
  absl::StatusCode work_code = absl::StatusCode::kOk;  // of the result, if it ran or was replayed
  uint64_t token = 0;
  uint32_t attempt = 0;
};

namespace internal {

inline absl::Status FillKeyId(std::string_view space, std::string_view tenant,
                              std::string_view operation, std::string_view key,
                              hf_idem_options* raw) {
  const hf_str parts[] = {{space.data(), space.size()},
                          {tenant.data(), tenant.size()},
                          {operation.data(), operation.size()},
                          {key.data(), key.size()}};
  if (hf_idem_key_id(&parts[0], &parts[1], &parts[2], &parts[3], raw->key_id) == HF_OK) return {};
  if (key.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_MISSING, "idempotency: the key is empty");
  }
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE,
                    "idempotency: key above 1024 bytes, or space, tenant or operation above 256");
}

inline absl::Status FillFingerprint(const std::optional<std::string_view>& request,
                                    bool no_fingerprint, hf_idem_options* raw) {
  if (no_fingerprint) {
    if (request.has_value()) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                        "idempotency: request and no_fingerprint exclude each other");
    }
    raw->flags |= HF_IDEM_NO_FINGERPRINT;
    return {};
  }
  if (!request.has_value()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_FINGERPRINT_MISSING,
                      "idempotency: neither request nor no_fingerprint is given");
  }
  hf_idem_fingerprint(request->data(), request->size(), raw->fingerprint);
  return {};
}

inline void FillEntropy(hf_idem_options* raw) {
  raw->seed = FreshSeed();
  FillRandom(raw->nonce);
}

inline std::string DownstreamKey(const uint8_t* key_id, std::string_view operation,
                                 std::string_view step) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string key;
  key.reserve(64 + 2 + operation.size() + step.size());
  for (int i = 0; i < 32; ++i) {
    key += kDigits[key_id[i] >> 4];
    key += kDigits[key_id[i] & 15];
  }
  key.append("/").append(operation).append("-").append(step);
  return key;
}

inline hf_reason RenewReason(hf_code code) {
  switch (code) {
    case HF_ABORTED:
      return HF_R_IDEM_FENCED;
    case HF_UNAVAILABLE:
      return HF_R_STORE_UNAVAILABLE;
    case HF_UNKNOWN:
      return HF_R_STORE_INDETERMINATE;
    case HF_DATA_LOSS:
      return HF_R_STORE_CORRUPT;
    default:
      return HF_R_INTERNAL;
  }
}

inline Answer AnswerOf(absl::StatusOr<std::string> result) {
  Answer answer;
  if (result.ok()) {
    answer.body = *std::move(result);
  } else {
    answer.outcome = OutcomeTraits<absl::Status>::Classify(result.status());
    answer.body = std::string(result.status().message());
  }
  return answer;
}

inline Answer AnswerOf(const absl::Status& status) {
  if (status.ok()) return Answer{};
  return AnswerOf(absl::StatusOr<std::string>(status));
}

// A value is final whatever was feared before.
inline void ApplyMark(hf_effect mark, hf_outcome* outcome) {
  if (outcome->code == HF_OK) {
    outcome->effect = HF_EFFECT_FINAL;
  } else if (mark != HF_EFFECT_DERIVE) {
    outcome->effect = mark;
  }
}

inline std::string_view TextOf(hf_reason reason) {
  switch (reason) {
    case HF_R_DEADLINE:
      return "the deadline came before the key was won";
    case HF_R_IDEM_BUSY:
      return "another owner is at work on this key";
    case HF_R_IDEM_MISMATCH:
      return "the key was used before, for another request";
    case HF_R_IDEM_IN_DOUBT:
      return "an earlier attempt may have happened; it must be resolved";
    case HF_R_IDEM_POISON:
      return "claimed more often than max_attempts; now in doubt";
    case HF_R_IDEM_FENCED:
      return "the lease was lost, the result was not stored";
    case HF_R_IDEM_BACKOFF:
      return "an earlier attempt failed; it may be tried again later";
    case HF_R_STORE_INDETERMINATE:
      return "the store did not tell whether it recorded this";
    default:
      return hf_reason_name(reason);
  }
}

// Of a session that is over: RunOnceSession, or another driver's that tells as much.
template <class Session>
absl::Status RefusalOf(const Session& session) {
  const hf_action& end = session.action();
  std::string text = "idempotency: ";
  text += TextOf(end.reason);
  if (!session.store_detail().empty()) text.append(": ").append(session.store_detail());
  return MakeStatus(end.code, end.reason, text, Duration{end.retry_after});
}

// The work's own word, as opposed to what holdfast or the store made of it.
inline bool IsFinal(hf_reason reason) {
  return reason == HF_R_NONE || reason == HF_R_NOT_RETRYABLE || reason == HF_R_IDEM_OVERSIZE;
}

inline RunOnceReport ReportOf(const hf_action& end, const hf_idem_snapshot& snapshot) {
  RunOnceReport report;
  report.ran = snapshot.ran != 0;
  report.replayed = snapshot.replayed != 0;
  report.reason = end.reason;
  report.work_code = static_cast<absl::StatusCode>(snapshot.result_code);
  report.token = snapshot.token;
  report.attempt = end.attempt;
  return report;
}

// The work failed, and was stored as its effect says: its own code and message, with our reason.
inline absl::Status WorkStatus(const hf_action& end, std::string_view message) {
  absl::Status status(static_cast<absl::StatusCode>(end.code),
                      absl::string_view(message.data(), message.size()));
  if (end.reason == HF_R_NONE) return status;
  return WithReason(std::move(status), end.reason, Duration{end.retry_after});
}

template <class Session>
absl::StatusOr<RunOnceResult> Conclude(const Session& session, Answer& answer, bool answers,
                                       RunOnceReport* report) {
  const hf_action& end = session.action();
  const RunOnceReport summary = ReportOf(end, session.snapshot());
  if (report != nullptr) *report = summary;
  const bool stands = IsFinal(end.reason) && (summary.ran || summary.replayed);
  if (!stands) {
    const bool works_word =
        session.worked() && (IsFinal(end.reason) || end.reason == HF_R_IDEM_BACKOFF ||
                             end.reason == HF_R_IDEM_IN_DOUBT);
    return works_word ? WorkStatus(end, answer.body) : RefusalOf(session);
  }
  std::string body =
      summary.replayed ? std::string(*session.replayed_body()) : std::move(answer.body);
  if (end.code != HF_OK && !answers) {
    const bool lost = summary.replayed && end.reason == HF_R_IDEM_OVERSIZE;
    return WorkStatus(end, lost ? "idempotency: the message was above max_body" : body);
  }
  return RunOnceResult{.body = std::move(body),
                       .code = static_cast<absl::StatusCode>(end.code),
                       .replayed = summary.replayed,
                       .truncated = end.reason == HF_R_IDEM_OVERSIZE,
                       .token = summary.token,
                       .attempt = summary.attempt};
}

}  // namespace internal
}  // namespace holdfast::inline v0_4

#endif  // HOLDFAST_RUN_ONCE_RESULT_H_
