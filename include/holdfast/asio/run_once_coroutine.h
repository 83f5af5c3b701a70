// SPDX-License-Identifier: Apache-2.0
// The coroutine driver of hf_idem_*: does what the machine says. Included by run_once.h.
//
// The coroutine's cancellation is looked at only before the work begins; from then on the record must be settled,
// so nothing that is awaited here throws because of it. The work and the reconciler have the coroutine's
// cancellation as ever.
#ifndef HOLDFAST_ASIO_RUN_ONCE_COROUTINE_H_
#define HOLDFAST_ASIO_RUN_ONCE_COROUTINE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/asio/key_wait.h>
#include <holdfast/asio/pause_operation.h>
#include <holdfast/asio/run_once_options.h>
#include <holdfast/asio/store_request.h>
#include <holdfast/asio/ticket.h>
#include <holdfast/asio/timers.h>
#include <holdfast/clock.h>
#include <holdfast/idem_session.h>
#include <holdfast/idempotency.h>
#include <holdfast/key_wait.h>
#include <holdfast/run_once_plan.h>
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

namespace holdfast::inline v0_5::asio::internal {

using holdfast::internal::IdemSession;
using holdfast::internal::KeyWait;

// What a call was asked for, read while the caller's views are there.
struct RunOnceCall {
  RunOnceCall(const Key& key, const RunOnceOptions& given)
      : options(given),
        clock(given.clock != nullptr ? given.clock : &Clock::Steady()),
        plan(key, given.Plain(), *clock,
             {.reconcile = given.reconcile != nullptr && *given.reconcile != nullptr,
              .spill = given.spill != nullptr && *given.spill != nullptr}) {
    if (options.report != nullptr) *options.report = RunOnceReport{};
  }

  RunOnceOptions options;
  Clock* clock;
  RunOncePlan plan;
};

template <class T>
struct AwaitedBy;
template <class T, class Executor>
struct AwaitedBy<boost::asio::awaitable<T, Executor>> {
  using type = T;
};

// Where a result above max_body was put; empty if it was not.
inline boost::asio::awaitable<std::string> PutElsewhere(const RunOnceCall& call, Ticket& ticket,
                                                        const Answer& answer) {
  if (!call.plan.Spills(answer)) co_return std::string();
  try {
    absl::StatusOr<std::string> where = co_await (*call.options.spill)(ticket, answer.body);
    if (where.ok()) co_return *std::move(where);
  } catch (...) {  // the work is done: its digest has to do
  }
  co_return std::string();
}

// Sleeps as the machine says, and tells it why that is over.
inline boost::asio::awaitable<void> Sleep(IdemSession& session, KeyWait& wait,
                                          const RunOnceCall& call) {
  Timers& timers = call.options.timers != nullptr
                       ? *call.options.timers
                       : TimersOf(co_await boost::asio::this_coro::executor);
  KeyWait::For what{.until = session.action().until};
  if (call.plan.waiters != nullptr && session.waits_for_key()) {
    what = {.until = session.give_up_at(),
            .waiters = call.plan.waiters,
            .key = session.key_id(),
            .epoch = session.epoch()};
  }
  const auto joined = co_await AsyncKeyWait(wait, timers, what, boost::asio::use_awaitable);
  if (joined == Waiters::Joined::kFull) co_return session.GiveUpWaiting();
  if (joined == Waiters::Joined::kMissed || wait.woken()) co_return session.OnWake();
  session.OnTime();
}

// `call` is this coroutine's own. `where` and `answer` outlive the session.
template <class Fn>
boost::asio::awaitable<absl::StatusOr<RunOnceResult>> RunOnceCoroutine(Store& store,
                                                                       RunOnceCall call, Fn fn) {
  using Returned = typename AwaitedBy<std::invoke_result_t<Fn&, Ticket&>>::type;
  if (!call.plan.refused.ok()) {
    co_return holdfast::internal::ReportRefusal(call.plan.refused, call.options.report);
  }
  boost::asio::thread_pool* const pool = call.options.pool;
  const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  Answer answer;
  std::string where;
  std::exception_ptr thrown;
  bool unreconciled = false;
  KeyWait wait;
  IdemSession session(store, *call.clock, call.plan.waiters);
  session.Start(call.plan.SessionOptions());
  while (session.action().kind != HF_DO_FINISH && !session.broken()) {
    const bool cancelled = IsCancelled(co_await boost::asio::this_coro::cancellation_state);
    if (cancelled && !session.worked()) break;
    if (session.action().kind == HF_DO_STORE) {
      if (const auto* request = session.Request()) {
        auto reply = co_await Execute(store, pool, *request, session.time_left());
        if (!reply.has_value()) {
          co_await boost::asio::this_coro::throw_if_cancelled(throws);
          co_return holdfast::internal::BadOptions(
              "idempotency: pool: is needed, because this store blocks and has no Submit");
        }
        session.OnReply(*std::move(reply));
      }
    } else if (session.action().kind == HF_DO_SLEEP) {
      co_await Sleep(session, wait, call);
    } else {
      const bool reconciles = session.action().kind == HF_DO_RECONCILE;
      unreconciled = reconciles && call.options.reconcile == nullptr;
      if (unreconciled) break;
      session.Begin();
      Ticket ticket(session, store, pool, call.plan);
      co_await boost::asio::this_coro::throw_if_cancelled(throws);
      try {
        if (reconciles) {
          Finding finding = co_await (*call.options.reconcile)(ticket);
          answer = finding.TakeAnswer();
        } else {
          Returned returned = co_await fn(ticket);
          answer = holdfast::internal::AnswerOfWork(std::move(returned));
        }
      } catch (...) {
        thrown = std::current_exception();
      }
      co_await boost::asio::this_coro::throw_if_cancelled(false);
      if (thrown) break;
      if (!reconciles) holdfast::internal::ApplyMark(session.effect(), &answer.outcome);
      where = co_await PutElsewhere(call, ticket, answer);
      if (reconciles) {
        session.FoundSpilled(answer.outcome, answer.body, where);
      } else {
        session.EndSpilled(answer.outcome, answer.body, where);
      }
    }
  }
  if (session.action().kind != HF_DO_FINISH || session.broken()) {
    if (const auto* last = session.LastWord()) {
      const auto reply = co_await Execute(store, pool, *last, Duration{0});
      if (reply.has_value()) session.OnLastReply(*reply);
    }
    if (session.broken()) {
      session.SetEnd(HF_INTERNAL, HF_R_INTERNAL);
    } else if (unreconciled) {
      session.SetEnd(HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT);
    } else {
      session.SetEnd(HF_CANCELLED, HF_R_ABORTED);
    }
  }
  co_await boost::asio::this_coro::throw_if_cancelled(throws);
  if (thrown) std::rethrow_exception(thrown);
  constexpr bool kAnswers = std::is_same_v<Returned, Answer>;
  co_return holdfast::internal::Conclude(session, answer, kAnswers, call.options.report);
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_RUN_ONCE_COROUTINE_H_
