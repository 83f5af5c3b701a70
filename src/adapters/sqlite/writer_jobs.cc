// SPDX-License-Identifier: Apache-2.0
// See writer.h. Here: one job inside its transaction.
#include <holdfast/c/idempotency.h>
#include <holdfast/status.h>
#include <sqlite3.h>

#include <exception>
#include <new>
#include <utility>

#include "adapters/sqlite/writer.h"

namespace holdfast::inline v0_4::sqlite {
namespace {

hf_record WithoutBody(hf_record record) {
  record.body = hf_str{};
  return record;
}

// Constraints that wait for COMMIT would fail there for the whole batch.
bool LeavesForeignKeysOpen(sqlite3* db) {
  int open = 0;
  int highest = 0;
  sqlite3_db_status(db, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &highest, 0);
  return open != 0;
}

}  // namespace

void Writer::RunJob(Batch* batch, const JobPtr& job) {
  try {
    if (job->deadline <= std::chrono::steady_clock::now()) {
      Answer(job.get(), HF_STORE_UNAVAILABLE, "the timeout ended while the request was queued");
    } else if (job->kind == Job::Kind::kRequest) {
      RunRequest(batch, job.get());
    } else {
      RunJoinedJob(batch, job.get());
    }
  } catch (const std::bad_alloc&) {
    batch->lost.code = SQLITE_NOMEM;
  }
  if (job->kind != Job::Kind::kRequest) queue_->Release(job);
}

void Writer::RunRequest(Batch* batch, Job* job) {
  StoredRecord stored;
  const Failure failure = table_->Find(job->request.key_id, &stored);
  if (failure.failed()) return Failed(batch, job, failure);
  Apply(batch, job, stored);
}

// A statement that only read failed: that request's own trouble, unless SQLite gave the transaction up or
// will not commit it any more, as after any CORRUPT.
void Writer::Failed(Batch* batch, Job* job, const Failure& failure) {
  Answer(job, failure.Before(), failure.detail);
  const bool goes_on = connection_->InTransaction() && !failure.NeedsReopen() &&
                       failure.Before() != HF_STORE_CORRUPT;
  if (!goes_on) batch->lost = failure;
}

bool Writer::Apply(Batch* batch, Job* job, const StoredRecord& stored) {
  if (stored.damaged) {
    Answer(job, HF_STORE_CORRUPT, "a stored record fails its check sum");
    return false;
  }
  hf_record next{};
  hf_record_change change = HF_RECORD_KEEP;
  hf_store_reply& reply = job->reply.raw;
  const hf_record* const old = stored.exists ? &stored.record : nullptr;
  const hf_code code = hf_record_apply(old, &job->request, options_.clock(), table_->token_floor(),
                                       &next, &change, &reply);
  if (code == HF_INVALID_ARGUMENT) {
    Answer(job, HF_STORE_UNAVAILABLE, "a request that no store can execute");
    return false;
  }
  if (code != HF_OK) {
    Answer(job, HF_STORE_CORRUPT, "a stored record that cannot be");
    return false;
  }
  if (reply.status == HF_STORE_REPLAY) {
    job->reply.body = stored.body;
    reply.body = hf_str{stored.body->data(), stored.body->size()};
  }
  if (change == HF_RECORD_KEEP) return true;
  if (!stored.exists && OverLimit(batch)) {
    Answer(job, HF_STORE_OVERLOADED, "the store holds as much as it may");
    return false;
  }
  const bool erase = change == HF_RECORD_ERASE;
  batch->wrote = true;
  const Failure failure = erase ? table_->Erase(job->request.key_id, next.token)
                                : table_->Write(job->request.key_id, next);
  if (failure.failed()) {
    Answer(job, failure.Before(), failure.detail);
    batch->lost = failure;
    return false;
  }
  batch->added += stored.exists ? 0 : 1;
  batch->erased += erase ? 1 : 0;
  job->wrote = true;
  job->existed = stored.exists;
  job->before = WithoutBody(stored.record);
  job->after = WithoutBody(next);
  return true;
}

bool Writer::OverLimit(Batch* batch) {
  if (options_.max_records > 0 && records_ + batch->added >= options_.max_records + batch->erased) {
    return true;
  }
  uint64_t bytes = 0;
  if (options_.max_bytes == 0 || table_->CountBytes(&bytes).failed()) return false;
  return bytes >= options_.max_bytes;
}

// --- Joined work ---------------------------------------------------------------------------------

void Writer::RunJoinedJob(Batch* batch, Job* job) {
  StoredRecord stored;
  Failure failure = table_->Find(job->request.key_id, &stored);
  if (failure.failed()) return Failed(batch, job, failure);
  // Asked before the work runs: nobody else can change the answer while we hold the file.
  const bool ours = stored.exists && !stored.damaged && stored.record.token == job->request.token &&
                    stored.record.state == HF_RECORD_IN_PROGRESS;
  if (!ours) {
    Apply(batch, job, stored);
    return;
  }
  if (const int code = connection_->Run("SAVEPOINT holdfast_work")) {
    return Failed(batch, job, FailureOf(connection_->db(), code, "savepoint"));
  }
  RunWork(job);
  const int said = sqlite3_extended_errcode(connection_->db());
  connection_->ResetStrays();
  if (connection_->LostTransaction()) {
    // SQLite gave the transaction up inside the work: FULL, IOERR, NOMEM, or an OR ROLLBACK of its own.
    batch->lost = FailureOf(connection_->db(), said, "the work's transaction was rolled back");
    return;
  }
  bool keep = job->thrown == nullptr && job->status.ok();
  if (keep && LeavesForeignKeysOpen(connection_->db())) {
    job->status = MakeStatus(HF_FAILED_PRECONDITION, HF_R_NONE, "the work violates a foreign key");
    keep = false;
  }
  keep = keep && CompleteJoined(batch, job, stored);
  if (batch->lost.failed()) return;
  if (!keep && connection_->Run("ROLLBACK TO holdfast_work") != SQLITE_OK) {
    batch->lost = FailureOf(connection_->db(), SQLITE_ABORT, "rolling the work back");
    return;
  }
  if (const int code = connection_->Run("RELEASE holdfast_work")) {
    batch->lost = FailureOf(connection_->db(), code, "savepoint");
    return;
  }
  batch->wrote = batch->wrote || keep;
  batch->joined += keep ? 1 : 0;
}

// Runs the caller's function, and lets it do nothing to the transaction but write into it.
void Writer::RunWork(Job* job) {
  connection_->SetMode(SqlMode::kWork);
  try {
    absl::StatusOr<std::string> result = (*job->work)(connection_->db());
    if (result.ok()) {
      job->output = *std::move(result);
    } else {
      job->status = result.status();
    }
  } catch (...) {
    job->thrown = std::current_exception();
  }
  connection_->SetMode(SqlMode::kStore);
}

bool Writer::CompleteJoined(Batch* batch, Job* job, const StoredRecord& stored) {
  uint8_t digest[32];
  job->request.body = hf_str{job->output.data(), job->output.size()};
  job->truncated = job->output.size() > job->max_body;
  if (job->truncated) {
    hf_idem_fingerprint(job->output.data(), job->output.size(), digest);
    job->request.body = hf_str{reinterpret_cast<const char*>(digest), sizeof(digest)};
  }
  job->request.truncated = job->truncated ? 1 : 0;
  const bool applied = Apply(batch, job, stored);
  job->request.body = hf_str{};
  return applied && job->reply.raw.status == HF_STORE_OK;
}

// --- Scripts: a transaction of their own ---------------------------------------------------------

void Writer::RunAlone(const JobPtr& job) {
  if (job->deadline <= std::chrono::steady_clock::now()) {
    Answer(job.get(), HF_STORE_UNAVAILABLE, "the timeout ended while the request was queued");
    return Finish(job);
  }
  const bool reads = job->kind == Job::Kind::kRead;
  if (const int code = connection_->Run(reads ? "BEGIN" : "BEGIN IMMEDIATE")) {
    const Failure failure = FailureOf(connection_->db(), code, "begin");
    Answer(job.get(), failure.Before(), failure.detail);
    if (failure.NeedsReopen()) CloseDistrusted();
    return Finish(job);
  }
  connection_->SetMode(reads ? SqlMode::kRead : SqlMode::kSetup);
  try {
    job->status = (*job->script)(connection_->db());
  } catch (...) {
    job->thrown = std::current_exception();
  }
  connection_->SetMode(SqlMode::kStore);
  queue_->Release(job);
  const int said = sqlite3_extended_errcode(connection_->db());
  connection_->ResetStrays();
  const bool keep = !reads && job->status.ok() && job->thrown == nullptr;
  if (keep && connection_->LostTransaction()) {
    const Failure failure = FailureOf(connection_->db(), said, "the transaction was rolled back");
    Answer(job.get(), failure.Before(), failure.detail);
  } else if (keep) {
    CommitAlone(job.get());
  }
  Rollback();
  Finish(job);
}

void Writer::CommitAlone(Job* job) {
  const int code = connection_->Run("COMMIT");
  if (code == SQLITE_OK) return;
  const Failure failure = FailureOf(connection_->db(), code, "commit");
  const bool nothing = connection_->InTransaction();
  if (nothing && (code & 0xff) == SQLITE_CONSTRAINT) {
    job->status = MakeStatus(HF_FAILED_PRECONDITION, HF_R_NONE, failure.detail);
    return;
  }
  Answer(job, nothing ? failure.Before() : HF_STORE_INDETERMINATE, failure.detail);
  if (!nothing) CloseDistrusted();
}

}  // namespace holdfast::inline v0_4::sqlite
