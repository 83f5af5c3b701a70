// SPDX-License-Identifier: Apache-2.0
// Writer: the one thread that touches the file.
//
//   take what is queued -> BEGIN IMMEDIATE -> each request by the table of c/record.h; joined work
//   inside a savepoint -> purge a little -> COMMIT (one fsync) -> answer all -> checkpoint if due
//
// Invariants:
//  - Nothing is answered before the transaction that it rests on has ended.
//  - A transaction that ends before COMMIT changed nothing: its plain requests run again, each alone, so
//    that one request's trouble is not its neighbours'. Users' work is never run twice.
//  - A sync that failed is never tried again on the same handle: what was to be committed is
//    INDETERMINATE, the file is closed as it is, and opened and replayed before the next request.
//  - A COMMIT that failed otherwise is read back after reopening; where that proves nothing, INDETERMINATE.
//  - No memory is needed between COMMIT and the answer, and want of memory before it changes nothing.
//  - Where the reserve is given up (reserve.h) no claim writes.
//
// Locking: none of its own but stats; the queue has one.
#ifndef HOLDFAST_ADAPTERS_SQLITE_WRITER_H_
#define HOLDFAST_ADAPTERS_SQLITE_WRITER_H_

#include <holdfast/sqlite/store.h>

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/queue.h"
#include "adapters/sqlite/record_table.h"
#include "adapters/sqlite/reserve.h"

namespace holdfast::inline v0_5::sqlite {

class Writer {
 public:
  // Options with their defaults filled in.
  Writer(Options options, std::shared_ptr<Queue> queue);
  ~Writer();  // the queue must be closed

  absl::Status Open();
  absl::Status Start();

  bool IsThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }
  Stats stats() const;

 private:
  // A transaction under way.
  struct Batch {
    std::vector<JobPtr> jobs;
    Failure lost;  // why it cannot be committed
    bool wrote = false;
    uint64_t added = 0;  // new records
    uint64_t erased = 0;
    uint64_t purged = 0;
    uint64_t joined = 0;
    bool purge_failed = false;
    bool asked_reserve = false;  // once for all claims of a batch
  };
  enum class Verdict { kCommitted, kNothing, kUnknown };

  void Loop();
  // `again`: its transaction was lost before.
  void RunBatch(JobPtr first, size_t limit, bool again);
  bool Begin(Batch* batch);
  void TidyUp(Batch* batch);
  Verdict Commit(Batch* batch);
  Verdict ReadBack(const Batch& batch);
  void Rollback();

  // Jobs that share a transaction.
  void RunJob(Batch* batch, const JobPtr& job);
  void Failed(Batch* batch, Job* job, const Failure& failure);
  void RunRequest(Batch* batch, Job* job);
  void RunJoinedJob(Batch* batch, Job* job);
  void RunWork(Job* job);
  bool SettleJoined(Batch* batch, Job* job, const StoredRow& stored);
  // Applies the request to what is stored, and writes what the table says.
  bool Apply(Batch* batch, Job* job, const StoredRow& stored);
  bool Refuses(Batch* batch, Job* job, bool exists);
  bool OverLimit(Batch* batch);

  // Jobs with a transaction of their own.
  void RunAlone(const JobPtr& job);
  void RunScript(const JobPtr& job);
  void RunTable(Job* job);
  void RunPurge(Job* job);
  bool BeginAlone(Job* job, const char* sql);
  bool CommitAlone(Job* job);

  void AnswerLost(Batch* batch);
  void AnswerUnknown(const Batch& batch);
  void AnswerQueued(std::span<const JobPtr> jobs, hf_store_status status, std::string_view detail);
  static void Answer(Job* job, hf_store_status status, std::string_view what,
                     std::string_view detail = {});
  void Finish(std::span<const JobPtr> jobs) { queue_->Finish(jobs); }
  void Finish(const JobPtr& job) { queue_->Finish({&job, 1}); }

  bool EnsureOpen();
  void CloseDistrusted();
  void CheckpointIfDue();
  void PlaceReserve();

  const Options options_;
  const std::shared_ptr<Queue> queue_;
  std::string file_;  // once opened
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<RecordTable> table_;
  Reserve reserve_;
  absl::Status open_status_;
  uint64_t records_ = 0;
  bool purges_ = true;
  std::thread thread_;

  mutable std::mutex stats_mutex_;
  Stats stats_;
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_WRITER_H_
