// SPDX-License-Identifier: Apache-2.0
// See postgres/transaction.h.
#include <holdfast/c/idempotency.h>
#include <holdfast/entropy.h>
#include <holdfast/postgres/transaction.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/postgres/failure.h"
#include "adapters/postgres/record_job.h"
#include "adapters/postgres/row.h"
#include "adapters/postgres/statements.h"

namespace holdfast::inline v0_5::postgres {
namespace {

constexpr uint32_t kDefaultBody = 64 * 1024;
constexpr int kMaxRounds = 64;

std::string SchemaOf(const std::string& schema) { return schema.empty() ? "holdfast" : schema; }

// Most threads know one schema.
const Statements& StatementsOf(const std::string& schema) {
  thread_local std::optional<Statements> last;
  if (!last.has_value() || last->schema() != schema) last.emplace(schema);
  return *last;
}

absl::Status Unsound(const char* text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

absl::Status CheckOpen(PGconn* connection, const std::string& schema) {
  if (connection == nullptr) return Unsound("connection: must not be null");
  if (!IsSchemaName(schema)) return Unsound("schema: must be 1..48 of [a-z0-9_], no digit first");
  if (PQpipelineStatus(connection) != PQ_PIPELINE_OFF) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_STATE, "postgres: in pipeline mode");
  }
  switch (PQtransactionStatus(connection)) {
    case PQTRANS_INTRANS:
      return absl::OkStatus();
    case PQTRANS_INERROR:
      return MakeStatus(HF_ABORTED, HF_R_NONE,
                        "postgres: the transaction has failed already and can only roll back");
    case PQTRANS_UNKNOWN:
      return ToStatus(HF_STORE_UNAVAILABLE, "postgres: the caller's connection is down");
    default:
      return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_STATE,
                        "postgres: the connection is not inside a transaction; BEGIN first");
  }
}

// Inside an open transaction: nothing is ever unknown, since nobody has said COMMIT.
absl::Status Inside(const Failure& failure) {
  if (!failure.failed()) return absl::OkStatus();
  if (failure.sqlstate == kFencedState) {
    return MakeStatus(HF_ABORTED, HF_R_IDEM_FENCED, failure.detail);
  }
  if (failure.sqlstate == "40001" || failure.sqlstate == "40P01") {
    return MakeStatus(HF_ABORTED, HF_R_NONE, failure.detail);
  }
  // Nor is a right that is missing, or a read-only transaction, a result of the work: FAILED_PRECONDITION and
  // PERMISSION_DENIED would be taken for one.
  return ToStatus(failure.unknown() ? HF_STORE_UNAVAILABLE : failure.status, failure.detail);
}

Failure FailureIn(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return {};
  return FailureOf(result, false);
}

struct Outcome {
  PgResult result;
  Failure failure;
  int rows() const { return PQntuples(result.get()); }
};

Outcome Run(PGconn* connection, const std::string& sql, const Params& params) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  params.Fill(&values, &lengths);
  const std::vector<int> formats(values.size(), 1);
  Outcome outcome;
  outcome.result.reset(PQexecParams(connection, sql.c_str(), static_cast<int>(values.size()),
                                    nullptr, values.data(), lengths.data(), formats.data(), 1));
  outcome.failure = FailureIn(outcome.result.get());
  return outcome;
}

Failure RunText(PGconn* connection, const char* sql) {
  const PgResult result(PQexec(connection, sql));
  return FailureIn(result.get());
}

