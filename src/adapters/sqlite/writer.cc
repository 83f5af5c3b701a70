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

namespace holdfast::inline v0_5::sqlite {
namespace {

bool SameKey(const Job& a, const Job& b) {
  return std::equal(std::begin(a.request.key_id), std::end(a.request.key_id),
                    std::begin(b.request.key_id));
}

std::string_view WordsOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
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
  PlaceReserve();
  const std::lock_guard lock(stats_mutex_);
  stats_.records = records_;
  stats_.low_space = reserve_.low();
  return absl::OkStatus();
}

// A disk without space for it lets the store open all the same: what is begun is to be ended.
void Writer::PlaceReserve() {
  if (options_.multi_process || reserve_.placed()) return;
  sqlite3_vfs* vfs = nullptr;
  sqlite3_file_control(connection_->db(), "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  if (vfs == nullptr) return;
  reserve_.Place(vfs, file_ + "-reserve", options_.reserve_bytes);
  reserve_.Take();
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
      AnswerQueued({&job, 1}, StatusOfOpening(open_status_), WordsOf(open_status_));
    } else if (job->shared()) {
      RunBatch(std::move(job), options_.max_batch, false);
    } else {
      RunAlone(job);
    }
    CheckpointIfDue();
  }
  table_.reset();
  connection_.reset();
}

// --- One shared transaction ---------------------------------------------------------------------

void Writer::RunBatch(JobPtr first, size_t limit, bool again) {
  Batch batch;
  batch.asked_reserve = again;
  try {
    batch.jobs.reserve(limit);
  } catch (const std::bad_alloc&) {
    Answer(first.get(), HF_STORE_UNAVAILABLE, "out of memory");
    return Finish(first);
  }
  batch.jobs.push_back(std::move(first));
  if (!EnsureOpen()) {
    return AnswerQueued(batch.jobs, StatusOfOpening(open_status_), WordsOf(open_status_));
  }
  if (!Begin(&batch)) {
    Rollback();
    if (batch.lost.NeedsReopen()) CloseDistrusted();
    return AnswerQueued(batch.jobs, batch.lost.Before(), batch.lost.detail);
  }
  RunJob(&batch, batch.jobs.back());
  while (!batch.lost.failed() && batch.jobs.size() < limit) {
    JobPtr next = queue_->TryPopShared();
    if (next == nullptr) break;
    batch.jobs.push_back(std::move(next));
    RunJob(&batch, batch.jobs.back());
  }
  if (!batch.lost.failed()) TidyUp(&batch);
  switch (Commit(&batch)) {
    case Verdict::kCommitted:
      return Finish(batch.jobs);
    case Verdict::kNothing:
      return AnswerLost(&batch);
    case Verdict::kUnknown:
      return AnswerUnknown(batch);
  }
}

