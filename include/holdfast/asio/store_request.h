// SPDX-License-Identifier: Apache-2.0
// Execute: a request to a store, from a coroutine. For drivers only.
//
//   the store                the request runs
//   does not block           right here
//   has Submit               where the store runs it
//   blocks, with a pool      on the pool
//   blocks, without          nowhere: nullopt
#ifndef HOLDFAST_ASIO_STORE_REQUEST_H_
#define HOLDFAST_ASIO_STORE_REQUEST_H_

#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

// Owned by the store from Submit to OnReply, then by the pool.
template <class Handler>
class StoreOperation final : public StoreWaiter {
 public:
  StoreOperation(Handler&& handler, Store& store, const StoreRequest& request, Duration timeout)
      : handler_(std::move(handler)),
        executor_(TrackedExecutorOf(handler_)),
        store_(store),
        request_(request),
        timeout_(timeout) {}

  void Start(boost::asio::thread_pool* pool) {
    if (store_.Submit(request_, timeout_, *this)) return;
    if (pool == nullptr) return Complete(std::nullopt);
    boost::asio::post(*pool, OnPool(*this));
  }

  void OnReply(StoreReply reply) override { Complete(std::move(reply)); }

  auto get_allocator() const { return AllocatorOf(handler_); }
  void Abandon() { DeleteOperation(this, get_allocator()); }

 private:
  class OnPool {
   public:
    explicit OnPool(StoreOperation& operation) : owner_(operation) {}
    void operator()() {
      StoreOperation& operation = owner_.Release();
      operation.Complete(operation.store_.Execute(operation.request_, operation.timeout_));
    }

   private:
    Owner<StoreOperation> owner_;
  };

  void Complete(std::optional<StoreReply> reply) {
    const TrackedExecutor<Handler> executor = std::move(executor_);
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    CallHandler(executor, /*post=*/true, std::move(handler), std::move(reply));
  }

  Handler handler_;
  TrackedExecutor<Handler> executor_;
  Store& store_;
  const StoreRequest request_;
  const Duration timeout_;
};

// Completes with void(std::optional<StoreReply>). Cannot be cancelled: a request that is under way may already have
// happened, and its answer is needed; the store bounds it by `timeout`. What `request` points to must live until then.
template <class CompletionToken>
auto AsyncExecute(Store& store, boost::asio::thread_pool* pool, const StoreRequest& request,
                  Duration timeout, CompletionToken&& token) {
  return boost::asio::async_initiate<CompletionToken, void(std::optional<StoreReply>)>(
      [&store, pool, request, timeout](auto&& handler) {
        using Operation = StoreOperation<std::decay_t<decltype(handler)>>;
        NewOperation<Operation>(std::move(handler), store, request, timeout)->Start(pool);
      },
      token);
}

inline boost::asio::awaitable<std::optional<StoreReply>> Execute(Store& store,
                                                                 boost::asio::thread_pool* pool,
                                                                 StoreRequest request,
                                                                 Duration timeout) {
  if (!store.blocks()) co_return store.Execute(request, timeout);
  co_return co_await AsyncExecute(store, pool, request, timeout, boost::asio::use_awaitable);
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_STORE_REQUEST_H_
