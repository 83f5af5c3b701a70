// SPDX-License-Identifier: Apache-2.0
// Store::Impl: the queue, the writer behind it, and the ways to hand it a job and wait.
//
// Invariant: nobody waits on the writer thread, which would wait for itself.
#ifndef HOLDFAST_ADAPTERS_SQLITE_STORE_IMPL_H_
#define HOLDFAST_ADAPTERS_SQLITE_STORE_IMPL_H_

#include <holdfast/sqlite/store.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "adapters/sqlite/queue.h"
#include "adapters/sqlite/writer.h"

namespace holdfast::inline v0_5::sqlite {

// Why a job was not run, or nothing is known of it: nothing of the job may be read then, the writer may still
// be at it.
struct Refusal {
  hf_store_status status = HF_STORE_OK;
  const char* detail = "";
};

// Never throws: the words are left out where there is no memory for them.
inline StoreReply ReplyOf(const Refusal& refusal) noexcept {
  StoreReply reply;
  reply.raw.status = refusal.status;
  try {
    reply.detail = refusal.detail;
  } catch (const std::bad_alloc&) {
  }
  return reply;
}

class Store::Impl {
 public:
  explicit Impl(const Options& options)
      : options_(options),
        queue_(std::make_shared<Queue>(options.max_queue, options.max_queue_bytes)),
        writer_(options, queue_) {}
  ~Impl() { queue_->Close(); }  // the writer then drains it and ends

  absl::Status Start() {
    if (absl::Status status = writer_.Open(); !status.ok()) return status;
    return writer_.Start();
  }

  // A job for the request, or a reply that says what is wrong with it.
  StoreReply Prepare(const StoreRequest& request, JobPtr* made) const;

  Deadline DeadlineOf(Duration timeout) const {
    if (timeout.count() == 0) timeout = options_.default_timeout;
    return Later(std::chrono::steady_clock::now(), timeout);
  }
  // Until when a transaction that is under way at the deadline is waited for.
  Deadline LastOf(Deadline deadline) const { return Later(deadline, options_.settle_timeout); }

  Refusal CheckCaller() const {
    if (!writer_.IsThisThread()) return {};
    return {HF_STORE_UNAVAILABLE, "called from work that runs inside this store"};
  }

  // Queues the jobs, in order; `queued` (may be null) of them, and why not the next one.
  Refusal Enqueue(std::span<const JobPtr> jobs, size_t* queued) {
    hf_store_status why = HF_STORE_OK;
    const size_t count = queue_->Push(jobs, &why);
    if (queued != nullptr) *queued = count;
    switch (why) {
      case HF_STORE_OK:
        return {};
      case HF_STORE_OVERLOADED:
        return {HF_STORE_OVERLOADED, "too many requests wait"};
      default:
        return {HF_STORE_UNAVAILABLE, "the store is closing"};
    }
  }

  Refusal Wait(const JobPtr& job, Duration settle) {
    const std::shared_ptr<Queue> queue = queue_;
    switch (queue->Wait(job, settle)) {
      case HF_STORE_OK:
        return {};
      case HF_STORE_UNAVAILABLE:
        return {HF_STORE_UNAVAILABLE, "the timeout ended while the request was queued"};
      default:
        return {HF_STORE_INDETERMINATE, "the timeout ended while the commit was under way"};
    }
  }

  // Hands the job over and waits. OK: the job is done, read its result.
  Refusal Do(const JobPtr& job, Duration timeout) {
    if (const Refusal refusal = CheckCaller(); refusal.status != HF_STORE_OK) return refusal;
    job->deadline = DeadlineOf(timeout);
    const Refusal refusal = Enqueue({&job, 1}, nullptr);
    return refusal.status == HF_STORE_OK ? Wait(job, options_.settle_timeout) : refusal;
  }

  StoreReply Run(const JobPtr& job, Duration timeout) {
    const Refusal refusal = Do(job, timeout);
    if (refusal.status != HF_STORE_OK) return ReplyOf(refusal);
    return std::move(job->reply);
  }

  // As the end of Run, for one of several jobs.
  StoreReply Await(const JobPtr& job, Deadline last) {
    const Deadline now = std::chrono::steady_clock::now();
    const Refusal refusal = Wait(job, last > now ? last - now : Duration{0});
    if (refusal.status != HF_STORE_OK) return ReplyOf(refusal);
    return std::move(job->reply);
  }

  // Runs a job that answers with a status.
  absl::Status Status(const JobPtr& job, Duration timeout) {
    const Refusal refusal = Do(job, timeout);
    if (refusal.status != HF_STORE_OK) return ToStatus(refusal.status, refusal.detail);
    if (job->thrown != nullptr) std::rethrow_exception(job->thrown);
    return std::move(job->status);
  }

  absl::Status RunScript(Job::Kind kind, const Script& script, Duration timeout) {
    const auto job = std::make_shared<Job>(kind);
    job->script = &script;
    return Status(job, timeout);
  }

  absl::Status RunTable(const TableWork& work, Duration timeout) {
    const auto job = std::make_shared<Job>(Job::Kind::kTable);
    job->table_work = &work;
    return Status(job, timeout);
  }

  const Options& options() const { return options_; }
  Stats stats() const { return writer_.stats(); }

 private:
  static Deadline Later(Deadline now, Duration delay) {
    return delay > Deadline::max() - now ? Deadline::max() : now + delay;
  }

  const Options options_;
  const std::shared_ptr<Queue> queue_;
  Writer writer_;
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_STORE_IMPL_H_
