// SPDX-License-Identifier: Apache-2.0
// Call: runs an asynchronous function under a pipeline, without blocking a thread.
//
//   absl::StatusOr<Receipt> receipt = co_await holdfast::asio::Call(
//       pipeline, {.timeout = 800ms, .idempotent = true},
//       [&](Attempt& attempt) -> awaitable<absl::StatusOr<Receipt>> { return client.Charge(order); });
//
//   holdfast::asio::Call(pipeline, {.timeout = 800ms},
//                        [&](Attempt&) { return client.AsyncCharge(order, boost::asio::deferred); },
//                        [](std::exception_ptr thrown, absl::StatusOr<Receipt> receipt) { ... });
//
// The result is the function's own, as of holdfast::Call. An attempt whose time is up is cancelled, and counts
// as DEADLINE_EXCEEDED. Cancelling the call, at any point, gives every permit back and
// ends it: CANCELLED HF_R_ABORTED, or the last attempt's own error with that reason. An exception of the function
// passes through. The drivers decide nothing: they do what hf_call_* says.
//
// Cancellation, and so an attempt's timeout, must not run beside the operation that it cancels: on an executor
// with several threads use a strand, as for any Asio operation.
#ifndef HOLDFAST_ASIO_CALL_H_
#define HOLDFAST_ASIO_CALL_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_start.h>
#include <holdfast/asio/call_coroutine.h>
#include <holdfast/asio/call_operation.h>
#include <holdfast/asio/call_options.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/safe_callable.h>
#include <holdfast/pipeline.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio {

// For any completion token, with the signature void(std::exception_ptr, Result). The function, fn() or
// fn(Attempt&), is copied or moved in (std::ref to share it), and returns an awaitable, or a deferred operation
// (attempt_result.h has the table of results). It is called on the handler's associated executor,
// except perhaps the first time, which is inside this function. `executor` stands in for a handler that has none.
template <class Executor, class Fn, class CompletionToken>
auto Call(const Executor& executor, const Pipeline& pipeline, const CallOptions& options, Fn&& fn,
          CompletionToken&& token) {
  using Function = std::decay_t<Fn>;
  using Result = typename internal::AttemptKind<internal::AttemptResult<Function>>::Result;
  const auto start = [](auto&& handler, const Executor& executor, const Pipeline& pipeline,
                        const CallOptions& options, Function fn) {
    using Handler = std::decay_t<decltype(handler)>;
    using Operation = internal::CallOperation<Handler, Executor, Function>;
    internal::NewOperation<Operation>(std::move(handler), executor, pipeline, options,
                                      std::move(fn))
        ->Start();
  };
  return internal::Initiate<Fn, CompletionToken, void(std::exception_ptr, Result)>(
      token, start, executor, pipeline, options, Function(std::forward<Fn>(fn)));
}

// The same; a handler without an executor of its own is called by Asio's system executor.
template <class Fn, class CompletionToken>
auto Call(const Pipeline& pipeline, const CallOptions& options, Fn&& fn, CompletionToken&& token) {
  return Call(boost::asio::system_executor(), pipeline, options, std::forward<Fn>(fn),
              std::forward<CompletionToken>(token));
}

// For a coroutine: an awaitable of the result. Attempts that are awaitables run in the coroutine itself. It costs
// a frame and a block more than without the call, both of which Asio recycles.
template <class Fn>
auto Call(const Pipeline& pipeline, const CallOptions& options, Fn&& fn) {
  static_assert(internal::kSafeCallable<Fn>, HOLDFAST_UNSAFE_CALLABLE);
  using Function = std::decay_t<Fn>;
  using Made = internal::AttemptResult<Function>;
  if constexpr (internal::kIsAwaitable<Made>) {
    return internal::CallCoroutine<Function>(
        internal::Recycled<internal::CoroutineCall>(std::in_place, pipeline, options,
                                                    internal::kDeclaredIdempotent<Function>),
        Function(std::forward<Fn>(fn)), static_cast<Made*>(nullptr));
  } else {
    return Call(pipeline, options, std::forward<Fn>(fn), boost::asio::use_awaitable);
  }
}

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_CALL_H_
