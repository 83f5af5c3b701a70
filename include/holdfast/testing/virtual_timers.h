// SPDX-License-Identifier: Apache-2.0
// VirtualTimers: alarms on a VirtualClock, so that a driver without a thread of its own runs in virtual time.
//
//   VirtualClock clock;
//   VirtualTimers timers(clock);
//   asio::Call(pipeline, {.clock = &clock, .timers = &timers}, fn, token);
//   RunVirtually(context, clock);
//
// Alarms ring in whatever thread moves the clock. Thread-safe.
#ifndef HOLDFAST_TESTING_VIRTUAL_TIMERS_H_
#define HOLDFAST_TESTING_VIRTUAL_TIMERS_H_

#include <holdfast/testing/virtual_clock.h>
#include <holdfast/timer_queue.h>
#include <holdfast/timers.h>

#include <cstddef>
#include <mutex>

namespace holdfast::inline v0_5::testing {

class VirtualTimers final : public Timers {
 public:
  // The clock must outlive it.
  explicit VirtualTimers(VirtualClock& clock) : clock_(clock) {}
  // What is still set is ended, as by a context that goes.
  ~VirtualTimers() override {
    while (Alarm* const left = PopDue(HF_INFINITE)) End(*left);
  }

  void Set(Alarm& alarm, hf_time at) override {
    const std::lock_guard lock(mutex_);
    queue_.Set(alarm, at);
    Schedule();
  }

  bool Cancel(Alarm& alarm) override {
    const std::lock_guard lock(mutex_);
    const bool was_set = queue_.Cancel(alarm);
    Schedule();
    return was_set;
  }

  // Alarms that are set.
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  // Under the lock. One event for the first alarm: the clock must not run on to what was cancelled.
  void Schedule() {
    if (queue_.Next() == event_.first) return;
    clock_.Cancel(event_);
    event_.first = queue_.Next();
    if (event_.first != HF_INFINITE) event_ = clock_.At(event_.first, [this] { RingDue(); });
  }

  void RingDue() {
    const hf_time now = clock_.Now();
    {
      const std::lock_guard lock(mutex_);
      event_ = kNone;
    }
    while (Alarm* const due = PopDue(now)) Ring(*due);
  }

  Alarm* PopDue(hf_time now) {
    const std::lock_guard lock(mutex_);
    Alarm* const due = queue_.PopDue(now);
    Schedule();
    return due;
  }

  static constexpr VirtualClock::Event kNone{HF_INFINITE, 0};

  VirtualClock& clock_;
  mutable std::mutex mutex_;  // of all below
  TimerQueue queue_;
  VirtualClock::Event event_ = kNone;  // for the first alarm
};

// Runs what is ready, then moves the clock to its next event, until there is neither. `context` is a
// boost::asio::io_context, or what looks like one.
template <class Context>
void RunVirtually(Context& context, VirtualClock& clock) {
  do {
    context.restart();
    context.poll();
  } while (clock.RunNext());
}

}  // namespace holdfast::inline v0_5::testing

#endif  // HOLDFAST_TESTING_VIRTUAL_TIMERS_H_
