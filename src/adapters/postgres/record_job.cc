// SPDX-License-Identifier: Apache-2.0
// See record_job.h.
#include "adapters/postgres/record_job.h"

#include <holdfast/c/idempotency.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "adapters/postgres/partition.h"
#include "adapters/postgres/pool.h"

namespace holdfast::inline v0_5::postgres {
namespace {

// Each lost round is somebody else's progress.
constexpr int kMaxRounds = 64;
// Above it sums of times could overflow in SQL; the table saturates.
constexpr hf_duration kExpressLife = int64_t{100} * 365 * 24 * 3600 * HF_S;

}  // namespace

bool IsSound(const StoreRequest& request) {
  hf_record next;
  hf_record_change change;
  hf_store_reply reply;
  return hf_record_apply(nullptr, &request, 0, 0, &next, &change, &reply) == HF_OK;
}

std::optional<Query> ExpressOf(const StoreRequest& request, const std::optional<int64_t>& now,
                               bool body_inline) {
  Query query;
  Params& params = query.params;
  params.Bytes(request.key_id, sizeof(request.key_id)).Time(now);
  switch (request.verb) {
    case HF_STORE_CLAIM:
      query.sql = Sql::kClaim;
      params.Int64(request.lease).Int16(request.on_expiry);
      params.Bytes(request.fingerprint, 32).Bytes(request.nonce, 16).Bytes(request.label);
      return query;
    case HF_STORE_RENEW:
      query.sql = Sql::kRenew;
      params.Int64(static_cast<int64_t>(request.token)).Int64(request.lease);
      return query;
    case HF_STORE_COMPLETE: {
      if (request.ttl > kExpressLife) return std::nullopt;
      const bool away = !body_inline && request.body.size > kInlineBody && request.ttl <= kAwayLife;
      query.sql = away ? Sql::kCompleteAway : Sql::kComplete;
      params.Int64(static_cast<int64_t>(request.token)).Int16(request.code);
      params.Int16(static_cast<int32_t>(request.truncated)).Int64(request.ttl);
      params.Bytes(request.body);
      return query;
    }
    default:
      return std::nullopt;
  }
}

StoreReply WonReply(const StoreRequest& request, uint64_t token) {
  StoreReply reply;
  reply.raw.status = HF_STORE_WON;
  reply.raw.state = HF_RECORD_IN_PROGRESS;
  reply.raw.token = token;
  reply.raw.attempt = 1;
  reply.raw.changed = 1;
  std::memcpy(reply.raw.owner, request.nonce, sizeof(reply.raw.owner));
  return reply;
}

StoreReply ExpressReply(const StoreRequest& request, const PGresult* result) {
  if (request.verb == HF_STORE_CLAIM) {
    return WonReply(request, static_cast<uint64_t>(Int64At(result, 0, 0)));
  }
  StoreReply reply;
  reply.raw.status = HF_STORE_OK;
  reply.raw.state = request.verb == HF_STORE_COMPLETE ? HF_RECORD_COMPLETED : HF_RECORD_IN_PROGRESS;
  reply.raw.token = request.token;
  reply.raw.changed = 1;
  reply.raw.attempt = static_cast<uint32_t>(Int32At(result, 0, 0));
  const std::string_view nonce = BytesAt(result, 0, 1);
  std::copy_n(nonce.data(), std::min(nonce.size(), sizeof(reply.raw.owner)), reply.raw.owner);
  if (request.verb == HF_STORE_COMPLETE) reply.raw.completed_at = Int64At(result, 0, 2);
  return reply;
}

void RecordJob::Begin() {
  if (!IsSound(request_)) {
    return Reply(StorageReply(HF_STORE_UNAVAILABLE, "a request that no store can execute"));
  }
  Express();
}

void RecordJob::Ask(Step step, Query query, bool writes) {
  step_ = step;
  queries.clear();
  queries.push_back(std::move(query));
  writing = writes;
  Again();
}

void RecordJob::Express() {
  // A key that is there is seldom a new one a moment later.
  std::optional<Query> query;
  if (!tried_express_ && note_ == nullptr) {
    query = ExpressOf(request_, pool().Now(), body_inline_);
  }
  if (!query.has_value()) return Read();
  tried_express_ = true;
  Ask(Step::kExpress, *std::move(query), true);
}

void RecordJob::Read() {
  Query query;
  query.sql = Sql::kFind;
  query.params.Bytes(request_.key_id, sizeof(request_.key_id)).Time(pool().Now());
  Ask(Step::kRead, std::move(query), false);
}

void RecordJob::OnAnswer(Answer answer) {
  if (step_ == Step::kPartition) return Partition(answer.failure);
  if (answer.failure.no_partition() && !made_partition_) {
    made_partition_ = true;
    step_ = Step::kPartition;
    queries = MakePartition(pool().statements(), request_.ttl, pool().Now());
    writing = false;
    return Again();
  }
  if (answer.failed()) return Fail(answer.failure);
  switch (step_) {
    case Step::kExpress:
      if (answer.rows() == 0) return Read();
      pool().counters().express.fetch_add(1, std::memory_order_relaxed);
      return Reply(ExpressReply(request_, answer.result()));
    case Step::kRead: {
      Row row;
      ReadRow(answer.result(), 0, &row);
      pool().counters().rounds.fetch_add(1, std::memory_order_relaxed);
      return Judge(row);
    }
    default:
      if (answer.rows() == 1) {
        reply_.raw.token = static_cast<uint64_t>(Int64At(answer.result(), 0, 0));
        return Reply(std::move(reply_));
      }
      pool().counters().conflicts.fetch_add(1, std::memory_order_relaxed);
      if (++rounds_ < kMaxRounds) return Read();
      return Reply(StorageReply(HF_STORE_UNAVAILABLE, "postgres: the key is written too often"));
  }
}

void RecordJob::Partition(const Failure& failure) {
  // Whatever the reason, the body then stays with its record: a result is never lost to this.
  body_inline_ = failure.failed();
  tried_express_ = false;
  Express();
}

void RecordJob::Judge(const Row& row) {
  if (!row.present && request_.verb == HF_STORE_CLAIM) {
    // It was there when the claim was tried.
    tried_express_ = false;
    if (++rounds_ < kMaxRounds) return Express();
    return Reply(StorageReply(HF_STORE_UNAVAILABLE, "postgres: the key is written too often"));
  }
  hf_record next{};
  hf_record_change change = HF_RECORD_KEEP;
  reply_ = StoreReply{};
  const hf_code code = hf_record_apply(row.exists ? &row.record : nullptr, &request_, row.now,
                                       row.token, &next, &change, &reply_.raw);
  const bool lost = row.lost_body && reply_.raw.status == HF_STORE_REPLAY;
  if (code == HF_DATA_LOSS || lost) {
    return Reply(StorageReply(HF_STORE_CORRUPT, lost ? "postgres: the stored body is gone"
                                                     : "postgres: a record that cannot be"));
  }
  const bool carries = reply_.raw.status == HF_STORE_REPLAY || reply_.raw.body.size > 0;
  if (carries) {
    reply_.body = row.body;
    reply_.raw.body = {row.body->data(), row.body->size()};
  }
  if (change == HF_RECORD_KEEP) return Reply(std::move(reply_));
  if (change == HF_RECORD_ERASE) {
    // The tombstone: its time of death is when it may be swept, kTombstone later.
    next.lease_until = next.not_before = next.completed_at = 0;
    next.expires_at = row.now;
    next.on_expiry = row.record.on_expiry;
  }
  Write(row, next, next.token != row.token);
}

void RecordJob::Write(const Row& row, const hf_record& next, bool draw) {
  Query query;
  query.sql = note_ == nullptr ? Sql::kWrite : Sql::kWriteAudited;
  query.params = WriteParams(request_.key_id, row, next, draw);
  // The row goes before this is sent.
  query.params.KeepBorrowed();
  if (note_ != nullptr) {
    query.params.Time(pool().Now()).Int16(request_.verb).Int16(request_.effect);
    query.params.Int16(row.record.state).Text(note_->actor).Text(note_->reason);
  }
  Ask(Step::kWrite, std::move(query), true);
}

void RecordJob::Reply(StoreReply reply) {
  if (over()) return;
  Over();
  waiter_.OnReply(std::move(reply));
}

void RecordJob::OnEnd(hf_store_status status, std::string detail) {
  waiter_.OnReply(StorageReply(status, std::move(detail)));
}

}  // namespace holdfast::inline v0_5::postgres
