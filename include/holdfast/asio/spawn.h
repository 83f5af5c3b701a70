// SPDX-License-Identifier: Apache-2.0
// Spawn: runs an awaitable on an executor, and can tell it to stop at any time. For drivers only.
//
// As co_spawn does, which Boost 1.81 gets wrong twice: what is cancelled before its first step, or ends without
// having left its thread after it was cancelled, throws out of run() and never completes; and of a handler
// with an executor the cancellation is posted, to a signal that may be gone by then. So co_spawn is told nothing of
// cancellation here, and the coroutine listens by itself (attempt_scope.h).
#ifndef HOLDFAST_ASIO_SPAWN_H_
#define HOLDFAST_ASIO_SPAWN_H_

#include <holdfast/asio/attempt_scope.h>
#include <holdfast/asio/attempt_stop.h>
#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

template <class T, class Executor>
boost::asio::awaitable<T, Executor> Stoppable(boost::asio::awaitable<T, Executor> work,
                                              Stop& stop) {
  if (stop.told) throw boost::system::system_error(boost::asio::error::operation_aborted);
  AttemptScope<Executor> scope(stop.signal);
  co_await scope.Enter(co_await kContextSwitched);
  std::exception_ptr thrown;
  if constexpr (std::is_void_v<T>) {
    try {
      co_await std::move(work);
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await scope.Leave(co_await kContextSwitched);
    if (thrown) std::rethrow_exception(thrown);
  } else {
    std::optional<T> result;
    try {
      result.emplace(co_await std::move(work));
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await scope.Leave(co_await kContextSwitched);
    if (thrown) std::rethrow_exception(thrown);
    co_return *std::move(result);
  }
}

// The handler without its cancellation.
template <class Handler>
class DeafHandler {
 public:
  explicit DeafHandler(Handler&& handler) : handler_(std::move(handler)) {}

  using allocator_type = typename Handler::allocator_type;
  allocator_type get_allocator() const noexcept { return handler_.get_allocator(); }
  template <class... Args>
  void operator()(Args&&... args) {
    std::move(handler_)(std::forward<Args>(args)...);
  }

 private:
  Handler handler_;
};

// `stop` must outlive the work. The handler is called on the executor.
template <class T, class Executor, class Handler>
void Spawn(const Executor& executor, boost::asio::awaitable<T, Executor>&& work, Stop& stop,
           Handler&& handler) {
  boost::asio::co_spawn(executor, Stoppable(std::move(work), stop),
                        DeafHandler<Handler>(std::move(handler)));
}

// An awaitable as an operation of its own. Owned by the coroutine's handler.
template <class T, class Handler, class IoExecutor>
class SpawnOperation {
 public:
  SpawnOperation(Handler&& handler, const IoExecutor& executor)
      : handler_(std::move(handler)), executor_(TrackedExecutorOf(handler_, executor)) {}

  void Start(boost::asio::awaitable<T>&& work) {
    AssignSlot(handler_, [this](boost::asio::cancellation_type type) { stop_.Tell(type); });
    Spawn(boost::asio::any_io_executor(executor_), std::move(work), stop_, Done(*this));
  }

  auto get_allocator() const { return AllocatorOf(handler_); }
  void Abandon() { DeleteOperation(this, get_allocator()); }

 private:
  class Done {
   public:
    explicit Done(SpawnOperation& operation) : owner_(operation) {}
    using allocator_type = AllocatorFor<Handler>;
    allocator_type get_allocator() const noexcept { return owner_->get_allocator(); }
    void operator()(std::exception_ptr thrown, T result) {
      owner_.Release().Complete(std::move(thrown), std::move(result));
    }

   private:
    Owner<SpawnOperation> owner_;
  };

  void Complete(std::exception_ptr thrown, T result) {
    const TrackedExecutor<Handler, IoExecutor> executor = std::move(executor_);
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    CallHandler(executor, /*post=*/false, std::move(handler), std::move(thrown), std::move(result));
  }

  Handler handler_;
  TrackedExecutor<Handler, IoExecutor> executor_;
  Stop stop_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_SPAWN_H_
