// SPDX-License-Identifier: Apache-2.0
// See writer.h. Here: opening, transactions and what their ends mean; writer_jobs.cc runs the jobs.
#include "adapters/sqlite/writer.h"

#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <new>
#include <span>
#include <system_error>
#include <utility>

namespace holdfast::inline v0_4::sqlite {
namespace {

bool SameRow(const hf_record& a, const hf_record& b) {
  return a.state == b.state && a.token == b.token && a.attempt == b.attempt && a.code == b.code &&
         a.truncated == b.truncated && a.lease_until == b.lease_until &&
         a.not_before == b.not_before && a.expires_at == b.expires_at &&
         a.completed_at == b.completed_at;
}

bool SameKey(const Job& a, const Job& b) {
  return std::equal(std::begin(a.request.key_id), std::end(a.request.key_id),
                    std::begin(b.request.key_id));
}

// The way back from ToStatus: whatever keeps the file closed, nothing happened.
hf_store_status StatusOfOpening(const absl::Status& status) {
  const auto rejection = RejectionOf(status);
  switch (rejection.has_value() ? rejection->reason : HF_R_NONE) {
    case HF_R_STORE_LOCKED:
      return HF_STORE_LOCKED;
    case HF_R_STORE_FULL:
      return HF_STORE_FULL;
    case HF_R_STORE_CORRUPT:
      return HF_STORE_CORRUPT;
    default:
      return HF_STORE_UNAVAILABLE;
  }
}

}  // namespace

Writer::Writer(Options options, std::shared_ptr<Queue> queue)
    : options_(std::move(options)), queue_(std::move(queue)) {}

Writer::~Writer() {
  if (thread_.joinable()) thread_.join();
}

absl::Status Writer::Open() {
  auto connection = Connection::Open(options_, file_);
  if (!connection.ok()) return connection.status();
  auto table = std::make_unique<RecordTable>(connection->get());
  Failure failure = table->Prepare();
  if (!failure.failed() && options_.max_records > 0) failure = table->CountRecords(&records_);
  if (failure.failed()) {
    (*connection)->Distrust();
    table.reset();
    return ToStatus(failure.Before(), failure.detail);
  }
  connection_ = *std::move(connection);
  file_ = connection_->path();
  purges_ = true;
  table_ = std::move(table);
  const std::lock_guard lock(stats_mutex_);
  stats_.records = records_;
  return absl::OkStatus();
}

absl::Status Writer::Start() {
  try {
    thread_ = std::thread(&Writer::Loop, this);
    return absl::OkStatus();
  } catch (const std::system_error&) {
    return ToStatus(HF_STORE_UNAVAILABLE, "cannot start the writer thread");
  }
}

Stats Writer::stats() const {
  const size_t waiting = queue_->size();
  const std::lock_guard lock(stats_mutex_);
  Stats stats = stats_;
  stats.waiting = waiting;
  return stats;
}

void Writer::Loop() {
  while (JobPtr job = queue_->WaitPop()) {
    if (!EnsureOpen()) {
      AnswerQueued({std::move(job)}, StatusOfOpening(open_status_),
                   std::string(open_status_.message()));
    } else if (job->shared()) {
      RunBatch(std::move(job), options_.max_batch);
    } else {
      RunAlone(job);
    }
    CheckpointIfDue();
  }
  table_.reset();
  connection_.reset();
}

// --- One shared transaction ---------------------------------------------------------------------

void Writer::RunBatch(JobPtr first, size_t limit) {
  Batch batch;
  batch.jobs.reserve(limit);
  batch.jobs.push_back(std::move(first));
  if (!EnsureOpen()) {
    const std::string detail(open_status_.message());
    return AnswerQueued(std::move(batch.jobs), StatusOfOpening(open_status_), detail);
  }
  if (!Begin(&batch)) {
    const Failure failure = batch.lost;
    Rollback();
    if (failure.NeedsReopen()) CloseDistrusted();
    return AnswerQueued(std::move(batch.jobs), failure.Before(), failure.detail);
  }
  RunJob(&batch, batch.jobs.back());
  while (!batch.lost.failed() && batch.jobs.size() < limit) {
    JobPtr next = queue_->TryPopShared();
    if (next == nullptr) break;
    batch.jobs.push_back(std::move(next));
    RunJob(&batch, batch.jobs.back());
  }
  Verdict verdict = Verdict::kNothing;
  if (batch.lost.failed()) {
    Rollback();
    if (batch.lost.NeedsReopen()) CloseDistrusted();
  } else {
    TidyUp(&batch);
    verdict = Commit(&batch);
  }
  switch (verdict) {
    case Verdict::kCommitted:
      return Finish(batch.jobs);
    case Verdict::kNothing:
      return AnswerLost(&batch);
    case Verdict::kUnknown:
      return AnswerUnknown(batch);
  }
}

bool Writer::Begin(Batch* batch) {
  if (const int code = connection_->Run("BEGIN IMMEDIATE")) {
    batch->lost = FailureOf(connection_->db(), code, "begin");
    return false;
  }
  // Other processes raise the floor and add records too.
  if (options_.multi_process) {
    batch->lost = table_->LoadFloor();
    if (!batch->lost.failed() && options_.max_records > 0) {
      batch->lost = table_->CountRecords(&records_);
    }
  }
  return !batch->lost.failed();
}

// What every writing transaction carries along. If purging fails it stops until the file is reopened: its
// trouble is not the requests', which run again without it.
void Writer::TidyUp(Batch* batch) {
  if (!batch->wrote) return;
  if (purges_) {
    batch->lost = table_->Purge(options_.clock(), options_.purge_per_batch, &batch->purged);
    batch->purge_failed = batch->lost.failed();
    purges_ = !batch->purge_failed;
  }
  if (!batch->lost.failed()) batch->lost = table_->SaveFloor();
}

Writer::Verdict Writer::Commit(Batch* batch) {
  if (batch->lost.failed()) {
    Rollback();
    if (batch->lost.NeedsReopen()) CloseDistrusted();
    return Verdict::kNothing;
  }
  const auto start = std::chrono::steady_clock::now();
  const int code = connection_->Run("COMMIT");
  const Duration took = std::chrono::steady_clock::now() - start;
  if (code == SQLITE_OK) {
    if (options_.max_records > 0) {
      records_ += batch->added;
      records_ -= std::min(records_, batch->purged + batch->erased);
    }
    const std::lock_guard lock(stats_mutex_);
    stats_.requests += batch->jobs.size();
    stats_.joined += batch->joined;
    stats_.batches += 1;
    stats_.commits += batch->wrote ? 1 : 0;
    stats_.largest_batch = std::max<uint64_t>(stats_.largest_batch, batch->jobs.size());
    stats_.purged += batch->purged;
    stats_.records = records_;
    stats_.wal_pages = static_cast<uint64_t>(connection_->wal_pages());
    if (batch->wrote) {
      stats_.commit_time += took;
      stats_.longest_commit = std::max(stats_.longest_commit, took);
    }
    return Verdict::kCommitted;
  }
  batch->lost = FailureOf(connection_->db(), code, "commit");
  if (connection_->InTransaction()) {  // refused before anything was written: BUSY
    Rollback();
    return Verdict::kNothing;
  }
  // Some of it may be in the file, whole even. This handle believes that it is not, a restart might
  // believe that it is: so close, replay, and look.
  CloseDistrusted();
  if (batch->lost.SyncFailed()) return Verdict::kUnknown;
  return EnsureOpen() ? ReadBack(*batch) : Verdict::kUnknown;
}

// All of a transaction is there or nothing: one record that only this transaction can have changed
// tells. One that several of its requests changed may be back where it was.
Writer::Verdict Writer::ReadBack(const Batch& batch) {
  for (const JobPtr& job : batch.jobs) {
    if (!job->wrote) continue;
    const bool erased = job->after.state == HF_RECORD_ABSENT;
    if (!erased && job->existed && SameRow(job->before, job->after)) continue;
    const auto others =
        std::count_if(batch.jobs.begin(), batch.jobs.end(),
                      [&](const JobPtr& other) { return other->wrote && SameKey(*other, *job); });
    if (others > 1) continue;
    StoredRecord stored;
    if (table_->Find(job->request.key_id, &stored).failed() || stored.damaged) continue;
    const bool there =
        erased ? !stored.exists : stored.exists && SameRow(stored.record, job->after);
    return there ? Verdict::kCommitted : Verdict::kNothing;
  }
  return Verdict::kUnknown;
}

void Writer::Rollback() {
  if (connection_ == nullptr) return;
  connection_->ResetStrays();
  if (connection_->InTransaction()) connection_->Run("ROLLBACK");
  table_->RolledBack();
}

// --- Answers -------------------------------------------------------------------------------------

void Writer::Answer(Job* job, hf_store_status status, const std::string& detail) {
  job->reply = StoreReply{};
  job->reply.raw.status = status;
  try {
    job->reply.detail = detail;
    if (!job->shared()) job->status = ToStatus(status, detail);
  } catch (const std::bad_alloc&) {
    job->reply.detail.clear();
    if (!job->shared()) job->status = absl::Status(absl::StatusCode::kUnavailable, "");
  }
}

// Nothing of the batch is in the file.
void Writer::AnswerLost(Batch* batch) {
  const Failure lost = batch->lost;
  const std::vector<JobPtr> jobs = std::move(batch->jobs);
  if (jobs.size() == 1 && !batch->purge_failed) {
    Job& only = *jobs.front();
    // Work that refused or threw has said all there is to say.
    if (only.status.ok() && only.thrown == nullptr) Answer(&only, lost.Before(), lost.detail);
    return Finish(jobs);
  }
  for (const JobPtr& job : jobs) {
    if (job->kind == Job::Kind::kRequest) {
      job->wrote = false;
      job->reply = StoreReply{};
      RunBatch(job, 1);
      continue;
    }
    if (job->status.ok() && job->thrown == nullptr) {
      Answer(job.get(), HF_STORE_UNAVAILABLE, "rolled back with others: " + lost.detail);
    }
    Finish(job);
  }
}

void Writer::AnswerUnknown(const Batch& batch) {
  for (const JobPtr& job : batch.jobs) {
    if (!job->status.ok() || job->thrown != nullptr) continue;  // rolled back before
    const bool plain = job->kind == Job::Kind::kRequest;
    const bool asked_only = plain ? job->request.verb == HF_STORE_READ : !job->wrote;
    Answer(job.get(), asked_only ? HF_STORE_UNAVAILABLE : HF_STORE_INDETERMINATE,
           batch.lost.detail);
  }
  Finish(batch.jobs);
}

// The file cannot be used now: so say all who wait, rather than try it once for each.
void Writer::AnswerQueued(std::vector<JobPtr> jobs, hf_store_status status,
                          const std::string& detail) {
  for (JobPtr& job : queue_->TakeAll()) jobs.push_back(std::move(job));
  for (const JobPtr& job : jobs) Answer(job.get(), status, detail);
  Finish(jobs);
}

// --- The file -----------------------------------------------------------------------------------

bool Writer::EnsureOpen() {
  if (connection_ != nullptr) return true;
  open_status_ = Open();
  return open_status_.ok();
}

void Writer::CloseDistrusted() {
  if (connection_ == nullptr) return;
  connection_->Distrust();
  table_.reset();
  connection_.reset();
  const std::lock_guard lock(stats_mutex_);
  ++stats_.reopened;
}

void Writer::CheckpointIfDue() {
  if (connection_ == nullptr) return;
  if (connection_->wal_pages() < static_cast<int>(options_.checkpoint_pages)) return;
  Failure failure;
  const bool whole = connection_->Checkpoint(&failure);
  // What is committed is in the WAL, wherever the copy broke off. A full disk: tried again later.
  if (failure.NeedsReopen()) return CloseDistrusted();
  const std::lock_guard lock(stats_mutex_);
  stats_.checkpoints += whole ? 1 : 0;
}

}  // namespace holdfast::inline v0_4::sqlite
