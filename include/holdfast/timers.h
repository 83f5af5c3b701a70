// SPDX-License-Identifier: Apache-2.0
// Timers: how a driver without a thread of its own waits for a point in time.
//
// An operation that may have to wait holds an Alarm, and sets it in the Timers of whoever will wake it: an
// Asio executor's, gRPC's, or a test's virtual time. Setting and cancelling an alarm must cost next to nothing,
// because most are cancelled: a call that succeeds never needed its timeout. So no implementation arms
// a timer of the operating system for each: they keep a TimerQueue (timer_queue.h) and arm one late, for the first.
#ifndef HOLDFAST_TIMERS_H_
#define HOLDFAST_TIMERS_H_

#include <holdfast/c/base.h>

#include <cstdint>

namespace holdfast::inline v0_5 {

class TimerQueue;

// Something that waits for one point in time. Must outlive its waiting: whoever destroys one that is set must
// have cancelled it, with true, or wait for OnTime.
class Alarm {
 public:
  Alarm() = default;
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 protected:
  ~Alarm() = default;

 private:
  friend class TimerQueue;
  friend class Timers;
  // Once for each Set that was not cancelled, with no lock held, wherever Timers runs its alarms. May set
  // it again, and may destroy it.
  virtual void OnTime() = 0;
  // Instead of OnTime: the Timers ends, and nothing will ever ring. For whoever is owned by nobody else
  // while waiting, to destroy itself.
  virtual void OnEnd() {}

  uint32_t place_ = 0;  // in the queue, from 1; 0: it is not set
};

// Thread-safe, for one alarm too. So taking an alarm off is also how those who could wake its owner agree on
// who does: of all Cancels and the ringing itself, exactly one gets it.
class Timers {
 public:
  virtual ~Timers() = default;
  // OnTime at `at` on the steady clock (HF_INFINITE: never), at once if that has passed, but never
  // before this returns. An alarm that is set already is moved.
  virtual void Set(Alarm& alarm, hf_time at) = 0;
  // True: it was set, and will not ring. False: it was not set, or it is ringing, or about to.
  virtual bool Cancel(Alarm& alarm) = 0;

 protected:
  static void Ring(Alarm& alarm) { alarm.OnTime(); }
  static void End(Alarm& alarm) { alarm.OnEnd(); }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_TIMERS_H_
