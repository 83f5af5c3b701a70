// SPDX-License-Identifier: Apache-2.0
// One thread that sleeps until the first alarm of a queue.
//
// Invariant: while the thread sleeps, it does so until queue_.Next() or earlier; whoever puts an earlier alarm
// in wakes it.
#include <holdfast/clock.h>
#include <holdfast/grpc/timers.h>
#include <holdfast/timer_queue.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace holdfast::inline v0_5::grpc {
namespace {

class ThreadTimers final : public Timers {
 public:
  ThreadTimers() {
    std::thread([this] { Run(); }).detach();
  }

  void Set(Alarm& alarm, hf_time at) override {
    const std::lock_guard lock(mutex_);
    const hf_time next = queue_.Next();
    queue_.Set(alarm, at);
    if (at < next) earlier_.notify_one();
  }

  bool Cancel(Alarm& alarm) override {
    const std::lock_guard lock(mutex_);
    return queue_.Cancel(alarm);
  }

 private:
  [[noreturn]] void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      const hf_time now = Clock::Steady().Now();
      if (Alarm* const due = queue_.PopDue(now); due != nullptr) {
        lock.unlock();
        Ring(*due);
        lock.lock();
        continue;
      }
      Sleep(lock, now);
    }
  }

  void Sleep(std::unique_lock<std::mutex>& lock, hf_time now) {
    // A year at a time keeps the arithmetic of the standard library far from its limits.
    constexpr hf_duration kYear = 365 * 24 * 3600 * HF_S;
    const hf_time next = queue_.Next();
    const hf_time until = next - now > kYear ? now + kYear : next;
    earlier_.wait_until(lock, std::chrono::steady_clock::time_point(Duration{until}));
  }

  std::mutex mutex_;
  std::condition_variable earlier_;
  TimerQueue queue_;
};

}  // namespace

Timers& ProcessTimers() {
  // Never destroyed: its thread never ends.
  static ThreadTimers& timers = *new ThreadTimers;
  return timers;
}

}  // namespace holdfast::inline v0_5::grpc
