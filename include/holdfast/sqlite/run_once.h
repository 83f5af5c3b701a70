// SPDX-License-Identifier: Apache-2.0
// RunOnceJoined: RunOnce for work in SQL, whose rows and record are committed together (G3). A crash at
// any point leaves both or neither, so the work takes effect exactly once in this database.
//
//   auto result = holdfast::sqlite::RunOnceJoined(
//       *store, {.operation = "charge", .key = request.id()}, {.request = bytes},
//       [&](holdfast::Ticket& ticket, sqlite3* db) { return InsertPayment(db, request); });
//
// The claim is a commit of its own, before: others see that the key is taken, and a claim whose process
// dies runs out as in RunOnce. The work and the completion are the second commit, shared with whoever
// else commits then.
#ifndef HOLDFAST_SQLITE_RUN_ONCE_H_
#define HOLDFAST_SQLITE_RUN_ONCE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/context.h>
#include <holdfast/idempotency.h>
#include <holdfast/sqlite/store.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace holdfast::inline v0_5::sqlite {

namespace internal {

// The store's own word on work that it did not commit.
inline absl::Status NotCommitted(const JoinedReply& reply) {
  const std::string text = "sqlite: the work was rolled back: " + reply.store.detail;
  switch (reply.store.raw.status) {
    case HF_STORE_FULL:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_FULL, text);
    case HF_STORE_LOCKED:
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_LOCKED, text);
    case HF_STORE_OVERLOADED:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, text);
    case HF_STORE_CORRUPT:
      return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, text);
    default:
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, text);
  }
}

}  // namespace internal

// Runs fn(Ticket&, sqlite3*) unless the key has run before. Blocks. fn returns absl::StatusOr<std::string>
// and is bound by the rules of sqlite::Work; the caller's current Context is attached there. The result as of RunOnce, and:
//   an error of fn   rolled back; stored as its effect says, where AMBIGUOUS counts as RETRYABLE
//   UNKNOWN STORE_INDETERMINATE   the commit may stand; record and rows agree all the same
// What fn throws passes through, rolled back and stored as RETRYABLE.
template <class Fn>
absl::StatusOr<RunOnceResult> RunOnceJoined(Store& store, const Key& key,
                                            const RunOnceOptions& options, Fn&& fn) {
  Clock& clock = options.clock == nullptr ? Clock::Steady() : *options.clock;
  if (options.report != nullptr) *options.report = RunOnceReport{};
  const RunOncePlan plan(key, options, clock);
  if (!plan.refused.ok()) {
    return holdfast::internal::ReportRefusal(plan.refused, options.report);
  }
  if (plan.spills) {
    return holdfast::internal::ReportRefusal(
        MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                   "sqlite: oversize kSpill: is not for work that commits with its record"),
        options.report);
  }
  Answer answer;  // it and `where` outlive the session, which borrows them
  std::string where;
  bool truncated = false;
  bool unknown = false;
  RunOnceSession session(store, clock, options.waiters);
  session.Start(plan.SessionOptions());
  const auto run = [&](RunOnceSession&) {
    Ticket ticket(session, plan);
    JoinedClaim claim;
    std::copy(std::begin(plan.raw.key_id), std::end(plan.raw.key_id), claim.key_id);
    claim.token = ticket.token();
    claim.ttl = options.ttl == Duration{0} ? RunOncePlan::kDefaultTtl : options.ttl;
    claim.max_body = plan.max_body;
    const Context context = Context::Current();
    // If fn throws, the session is settled with this on the way out.
    const Work work = [&](sqlite3* db) -> absl::StatusOr<std::string> {
      const ScopedContext attached(context);
      try {
        return absl::StatusOr<std::string>(fn(ticket, db));
      } catch (...) {
        if (session.effect() == HF_EFFECT_DERIVE) session.SetEffect(HF_EFFECT_RETRYABLE);
        throw;
      }
    };
    const Duration left = std::max(Duration{1}, session.lease_remaining());
    JoinedReply reply = store.RunJoined(claim, work, left);
    if (!reply.work.ok()) {
      answer.outcome = holdfast::internal::RolledBack(reply.work, session.effect());
      answer.body = std::string(reply.work.message());
      return session.Finish(answer.outcome, answer.body);
    }
    if (reply.store.raw.status == HF_STORE_OK) {
      answer.body = std::move(reply.body);
      answer.outcome.effect = HF_EFFECT_FINAL;
      truncated = reply.truncated;
      return session.FinishJoined(answer.outcome);
    }
    if (reply.store.raw.status == HF_STORE_INDETERMINATE) {
      unknown = true;
      answer.body = reply.store.detail;
      return;  // the session fails the record as ambiguous, which a commit that stands refuses
    }
    const absl::Status why = internal::NotCommitted(reply);
    answer.outcome = holdfast::internal::RolledBack(why, HF_EFFECT_RETRYABLE);
    answer.body = std::string(why.message());
    session.Finish(answer.outcome, answer.body);
  };
  session.Drive(run, [&](RunOnceSession&) {
    holdfast::internal::Reconcile(session, plan, options, answer, where);
  });
  if (unknown) {
    if (options.report != nullptr) {
      const hf_idem_snapshot snapshot = session.snapshot();
      *options.report = {.ran = true,
                         .reason = HF_R_STORE_INDETERMINATE,
                         .token = snapshot.token,
                         .attempt = snapshot.attempt};
    }
    return MakeStatus(HF_UNKNOWN, HF_R_STORE_INDETERMINATE,
                      "sqlite: the commit may or may not stand: " + answer.body);
  }
  absl::StatusOr<RunOnceResult> result =
      holdfast::internal::Conclude(session, answer, false, options.report);
  if (result.ok() && truncated) {
    result->truncated = true;
    result->stored_as = StoredAs::kDigest;
  }
  return result;
}

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_SQLITE_RUN_ONCE_H_