bool Writer::Begin(Batch* batch) {
  if (const int code = connection_->Begin()) {
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
    try {
      batch->lost = table_->Purge(options_.clock(), options_.purge_per_batch, &batch->purged);
    } catch (const std::bad_alloc&) {
      batch->lost = FailureOf(nullptr, SQLITE_NOMEM, "purge");
    }
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
  const int code = connection_->Commit();
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
    stats_.low_space = reserve_.low();
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
  if (batch->lost.SyncFailed() || !EnsureOpen()) return Verdict::kUnknown;
  try {
    return ReadBack(*batch);
  } catch (const std::bad_alloc&) {
    connection_->ResetStrays();
    return Verdict::kUnknown;
  }
}

// All of a transaction is there or nothing: one record that only this transaction can have changed
// tells. One that several of its requests changed may be back where it was.
Writer::Verdict Writer::ReadBack(const Batch& batch) {
  for (const JobPtr& job : batch.jobs) {
    if (!job->wrote) continue;
    if (!job->erased && job->existed && job->sum_before == job->sum_after) continue;
    const auto others =
        std::count_if(batch.jobs.begin(), batch.jobs.end(),
                      [&](const JobPtr& other) { return other->wrote && SameKey(*other, *job); });
    if (others > 1) continue;
    StoredRow stored;
    if (table_->Find(job->request.key_id, &stored).failed() || stored.damaged) continue;
    const bool there = job->erased ? !stored.exists : stored.exists && stored.sum == job->sum_after;
    return there ? Verdict::kCommitted : Verdict::kNothing;
  }
  return Verdict::kUnknown;
}

void Writer::Rollback() {
  if (connection_ == nullptr) return;
  connection_->ResetStrays();
  if (connection_->InTransaction()) connection_->Rollback();
  table_->RolledBack();
  if (connection_->InTransaction()) CloseDistrusted();  // which rolls back what cannot be otherwise
}

// --- Answers -------------------------------------------------------------------------------------

void Writer::Answer(Job* job, hf_store_status status, std::string_view what,
                    std::string_view detail) {
  job->reply = StoreReply{};
  job->reply.raw.status = status;
  try {
    job->reply.detail.append(what).append(detail);
    if (!job->shared()) job->status = ToStatus(status, job->reply.detail);
  } catch (const std::bad_alloc&) {
    job->reply.detail.clear();
    if (!job->shared()) job->status = absl::Status(absl::StatusCode::kUnavailable, "");
  }
}

// Nothing of the batch is in the file. Plain requests run again, each alone, where that may help.
void Writer::AnswerLost(Batch* batch) {
  const bool gave_room = batch->lost.Before() == HF_STORE_FULL && reserve_.Release();
  if (gave_room) CheckpointIfDue();
  const bool alone = batch->jobs.size() == 1;
  for (JobPtr& job : batch->jobs) {
    const bool plain = job->kind == Job::Kind::kRequest;
    if (plain && (!alone || batch->purge_failed || gave_room)) {
      job->wrote = false;
      job->reply = StoreReply{};
      RunBatch(std::move(job), 1, true);
      continue;
    }
    // Work that refused or threw has said all there is to say.
    if (job->status.ok() && job->thrown == nullptr) {
      const bool own = alone && !batch->purge_failed;
      Answer(job.get(), own ? batch->lost.Before() : hf_store_status{HF_STORE_UNAVAILABLE},
             own ? "" : "rolled back with others: ", batch->lost.detail);
    }
    Finish(job);
  }
}

void Writer::AnswerUnknown(const Batch& batch) {
  for (const JobPtr& job : batch.jobs) {
    if (!job->status.ok() || job->thrown != nullptr) continue;  // rolled back before
    const bool plain = job->kind == Job::Kind::kRequest;
    const bool asked_only = plain ? job->request.verb == HF_STORE_READ : !job->wrote;
    Answer(job.get(), asked_only ? HF_STORE_UNAVAILABLE : HF_STORE_INDETERMINATE, "",
           batch.lost.detail);
  }
  Finish(batch.jobs);
}

// The file cannot be used now: so say all who wait, rather than try it once for each. Those who come while
// these are answered are tried.
void Writer::AnswerQueued(std::span<const JobPtr> jobs, hf_store_status status,
                          std::string_view detail) {
  size_t waiting = queue_->size();
  for (const JobPtr& job : jobs) Answer(job.get(), status, detail);
  Finish(jobs);
  while (waiting-- > 0) {
    const JobPtr job = queue_->TryPop();
    if (job == nullptr) return;
    Answer(job.get(), status, detail);
    Finish(job);
  }
}

// --- The file -----------------------------------------------------------------------------------

bool Writer::EnsureOpen() {
  if (connection_ != nullptr) return true;
  try {
    open_status_ = Open();
  } catch (const std::bad_alloc&) {
    open_status_ = absl::Status(absl::StatusCode::kUnavailable, "");
  }
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
  // On a full disk the log must not grow any more: it begins anew with every commit.
  const int most = reserve_.low() ? 1 : static_cast<int>(options_.checkpoint_pages);
  if (connection_->wal_pages() < most) return;
  Failure failure;
  const bool whole = connection_->Checkpoint(&failure);
  // What is committed is in the WAL, wherever the copy broke off. A full disk: tried again later.
  if (failure.NeedsReopen()) return CloseDistrusted();
  const std::lock_guard lock(stats_mutex_);
  stats_.checkpoints += whole ? 1 : 0;
}

}  // namespace holdfast::inline v0_5::sqlite
