// SPDX-License-Identifier: Apache-2.0
// Acquire: a place in a bulkhead, or the tokens of a rate limiter, waited for without blocking a thread.
//
//   absl::StatusOr<BulkheadPermit> permit = co_await holdfast::asio::Acquire(bulkhead, {.timeout = 1s});
//   absl::Status turn = co_await holdfast::asio::Acquire(limiter, {.cost = 5});
//
// Errors are those of Bulkhead::Acquire and RateLimiter::Acquire, and kCancelled HF_R_ABORTED if the operation was
// cancelled: the place in the queue is then left, tokens taken for later are given back. Any type of
// cancellation does, for nothing has happened yet.
#ifndef HOLDFAST_ASIO_ACQUIRE_H_
#define HOLDFAST_ASIO_ACQUIRE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/asio/acquire_options.h>
#include <holdfast/asio/turn.h>
#include <holdfast/asio/turn_operation.h>
#include <holdfast/bulkhead.h>
#include <holdfast/limiter.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/system_executor.hpp>

namespace holdfast::inline v0_5::asio {

// For a coroutine, which does not suspend if it need not wait.
inline boost::asio::awaitable<absl::StatusOr<BulkheadPermit>> Acquire(
    const Bulkhead& bulkhead, const AcquireOptions& options) {
  return internal::AwaitTurn<internal::BulkheadTurn>(bulkhead, options);
}
inline boost::asio::awaitable<absl::Status> Acquire(const RateLimiter& limiter,
                                                    const AcquireOptions& options) {
  return internal::AwaitTurn<internal::LimiterTurn>(limiter, options);
}

// For any completion token: void(absl::StatusOr<BulkheadPermit>), void(absl::Status). Called on the handler's
// associated executor, Asio's system executor if it has none; never from inside this function. A permit that
// reaches no handler goes back.
template <class CompletionToken>
auto Acquire(const Bulkhead& bulkhead, const AcquireOptions& options, CompletionToken&& token) {
  return internal::AsyncTurn<internal::BulkheadTurn, CompletionToken>(bulkhead, options, token);
}
template <class CompletionToken>
auto Acquire(const RateLimiter& limiter, const AcquireOptions& options, CompletionToken&& token) {
  return internal::AsyncTurn<internal::LimiterTurn, CompletionToken>(limiter, options, token);
}

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_ACQUIRE_H_
