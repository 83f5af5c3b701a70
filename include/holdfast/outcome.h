// SPDX-License-Identifier: Apache-2.0
// OutcomeTraits: how a user's result is read as an outcome, and how a refusal becomes a result.
//
//   OutcomeTraits<T>::Classify(const T&) -> hf_outcome      what an attempt did
//   OutcomeTraits<T>::FromRejection(const Rejection&) -> T  the answer where no attempt was made
//   OutcomeTraits<T>::Annotate(T, reason, retry_after) -> T optional: the last result, with who stopped
//
//   built in                       success            else
//   absl::Status, StatusOr<V>      ok()               its code
//   std::error_code                no error           the nearest code to its generic condition
//   expected-like (has_value(),    has_value()        its error(), read as above
//     error(), constructible from
//     its unexpected_type)
//   void                           always             Call then returns absl::Status
//
// For a type of your own, specialise it, or declare beside the type (found by argument-dependent lookup)
//   hf_outcome HoldfastOutcome(const Mine&);
//   Mine HoldfastRejection(const holdfast::Rejection&, std::type_identity<Mine>);
// Leave verdict and effect 0 where you know no more than the code: see c/outcome.h. bool is not built in,
// because no one agrees on what false means.
#ifndef HOLDFAST_OUTCOME_H_
#define HOLDFAST_OUTCOME_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/outcome.h>
#include <holdfast/status.h>

#include <concepts>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5 {

// An outcome of which only the code is known.
inline hf_outcome OutcomeOfCode(hf_code code) {
  hf_outcome outcome{};
  outcome.code = code;
  return outcome;
}

// The canonical code nearest to an errno-like condition; HF_UNKNOWN for what has none.
inline hf_code CodeOf(const std::error_code& error) {
  if (!error) return HF_OK;
  static constexpr struct {
    std::errc condition;
    hf_code code;
  } kNearest[] = {
      {std::errc::operation_canceled, HF_CANCELLED},
      {std::errc::timed_out, HF_DEADLINE_EXCEEDED},
      {std::errc::stream_timeout, HF_DEADLINE_EXCEEDED},
      {std::errc::invalid_argument, HF_INVALID_ARGUMENT},
      {std::errc::argument_list_too_long, HF_INVALID_ARGUMENT},
      {std::errc::bad_address, HF_INVALID_ARGUMENT},
      {std::errc::filename_too_long, HF_INVALID_ARGUMENT},
      {std::errc::no_such_file_or_directory, HF_NOT_FOUND},
      {std::errc::no_such_device, HF_NOT_FOUND},
      {std::errc::file_exists, HF_ALREADY_EXISTS},
      {std::errc::permission_denied, HF_PERMISSION_DENIED},
      {std::errc::operation_not_permitted, HF_PERMISSION_DENIED},
      {std::errc::no_space_on_device, HF_RESOURCE_EXHAUSTED},
      {std::errc::not_enough_memory, HF_RESOURCE_EXHAUSTED},
      {std::errc::too_many_files_open, HF_RESOURCE_EXHAUSTED},
      {std::errc::not_connected, HF_FAILED_PRECONDITION},
      {std::errc::broken_pipe, HF_UNAVAILABLE},
      {std::errc::connection_refused, HF_UNAVAILABLE},
      {std::errc::connection_reset, HF_UNAVAILABLE},
      {std::errc::connection_aborted, HF_UNAVAILABLE},
      {std::errc::host_unreachable, HF_UNAVAILABLE},
      {std::errc::network_unreachable, HF_UNAVAILABLE},
      {std::errc::network_down, HF_UNAVAILABLE},
      {std::errc::resource_unavailable_try_again, HF_UNAVAILABLE},
      {std::errc::device_or_resource_busy, HF_UNAVAILABLE},
      {std::errc::value_too_large, HF_OUT_OF_RANGE},
      {std::errc::result_out_of_range, HF_OUT_OF_RANGE},
      {std::errc::function_not_supported, HF_UNIMPLEMENTED},
      {std::errc::not_supported, HF_UNIMPLEMENTED},
  };
  for (const auto& [condition, code] : kNearest) {
    if (error == condition) return code;
  }
  return HF_UNKNOWN;
}

