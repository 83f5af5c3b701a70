// SPDX-License-Identifier: Apache-2.0
// See writer.h. Here: one job inside its transaction.
#include <holdfast/c/idempotency.h>
#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "adapters/sqlite/writer.h"

namespace holdfast::inline v0_5::sqlite {
namespace {

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
    batch->lost = FailureOf(nullptr, SQLITE_NOMEM, "request");
  }
  if (job->kind != Job::Kind::kRequest) queue_->Release(job);
}

void Writer::RunRequest(Batch* batch, Job* job) {
  StoredRow stored;
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

bool Writer::Apply(Batch* batch, Job* job, const StoredRow& stored) {
  if (stored.damaged) {
    Answer(job, HF_STORE_CORRUPT, "a stored record fails its check sum");
    return false;
  }
  hf_record next{};
  hf_record_change change = HF_RECORD_KEEP;
  hf_store_reply& reply = job->reply.raw;
  const hf_record* const old = stored.exists ? &stored.record : nullptr;
  const int64_t now = options_.clock();
  const hf_code code =
      hf_record_apply(old, &job->request, now, table_->token_floor(), &next, &change, &reply);
  if (code == HF_INVALID_ARGUMENT) {
    Answer(job, HF_STORE_UNAVAILABLE, "a request that no store can execute");
    return false;
  }
  if (code != HF_OK) {
    Answer(job, HF_STORE_CORRUPT, "a stored record that cannot be");
    return false;
  }
  if (reply.status == HF_STORE_REPLAY || reply.body.size > 0) {
    job->reply.body = stored.body;
    reply.body = hf_str{stored.body->data(), stored.body->size()};
  }
  if (change == HF_RECORD_KEEP) return true;
  if (job->request.verb == HF_STORE_CLAIM && Refuses(batch, job, stored.exists)) return false;
  const bool erase = change == HF_RECORD_ERASE;
  batch->wrote = true;
  Failure failure = erase ? table_->Erase(job->request.key_id, next.token)
                          : table_->Write(job->request.key_id, next, &job->sum_after);
  if (!failure.failed() && job->note.has_value()) {
    AuditRow row{.at = now,
                 .verb = job->request.verb,
                 .effect = job->request.effect,
                 .before = stored.record.state,
                 .token_before = stored.record.token,
                 .token_after = next.token,
                 .note = *job->note};
    std::copy_n(job->request.key_id, row.key_id.size(), row.key_id.begin());
    failure = table_->AddAudit(row);
  }
  if (failure.failed()) {
    Answer(job, failure.Before(), failure.detail);
    batch->lost = failure;
    return false;
  }
  batch->added += stored.exists ? 0 : 1;
  batch->erased += erase ? 1 : 0;
  job->wrote = true;
  job->existed = stored.exists;
  job->erased = erase;
  job->sum_before = stored.sum;
  return true;
}

// A claim that would write, where there is no room for what it leads to.
bool Writer::Refuses(Batch* batch, Job* job, bool exists) {
  if (reserve_.low() && !batch->asked_reserve) {
    batch->asked_reserve = true;
    reserve_.Take();
  }
  if (reserve_.low()) {
    Answer(job, reserve_.why().Before(), reserve_.why().detail);
    return true;
  }
  if (exists || !OverLimit(batch)) return false;
  Answer(job, HF_STORE_OVERLOADED, "the store holds as much as it may");
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
  StoredRow stored;
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
  keep = keep && SettleJoined(batch, job, stored);
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

bool Writer::SettleJoined(Batch* batch, Job* job, const StoredRow& stored) {
  uint8_t digest[32];
  const bool checkpoint = job->request.verb == HF_STORE_CHECKPOINT;
  if (checkpoint && job->output.size() > HF_IDEM_CHECKPOINT_MAX) {
    job->status =
        MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "work: a checkpoint above 64 KiB");
    return false;
  }
  job->request.body = hf_str{job->output.data(), job->output.size()};
  job->truncated = !checkpoint && job->output.size() > job->max_body;
  if (job->truncated) {
    hf_idem_fingerprint(job->output.data(), job->output.size(), digest);
    job->request.body = hf_str{reinterpret_cast<const char*>(digest), sizeof(digest)};
  }
  job->request.truncated = job->truncated ? HF_BODY_DIGEST : HF_BODY_WHOLE;
  const bool applied = Apply(batch, job, stored);
  job->request.body = hf_str{};
  return applied && job->reply.raw.status == HF_STORE_OK;
}

// --- A transaction of their own ------------------------------------------------------------------

void Writer::RunAlone(const JobPtr& job) {
  if (job->deadline <= std::chrono::steady_clock::now()) {
    Answer(job.get(), HF_STORE_UNAVAILABLE, "the timeout ended while the request was queued");
  } else if (job->kind == Job::Kind::kTable) {
    RunTable(job.get());
  } else if (job->kind == Job::Kind::kPurge) {
    RunPurge(job.get());
  } else {
    RunScript(job);
  }
  Rollback();
  Finish(job);
}

bool Writer::BeginAlone(Job* job, const char* sql) {
  const int code = connection_->Run(sql);
  if (code == SQLITE_OK) return true;
  const Failure failure = FailureOf(connection_->db(), code, "begin");
  Answer(job, failure.Before(), failure.detail);
  if (failure.NeedsReopen()) CloseDistrusted();
  return false;
}

void Writer::RunScript(const JobPtr& job) {
  const bool reads = job->kind == Job::Kind::kRead;
  if (!BeginAlone(job.get(), reads ? "BEGIN" : "BEGIN IMMEDIATE")) return;
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
  if (reads || !job->status.ok() || job->thrown != nullptr) return;
  if (connection_->LostTransaction()) {
    const Failure failure = FailureOf(connection_->db(), said, "the transaction was rolled back");
    return Answer(job.get(), failure.Before(), failure.detail);
  }
  CommitAlone(job.get());
}

void Writer::RunTable(Job* job) {
  if (!BeginAlone(job, "BEGIN")) return;
  Failure failure;
  try {
    failure = (*job->table_work)(*table_);
  } catch (const std::bad_alloc&) {
    failure = FailureOf(nullptr, SQLITE_NOMEM, "reading");
  }
  if (!failure.failed()) return;
  Answer(job, failure.Before(), failure.detail);
  Rollback();
  if (failure.NeedsReopen()) CloseDistrusted();
}

void Writer::RunPurge(Job* job) {
  if (!BeginAlone(job, "BEGIN IMMEDIATE")) return;
  Failure failure;
  try {
    if (options_.multi_process) failure = table_->LoadFloor();
    if (!failure.failed()) failure = table_->Purge(options_.clock(), job->limit, &job->count);
    if (!failure.failed()) failure = table_->SaveFloor();
  } catch (const std::bad_alloc&) {
    failure = FailureOf(nullptr, SQLITE_NOMEM, "purge");
  }
  if (failure.failed()) {
    Answer(job, failure.Before(), failure.detail);
    Rollback();
    if (failure.NeedsReopen()) CloseDistrusted();
    return;
  }
  if (!CommitAlone(job)) return;
  records_ -= std::min(records_, job->count);
  const std::lock_guard lock(stats_mutex_);
  stats_.purged += job->count;
  stats_.records = records_;
}

bool Writer::CommitAlone(Job* job) {
  const int code = connection_->Commit();
  if (code == SQLITE_OK) return true;
  const Failure failure = FailureOf(connection_->db(), code, "commit");
  const bool nothing = connection_->InTransaction();
  Answer(job, nothing ? failure.Before() : hf_store_status{HF_STORE_INDETERMINATE}, failure.detail);
  if (nothing && (code & 0xff) == SQLITE_CONSTRAINT) {
    job->status = MakeStatus(HF_FAILED_PRECONDITION, HF_R_NONE, failure.detail);
  }
  if (!nothing) CloseDistrusted();
  return false;
}

}  // namespace holdfast::inline v0_5::sqlite
