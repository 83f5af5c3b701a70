// SPDX-License-Identifier: Apache-2.0
// How an operation starts an attempt, whatever it is, and is called back. For drivers only.
#ifndef HOLDFAST_ASIO_ATTEMPT_START_H_
#define HOLDFAST_ASIO_ATTEMPT_START_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_stop.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/spawn.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

// Made: what the function returns. Result: what the call makes of it. Start hands it a handler; Of reads what
// that is called with, or throws what the attempt threw.
template <class Made>
struct AttemptKind {
  static_assert(boost::asio::is_async_operation<Made>::value,
                "the function of an asynchronous call must return an awaitable, or a deferred "
                "Asio operation: async_x(..., boost::asio::deferred)");
  using Reads = Completed<typename boost::asio::completion_signature_of<Made>::type>;
  using Result = typename Reads::Result;

  template <class Handler>
  static void Start(Made&& operation, Handler&& handler) {
    std::move(operation)(std::move(handler));
  }
  template <class... Args>
  static Result Of(const std::optional<hf_outcome>&, Args&&... args) {
    return Reads::Of(std::forward<Args>(args)...);
  }
};

template <class T, class Executor>
struct AttemptKind<boost::asio::awaitable<T, Executor>> {
  using Result = T;

  template <class Handler>
  static void Start(boost::asio::awaitable<T, Executor>&& attempt, Handler&& handler) {
    const Executor executor(handler.get_executor());
    Stop& stop = handler.stop();
    Spawn(executor, std::move(attempt), stop, std::move(handler));
  }
  static Result Of(const std::optional<hf_outcome>&, const std::exception_ptr& thrown, T value) {
    if (thrown) std::rethrow_exception(thrown);
    return value;
  }
};

template <class Executor>
struct AttemptKind<boost::asio::awaitable<void, Executor>> {
  using Result = absl::Status;

  template <class Handler>
  static void Start(boost::asio::awaitable<void, Executor>&& attempt, Handler&& handler) {
    const Executor executor(handler.get_executor());
    Stop& stop = handler.stop();
    Spawn(executor, std::move(attempt), stop, std::move(handler));
  }
  static Result Of(const std::optional<hf_outcome>& said, const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
    return StatusOfVoid(said);
  }
};

// The handler that an attempt gets: its operation's executor and allocator, and the attempt's own slot.
template <class Operation>
class AttemptHandlerOf {
 public:
  explicit AttemptHandlerOf(Operation& operation) : owner_(operation) {}

  using executor_type = typename Operation::Executor;
  executor_type get_executor() const noexcept { return owner_->get_executor(); }
  using allocator_type = decltype(std::declval<const Operation&>().get_allocator());
  allocator_type get_allocator() const noexcept { return owner_->get_allocator(); }
  using cancellation_slot_type = boost::asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return stop().signal.slot(); }
  Stop& stop() const noexcept { return owner_->stop(); }

 protected:
  Owner<Operation> owner_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_ATTEMPT_START_H_
