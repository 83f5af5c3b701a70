// SPDX-License-Identifier: Apache-2.0
// Limited: a function for Call that asks the fleet's limit before each attempt.
//
//   holdfast::Call(pipeline, {.timeout = 2s}, redis::Limited(*limiter, {.key = account}, [&](Attempt& attempt) {
//     return client.Charge(order, attempt.remaining());
//   }));
//
// A refused attempt is one that never began (HF_EFFECT_NOT_STARTED): the retry policy waits until the tokens are
// there, if that fits before the deadline, without a charge to the budget; else the call ends with the refusal. The
// order is the pipeline's, with this limit last: breaker, throttle, the process's own rate limit and bulkhead are
// asked before it, and no round trip is made where they refuse.
//
// To a breaker a refused attempt is a success: nothing is wrong with the dependency. A half-open breaker takes it for
// a probe that went well; where that matters ask the limiter before the call instead.
#ifndef HOLDFAST_REDIS_LIMITED_H_
#define HOLDFAST_REDIS_LIMITED_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/attempt.h>
#include <holdfast/call.h>
#include <holdfast/outcome.h>
#include <holdfast/redis/async_limiter.h>
#include <holdfast/redis/limiter.h>
#include <holdfast/status.h>

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::redis {

namespace internal {

// No longer than the attempt has.
inline LimitAsk AskWithin(LimitAsk ask, const Attempt& attempt) {
  const Duration left = attempt.remaining();
  if (left == Duration::max()) return ask;
  ask.timeout =
      std::max(Duration{1}, ask.timeout == Duration{0} ? left : std::min(ask.timeout, left));
  return ask;
}

// Who refuses an attempt, told to the attempt; nullopt: nobody does.
inline std::optional<Rejection> RefusalOf(const LimitVerdict& verdict, Attempt& attempt) {
  if (verdict.allowed) return std::nullopt;
  const absl::Status status = verdict.ToStatus();
  const std::optional<Rejection> told = RejectionOf(status);
  Rejection why = told.value_or(Rejection{});
  why.code = status.code();
  hf_outcome outcome{};
  outcome.code = static_cast<hf_code>(why.code);
  outcome.verdict = HF_VERDICT_SUCCESS;
  outcome.effect = HF_EFFECT_NOT_STARTED;
  outcome.retry_after = why.retry_after.count();
  attempt.set_outcome(outcome);
  return why;
}

template <class Fn>
class LimitedFn {
  using Made = holdfast::internal::AttemptResult<Fn>;
  static_assert(
      !boost::asio::is_async_operation<Made>::value,
      "Limited takes functions and coroutines; before a deferred operation ask the limiter "
      "by AsyncTake");

 public:
  LimitedFn(Limiter& limiter, const LimitAsk& ask, Fn fn)
      : limiter_(&limiter), ask_(ask), fn_(std::move(fn)) {}

  Made operator()(Attempt& attempt) {
    if constexpr (asio::internal::kIsAwaitable<Made>) {
      return Await(attempt, static_cast<Made*>(nullptr));
    } else {
      if (!Calls(attempt)) return WithoutCall<Made>(attempt);
      const auto why = RefusalOf(limiter_->Take(AskWithin(ask_, attempt)), attempt);
      if (!why) return holdfast::internal::RunAttempt(fn_, attempt);
      if constexpr (!std::is_void_v<Made>) return OutcomeTraits<Made>::FromRejection(*why);
    }
  }

 private:
  // A canned result is given without a call, and needs no tokens.
  static bool Calls(const Attempt& attempt) { return attempt.fault() == 0; }

  template <class Result>
  Result WithoutCall(Attempt& attempt) {
    if constexpr (holdfast::internal::kKnowsItsAttempt<Fn>) {
      return holdfast::internal::RunAttempt(fn_, attempt);
    } else if constexpr (!std::is_void_v<Result>) {
      return OutcomeTraits<Result>::FromRejection(holdfast::internal::kNoCannedResult);
    } else {
      attempt.set_outcome(OutcomeOfCode(HF_UNAVAILABLE));
    }
  }

  template <class T, class Executor>
  boost::asio::awaitable<T, Executor> Await(Attempt& attempt,
                                            boost::asio::awaitable<T, Executor>*) {
    if (Calls(attempt)) {
      const LimitAsk ask = AskWithin(ask_, attempt);
      const LimitVerdict verdict =
          co_await AsyncTake(*limiter_, ask, boost::asio::use_awaitable_t<Executor>());
      if (const auto why = RefusalOf(verdict, attempt)) {
        if constexpr (std::is_void_v<T>) {
          co_return;
        } else {
          co_return OutcomeTraits<T>::FromRejection(*why);
        }
      }
    } else if constexpr (!holdfast::internal::kKnowsItsAttempt<Fn>) {
      co_return WithoutCall<T>(attempt);
    }
    co_return co_await holdfast::internal::RunAttempt(fn_, attempt);
  }

  Limiter* limiter_;
  LimitAsk ask_;
  Fn fn_;
};

}  // namespace internal

// fn() or fn(Attempt&), which returns a result that OutcomeTraits can read, nothing, or an awaitable of either. The
// limiter, and what `ask` borrows, outlive the calls. As thread-safe as fn.
template <class Fn>
auto Limited(Limiter& limiter, const LimitAsk& ask, Fn&& fn) {
  return internal::LimitedFn<std::decay_t<Fn>>(limiter, ask, std::forward<Fn>(fn));
}

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_LIMITED_H_