// The lock_timeout of the rest of the transaction is the caller's again, whatever comes.
class LockTimeout {
 public:
  LockTimeout(PGconn* connection, Duration timeout) : connection_(connection) {
    failure = RunText(connection_, "SAVEPOINT holdfast_inline");
    if (failure.failed() || timeout == Duration::max()) return;
    PgResult before(PQexec(connection_, "SHOW lock_timeout"));
    failure = FailureIn(before.get());
    if (failure.failed()) return;
    before_ = PQgetvalue(before.get(), 0, 0);
    const int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    const std::string set =
        "SET LOCAL lock_timeout=" + std::to_string(std::clamp<int64_t>(ms, 1, INT32_MAX));
    failure = RunText(connection_, set.c_str());
  }
  // Keeps what was done since, or takes it back.
  Failure End(bool keep) {
    if (!keep) {
      return RunText(connection_,
                     "ROLLBACK TO SAVEPOINT holdfast_inline; RELEASE SAVEPOINT holdfast_inline");
    }
    std::string sql = "RELEASE SAVEPOINT holdfast_inline";
    if (!before_.empty()) sql += "; SET LOCAL lock_timeout='" + before_ + "'";
    return RunText(connection_, sql.c_str());
  }

  Failure failure;

 private:
  PGconn* const connection_;
  std::string before_;
};

// Until a claim is won or the table says no; the last failure, if one came in between.
Failure ClaimInside(PGconn* connection, const Statements& statements, const StoreRequest& request,
                    StoreReply* reply) {
  for (int round = 0; round < kMaxRounds; ++round) {
    const std::optional<Query> express = ExpressOf(request, std::nullopt, true);
    Outcome tried = Run(connection, statements.of(Sql::kClaim), express->params);
    if (tried.failure.failed()) return tried.failure;
    if (tried.rows() == 1) {
      *reply = ExpressReply(request, tried.result.get());
      return {};
    }
    Params key;
    key.Bytes(request.key_id, sizeof(request.key_id)).Null();
    Outcome found = Run(connection, statements.of(Sql::kFind), key);
    if (found.failure.failed()) return found.failure;
    Row row;
    ReadRow(found.result.get(), 0, &row);
    if (!row.present) continue;
    hf_record next{};
    hf_record_change change = HF_RECORD_KEEP;
    if (hf_record_apply(row.exists ? &row.record : nullptr, &request, row.now, row.token, &next,
                        &change, &reply->raw) != HF_OK) {
      *reply = StorageReply(HF_STORE_CORRUPT, "postgres: a record that cannot be");
      return {};
    }
    if (reply->raw.status == HF_STORE_REPLAY && row.lost_body) {
      *reply = StorageReply(HF_STORE_CORRUPT, "postgres: the stored body is gone");
      return {};
    }
    if (reply->raw.status == HF_STORE_REPLAY || reply->raw.body.size > 0) {
      reply->body = row.body;
      reply->raw.body = {row.body->data(), row.body->size()};
    }
    if (change == HF_RECORD_KEEP) return {};
    Outcome wrote = Run(connection, statements.of(Sql::kWrite),
                        WriteParams(request.key_id, row, next, next.token != row.token));
    if (wrote.failure.failed()) return wrote.failure;
    if (wrote.rows() == 0) continue;
    reply->raw.token = static_cast<uint64_t>(Int64At(wrote.result.get(), 0, 0));
    return {};
  }
  *reply = StorageReply(HF_STORE_UNAVAILABLE, "postgres: the key is written too often");
  return {};
}

StoreRequest RequestOf(const InlineClaim& claim) {
  StoreRequest request{};
  request.verb = HF_STORE_CLAIM;
  request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  std::copy_n(claim.key_id, sizeof(request.key_id), request.key_id);
  std::copy_n(claim.fingerprint, sizeof(request.fingerprint), request.fingerprint);
  FillRandom(request.nonce);
  request.lease = claim.lease == Duration{0} ? 30 * HF_S : claim.lease.count();
  request.max_attempts = claim.max_attempts == 0 ? 10 : claim.max_attempts;
  request.label = {claim.label.data(), claim.label.size()};
  return request;
}

}  // namespace

