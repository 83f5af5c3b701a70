// SPDX-License-Identifier: Apache-2.0
// MakeEdge: an edge from a function over generated messages.
//
//   v2::Order ToV2(const v1::Order& old);
//   Edge edge = MakeEdge<v1::Order, v2::Order>("com.acme.order", {1, 1}, {2, 0}, ToV2);
//
// The function may take the event's EnvelopeView as a second argument. It answers with a message, with std::optional or
// std::vector of them for fewer or more events than one, or with absl::StatusOr of any of these.
#ifndef HOLDFAST_CONTRACT_TYPED_CONVERSION_H_
#define HOLDFAST_CONTRACT_TYPED_CONVERSION_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/upcast.h>

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::contract {
namespace internal {

// Appends the event with this message in place of its own.
inline absl::Status AppendEvent(const EnvelopeView& event, const google::protobuf::Message& message,
                                std::vector<Envelope>* events) {
  Envelope& made = events->emplace_back(event);
  return WritePayload(message, &made);
}

template <class To>
absl::Status AppendEvents(const EnvelopeView& event, const To& message,
                          std::vector<Envelope>* events) {
  return AppendEvent(event, message, events);
}

template <class To>
absl::Status AppendEvents(const EnvelopeView& event, const std::optional<To>& message,
                          std::vector<Envelope>* events) {
  return message ? AppendEvent(event, *message, events) : absl::OkStatus();
}

template <class To>
absl::Status AppendEvents(const EnvelopeView& event, const std::vector<To>& messages,
                          std::vector<Envelope>* events) {
  for (const To& message : messages) {
    if (absl::Status made = AppendEvent(event, message, events); !made.ok()) return made;
  }
  return absl::OkStatus();
}

template <class Answer>
absl::Status AppendEvents(const EnvelopeView& event, const absl::StatusOr<Answer>& answer,
                          std::vector<Envelope>* events) {
  return answer.ok() ? AppendEvents(event, *answer, events) : answer.status();
}

template <class From, class Function>
decltype(auto) CallConversion(const Function& convert, const From& message,
                              const EnvelopeView& event) {
  if constexpr (std::invocable<const Function&, const From&, const EnvelopeView&>) {
    return convert(message, event);
  } else {
    return convert(message);
  }
}

}  // namespace internal

// A conversion of payloads; all else of the event stays. Errors of it: as ReadPayload, WritePayload, and the function's.
template <std::derived_from<google::protobuf::Message> From, class Function>
Conversion ConvertPayload(Function convert, PayloadLimits limits = {}) {
  return [convert = std::move(convert),
          limits](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
    From message;
    if (absl::Status read = ReadPayload(event, &message, limits); !read.ok()) return read;
    std::vector<Envelope> events;
    absl::Status made =
        internal::AppendEvents(event, internal::CallConversion(convert, message, event), &events);
    if (!made.ok()) return made;
    return events;
  };
}

// `moved`: as in Edge.
template <std::derived_from<google::protobuf::Message> From,
          std::derived_from<google::protobuf::Message> To, class Function>
Edge MakeEdge(std::string contract, VersionNumber from, VersionNumber to, Function convert,
              std::vector<std::string> moved = {}, PayloadLimits limits = {}) {
  return {.contract = std::move(contract),
          .from = from,
          .to = to,
          .convert = ConvertPayload<From>(std::move(convert), limits),
          .from_message = From::descriptor()->full_name(),
          .to_message = To::descriptor()->full_name(),
          .moved = std::move(moved)};
}

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_TYPED_CONVERSION_H_
