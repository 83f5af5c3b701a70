// SPDX-License-Identifier: Apache-2.0
// Call: runs a function under a pipeline, in this thread.
//
//   absl::StatusOr<Receipt> receipt = holdfast::Call(
//       pipeline, {.timeout = 800ms, .idempotent = true},
//       [&](Attempt& attempt) { return client.Charge(order, attempt.remaining()); });
//
// The result is the function's own: its success, or its last error with the reason for giving up
// attached (RejectionOf). Only if no attempt was made is it a refusal of ours. An exception of the function
// passes through, and every permit goes back. The driver decides nothing: it does what hf_call_* says.
#ifndef HOLDFAST_CALL_H_
#define HOLDFAST_CALL_H_

#include <absl/status/status.h>
#include <holdfast/attempt.h>
#include <holdfast/blocking_call.h>
#include <holdfast/call_options.h>
#include <holdfast/outcome.h>
#include <holdfast/pipeline.h>
#include <holdfast/status.h>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5 {

namespace internal {

// Whether the function is told which attempt it is, and so of a canned result that is to be given for it.
template <typename Fn>
inline constexpr bool kKnowsItsAttempt = std::is_invocable_v<Fn&, Attempt&>;

// What a function that was not run for a canned result, because it could not give it, "returns".
inline constexpr Rejection kNoCannedResult{absl::StatusCode::kUnavailable, HF_R_FAULT_INJECTED};

template <typename Fn>
decltype(auto) RunAttempt(Fn& fn, Attempt& attempt) {
  if constexpr (kKnowsItsAttempt<Fn>) {
    return std::invoke(fn, attempt);
  } else {
    return std::invoke(fn);
  }
}

// Whether the function says of itself that it may be repeated.
template <typename Fn>
inline constexpr bool kIsIdempotent = false;
template <typename Fn>
inline constexpr bool kIsIdempotent<Idempotent<Fn>> = true;

template <typename Fn>
using AttemptResult =
    std::decay_t<decltype(RunAttempt(std::declval<Fn&>(), std::declval<Attempt&>()))>;

}  // namespace internal

// Runs fn() or fn(Attempt&) until the pipeline is content or gives up. Blocks. `fn` may be called several
// times, always from this thread; one without Attempt& is not run for a canned result (fault.h). Returns
// fn's result type (see OutcomeTraits), absl::Status if that is void. Errors, if no attempt was made:
// kDeadlineExceeded HF_R_DEADLINE, the guards' refusals, kCancelled HF_R_ABORTED (options.stop),
// kInvalidArgument for options out of range or an empty pipeline.
template <typename Fn>
auto Call(const Pipeline& pipeline, const CallOptions& options, Fn&& fn) {
  using Made = internal::AttemptResult<Fn>;
  using Result = std::conditional_t<std::is_void_v<Made>, absl::Status, Made>;
  using Traits = OutcomeTraits<Result>;

  internal::BlockingCall call(pipeline, options, internal::kIsIdempotent<std::decay_t<Fn>>);
  std::optional<Result> last;
  while (call.AwaitAttempt()) {
    Attempt attempt = call.MakeAttempt();
    if (!internal::kKnowsItsAttempt<Fn> && attempt.fault() != 0) {
      last.emplace(Traits::FromRejection(internal::kNoCannedResult));
    } else if constexpr (std::is_void_v<Made>) {
      internal::RunAttempt(fn, attempt);
      last.emplace(attempt.outcome()
                       ? MakeStatus(attempt.outcome()->code, HF_R_NONE, "attempt failed")
                       : absl::OkStatus());
    } else {
      last.emplace(internal::RunAttempt(fn, attempt));
    }
    call.Settle(attempt.outcome() ? *attempt.outcome() : Traits::Classify(*last));
  }

  const Rejection why = call.Finish();
  if (!last.has_value()) return Traits::FromRejection(why);
  if constexpr (requires { Traits::Annotate(*std::move(last), why.reason, why.retry_after); }) {
    if (why.reason != HF_R_NONE) {
      return Result(Traits::Annotate(*std::move(last), why.reason, why.retry_after));
    }
  }
  return Result(*std::move(last));
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CALL_H_
