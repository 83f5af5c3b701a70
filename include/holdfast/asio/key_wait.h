// SPDX-License-Identifier: Apache-2.0
// AsyncKeyWait: a KeyWait as an Asio operation, for coroutine drivers. It completes with void(Waiters::Joined), by a
// post to the handler's executor; its cancellation slot ends it early, whatever the type.
#ifndef HOLDFAST_ASIO_KEY_WAIT_H_
#define HOLDFAST_ASIO_KEY_WAIT_H_

#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/key_wait.h>
#include <holdfast/timers.h>
#include <holdfast/waiters.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

// Owned by the wait.
template <class Handler>
class KeyWaitOperation final : public holdfast::internal::KeyWait::Owner {
 public:
  explicit KeyWaitOperation(Handler&& handler)
      : handler_(std::move(handler)), executor_(TrackedExecutorOf(handler_)) {}

  void OnWaited() override { Complete(Waiters::Joined::kWaiting); }
  void OnTimersGone() override {
    const Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
  }
  void Complete(Waiters::Joined joined) {
    const TrackedExecutor<Handler> executor = std::move(executor_);
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    boost::asio::post(executor, Completion<Handler, Waiters::Joined>(std::move(handler), joined));
  }

 private:
  Handler handler_;
  TrackedExecutor<Handler> executor_;
};

// kWaiting: it has waited.
template <class CompletionToken>
auto AsyncKeyWait(holdfast::internal::KeyWait& wait, Timers& timers,
                  const holdfast::internal::KeyWait::For& what, CompletionToken&& token) {
  return boost::asio::async_initiate<CompletionToken, void(Waiters::Joined)>(
      [&wait, &timers, what](auto&& handler) {
        using Handler = std::decay_t<decltype(handler)>;
        AssignSlot(handler, [&wait](boost::asio::cancellation_type) { wait.Stop(); });
        auto* const operation = NewOperation<KeyWaitOperation<Handler>>(std::move(handler));
        const Waiters::Joined joined = wait.Begin(timers, what, *operation);
        if (joined != Waiters::Joined::kWaiting) operation->Complete(joined);
      },
      token);
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_KEY_WAIT_H_