absl::Status CompleteIn(pg_conn* connection, const JoinedClaim& claim, std::string_view body,
                        hf_code code) {
  const std::string schema = SchemaOf(claim.schema);
  if (absl::Status status = CheckOpen(connection, schema); !status.ok()) return status;
  StoreRequest request{};
  request.verb = HF_STORE_COMPLETE;
  std::copy_n(claim.key_id, sizeof(request.key_id), request.key_id);
  request.token = claim.token;
  request.ttl = claim.ttl == Duration{0} ? 24 * 3600 * HF_S : claim.ttl.count();
  request.code = code;
  request.body = {body.data(), body.size()};
  uint8_t digest[32];
  const uint32_t most = claim.max_body == 0 ? kDefaultBody : claim.max_body;
  if (body.size() > std::min(most, HF_IDEM_BODY_MAX)) {
    hf_idem_fingerprint(body.data(), body.size(), digest);
    request.body = {reinterpret_cast<const char*>(digest), sizeof(digest)};
    request.truncated = HF_BODY_DIGEST;
  }
  const std::optional<Query> query = ExpressOf(request, std::nullopt, true);
  if (!IsSound(request) || !query.has_value()) {
    return Unsound("claim, code: ttl must be positive and up to 100 years, code 0..16");
  }
  const Statements& statements = StatementsOf(schema);
  return Inside(Run(connection, statements.of(Sql::kCompleteJoined), query->params).failure);
}

absl::StatusOr<StoreReply> Inline(pg_conn* connection, const InlineClaim& claim) {
  const std::string schema = SchemaOf(claim.schema);
  if (absl::Status status = CheckOpen(connection, schema); !status.ok()) return status;
  const StoreRequest request = RequestOf(claim);
  if (!IsSound(request) || claim.lock_timeout < Duration{0}) {
    return Unsound(
        "claim: lease must be up to 24 h, label up to 2048 bytes, lock_timeout positive");
  }
  const Statements& statements = StatementsOf(schema);
  LockTimeout guard(
      connection, claim.lock_timeout == Duration{0} ? std::chrono::seconds(1) : claim.lock_timeout);
  if (guard.failure.failed()) return Inside(guard.failure);
  StoreReply reply;
  const Failure failure = ClaimInside(connection, statements, request, &reply);
  if (failure.failed()) {
    const Failure back = guard.End(false);
    if (failure.sqlstate != "55P03" || back.failed()) return Inside(failure);
    reply = StorageReply(HF_STORE_BUSY, "postgres: another transaction holds the key");
    reply.raw.state = HF_RECORD_IN_PROGRESS;
    return reply;
  }
  const Failure kept = guard.End(true);
  if (kept.failed()) return Inside(kept);
  return reply;
}

absl::Status Begin(pg_conn* connection) {
  if (connection == nullptr) return Unsound("connection: must not be null");
  if (PQstatus(connection) != CONNECTION_OK) {
    return ToStatus(HF_STORE_UNAVAILABLE, "postgres: the caller's connection is down");
  }
  const bool idle = PQtransactionStatus(connection) == PQTRANS_IDLE &&
                    PQpipelineStatus(connection) == PQ_PIPELINE_OFF;
  if (!idle) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_STATE,
                      "postgres: the connection is not idle: it is in a transaction or busy");
  }
  return Inside(RunText(connection, "BEGIN"));
}

void RollBack(pg_conn* connection) {
  const PGTransactionStatusType status = PQtransactionStatus(connection);
  if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR) RunText(connection, "ROLLBACK");
}

absl::Status Commit(pg_conn* connection) {
  const PgResult result(PQexec(connection, "COMMIT"));
  const Failure failure = FailureIn(result.get());
  if (failure.unknown() || (failure.failed() && failure.fatal)) {
    return MakeStatus(HF_UNKNOWN, HF_R_STORE_INDETERMINATE, failure.detail);
  }
  if (failure.failed()) return MakeStatus(HF_ABORTED, HF_R_NONE, failure.detail);
  if (std::strcmp(PQcmdStatus(result.get()), "COMMIT") == 0) return absl::OkStatus();
  return MakeStatus(HF_ABORTED, HF_R_NONE, "postgres: rolled back: a statement before had failed");
}

}  // namespace holdfast::inline v0_5::postgres
