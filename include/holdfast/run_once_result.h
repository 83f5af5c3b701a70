// SPDX-License-Identifier: Apache-2.0
// What goes into a run-once session and what comes out of it, in C++ terms. Included by idempotency.h.
#ifndef HOLDFAST_RUN_ONCE_RESULT_H_
#define HOLDFAST_RUN_ONCE_RESULT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/outcome.h>
#include <holdfast/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

// The work's result where absl::StatusOr<std::string> is too little: any outcome, with its own body.
//   Answer{.outcome = OutcomeTraits<T>::Classify(result), .body = bytes}
struct Answer {
  hf_outcome outcome{};
  std::string body{};  // stored, and replayed, if the outcome is final
};

// What a record has of a result.
enum class StoredAs : uint32_t {
  kWhole = HF_BODY_WHOLE,
  kDigest = HF_BODY_DIGEST,        // its SHA-256
  kReference = HF_BODY_REFERENCE,  // what RunOnceOptions::spill returned
};

// A result that stands, of this run or of an earlier one.
struct RunOnceResult {
  std::string body{};
  absl::StatusCode code = absl::StatusCode::kOk;  // not OK only for an Answer
  bool replayed = false;  // of an earlier run: stored, or found by the reconciler
  // Stored is not the result, which was above max_body. `body` is still whole if the work ran here, and what
  // `stored_as` says if replayed.
  bool truncated = false;
  StoredAs stored_as = StoredAs::kWhole;
  uint64_t token = 0;
  uint32_t attempt = 0;
};

// How a call ended, errors included.
struct RunOnceReport {
  bool ran = false;  // the work ran here: with an error, its effect may stand
  bool replayed = false;
  bool reconciled = false;  // an earlier attempt had happened, and this one recorded it
  hf_reason reason = HF_R_NONE;
  absl::StatusCode work_code = absl::StatusCode::kOk;  // of the result, if it ran or was replayed
  uint64_t token = 0;
  uint32_t attempt = 0;
};

namespace internal {

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

// What work may return.
inline Answer AnswerOfWork(Answer answer) { return answer; }
inline Answer AnswerOfWork(const absl::Status& status) { return AnswerOf(status); }
inline Answer AnswerOfWork(absl::StatusOr<std::string> result) {
  return AnswerOf(std::move(result));
}

// A value is final whatever was feared before.
inline void ApplyMark(hf_effect mark, hf_outcome* outcome) {
  if (outcome->code == HF_OK) {
    outcome->effect = HF_EFFECT_FINAL;
  } else if (mark != HF_EFFECT_DERIVE) {
    outcome->effect = mark;
  }
}

// What a session is told of joined work that was not committed: its rows are rolled back, so what it wrote did not
// happen, however its error reads. AMBIGUOUS becomes RETRYABLE.
inline hf_outcome RolledBack(const absl::Status& status, hf_effect mark) {
  hf_outcome outcome = OutcomeTraits<absl::Status>::Classify(status);
  hf_outcome_derive(&outcome);
  if (outcome.effect == HF_EFFECT_AMBIGUOUS) outcome.effect = HF_EFFECT_RETRYABLE;
  if (mark != HF_EFFECT_DERIVE) outcome.effect = mark;
  return outcome;
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

// Nothing was asked: options or arguments were refused.
inline const absl::Status& ReportRefusal(const absl::Status& refused, RunOnceReport* report) {
  const auto rejection = RejectionOf(refused);
  if (report != nullptr && rejection.has_value()) report->reason = rejection->reason;
  return refused;
}

template <class Session>
RunOnceReport ReportOf(const Session& session) {
  const hf_idem_snapshot snapshot = session.snapshot();
  RunOnceReport report;
  report.ran = snapshot.ran != 0;
  report.replayed = snapshot.replayed != 0;
  report.reconciled = session.reconciled();
  report.reason = session.action().reason;
  report.work_code = static_cast<absl::StatusCode>(snapshot.result_code);
  report.token = snapshot.token;
  report.attempt = session.action().attempt;
  return report;
}

// The work failed, and was stored as its effect says: its own code and message, with our reason.
inline absl::Status WorkStatus(const hf_action& end, hf_reason reason, std::string_view message) {
  absl::Status status(static_cast<absl::StatusCode>(end.code),
                      absl::string_view(message.data(), message.size()));
  if (reason == HF_R_NONE) return status;
  return WithReason(std::move(status), reason, Duration{end.retry_after});
}

// `session` is an IdemSession that is over; `answer` what it ended with, if it ran here or was found.
template <class Session>
absl::StatusOr<RunOnceResult> Conclude(const Session& session, Answer& answer, bool answers,
                                       RunOnceReport* report) {
  const hf_action& end = session.action();
  RunOnceReport summary = ReportOf(session);
  const bool done = summary.ran || summary.replayed || summary.reconciled;
  if (session.refused_oversize() && !done && end.reason == HF_R_NONE && end.code != HF_OK) {
    summary.reason = HF_R_IDEM_OVERSIZE;
  }
  if (report != nullptr) *report = summary;
  if (!IsFinal(end.reason) || !done) {
    const bool works_word =
        session.worked() && (IsFinal(end.reason) || end.reason == HF_R_IDEM_BACKOFF ||
                             end.reason == HF_R_IDEM_IN_DOUBT);
    return works_word ? WorkStatus(end, summary.reason, answer.body) : RefusalOf(session);
  }
  std::string body =
      summary.replayed ? std::string(*session.replayed_body()) : std::move(answer.body);
  if (end.code != HF_OK && !answers) {
    const bool lost = summary.replayed && end.reason == HF_R_IDEM_OVERSIZE;
    return WorkStatus(end, end.reason, lost ? "idempotency: the message was above max_body" : body);
  }
  return RunOnceResult{.body = std::move(body),
                       .code = static_cast<absl::StatusCode>(end.code),
                       .replayed = !summary.ran,
                       .truncated = end.reason == HF_R_IDEM_OVERSIZE,
                       .stored_as = static_cast<StoredAs>(session.snapshot().truncated),
                       .token = summary.token,
                       .attempt = summary.attempt};
}

}  // namespace internal
}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RUN_ONCE_RESULT_H_
