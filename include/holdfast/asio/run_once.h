// SPDX-License-Identifier: Apache-2.0
// RunOnce: asynchronous work that runs at most once per key; duplicates get the first result, byte for byte.
//
//   absl::StatusOr<RunOnceResult> result = co_await holdfast::asio::RunOnce(
//       store, {.operation = "charge", .key = key}, {.pool = &pool, .request = bytes},
//       [&](holdfast::asio::Ticket& ticket) -> awaitable<absl::StatusOr<std::string>> {
//         co_return co_await Charge(request, ticket.DownstreamKey("card"));
//       });
//
// As holdfast::RunOnce (idempotency.h): keys, results, effects and errors. What cancellation, of any type that
// the coroutine lets through, does:
//   before the work    the claim is given back: CANCELLED HF_R_ABORTED, the key may run again
//   in the work        the work is cancelled; what it then returns or throws is settled as always
//   after the work     nothing: its result is stored
// A request to the store is never broken off: it may already have happened.
// A context that goes has the record settled as well, in the thread that destroys it.
#ifndef HOLDFAST_ASIO_RUN_ONCE_H_
#define HOLDFAST_ASIO_RUN_ONCE_H_

#include <absl/status/statusor.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/run_once_coroutine.h>
#include <holdfast/asio/run_once_options.h>
#include <holdfast/asio/safe_callable.h>
#include <holdfast/asio/spawn.h>
#include <holdfast/idempotency.h>
#include <holdfast/store.h>

#include <boost/asio/awaitable.hpp>
#include <exception>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio {

// For a coroutine. Key and request are read before this returns; the function is copied or moved in. It returns an
// awaitable of absl::StatusOr<std::string>, absl::Status or Answer. The store must outlive the operation.
// Errors besides those of holdfast::RunOnce: kInvalidArgument HF_R_BAD_OPTIONS for a store that blocks and has no Submit,
// without a pool.
template <class Fn>
boost::asio::awaitable<absl::StatusOr<RunOnceResult>> RunOnce(Store& store, const Key& key,
                                                              const RunOnceOptions& options,
                                                              Fn&& fn) {
  static_assert(internal::kSafeCallable<Fn>, HOLDFAST_UNSAFE_CALLABLE);
  return internal::RunOnceCoroutine<std::decay_t<Fn>>(store, internal::RunOnceCall(key, options),
                                                      std::forward<Fn>(fn));
}

// For any completion token, with the signature void(std::exception_ptr, absl::StatusOr<RunOnceResult>): the same
// coroutine, spawned on the handler's executor, or `executor` if it has none.
template <class Executor, class Fn, class CompletionToken>
auto RunOnce(const Executor& executor, Store& store, const Key& key, const RunOnceOptions& options,
             Fn&& fn, CompletionToken&& token) {
  using Result = absl::StatusOr<RunOnceResult>;
  const auto start = [](auto&& handler, const Executor& executor,
                        boost::asio::awaitable<Result> work) {
    using Handler = std::decay_t<decltype(handler)>;
    using Operation = internal::SpawnOperation<Result, Handler, Executor>;
    internal::NewOperation<Operation>(std::move(handler), executor)->Start(std::move(work));
  };
  return internal::Initiate<Fn, CompletionToken, void(std::exception_ptr, Result)>(
      token, start, executor,
      internal::RunOnceCoroutine<std::decay_t<Fn>>(store, internal::RunOnceCall(key, options),
                                                   std::forward<Fn>(fn)));
}

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_RUN_ONCE_H_
