// SPDX-License-Identifier: Apache-2.0
// Queue: what callers hand to the writer thread, and how they wait for it.
//
//   kQueued -> kRunning -> kReleased -> kDone     by the writer
//   kQueued -> kTakenBack                         by a caller whose time is over: nothing happened
//   kReleased -> given up by the caller           it may happen: the job is then the writer's alone
//
// A job whose work is a caller's function cannot be given up while it runs: the function lives on the
// caller's stack. Plain requests own copies of all they need and are released as soon as they run.
// The caller and the writer share a job, so neither has to outlive the other.
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
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v0_4::sqlite {

using Deadline = std::chrono::steady_clock::time_point;

struct Job {
  enum class Kind { kRequest, kJoined, kSetup, kRead };
  enum class Phase { kQueued, kRunning, kReleased, kDone, kTakenBack };

  explicit Job(Kind kind_of_job) : kind(kind_of_job) {}
  // May share a transaction with others.
  bool shared() const { return kind == Kind::kRequest || kind == Kind::kJoined; }

  const Kind kind;
  Deadline deadline;

  // What to do. Of a plain request the body is copied; work, claim and script are the caller's.
  StoreRequest request{};
  std::string request_body;
  const Work* work = nullptr;
  uint32_t max_body = 0;
  const Script* script = nullptr;

  // What came out: written by the writer before kDone, read by the caller after.
  StoreReply reply;
  absl::Status status;
  std::string output;
  bool truncated = false;
  std::exception_ptr thrown;

  // What the running transaction changed for this key, for reading back whether it was committed.
  bool wrote = false;
  bool existed = false;
  hf_record before{};  // without bodies
  hf_record after{};   // state ABSENT: erased

  Phase phase = Phase::kQueued;
  std::condition_variable changed;
};

using JobPtr = std::shared_ptr<Job>;

class Queue {
 public:
  Queue(size_t max_jobs, size_t max_bytes) : max_jobs_(max_jobs), max_bytes_(max_bytes) {}

  // Callers. Push: OK, or OVERLOADED or UNAVAILABLE (closed) with nothing queued.
  hf_store_status Push(const JobPtr& job);
  // Waits until the job is done (OK: read its result), or its time is over: UNAVAILABLE, taken back from
  // the queue, or INDETERMINATE, given up `settle` later.
  hf_store_status Wait(const JobPtr& job, Duration settle);

  // The writer. Blocks for the first job; null once closed and empty.
  JobPtr WaitPop();
  // The next job, if there is one that may share a transaction.
  JobPtr TryPopShared();
  // All that wait now: not those who come while these are answered.
  std::vector<JobPtr> TakeAll();
  void Release(const JobPtr& job);
  void Finish(std::span<const JobPtr> jobs);

  void Close();
  size_t size();

 private:
  JobPtr PopFront();

  const size_t max_jobs_;
  const size_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<JobPtr> jobs_;
  size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace holdfast::inline v0_4::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_QUEUE_H_
