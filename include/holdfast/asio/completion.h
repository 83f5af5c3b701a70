// SPDX-License-Identifier: Apache-2.0
// How an operation's own steps and its handler get to the executor. For drivers only.
//
// An operation takes its executor as tracked when it starts, and posts to that: this keeps run() from returning,
// and lets an executor that carries a context (context.h) see where the operation began.
#ifndef HOLDFAST_ASIO_COMPLETION_H_
#define HOLDFAST_ASIO_COMPLETION_H_

#include <holdfast/asio/operation_memory.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

// The handler's executor, or else `executor`, with work of this operation on it.
template <class Handler, class IoExecutor = boost::asio::system_executor>
auto TrackedExecutorOf(const Handler& handler, const IoExecutor& executor = IoExecutor()) {
  return boost::asio::prefer(boost::asio::get_associated_executor(handler, executor),
                             boost::asio::execution::outstanding_work.tracked);
}
template <class Handler, class IoExecutor = boost::asio::system_executor>
using TrackedExecutor = std::decay_t<decltype(TrackedExecutorOf(
    std::declval<const Handler&>(), std::declval<const IoExecutor&>()))>;

// The next step of an operation, which it owns on its way. Calls OnResume.
template <class Operation>
class Resume {
 public:
  explicit Resume(Operation& operation) : owner_(operation) {}

  using allocator_type = decltype(std::declval<const Operation&>().get_allocator());
  allocator_type get_allocator() const noexcept { return owner_->get_allocator(); }

  void operator()() { owner_.Release().OnResume(); }

 private:
  Owner<Operation> owner_;
};

// The handler and what it is called with. It has the handler's allocator and not its executor: it is on its way there.
template <class Handler, class... Results>
class Completion {
 public:
  explicit Completion(Handler&& handler, Results... results)
      : handler_(std::move(handler)), results_(std::move(results)...) {}

  using allocator_type = AllocatorFor<Handler>;
  allocator_type get_allocator() const noexcept { return AllocatorOf(handler_); }

  void operator()() {
    std::apply([this](auto&... results) { std::move(handler_)(std::move(results)...); }, results_);
  }

 private:
  Handler handler_;
  std::tuple<Results...> results_;
};

// Listens to the handler's cancellation, if that can come, until the handler is called.
template <class Handler, class Listener>
void AssignSlot(const Handler& handler, Listener listener) {
  auto slot = boost::asio::get_associated_cancellation_slot(handler);
  if (!slot.is_connected()) return;
  slot.assign([listener](boost::asio::cancellation_type type) mutable {
    if (type != boost::asio::cancellation_type::none) listener(type);
  });
}

// Calls it on the executor: at once if that is where this is, unless it must be posted.
template <class Executor, class Handler, class... Results>
void CallHandler(const Executor& executor, bool post, Handler&& handler, Results&&... results) {
  auto slot = boost::asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) slot.clear();
  Completion<Handler, std::decay_t<Results>...> completion(std::move(handler),
                                                           std::move(results)...);
  if (post) {
    boost::asio::post(executor, std::move(completion));
  } else {
    boost::asio::dispatch(executor, std::move(completion));
  }
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_COMPLETION_H_
