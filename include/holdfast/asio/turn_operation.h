// SPDX-License-Identifier: Apache-2.0
// The drivers of a turn (turn.h): as a coroutine, and as an operation. Included by acquire.h.
#ifndef HOLDFAST_ASIO_TURN_OPERATION_H_
#define HOLDFAST_ASIO_TURN_OPERATION_H_

#include <holdfast/asio/acquire_options.h>
#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/pause_operation.h>
#include <holdfast/asio/timers.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

template <class Turn>
boost::asio::awaitable<typename Turn::Result> AwaitTurn(typename Turn::Guard guard,
                                                        AcquireOptions options) {
  Pause pause;
  Turn turn(guard, options);  // its end waits for a wake-up of the pause
  bool mine = turn.Begin(pause.waker());
  while (!mine && !IsCancelled(co_await boost::asio::this_coro::cancellation_state)) {
    Timers& timers = options.timers != nullptr
                         ? *options.timers
                         : TimersOf(co_await boost::asio::this_coro::executor);
    co_await AsyncPause(pause, timers, turn.until(), boost::asio::use_awaitable);
    pause.Leave();
    mine = !IsCancelled(co_await boost::asio::this_coro::cancellation_state) && turn.Poll();
  }
  if (!mine) turn.GiveUp();
  co_return turn.Take();
}

// Owned by the pause, then by its Resume.
template <class Turn, class Handler>
class TurnOperation final : public Continuation {
 public:
  TurnOperation(Handler&& handler, const typename Turn::Guard& guard, const AcquireOptions& options)
      : handler_(std::move(handler)),
        executor_(TrackedExecutorOf(handler_)),
        timers_(options.timers != nullptr ? *options.timers : TimersOf(executor_)),
        turn_(guard, options) {}

  void Start() {
    AssignSlot(handler_, [this](boost::asio::cancellation_type) {
      cancelled_ = true;
      pause_.Stop();
    });
    if (turn_.Begin(pause_.waker())) return Complete(/*post=*/true);
    pause_.Begin(timers_, turn_.until(), *this);
  }

  auto get_allocator() const { return AllocatorOf(handler_); }
  void GoOn() override { boost::asio::post(executor_, Resume<TurnOperation>(*this)); }
  void Drop() override { DeleteOperation(this, get_allocator()); }
  void Abandon() { Drop(); }
  void OnResume() {
    pause_.Leave();
    if (!cancelled_ && !turn_.Poll()) return pause_.Begin(timers_, turn_.until(), *this);
    if (cancelled_) turn_.GiveUp();
    Complete(/*post=*/false);
  }

 private:
  void Complete(bool post) {
    typename Turn::Result result = turn_.Take();
    const TrackedExecutor<Handler> executor = std::move(executor_);
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    CallHandler(executor, post, std::move(handler), std::move(result));
  }

  Handler handler_;
  TrackedExecutor<Handler> executor_;
  Timers& timers_;
  Pause pause_;
  bool cancelled_ = false;
  Turn turn_;  // last: its end waits for a wake-up of the pause
};

template <class Turn, class CompletionToken>
auto AsyncTurn(const typename Turn::Guard& guard, const AcquireOptions& options,
               std::remove_reference_t<CompletionToken>& token) {
  return boost::asio::async_initiate<CompletionToken, void(typename Turn::Result)>(
      [](auto&& handler, const typename Turn::Guard& guard, const AcquireOptions& options) {
        using Operation = TurnOperation<Turn, std::decay_t<decltype(handler)>>;
        NewOperation<Operation>(std::move(handler), guard, options)->Start();
      },
      token, guard, options);
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_TURN_OPERATION_H_
