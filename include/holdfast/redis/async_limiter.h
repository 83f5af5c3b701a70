// SPDX-License-Identifier: Apache-2.0
// The fleet's limiter without blocking a thread.
//
//   redis::LimitVerdict verdict = co_await redis::Take(limiter, {.key = account});
//   redis::AsyncTake(limiter, {.key = account}, [](const redis::LimitVerdict& verdict) { ... });
//
// What is asked is under way until it is answered, or its timeout is over: it cannot be cancelled, for the tokens
// may be taken already.
#ifndef HOLDFAST_REDIS_ASYNC_LIMITER_H_
#define HOLDFAST_REDIS_ASYNC_LIMITER_H_

#include <holdfast/asio/completion.h>
#include <holdfast/redis/limiter.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::redis {

namespace internal {

// std::function copies, handlers move.
template <class Handler>
struct LimitHandler {
  explicit LimitHandler(Handler&& given)
      : handler(std::move(given)), executor(asio::internal::TrackedExecutorOf(handler)) {}

  Handler handler;
  asio::internal::TrackedExecutor<Handler> executor;
};

}  // namespace internal

static_assert(std::is_trivially_destructible_v<LimitAsk>);  // as all options of coroutines

// Limiter::Take for any completion token: void(LimitVerdict), called on the handler's associated executor, Asio's
// system executor if it has none; never from inside this function. `limiter` and what `ask` borrows must live until
// this function returns.
template <class CompletionToken>
auto AsyncTake(Limiter& limiter, const LimitAsk& ask, CompletionToken&& token) {
  return boost::asio::async_initiate<CompletionToken, void(LimitVerdict)>(
      [](auto&& handler, Limiter* limiter, const LimitAsk& ask) {
        using State = internal::LimitHandler<std::decay_t<decltype(handler)>>;
        auto state = std::make_shared<State>(std::move(handler));
        limiter->Take(ask, [state](const LimitVerdict& verdict) {
          asio::internal::CallHandler(state->executor, /*post=*/true, std::move(state->handler),
                                      verdict);
        });
      },
      token, &limiter, ask);
}

// For a coroutine. What `ask` borrows must live until it is over.
inline boost::asio::awaitable<LimitVerdict> Take(Limiter& limiter, LimitAsk ask) {
  co_return co_await AsyncTake(limiter, ask, boost::asio::use_awaitable);
}

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_ASYNC_LIMITER_H_
