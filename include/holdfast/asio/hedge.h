// SPDX-License-Identifier: Apache-2.0
// Hedge: an asynchronous call that sends a second attempt where the first takes unusually long; the first
// success wins, and the others are cancelled.
//
//   absl::StatusOr<Page> page = co_await holdfast::asio::Hedge(
//       policy, pipeline, {.timeout = 200ms, .idempotent = true},
//       [&](Attempt&) -> awaitable<absl::StatusOr<Page>> { co_return co_await replicas.Get(id); });
//
// Completes when the losers have ended too: they may hold references to what belongs to the caller, who would
// not know when they let go of it. So an attempt must end soon after it is cancelled; one that cannot
// be cancelled keeps the winner's result waiting. Attempts run on a strand of their own over the executor, so that
// they may be cancelled on any executor.
//
// When, how often, and under which guards: c/hedge.h. An exception that a cancelled attempt throws is its own
// affair; any other cancels all attempts, and passes through.
#ifndef HOLDFAST_ASIO_HEDGE_H_
#define HOLDFAST_ASIO_HEDGE_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_start.h>
#include <holdfast/asio/hedge_operation.h>
#include <holdfast/asio/hedge_options.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/safe_callable.h>
#include <holdfast/hedge.h>
#include <holdfast/pipeline.h>

#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio {

// For any completion token, with the signature void(std::exception_ptr, Result). As asio::Call: results, copies
// of the function, and `executor`, which stands in for a handler that has none. An empty policy is the pipeline's.
// Cancelled, by any type: CANCELLED HF_R_ABORTED.
template <class Executor, class Fn, class CompletionToken>
auto Hedge(const Executor& executor, const HedgePolicy& policy, const Pipeline& pipeline,
           const HedgeCallOptions& options, Fn&& fn, CompletionToken&& token) {
  using Function = std::decay_t<Fn>;
  using Result = typename internal::AttemptKind<internal::AttemptResult<Function>>::Result;
  const auto start = [](auto&& handler, const Executor& executor, const HedgePolicy& policy,
                        const Pipeline& pipeline, const HedgeCallOptions& options, Function fn) {
    using Handler = std::decay_t<decltype(handler)>;
    using Operation = internal::HedgeOperation<Handler, Executor, Function>;
    internal::NewOperation<Operation>(std::move(handler), executor, policy, pipeline, options,
                                      std::move(fn))
        ->Start();
  };
  return internal::Initiate<Fn, CompletionToken, void(std::exception_ptr, Result)>(
      token, start, executor, policy, pipeline, options, Function(std::forward<Fn>(fn)));
}

// The same; a handler without an executor of its own is called by Asio's system executor.
template <class Fn, class CompletionToken>
auto Hedge(const HedgePolicy& policy, const Pipeline& pipeline, const HedgeCallOptions& options,
           Fn&& fn, CompletionToken&& token) {
  return Hedge(boost::asio::system_executor(), policy, pipeline, options, std::forward<Fn>(fn),
               std::forward<CompletionToken>(token));
}

// For a coroutine: an awaitable of the result.
template <class Fn>
auto Hedge(const HedgePolicy& policy, const Pipeline& pipeline, const HedgeCallOptions& options,
           Fn&& fn) {
  return Hedge(policy, pipeline, options, std::forward<Fn>(fn), boost::asio::use_awaitable);
}

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_HEDGE_H_
