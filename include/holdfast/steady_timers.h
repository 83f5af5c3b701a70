// SPDX-License-Identifier: Apache-2.0
// SteadyTimers: alarms on the steady clock and one thread of their own, for who has neither Asio nor gRPC to ring them.
//
//   auto timers = holdfast::SteadyTimers::Create().value();
//   holdfast::RunOnceAsync(store, *timers, key, options, work, done);
//
// Alarms ring one after another in that thread: what they do must not block.
#ifndef HOLDFAST_STEADY_TIMERS_H_
#define HOLDFAST_STEADY_TIMERS_H_

#include <absl/status/statusor.h>
#include <holdfast/clock.h>
#include <holdfast/status.h>
#include <holdfast/timer_queue.h>
#include <holdfast/timers.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace holdfast::inline v0_5 {

// Thread-safe. Must outlive whatever waits on it, or is ended: see Alarm.
class SteadyTimers final : public Timers {
 public:
  // Errors: RESOURCE_EXHAUSTED HF_R_NO_MEMORY: no thread to be had.
  static absl::StatusOr<std::unique_ptr<SteadyTimers>> Create() {
    std::unique_ptr<SteadyTimers> timers(new SteadyTimers);
    try {
      timers->thread_ = std::thread([self = timers.get()] { self->Run(); });
    } catch (const std::system_error&) {
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_NO_MEMORY, "timers: no thread to be had");
    }
    return timers;
  }

  // Not in its own thread. What is still set is ended.
  ~SteadyTimers() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    while (Alarm* const left = PopAny()) End(*left);
  }

  // Throws std::bad_alloc.
  void Set(Alarm& alarm, hf_time at) override {
    const std::lock_guard lock(mutex_);
    queue_.Set(alarm, at);
    if (at < asleep_until_) changed_.notify_one();
  }

  bool Cancel(Alarm& alarm) override {
    const std::lock_guard lock(mutex_);
    return queue_.Cancel(alarm);
  }

 private:
  SteadyTimers() = default;

  // An alarm that is to end may be cancelled in another thread instead.
  Alarm* PopAny() {
    const std::lock_guard lock(mutex_);
    return queue_.PopDue(HF_INFINITE);
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const hf_time now = Clock::Steady().Now();
      if (Alarm* const due = queue_.PopDue(now)) {
        lock.unlock();
        Ring(*due);
        lock.lock();
        continue;
      }
      // An hour at a time keeps the arithmetic of the standard library far from its limits.
      asleep_until_ = std::min(queue_.Next(), now + 3600 * HF_S);
      changed_.wait_until(lock, std::chrono::steady_clock::time_point(Duration{asleep_until_}));
      asleep_until_ = 0;
    }
  }

  std::mutex mutex_;  // of all below but the thread
  std::condition_variable changed_;
  TimerQueue queue_;
  hf_time asleep_until_ = 0;  // 0: awake
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STEADY_TIMERS_H_
