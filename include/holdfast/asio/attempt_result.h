// SPDX-License-Identifier: Apache-2.0
// What an asynchronous attempt may be, and what its end says. For drivers only.
//
//   fn(Attempt&) returns                                 the call's result
//   awaitable<T>                                         T; absl::Status for void
//   a deferred operation that completes with
//     (), (error_code), (exception_ptr)                  absl::Status
//     (T), (exception_ptr, T)                            T, if OutcomeTraits can read it
//     (error_code, T)                                    absl::StatusOr<T>
//
// An attempt that was cancelled, and says so (operation_aborted, CANCELLED), has ended by whoever cancelled it:
// its own timeout (DEADLINE_EXCEEDED), or the caller (CANCELLED). Any other exception is the caller's to catch.
#ifndef HOLDFAST_ASIO_ATTEMPT_RESULT_H_
#define HOLDFAST_ASIO_ATTEMPT_RESULT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/attempt.h>
#include <holdfast/call.h>
#include <holdfast/outcome.h>
#include <holdfast/status.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

using holdfast::internal::AttemptResult;
using holdfast::internal::kIsIdempotent;
using holdfast::internal::kKnowsItsAttempt;
using holdfast::internal::kNoCannedResult;
using holdfast::internal::RunAttempt;

template <typename T>
inline constexpr bool kIsAwaitable = false;
template <typename T, typename Executor>
inline constexpr bool kIsAwaitable<boost::asio::awaitable<T, Executor>> = true;

template <typename T>
using ResultOrStatus = std::conditional_t<std::is_void_v<T>, absl::Status, T>;

inline absl::Status StatusOf(const boost::system::error_code& error) {
  if (!error) return absl::OkStatus();
  return MakeStatus(CodeOf(std::error_code(error)), HF_R_NONE, error.message());
}

// A function given by std::ref says for itself whether it may be repeated.
template <typename Fn>
inline constexpr bool kDeclaredIdempotent =
    kIsIdempotent<std::remove_cvref_t<std::unwrap_reference_t<Fn>>>;

// Asynchronous attempts are cancelled by their slot.
inline const std::stop_token kNoStopToken{};

// The result of an attempt that returns nothing.
inline absl::Status StatusOfVoid(const std::optional<hf_outcome>& said) {
  return said ? MakeStatus(said->code, HF_R_NONE, "attempt failed") : absl::OkStatus();
}

// The result of each signature, and how it is made of what the operation completes with.
template <typename Signature>
struct Completed;
template <>
struct Completed<void()> {
  using Result = absl::Status;
  static Result Of() { return absl::OkStatus(); }
};
template <>
struct Completed<void(boost::system::error_code)> {
  using Result = absl::Status;
  static Result Of(const boost::system::error_code& error) { return StatusOf(error); }
};
template <>
struct Completed<void(std::exception_ptr)> {
  using Result = absl::Status;
  static Result Of(const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
    return absl::OkStatus();
  }
};
template <typename T>
struct Completed<void(T)> {
  using Result = T;
  static Result Of(T value) { return value; }
};
template <typename T>
struct Completed<void(std::exception_ptr, T)> {
  using Result = T;
  static Result Of(const std::exception_ptr& thrown, T value) {
    if (thrown) std::rethrow_exception(thrown);
    return value;
  }
};
template <typename T>
struct Completed<void(boost::system::error_code, T)> {
  using Result = absl::StatusOr<T>;
  static Result Of(const boost::system::error_code& error, T value) {
    if (error) return StatusOf(error);
    return value;
  }
};

// Who told an attempt to stop.
struct Cut {
  bool timed_out = false;
  bool caller = false;

  // What it then comes to, if it says that it was cancelled.
  std::optional<hf_code> code() const {
    if (timed_out) return HF_DEADLINE_EXCEEDED;
    if (caller) return HF_CANCELLED;
    return std::nullopt;
  }
};

// Whether an exception only says that its thrower was cancelled.
inline bool SaysCancelled(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    return error.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

// The last attempt's end, as the session and the caller want it.
template <typename Result>
class Ended {
 public:
  using Traits = OutcomeTraits<Result>;

  void Set(Result result) { last_.emplace(std::move(result)); }

  // The attempt threw. False: that is for the caller.
  bool Catch(const std::exception_ptr& thrown, const Cut& cut) {
    if (!cut.code() || !SaysCancelled(thrown)) return false;
    CutOff(*cut.code());
    return true;
  }

  // What the session is to be told.
  hf_outcome Judge(const std::optional<hf_outcome>& said, const Cut& cut) {
    if (said.has_value()) return *said;
    const hf_outcome outcome = Traits::Classify(*last_);
    if (outcome.code != HF_CANCELLED || !cut.timed_out) return outcome;
    CutOff(HF_DEADLINE_EXCEEDED);
    return OutcomeOfCode(HF_DEADLINE_EXCEEDED);
  }

  // The attempt has no result of its own.
  void CutOff(hf_code code) {
    last_.emplace(Traits::FromRejection({.code = static_cast<absl::StatusCode>(code)}));
  }

  // The call's result, once.
  Result Finish(const Rejection& why) {
    if (!last_.has_value()) return Traits::FromRejection(why);
    if constexpr (requires { Traits::Annotate(*std::move(last_), why.reason, why.retry_after); }) {
      if (why.reason != HF_R_NONE) {
        return Traits::Annotate(*std::move(last_), why.reason, why.retry_after);
      }
    }
    return *std::move(last_);
  }

 private:
  std::optional<Result> last_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_ATTEMPT_RESULT_H_
