// SPDX-License-Identifier: Apache-2.0
// The coroutine driver of hf_call_*: does what the machine says, in the coroutine that awaits it. Included by
// call.h.
#ifndef HOLDFAST_ASIO_CALL_COROUTINE_H_
#define HOLDFAST_ASIO_CALL_COROUTINE_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_scope.h>
#include <holdfast/asio/attempt_timer.h>
#include <holdfast/asio/call_options.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/pause_operation.h>
#include <holdfast/asio/timers.h>
#include <holdfast/call_session.h>
#include <holdfast/pipeline.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>

namespace holdfast::inline v0_2::asio::internal {

using holdfast::internal::CallSession;

// True if the caller has cancelled the coroutine.
inline bool IsCancelled(const boost::asio::cancellation_state& state) {
  return state.cancelled() != boost::asio::cancellation_type::none;
}

// GCC 12 inlines half of Asio's frame allocation here, and then finds that the halves do not match.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

template <class Fn, class Made, class Executor>
boost::asio::awaitable<ResultOrStatus<Made>, Executor> CallCoroutine(
    Pipeline pipeline, CallOptions options, Fn fn, boost::asio::awaitable<Made, Executor>*) {
  using Result = ResultOrStatus<Made>;
  const Executor executor = co_await boost::asio::this_coro::executor;
  Timers& timers = options.timers != nullptr ? *options.timers : TimersOf(executor);
  Pause pause;
  CallSession session(options,
                      kDeclaredIdempotent<Fn>);  // its end waits for a wake-up of the pause
  session.Start(pipeline, pause.waker());
  Ended<Result> ended;
  while (session.action().kind != HF_DO_FINISH) {
    if (IsCancelled(co_await boost::asio::this_coro::cancellation_state)) {
      session.GiveUp();
      continue;
    }
    const hf_action& action = session.action();
    if (action.kind != HF_DO_ATTEMPT) {
      co_await AsyncPause(pause, timers, action.until, boost::asio::use_awaitable_t<Executor>());
      pause.Leave();
      if (!IsCancelled(co_await boost::asio::this_coro::cancellation_state)) session.GoOn();
      continue;
    }

    Attempt attempt = session.MakeAttempt(kNoStopToken);
    Cut cut;
    std::exception_ptr thrown;
    if (!kKnowsItsAttempt<Fn> && attempt.fault() != 0) {
      ended.Set(OutcomeTraits<Result>::FromRejection(kNoCannedResult));
    } else {
      const bool limited = action.until != 0;
      boost::asio::cancellation_signal signal;
      AttemptTimer<Executor> timer(executor, signal);
      AttemptScope<Executor> scope(signal);
      if (limited) {
        co_await scope.Enter(co_await kContextSwitched);
        timer.Arm(timers, action.until);
      }
      try {
        if constexpr (std::is_void_v<Made>) {
          co_await RunAttempt(fn, attempt);
          ended.Set(StatusOfVoid(attempt.outcome()));
        } else {
          ended.Set(co_await RunAttempt(fn, attempt));
        }
      } catch (...) {
        thrown = std::current_exception();
      }
      if (limited) {
        timer.Disarm();
        cut.timed_out = timer.rang();
        co_await scope.Leave(co_await kContextSwitched);
      }
    }
    cut.caller = IsCancelled(co_await boost::asio::this_coro::cancellation_state);
    if (thrown && !ended.Catch(thrown, cut)) std::rethrow_exception(thrown);
    session.Settle(ended.Judge(attempt.outcome(), cut));
  }
  const Rejection why = session.Finish();
  co_return ended.Finish(why);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace holdfast::inline v0_2::asio::internal

#endif  // HOLDFAST_ASIO_CALL_COROUTINE_H_
