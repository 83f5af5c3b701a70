// SPDX-License-Identifier: Apache-2.0
// KeyWait: how an operation without a thread waits for a busy key: for a time, for whoever frees the key, or for its
// own cancellation, whichever comes first. For drivers only.
//
// An alarm and a waiter are out, and each of them is taken off by exactly one: by its own ringing, or by whoever came
// first. So everything that may still touch the operation can be counted, and the last one goes on:
//
//   party      arrives
//   starter    when all is set up
//   alarm      when it rang; or was taken off by the waiter, by Stop or by a starter that came too late
//   waiter     when it was woken; or left, because of the alarm. Absent where there are no Waiters
//
// Invariant: after its own arrival a party touches nothing, for the operation may be gone.
#ifndef HOLDFAST_KEY_WAIT_H_
#define HOLDFAST_KEY_WAIT_H_

#include <holdfast/timers.h>
#include <holdfast/waiters.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace holdfast::inline v0_5::internal {

// One wait at a time. Pinned.
class KeyWait final : public Alarm, public KeyWaiter {
 public:
  // What goes on after the wait, in any thread. It owns itself while the wait lasts.
  class Owner {
   public:
    virtual void OnWaited() = 0;
    // The timers have ended, and nothing will ever ring: the operation is to destroy itself.
    virtual void OnTimersGone() = 0;

   protected:
    ~Owner() = default;
  };

  // What to wait for.
  struct For {
    hf_time until;
    Waiters* waiters = nullptr;  // null: for the time alone
    WaitKey key{};
    uint32_t epoch = 0;
    const std::atomic<bool>* stop = nullptr;  // true: whoever set it may have called Stop too early
  };

  // Unless the answer is kWaiting the owner is not called.
  Waiters::Joined Begin(Timers& timers, const For& what, Owner& owner) {
    owner_ = &owner;
    waiters_ = what.waiters;
    woken_.store(false);
    gone_.store(false);
    timers_.store(&timers);
    missing_.store(waiters_ == nullptr ? 2 : 3);
    if (waiters_ != nullptr) {
      const Waiters::Joined joined = waiters_->Join(*this, what.key, what.epoch);
      if (joined != Waiters::Joined::kWaiting) return joined;
    }
    timers.Set(*this, what.until);
    if (woken_.load() && TakeAlarm()) Arrive(1);
    if (what.stop != nullptr && what.stop->load()) Stop();
    Arrive(1);
    return Waiters::Joined::kWaiting;
  }

  // In any thread while the operation is there: ends the wait, if there is one.
  void Stop() {
    if (Halt()) Halted();
  }
  // Likewise in two steps: after the first, if it is true, nothing goes on before the second.
  bool Halt() { return TakeAlarm(); }
  void Halted() { ArriveAlarm(); }

  // After the wait: the key may be free, and it is not just time that has passed.
  bool woken() const { return woken_.load(); }

 private:
  // Counted, for timers that end wait until nobody is inside them any more.
  bool TakeAlarm() {
    inside_.fetch_add(1);
    Timers* const timers = timers_.load();
    const bool taken = timers != nullptr && timers->Cancel(*this);
    inside_.fetch_sub(1);
    return taken;
  }

  void OnTime() override { ArriveAlarm(); }
  void OnEnd() override {
    timers_.store(nullptr);  // a wake-up may still come
    while (inside_.load() != 0) std::this_thread::yield();
    gone_.store(true);
    ArriveAlarm();
  }
  void OnWake() override {
    woken_.store(true);
    Arrive(TakeAlarm() ? 2 : 1);
  }

  void ArriveAlarm() { Arrive(waiters_ != nullptr && waiters_->Leave(*this) ? 2 : 1); }

  void Arrive(int parties) {
    if (missing_.fetch_sub(parties) != parties) return;
    if (gone_.load()) return owner_->OnTimersGone();
    owner_->OnWaited();
  }

  Owner* owner_ = nullptr;
  Waiters* waiters_ = nullptr;
  std::atomic<Timers*> timers_{nullptr};  // of the last wait
  std::atomic<int> inside_{0};            // threads that are taking the alarm off
  std::atomic<int> missing_{0};
  std::atomic<bool> woken_{false};
  std::atomic<bool> gone_{false};
};

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_KEY_WAIT_H_
