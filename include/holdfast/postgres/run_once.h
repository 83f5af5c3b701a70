// SPDX-License-Identifier: Apache-2.0
// RunOnceJoined: RunOnce for work in SQL on the caller's own PGconn, whose rows and record are committed
// together (G3). A crash at any point leaves both or neither, so the work takes effect exactly once in this
// database.
//
//   auto result = holdfast::postgres::RunOnceJoined(
//       *store, connection, {.operation = "charge", .key = request.id()}, {.request = bytes},
//       [&](holdfast::Ticket& ticket, PGconn* db) { return InsertPayment(db, request); });
//
// The claim is a commit of its own, before, on the store's connections: others see that the key is taken,
// and a claim whose process dies runs out as in RunOnce. Then BEGIN, the work, the completion and COMMIT on
// `connection`, which has to be idle and reach the same database as the store.
#ifndef HOLDFAST_POSTGRES_RUN_ONCE_H_
#define HOLDFAST_POSTGRES_RUN_ONCE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/idempotency.h>
#include <holdfast/postgres/store.h>
#include <holdfast/postgres/transaction.h>

#include <algorithm>
#include <string>
#include <utility>

namespace holdfast::inline v0_5::postgres {

namespace internal {

enum class CommitEnd { kCommitted, kRolledBack, kUnknown };

// The connection was lost in COMMIT. A renewal waits for the row that the transaction holds, as long as its
// server process lives, so its answer is the transaction's.
inline CommitEnd AskHowItEnded(Store& store, const JoinedClaim& claim, Duration lease) {
  StoreRequest renewal{};
  renewal.verb = HF_STORE_RENEW;
  std::copy(std::begin(claim.key_id), std::end(claim.key_id), renewal.key_id);
  renewal.token = claim.token;
  renewal.lease = std::max(Duration{1}, lease).count();
  const StoreReply reply = store.Execute(renewal, Duration{0});
  if (reply.raw.status == HF_STORE_OK) return CommitEnd::kRolledBack;
  if (reply.raw.status != HF_STORE_FENCED) return CommitEnd::kUnknown;
  const bool mine = reply.raw.state == HF_RECORD_COMPLETED && reply.raw.token == claim.token;
  return mine ? CommitEnd::kCommitted : CommitEnd::kRolledBack;
}

// Rolls back whatever is left, also when the work throws.
class OpenTransaction {
 public:
  explicit OpenTransaction(pg_conn* connection) : connection_(connection) {}
  ~OpenTransaction() { RollBack(connection_); }
  OpenTransaction(const OpenTransaction&) = delete;
  OpenTransaction& operator=(const OpenTransaction&) = delete;

 private:
  pg_conn* const connection_;
};

// How the work and its transaction ended.
struct JoinedEnd {
  absl::Status status;   // OK: committed with its record
  bool unknown = false;  // the commit may or may not stand
  bool escaped = false;  // the work ended the transaction itself
  bool begun = false;    // the work was called
  std::string body;
};

// BEGIN, the work, the completion, COMMIT.
template <class Work>
JoinedEnd RunTransaction(Store& store, pg_conn* connection, const JoinedClaim& claim,
                         Duration lease, Work&& work) {
  JoinedEnd end;
  end.status = Begin(connection);
  end.begun = end.status.ok();
  if (!end.begun) return end;
  const OpenTransaction transaction(connection);
  absl::StatusOr<std::string> result = work();
  end.status = result.status();
  if (!end.status.ok()) return end;
  end.body = *std::move(result);
  end.status = CompleteIn(connection, claim, end.body);
  end.escaped = end.status.code() == absl::StatusCode::kFailedPrecondition;
  if (!end.status.ok()) return end;
  end.status = Commit(connection);
  if (end.status.code() != absl::StatusCode::kUnknown) return end;
  switch (AskHowItEnded(store, claim, lease)) {
    case CommitEnd::kCommitted:
      end.status = absl::OkStatus();
      break;
    case CommitEnd::kRolledBack:
      break;
    case CommitEnd::kUnknown:
      end.unknown = true;
      break;
  }
  return end;
}

}  // namespace internal

// Runs fn(Ticket&, PGconn*) unless the key has run before. Blocks. fn returns absl::StatusOr<std::string>,
// must not end the transaction, and may leave it failed. The result as of RunOnce, and:
//   an error of fn   rolled back; stored as its effect says, where AMBIGUOUS counts as RETRYABLE
//   UNKNOWN STORE_INDETERMINATE   the commit may stand; record and rows agree all the same
// What fn throws passes through, rolled back and stored as RETRYABLE. A fn that ended the transaction itself
// is in doubt, if it succeeded: its rows may stand without their record.
template <class Fn>
absl::StatusOr<RunOnceResult> RunOnceJoined(Store& store, pg_conn* connection, const Key& key,
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
                   "postgres: oversize kSpill: is not for work that commits with its record"),
        options.report);
  }
  Answer answer;  // it and `where` outlive the session, which borrows them
  std::string where;
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
    claim.schema = store.schema();
    const auto work = [&]() -> absl::StatusOr<std::string> {
      try {
        return absl::StatusOr<std::string>(fn(ticket, connection));
      } catch (...) {
        if (session.effect() == HF_EFFECT_DERIVE) session.SetEffect(HF_EFFECT_RETRYABLE);
        throw;
      }
    };
    internal::JoinedEnd end =
        internal::RunTransaction(store, connection, claim, session.lease_remaining(), work);
    unknown = end.unknown;
    if (end.status.ok()) {
      answer.body = std::move(end.body);
      answer.outcome.effect = HF_EFFECT_FINAL;
      return session.FinishJoined(answer.outcome);
    }
    answer.body = std::string(end.status.message());
    if (unknown)
      return;  // the session fails the record as ambiguous, which a commit that stands refuses
    answer.outcome = holdfast::internal::RolledBack(end.status, session.effect());
    if (!end.begun) answer.outcome.effect = HF_EFFECT_NOT_STARTED;
    if (end.escaped) answer.outcome.effect = HF_EFFECT_AMBIGUOUS;
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
                      "postgres: the commit may or may not stand: " + answer.body);
  }
  const bool truncated = session.worked() && answer.body.size() > plan.max_body;
  absl::StatusOr<RunOnceResult> result =
      holdfast::internal::Conclude(session, answer, false, options.report);
  if (result.ok() && truncated) {
    result->truncated = true;
    result->stored_as = StoredAs::kDigest;
  }
  return result;
}

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_POSTGRES_RUN_ONCE_H_
