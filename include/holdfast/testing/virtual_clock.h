// SPDX-License-Identifier: Apache-2.0
// VirtualClock: time that moves only when somebody moves it, or waits for it.
//
//   VirtualClock clock;
//   clock.After(50ms, [&] { dependency.Recover(); });
//   Call(pipeline, {.clock = &clock}, fn);     // a week of outage takes a millisecond
//   clock.elapsed();
//
// A wait runs what is scheduled until then, in order of time, and jumps to its end; it ends early where
// something woke it. So a test on one thread is the same in every run. Thread-safe: with several threads,
// any wait moves the time of all.
#ifndef HOLDFAST_TESTING_VIRTUAL_CLOCK_H_
#define HOLDFAST_TESTING_VIRTUAL_CLOCK_H_

#include <holdfast/clock.h>
#include <holdfast/status.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

namespace holdfast::inline v0_5::testing {

class VirtualClock final : public Clock {
 public:
  // Starts above 0, so that 0 stays what it is elsewhere: no time at all.
  explicit VirtualClock(hf_time start = HF_S) : start_(start), now_(start) {}

  hf_time Now() override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  bool WaitUntil(hf_time until, Wakeup& wakeup) override {
    do {
      if (wakeup.Take()) return true;
    } while (RunNext(until));
    if (until == HF_INFINITE) {
      // Nothing here will ever end this wait: another thread must.
      while (!wakeup.WaitUntil(std::chrono::steady_clock::now() + std::chrono::hours(1))) {
      }
      return true;
    }
    JumpTo(until);
    return false;
  }

  // Moves time on, and runs what is scheduled on the way.
  void Advance(Duration by) {
    const hf_time until = AddTime(Now(), by);
    while (RunNext(until)) {
    }
    JumpTo(until);
  }

  // What is scheduled, for Cancel.
  using Event = std::pair<hf_time, uint64_t>;

  // Runs `event` when time gets there, in whatever thread moves it, with no lock held.
  Event At(hf_time when, std::function<void()> event) {
    const std::lock_guard lock(mutex_);
    const Event key{when, ++scheduled_};
    events_.emplace(key, std::move(event));
    return key;
  }
  // Nothing if it has begun.
  void Cancel(const Event& event) {
    const std::lock_guard lock(mutex_);
    events_.erase(event);
  }
  void After(Duration delay, std::function<void()> event) {
    At(AddTime(Now(), delay), std::move(event));
  }

  // Jumps to the next event and runs it. False if there is none.
  bool RunNext() { return RunNext(HF_INFINITE); }

  // Since the start.
  Duration elapsed() {
    const std::lock_guard lock(mutex_);
    return Duration{now_ - start_};
  }

 private:
  // Runs the first event that is due by `until`. False if there is none.
  bool RunNext(hf_time until) {
    std::function<void()> event;
    {
      const std::lock_guard lock(mutex_);
      if (events_.empty() || events_.begin()->first.first > until) return false;
      now_ = std::max(now_, events_.begin()->first.first);
      event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
    }
    event();
    return true;
  }

  void JumpTo(hf_time until) {
    const std::lock_guard lock(mutex_);
    now_ = std::max(now_, until);
  }

  const hf_time start_;
  std::mutex mutex_;
  hf_time now_;
  uint64_t scheduled_ = 0;
  std::map<Event, std::function<void()>> events_;
};

}  // namespace holdfast::inline v0_5::testing

#endif  // HOLDFAST_TESTING_VIRTUAL_CLOCK_H_
