// SPDX-License-Identifier: Apache-2.0
// The coroutine driver of hf_call_*: does what the machine says, in the coroutine that awaits it. Included by
// call.h.
//
// What it needs all the time is kept in a block of its own, because Asio recycles neither frames nor blocks
// above 1020 bytes.
#ifndef HOLDFAST_ASIO_CALL_COROUTINE_H_
#define HOLDFAST_ASIO_CALL_COROUTINE_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_scope.h>
#include <holdfast/asio/attempt_stop.h>
#include <holdfast/asio/attempt_timer.h>
#include <holdfast/asio/call_options.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/pause_operation.h>
#include <holdfast/asio/timers.h>
#include <holdfast/call_session.h>
#include <holdfast/pipeline.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

using holdfast::internal::CallSession;

// The call without its function. Pinned.
struct CoroutineCall {
  CoroutineCall(const Pipeline& shared, const CallOptions& given, bool idempotent)
      : pipeline(shared), options(given), session(options, idempotent) {}

  const Pipeline pipeline;
  const CallOptions options;
  Pause pause;
  CallSession<CallOptions> session;  // its end waits for a wake-up of the pause
};
static_assert(sizeof(CoroutineCall) <= 1020);

// GCC 12 inlines half of Asio's frame allocation here, and then finds that the halves do not match.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

template <class Fn, class Made, class Executor>
boost::asio::awaitable<ResultOrStatus<Made>, Executor> CallCoroutine(
    Recycled<CoroutineCall> call, Fn fn, boost::asio::awaitable<Made, Executor>*) {
  using Result = ResultOrStatus<Made>;
  const Executor executor = co_await boost::asio::this_coro::executor;
  Timers& timers = call->options.timers != nullptr ? *call->options.timers : TimersOf(executor);
  CallSession<CallOptions>& session = call->session;
  session.Start(call->pipeline, call->pause.waker());
  Ended<Result> ended;
  while (session.action().kind != HF_DO_FINISH) {
    if (IsCancelled(co_await boost::asio::this_coro::cancellation_state)) {
      session.GiveUp();
      continue;
    }
    const hf_time until = session.action().until;
    if (session.action().kind != HF_DO_ATTEMPT) {
      co_await AsyncPause(call->pause, timers, until, boost::asio::use_awaitable_t<Executor>());
      call->pause.Leave();
      if (!IsCancelled(co_await boost::asio::this_coro::cancellation_state)) session.GoOn();
      continue;
    }

    Attempt attempt = session.MakeAttempt(kNoStopToken);
    Cut cut;
    std::exception_ptr thrown;
    if (!kKnowsItsAttempt<Fn> && attempt.fault() != 0) {
      ended.Set(OutcomeTraits<Result>::FromRejection(kNoCannedResult));
    } else {
      Stop stop;
      AttemptTimer<Executor> timer(executor, stop);
      AttemptScope<Executor> scope(stop.signal);
      if (until != 0) {
        co_await scope.Enter(co_await kContextSwitched);
        timer.Arm(timers, until);
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
      if (until != 0) {
        timer.Disarm();
        cut.timed_out = timer.rang();
        co_await scope.Leave(co_await kContextSwitched);
      }
    }
    cut.caller = IsCancelled(co_await boost::asio::this_coro::cancellation_state);
    if (thrown && !ended.Catch(thrown, cut)) std::rethrow_exception(thrown);
    session.Settle(ended.Judge(attempt.outcome(), cut));
  }
  co_return ended.Finish(session.Finish());
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_CALL_COROUTINE_H_
