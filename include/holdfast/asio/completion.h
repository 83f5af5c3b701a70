// SPDX-License-Identifier: Apache-2.0
// How an operation's own steps and its handler get to the executor. For drivers only.
#ifndef HOLDFAST_ASIO_COMPLETION_H_
#define HOLDFAST_ASIO_COMPLETION_H_

#include <holdfast/asio/operation_memory.h>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace holdfast::inline v0_2::asio::internal {

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
  auto completion = boost::asio::append(std::move(handler), std::move(results)...);
  if (post) {
    boost::asio::post(executor, std::move(completion));
  } else {
    boost::asio::dispatch(executor, std::move(completion));
  }
}

}  // namespace holdfast::inline v0_2::asio::internal

#endif  // HOLDFAST_ASIO_COMPLETION_H_
