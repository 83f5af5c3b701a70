// SPDX-License-Identifier: Apache-2.0
// See queue.h.
#include "adapters/sqlite/queue.h"

#include <algorithm>
#include <new>
#include <utility>

namespace holdfast::inline v0_5::sqlite {
namespace {

// Waits until `ready`, or the deadline; a deadline at the end of time is none.
template <typename Ready>
bool WaitBy(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, Deadline deadline,
            Ready ready) {
  if (deadline == Deadline::max()) {
    changed.wait(lock, ready);
    return true;
  }
  return changed.wait_until(lock, deadline, ready);
}

Deadline Later(Deadline now, Duration delay) {
  return delay > Deadline::max() - now ? Deadline::max() : now + delay;
}

}  // namespace

size_t Queue::Push(std::span<const JobPtr> jobs, hf_store_status* why) {
  const std::lock_guard lock(mutex_);
  size_t queued = 0;
  *why = HF_STORE_OK;
  while (queued < jobs.size() && (*why = PushOne(jobs[queued])) == HF_STORE_OK) ++queued;
  if (queued > 0) filled_.notify_one();
  return queued;
}

hf_store_status Queue::PushOne(const JobPtr& job) {
  if (closed_) return HF_STORE_UNAVAILABLE;
  const size_t bytes = job->bytes.size();
  // A body above the limit goes alone: what it settles has happened, and waiting would not shrink it.
  const bool overfull = bytes_ > 0 && bytes_ + bytes > max_bytes_;
  if (jobs_.size() >= max_jobs_ || overfull) return HF_STORE_OVERLOADED;
  try {
    jobs_.push_back(job);
  } catch (const std::bad_alloc&) {
    return HF_STORE_OVERLOADED;
  }
  bytes_ += bytes;
  return HF_STORE_OK;
}

hf_store_status Queue::Wait(const JobPtr& job, Duration settle) {
  using Phase = Job::Phase;
  std::unique_lock lock(mutex_);
  const auto done = [&] { return job->phase == Phase::kDone; };
  if (WaitBy(job->changed, lock, job->deadline, done)) return HF_STORE_OK;
  if (job->phase == Phase::kQueued) {
    const auto place = std::find(jobs_.begin(), jobs_.end(), job);
    bytes_ -= job->bytes.size();
    jobs_.erase(place);
    job->phase = Phase::kTakenBack;
    return HF_STORE_UNAVAILABLE;
  }
  job->changed.wait(lock, [&] { return job->phase != Phase::kRunning; });
  const Deadline last = Later(std::chrono::steady_clock::now(), settle);
  return WaitBy(job->changed, lock, last, done) ? HF_STORE_OK : HF_STORE_INDETERMINATE;
}

JobPtr Queue::WaitPop() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
  return jobs_.empty() ? nullptr : PopFront();
}

JobPtr Queue::TryPopShared() {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() || !jobs_.front()->shared() ? nullptr : PopFront();
}

JobPtr Queue::TryPop() {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() ? nullptr : PopFront();
}

JobPtr Queue::PopFront() {
  JobPtr job = std::move(jobs_.front());
  jobs_.pop_front();
  bytes_ -= job->bytes.size();
  const bool borrows = job->kind != Job::Kind::kRequest;
  job->phase = borrows ? Job::Phase::kRunning : Job::Phase::kReleased;
  return job;
}

void Queue::Release(const JobPtr& job) {
  const std::lock_guard lock(mutex_);
  job->phase = Job::Phase::kReleased;
  job->changed.notify_one();
}

void Queue::Finish(std::span<const JobPtr> jobs) {
  {
    const std::lock_guard lock(mutex_);
    for (const JobPtr& job : jobs) {
      job->phase = Job::Phase::kDone;
      if (job->waiter == nullptr) job->changed.notify_one();
    }
  }
  for (const JobPtr& job : jobs) {
    if (job->waiter != nullptr) job->waiter->OnReply(std::move(job->reply));
  }
}

size_t Queue::size() {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Queue::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  filled_.notify_one();
}

}  // namespace holdfast::inline v0_5::sqlite
