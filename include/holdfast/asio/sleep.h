// SPDX-License-Identifier: Apache-2.0
// SleepUntil: waits for a point in time on the context's shared timer, or a test's virtual one.
//
//   boost::system::error_code error = co_await holdfast::asio::SleepUntil(at, timers, as_tuple(use_awaitable));
//
// Cheaper than a timer object of its own where most sleeps are cancelled.
#ifndef HOLDFAST_ASIO_SLEEP_H_
#define HOLDFAST_ASIO_SLEEP_H_

#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/timers.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio {

namespace internal {

// Owned by the pause, then by its Resume.
template <class Handler>
class SleepOperation final : public Continuation {
 public:
  explicit SleepOperation(Handler&& handler)
      : handler_(std::move(handler)), executor_(TrackedExecutorOf(handler_)) {}

  void Start(Timers* timers, hf_time at) {
    AssignSlot(handler_, [this](boost::asio::cancellation_type) {
      stopped_ = true;
      pause_.Stop();
    });
    pause_.Begin(timers != nullptr ? *timers : TimersOf(executor_), at, *this);
  }

  auto get_allocator() const { return AllocatorOf(handler_); }
  void GoOn() override { boost::asio::post(executor_, Resume<SleepOperation>(*this)); }
  void Drop() override { DeleteOperation(this, get_allocator()); }
  void Abandon() { Drop(); }
  void OnResume() {
    boost::system::error_code error;
    if (stopped_) error = boost::asio::error::operation_aborted;
    const TrackedExecutor<Handler> executor = std::move(executor_);
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    CallHandler(executor, /*post=*/false, std::move(handler), error);
  }

 private:
  Handler handler_;
  TrackedExecutor<Handler> executor_;
  Pause pause_;
  bool stopped_ = false;
};

}  // namespace internal

// Completes with void(error_code) once it is `at` on the steady clock, by a post to the handler's executor.
// `timers` null: those of that executor's context. Errors: operation_aborted, if it is cancelled, by any type.
template <class CompletionToken>
auto SleepUntil(hf_time at, Timers* timers, CompletionToken&& token) {
  return boost::asio::async_initiate<CompletionToken, void(boost::system::error_code)>(
      [](auto&& handler, hf_time at, Timers* timers) {
        using Operation = internal::SleepOperation<std::decay_t<decltype(handler)>>;
        internal::NewOperation<Operation>(std::move(handler))->Start(timers, at);
      },
      token, at, timers);
}

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_SLEEP_H_
