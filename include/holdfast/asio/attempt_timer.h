// SPDX-License-Identifier: Apache-2.0
// AttemptTimer: tells an attempt to stop when its time is over, on its executor.
// For drivers only.
//
//   state     Disarm does
//   set       takes the alarm off; nothing else happens
//   ringing   waits the few instructions until the notice is posted, then strikes itself out of it
//   posted    strikes itself out of the notice, which then does nothing
//   told      nothing
#ifndef HOLDFAST_ASIO_ATTEMPT_TIMER_H_
#define HOLDFAST_ASIO_ATTEMPT_TIMER_H_

#include <holdfast/asio/attempt_stop.h>
#include <holdfast/c/base.h>
#include <holdfast/timers.h>

#include <atomic>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <thread>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

// Arm and Disarm on the executor, and never beside what it runs. Pinned.
template <class Executor>
class AttemptTimer final : public Alarm {
 public:
  AttemptTimer(const Executor& executor, Stop& stop) : executor_(executor), stop_(stop) {}
  ~AttemptTimer() { Disarm(); }

  void Arm(Timers& timers, hf_time until) {
    timers_ = &timers;
    rang_ = false;
    timers.Set(*this, until);
  }

  void Disarm() {
    Timers* const timers = std::exchange(timers_, nullptr);
    if (timers == nullptr) return;
    if (!ended_.load() && timers->Cancel(*this)) return;
    Notice* notice = nullptr;
    while ((notice = notice_.load(std::memory_order_acquire)) == nullptr && !ended_.load()) {
      std::this_thread::yield();
    }
    notice_.store(nullptr, std::memory_order_relaxed);
    ended_.store(false);
    if (notice != nullptr) notice->timer = nullptr;
  }

  // The attempt was told to stop.
  bool rang() const { return rang_; }

 private:
  // On its way to the executor. Destroyed there, run or not.
  struct Notice {
    AttemptTimer* timer;

    explicit Notice(AttemptTimer* rings) : timer(rings) {}
    ~Notice() {
      if (timer == nullptr) return;
      timer->notice_.store(nullptr, std::memory_order_relaxed);
      timer->ended_.store(true);
    }
    void Deliver() {
      if (timer == nullptr) return;
      timer->rang_ = true;
      timer->stop_.Tell(boost::asio::cancellation_type::all);
    }
  };

  void OnTime() override {
    auto notice = std::make_unique<Notice>(this);
    const Executor executor = executor_;
    notice_.store(notice.get(), std::memory_order_release);  // from here on this may be gone
    boost::asio::post(executor, [notice = std::move(notice)] { notice->Deliver(); });
  }
  void OnEnd() override { ended_.store(true); }

  const Executor executor_;
  Stop& stop_;
  Timers* timers_ = nullptr;  // null: not armed
  std::atomic<Notice*> notice_{nullptr};
  std::atomic<bool> ended_{false};  // the notice is gone, or the Timers is
  bool rang_ = false;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_ATTEMPT_TIMER_H_
