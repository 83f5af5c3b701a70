// SPDX-License-Identifier: Apache-2.0
// Clock: where a driver takes `now` from, and how a thread of it waits.
//
// Policy time is steady time only. On Linux that is CLOCK_MONOTONIC, which stands still while the machine
// is suspended: deadlines and leases do not run during suspend; a store's own clock still does.
// Tests use testing::VirtualClock.
#ifndef HOLDFAST_CLOCK_H_
#define HOLDFAST_CLOCK_H_

#include <holdfast/c/base.h>
#include <holdfast/status.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace holdfast::inline v0_5 {

// A point in steady time, as the C ABI has it.
inline hf_time ToTime(std::chrono::steady_clock::time_point point) {
  return std::chrono::duration_cast<Duration>(point.time_since_epoch()).count();
}

// `from` + `duration`, held at the end of time. Negative durations are kept as they are.
inline hf_time AddTime(hf_time from, Duration duration) {
  if (duration.count() > HF_INFINITE - from) return HF_INFINITE;
  return from + duration.count();
}

// What a waiting thread listens to. Wake may come from any thread, before or during the wait; one Wake
// ends one wait. Thread-safe.
class Wakeup {
 public:
  void Wake() {
    // Notified under the lock: the waiter may destroy this object as soon as it sees the flag.
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }

  // True if a Wake came since the last Take.
  bool Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(woken_, false);
  }

  // Waits on the real steady clock. True if woken.
  bool WaitUntil(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [this] { return woken_; });
    return std::exchange(woken_, false);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

// Thread-safe. Implementations must never step back.
class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds, not negative.
  virtual hf_time Now() = 0;
  // Returns at `until` (HF_INFINITE: never by itself), or earlier once `wakeup` is woken. True if woken.
  virtual bool WaitUntil(hf_time until, Wakeup& wakeup) = 0;

  // The process's steady clock; lives for ever.
  static Clock& Steady();
};

class SteadyClock final : public Clock {
 public:
  hf_time Now() override { return ToTime(std::chrono::steady_clock::now()); }
  bool WaitUntil(hf_time until, Wakeup& wakeup) override {
    // A year at a time keeps the arithmetic of the standard library far from its limits.
    constexpr hf_duration kYear = 365 * 24 * 3600 * HF_S;
    const hf_time now = Now();
    const hf_time bounded = until - now > kYear ? now + kYear : until;
    return wakeup.WaitUntil(std::chrono::steady_clock::time_point(Duration{bounded}));
  }
};

inline Clock& Clock::Steady() {
  // Never destroyed: other statics may tell the time in their destructors.
  static SteadyClock& clock = *new SteadyClock;
  return clock;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CLOCK_H_
