// SPDX-License-Identifier: Apache-2.0
// AsyncPause: a Pause as an Asio operation, for coroutine drivers. It completes with void(), by a post to the
// handler's executor; its cancellation slot ends it early, whatever the type.
#ifndef HOLDFAST_ASIO_PAUSE_OPERATION_H_
#define HOLDFAST_ASIO_PAUSE_OPERATION_H_

#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/pause.h>
#include <holdfast/c/base.h>
#include <holdfast/timers.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

// True if the caller has cancelled the coroutine.
inline bool IsCancelled(const boost::asio::cancellation_state& state) {
  return state.cancelled() != boost::asio::cancellation_type::none;
}

// Owned by the pause.
template <class Handler>
class PauseOperation final : public Continuation {
 public:
  explicit PauseOperation(Handler&& handler)
      : handler_(std::move(handler)), executor_(TrackedExecutorOf(handler_)) {}

  void GoOn() override {
    const TrackedExecutor<Handler> executor = std::move(executor_);
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    boost::asio::post(executor, Completion<Handler>(std::move(handler)));
  }
  void Drop() override {
    const Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
  }

 private:
  Handler handler_;
  TrackedExecutor<Handler> executor_;
};

// `until` 0: no limit, the waker or a cancellation must come.
template <class CompletionToken>
auto AsyncPause(Pause& pause, Timers& timers, hf_time until, CompletionToken&& token) {
  return boost::asio::async_initiate<CompletionToken, void()>(
      [&pause, &timers, until](auto&& handler) {
        using Handler = std::decay_t<decltype(handler)>;
        AssignSlot(handler, [&pause](boost::asio::cancellation_type) { pause.Stop(); });
        auto* const operation = NewOperation<PauseOperation<Handler>>(std::move(handler));
        pause.Begin(timers, until == 0 ? HF_INFINITE : until, *operation);
      },
      token);
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_PAUSE_OPERATION_H_
