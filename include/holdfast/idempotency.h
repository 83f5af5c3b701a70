// SPDX-License-Identifier: Apache-2.0
// RunOnce: runs your work at most once per key, and gives duplicates the first result, byte for byte.
//
//   absl::StatusOr<holdfast::RunOnceResult> result = holdfast::RunOnce(
//       store, {.operation = "charge", .key = request.id()}, {.request = bytes},
//       [&](holdfast::Ticket& ticket) { return Charge(request, ticket.DownstreamKey("card")); });
//
// What the work returns decides what is kept (c/idempotency.h has the table):
//   a value, or an error that is final (INVALID_ARGUMENT, ...)    stored, and replayed to duplicates
//   RESOURCE_EXHAUSTED, ABORTED, or marked RETRYABLE              may run again after its retry-after
//   UNAVAILABLE, DEADLINE_EXCEEDED, UNKNOWN, ...; an exception    may have happened: in doubt
//   marked NOT_STARTED                                            forgotten; a duplicate runs
//
// Algorithm and states: c/record.h, after the IETF draft idempotency-key-header and P. Helland,
// "Idempotence Is Not a Medical Condition" (ACM Queue, 2012).
#ifndef HOLDFAST_IDEMPOTENCY_H_
#define HOLDFAST_IDEMPOTENCY_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/outcome.h>
#include <holdfast/run_once.h>
#include <holdfast/run_once_options.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/ticket.h>

#include <string>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5 {

namespace internal {

// Where a result above max_body was put; empty if it was not, for want of need or of luck.
inline std::string Spill(const RunOncePlan& plan, const RunOnceOptions& options, Ticket& ticket,
                         const Answer& answer) {
  if (!plan.Spills(answer)) return {};
  try {
    absl::StatusOr<std::string> where = options.spill(ticket, answer.body);
    return where.ok() ? *std::move(where) : std::string();
  } catch (...) {
    return {};  // the work is done: its digest has to do
  }
}

// Asks the reconciler, if there is one, and tells the session. `answer` and `where` outlive it.
inline void Reconcile(RunOnceSession& session, const RunOncePlan& plan,
                      const RunOnceOptions& options, Answer& answer, std::string& where) {
  if (options.reconcile == nullptr) return session.LeaveUnreconciled();
  Ticket ticket(session, plan);
  answer = options.reconcile(ticket).TakeAnswer();
  where = Spill(plan, options, ticket, answer);
  session.FoundSpilled(answer.outcome, answer.body, where);
}

}  // namespace internal

// Runs fn(Ticket&) unless the key has run before. Blocks; `store` may be shared by any number of calls.
//
// fn returns absl::StatusOr<std::string> (or what converts to it), absl::Status, or an Answer. The result:
//   OK            the value, of this run or replayed
//   the work's    its own code and message, of this run or replayed; the reason says what was stored
//   others        holdfast's: RejectionOf(status) has reason and retry-after, report->ran whether the
//                 work ran. UNKNOWN STORE_INDETERMINATE with ran: it happened, but may not be recorded.
// An Answer that is final is a result even if its code is not OK: see RunOnceResult::code.
// What fn throws passes through, after the record was failed as the ticket says (ambiguous by default).
template <class Fn>
absl::StatusOr<RunOnceResult> RunOnce(Store& store, const Key& key, const RunOnceOptions& options,
                                      Fn&& fn) {
  using Returned = std::remove_cvref_t<std::invoke_result_t<Fn&, Ticket&>>;
  Clock& clock = options.clock == nullptr ? Clock::Steady() : *options.clock;
  if (options.report != nullptr) *options.report = RunOnceReport{};
  const RunOncePlan plan(key, options, clock);
  if (!plan.refused.ok()) return internal::ReportRefusal(plan.refused, options.report);
  Answer answer;  // it and `where` outlive the session, which borrows them
  std::string where;
  RunOnceSession session(store, clock, options.waiters);
  session.Start(plan.SessionOptions());
  session.Drive(
      [&](RunOnceSession&) {
        Ticket ticket(session, plan);
        answer = internal::AnswerOfWork(fn(ticket));
        internal::ApplyMark(session.effect(), &answer.outcome);
        where = internal::Spill(plan, options, ticket, answer);
        session.EndSpilled(answer.outcome, answer.body, where);
      },
      [&](RunOnceSession&) { internal::Reconcile(session, plan, options, answer, where); });
  return internal::Conclude(session, answer, std::is_same_v<Returned, Answer>, options.report);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_IDEMPOTENCY_H_