// The condition nearest to a canonical code, the other way round.
inline std::error_code ErrorOfCode(hf_code code) {
  switch (code) {
    case HF_OK:
      return {};
    case HF_CANCELLED:
      return std::make_error_code(std::errc::operation_canceled);
    case HF_DEADLINE_EXCEEDED:
      return std::make_error_code(std::errc::timed_out);
    case HF_RESOURCE_EXHAUSTED:
      return std::make_error_code(std::errc::device_or_resource_busy);
    case HF_UNAVAILABLE:
      return std::make_error_code(std::errc::resource_unavailable_try_again);
    case HF_INVALID_ARGUMENT:
      return std::make_error_code(std::errc::invalid_argument);
    default:
      return std::make_error_code(std::errc::io_error);
  }
}

namespace internal {

template <typename T>
concept HasHook = requires(const T& value, const Rejection& rejection) {
  { HoldfastOutcome(value) } -> std::convertible_to<hf_outcome>;
  { HoldfastRejection(rejection, std::type_identity<T>{}) } -> std::convertible_to<T>;
};

template <typename T>
concept ExpectedLike =
    requires(const T& value) {
      typename T::error_type;
      typename T::unexpected_type;
      { value.has_value() } -> std::convertible_to<bool>;
      { value.error() } -> std::convertible_to<const typename T::error_type&>;
    } && std::constructible_from<typename T::unexpected_type, typename T::error_type> &&
    std::constructible_from<T, typename T::unexpected_type>;

inline absl::Status RejectionStatus(const Rejection& rejection) {
  const std::string text = rejection.reason == HF_R_NONE
                               ? "the attempt was cut off"  // who stops the call says why
                               : "no attempt was made: " + std::string(rejection.reason_name());
  return MakeStatus(static_cast<hf_code>(rejection.code), rejection.reason, text,
                    rejection.retry_after);
}

}  // namespace internal

template <typename T>
struct OutcomeTraits;

template <typename T>
  requires internal::HasHook<T>
struct OutcomeTraits<T> {
  static hf_outcome Classify(const T& value) { return HoldfastOutcome(value); }
  static T FromRejection(const Rejection& rejection) {
    return HoldfastRejection(rejection, std::type_identity<T>{});
  }
};

template <>
struct OutcomeTraits<void> {
  static hf_outcome Classify() { return OutcomeOfCode(HF_OK); }
};

template <>
struct OutcomeTraits<absl::Status> {
  static hf_outcome Classify(const absl::Status& status) {
    hf_outcome outcome = OutcomeOfCode(static_cast<hf_code>(status.code()));
    if (status.ok()) return outcome;
    // A refusal of ours further down the stack knows when to come back.
    if (const auto rejection = RejectionOf(status);
        rejection && rejection->retry_after.count() > 0) {
      outcome.retry_after = rejection->retry_after.count();
    }
    return outcome;
  }
  static absl::Status FromRejection(const Rejection& rejection) {
    return internal::RejectionStatus(rejection);
  }
  // A reason that came with the status stays: it is nearer to the cause.
  static absl::Status Annotate(absl::Status status, hf_reason reason, Duration retry_after) {
    if (status.ok() || RejectionOf(status).has_value()) return status;
    return WithReason(std::move(status), reason, retry_after);
  }
};

template <typename Value>
struct OutcomeTraits<absl::StatusOr<Value>> {
  using Plain = OutcomeTraits<absl::Status>;
  using Result = absl::StatusOr<Value>;

  static hf_outcome Classify(const Result& result) {
    return result.ok() ? OutcomeOfCode(HF_OK) : Plain::Classify(result.status());
  }
  static Result FromRejection(const Rejection& rejection) {
    return Plain::FromRejection(rejection);
  }
  static Result Annotate(Result result, hf_reason reason, Duration retry_after) {
    if (result.ok()) return result;
    return Plain::Annotate(std::move(result).status(), reason, retry_after);
  }
};

template <>
struct OutcomeTraits<std::error_code> {
  static hf_outcome Classify(const std::error_code& error) { return OutcomeOfCode(CodeOf(error)); }
  static std::error_code FromRejection(const Rejection& rejection) {
    return ErrorOfCode(static_cast<hf_code>(rejection.code));
  }
};

template <typename T>
  requires internal::ExpectedLike<T> && (!internal::HasHook<T>)
struct OutcomeTraits<T> {
  using Error = OutcomeTraits<typename T::error_type>;

  static hf_outcome Classify(const T& value) {
    return value.has_value() ? OutcomeOfCode(HF_OK) : Error::Classify(value.error());
  }
  static T FromRejection(const Rejection& rejection) {
    return T(typename T::unexpected_type(Error::FromRejection(rejection)));
  }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_OUTCOME_H_
