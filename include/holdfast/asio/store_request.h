// SPDX-License-Identifier: Apache-2.0
// AsyncExecute: a request to a store that blocks, on a pool of threads. For drivers only.
#ifndef HOLDFAST_ASIO_STORE_REQUEST_H_
#define HOLDFAST_ASIO_STORE_REQUEST_H_

#include <holdfast/asio/completion.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace holdfast::inline v0_4::asio::internal {

// Completes with void(StoreReply). Cannot be cancelled: a request that is under way may already have happened, and
// its answer is needed; the store bounds it by `timeout`. The body of `request` must live until then.
template <class CompletionToken>
auto AsyncExecute(boost::asio::thread_pool& pool, Store& store, const StoreRequest& request,
                  Duration timeout, CompletionToken&& token) {
  return boost::asio::async_initiate<CompletionToken, void(StoreReply)>(
      [&pool, &store, request, timeout](auto&& handler) {
        auto executor = TrackedExecutorOf(handler);
        boost::asio::post(pool, [handler = std::move(handler), executor = std::move(executor),
                                 &store, request, timeout]() mutable {
          StoreReply reply = store.Execute(request, timeout);
          CallHandler(executor, /*post=*/true, std::move(handler), std::move(reply));
        });
      },
      token);
}

// On the pool, or right here if there is none.
inline boost::asio::awaitable<StoreReply> Execute(Store& store, boost::asio::thread_pool* pool,
                                                  StoreRequest request, Duration timeout) {
  if (pool == nullptr) co_return store.Execute(request, timeout);
  co_return co_await AsyncExecute(*pool, store, request, timeout, boost::asio::use_awaitable);
}

}  // namespace holdfast::inline v0_4::asio::internal

#endif  // HOLDFAST_ASIO_STORE_REQUEST_H_
