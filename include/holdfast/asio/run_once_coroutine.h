// SPDX-License-Identifier: Apache-2.0
// The coroutine driver of hf_idem_*: does what the machine says. Included by run_once.h.
//
// The coroutine's cancellation is looked at only before the work begins; from then on the record must be settled,
// so nothing that is awaited here throws because of it. The work itself has the coroutine's cancellation as ever.
#ifndef HOLDFAST_ASIO_RUN_ONCE_COROUTINE_H_
#define HOLDFAST_ASIO_RUN_ONCE_COROUTINE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/asio/idem_session.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/pause_operation.h>
#include <holdfast/asio/run_once_options.h>
#include <holdfast/asio/store_request.h>
#include <holdfast/asio/ticket.h>
#include <holdfast/asio/timers.h>
#include <holdfast/clock.h>
#include <holdfast/idempotency.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_4::asio::internal {

// What a call was asked for, read while the caller's views are there.
struct RunOnceCall {
  RunOnceCall(const Key& key, const RunOnceOptions& given)
      : options(given),
        clock(given.clock != nullptr ? given.clock : &Clock::Steady()),
        session_options(ToSessionOptions(key, given.Plain(), *clock)),
        operation(key.operation) {
    if (options.report != nullptr) *options.report = RunOnceReport{};
  }

  RunOnceOptions options;
  Clock* clock;
  absl::StatusOr<hf_idem_options> session_options;
  std::string operation;
};

template <class T>
struct AwaitedBy;
template <class T, class Executor>
struct AwaitedBy<boost::asio::awaitable<T, Executor>> {
  using type = T;
};

inline Answer AnswerOfWork(Answer answer) { return answer; }
inline Answer AnswerOfWork(const absl::Status& status) {
  return holdfast::internal::AnswerOf(status);
}
inline Answer AnswerOfWork(absl::StatusOr<std::string> result) {
  return holdfast::internal::AnswerOf(std::move(result));
}

template <class Fn>
boost::asio::awaitable<absl::StatusOr<RunOnceResult>> RunOnceCoroutine(Store& store,
                                                                       RunOnceCall call, Fn fn) {
  using Returned = typename AwaitedBy<std::invoke_result_t<Fn&, Ticket&>>::type;
  if (!call.session_options.ok()) co_return call.session_options.status();
  boost::asio::thread_pool* const pool = call.options.pool;
  if (pool == nullptr && store.blocks()) {
    co_return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                         "idempotency: pool: is needed, because this store blocks");
  }
  const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  Answer answer;  // outlives the session, which borrows its body
  std::exception_ptr thrown;
  Pause pause;
  IdemSession session(store, *call.clock);
  session.Start(*call.session_options);
  while (session.action().kind != HF_DO_FINISH && !session.broken()) {
    const bool cancelled = IsCancelled(co_await boost::asio::this_coro::cancellation_state);
    if (cancelled && !session.worked()) break;
    if (session.action().kind == HF_DO_STORE) {
      if (const auto request = session.Request()) {
        StoreReply reply = co_await Execute(store, pool, *request, session.time_left());
        session.OnReply(std::move(reply));
      }
    } else if (session.action().kind == HF_DO_SLEEP) {
      Timers& timers = call.options.timers != nullptr
                           ? *call.options.timers
                           : TimersOf(co_await boost::asio::this_coro::executor);
      co_await AsyncPause(pause, timers, session.action().until, boost::asio::use_awaitable);
      pause.Leave();
      session.OnTime();
    } else {
      session.Begin();
      Ticket ticket(session, store, pool, call.session_options->key_id, call.operation);
      co_await boost::asio::this_coro::throw_if_cancelled(throws);
      try {
        Returned returned = co_await fn(ticket);
        answer = AnswerOfWork(std::move(returned));
      } catch (...) {
        thrown = std::current_exception();
      }
      co_await boost::asio::this_coro::throw_if_cancelled(false);
      if (thrown) break;
      holdfast::internal::ApplyMark(session.effect(), &answer.outcome);
      session.End(answer.outcome, answer.body);
    }
  }
  if (session.action().kind != HF_DO_FINISH || session.broken()) {
    if (const auto last = session.LastWord()) {
      co_await Execute(store, pool, *last, Duration{0});
    }
    session.SetEnd(session.broken() ? HF_INTERNAL : HF_CANCELLED,
                   session.broken() ? HF_R_INTERNAL : HF_R_ABORTED);
  }
  co_await boost::asio::this_coro::throw_if_cancelled(throws);
  if (thrown) std::rethrow_exception(thrown);
  constexpr bool kAnswers = std::is_same_v<Returned, Answer>;
  co_return holdfast::internal::Conclude(session, answer, kAnswers, call.options.report);
}

}  // namespace holdfast::inline v0_4::asio::internal

#endif  // HOLDFAST_ASIO_RUN_ONCE_COROUTINE_H_
