// SPDX-License-Identifier: Apache-2.0
// TimerService: the alarms of an execution context, on one Asio timer for all of them.
//
// An Asio timer armed and cancelled costs 0.8 us, and most timeouts are cancelled. So alarms wait in a
// TimerQueue, and the one timer is armed only for one that is due before all others; cancelling leaves it
// alone, and it then rings for nobody, once. Alarms ring in a thread that runs the context, outside any strand.
//
// Invariants: while alarms are set, the timer is armed for no later than the first of them. The timer keeps no
// run() from returning: who waits holds work of his own, and the timer's own is taken back at once.
#ifndef HOLDFAST_ASIO_TIMERS_H_
#define HOLDFAST_ASIO_TIMERS_H_

#include <holdfast/clock.h>
#include <holdfast/timer_queue.h>
#include <holdfast/timers.h>

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_context.hpp>
#include <boost/asio/system_executor.hpp>
#include <chrono>
#include <mutex>

namespace holdfast::inline v0_5::asio {

namespace internal {

// Runs the timer's handler where its context found it due.
class InPlaceExecutor {
 public:
  explicit InPlaceExecutor(boost::asio::execution_context& context) noexcept : context_(&context) {}

  template <class Function>
  void execute(Function function) const {
    function();
  }
  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return *context_;
  }
  friend bool operator==(const InPlaceExecutor& a, const InPlaceExecutor& b) noexcept {
    return a.context_ == b.context_;
  }
  friend bool operator!=(const InPlaceExecutor& a, const InPlaceExecutor& b) noexcept {
    return !(a == b);
  }

 private:
  boost::asio::execution_context* context_;
};

}  // namespace internal

// Found with TimersOf, or boost::asio::use_service. Thread-safe.
class TimerService final : public boost::asio::execution_context::service, public Timers {
 public:
  inline static boost::asio::execution_context::id id;

  explicit TimerService(boost::asio::execution_context& context)
      : service(context),
        scheduler_(boost::asio::use_service<Scheduler>(context)),
        timer_(internal::InPlaceExecutor(context)) {}

  // Throws std::bad_alloc.
  void Set(Alarm& alarm, hf_time at) override {
    const std::lock_guard lock(mutex_);
    queue_.Set(alarm, at);
    if (at < armed_) Arm(at);
  }

  bool Cancel(Alarm& alarm) override {
    const std::lock_guard lock(mutex_);
    return queue_.Cancel(alarm);
  }

 private:
  // What counts the context's work. Asio's timers use the same one, whatever the context is.
  using Scheduler = boost::asio::detail::io_context_impl;
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                        boost::asio::wait_traits<std::chrono::steady_clock>,
                                        internal::InPlaceExecutor>;

  // Under the lock. A wait that it replaces ends with operation_aborted.
  void Arm(hf_time at) {
    if (at == HF_INFINITE) return;
    timer_.expires_at(SteadyTime(Duration{at}));
    timer_.async_wait([this](const boost::system::error_code& error) { OnTimer(error); });
    armed_ = at;
    scheduler_.work_finished();
  }

  void OnTimer(const boost::system::error_code& error) {
    scheduler_.work_started();  // which Asio takes back when this returns
    if (error == boost::asio::error::operation_aborted) return;
    const hf_time now = Clock::Steady().Now();
    while (Alarm* const due = PopDue(now)) Ring(*due);
    const std::lock_guard lock(mutex_);
    armed_ = HF_INFINITE;
    Arm(queue_.Next());
  }

  Alarm* PopDue(hf_time now) {
    const std::lock_guard lock(mutex_);
    return queue_.PopDue(now);
  }

  void shutdown() override {
    while (Alarm* const left = PopDue(HF_INFINITE)) End(*left);
  }

  Scheduler& scheduler_;
  std::mutex mutex_;  // of all below
  TimerQueue queue_;
  Timer timer_;
  hf_time armed_ = HF_INFINITE;
};

// The alarms of an executor's context; of the system context's, if the executor does not tell its own.
template <class Executor>
Timers& TimersOf(const Executor& executor) {
  if constexpr (boost::asio::can_query_v<Executor, boost::asio::execution::context_t>) {
    return boost::asio::use_service<TimerService>(
        boost::asio::query(executor, boost::asio::execution::context));
  } else {
    return boost::asio::use_service<TimerService>(
        boost::asio::query(boost::asio::system_executor(), boost::asio::execution::context));
  }
}

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_TIMERS_H_
