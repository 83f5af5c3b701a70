// SPDX-License-Identifier: Apache-2.0
// Queue: what callers hand to the writer thread, and how they wait for it.
//
//   kQueued -> kRunning -> kReleased -> kDone     by the writer
//   kQueued -> kTakenBack                         by a caller whose time is over: nothing happened
//   kReleased -> given up by the caller           it may happen: the job is then the writer's alone
//
// A job whose work is a caller's function cannot be given up while it runs: the function lives on the
// caller's stack. Plain requests own copies of all they need and are released as soon as they run.
// The caller and the writer share a job, so neither has to outlive the other. A job with a waiter has no
// caller to wait for it: whoever ends it tells the waiter.
//
// Locking: one mutex over queue and phases; no user code and no SQLite under it.
#ifndef HOLDFAST_ADAPTERS_SQLITE_QUEUE_H_
#define HOLDFAST_ADAPTERS_SQLITE_QUEUE_H_

#include <holdfast/sqlite/store.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "adapters/sqlite/failure.h"
#include "adapters/sqlite/record_row.h"

namespace holdfast::inline v0_5::sqlite {

class RecordTable;

using Deadline = std::chrono::steady_clock::time_point;

// What operators' calls do with the table, in a transaction that only reads.
using TableWork = std::function<Failure(RecordTable&)>;

struct Job {
  enum class Kind { kRequest, kJoined, kSetup, kRead, kTable, kPurge };
  enum class Phase { kQueued, kRunning, kReleased, kDone, kTakenBack };

  explicit Job(Kind kind_of_job) : kind(kind_of_job) {}
  // May share a transaction with others.
  bool shared() const { return kind == Kind::kRequest || kind == Kind::kJoined; }

  const Kind kind;
  Deadline deadline;

  // What to do. Of a plain request body and label are copied; work and scripts are the caller's.
  StoreRequest request{};
  std::string bytes;  // body, then label
  std::optional<AuditNote> note;
  StoreWaiter* waiter = nullptr;
  const Work* work = nullptr;
  uint32_t max_body = 0;
  const Script* script = nullptr;
  const TableWork* table_work = nullptr;
  uint32_t limit = 0;  // of a purge

  // What came out: written by the writer before kDone, read by the caller after.
  StoreReply reply;
  absl::Status status;
  std::string output;
  bool truncated = false;
  uint64_t count = 0;
  std::exception_ptr thrown;

  // What the running transaction changed for this key, for reading back whether it was committed.
  bool wrote = false;
  bool existed = false;
  bool erased = false;
  Sum sum_before{};
  Sum sum_after{};

  Phase phase = Phase::kQueued;
  std::condition_variable changed;
};

using JobPtr = std::shared_ptr<Job>;

class Queue {
 public:
  Queue(size_t max_jobs, size_t max_bytes) : max_jobs_(max_jobs), max_bytes_(max_bytes) {}

  // Callers. Push: how many of the jobs are queued, the first ones; `why` says why not the next: OVERLOADED, or
  // UNAVAILABLE (closed). Nobody else's come between.
  size_t Push(std::span<const JobPtr> jobs, hf_store_status* why);
  // Waits until the job is done (OK: read its result), or its time is over: UNAVAILABLE, taken back from
  // the queue, or INDETERMINATE, given up `settle` later.
  hf_store_status Wait(const JobPtr& job, Duration settle);

  // The writer. Blocks for the first job; null once closed and empty.
  JobPtr WaitPop();
  // The next job, if there is one that may share a transaction.
  JobPtr TryPopShared();
  // The next job, or null.
  JobPtr TryPop();
  void Release(const JobPtr& job);
  // Ends the jobs, and tells their waiters, outside the lock.
  void Finish(std::span<const JobPtr> jobs);

  void Close();
  size_t size();

 private:
  hf_store_status PushOne(const JobPtr& job);
  JobPtr PopFront();

  const size_t max_jobs_;
  const size_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<JobPtr> jobs_;
  size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_QUEUE_H_
