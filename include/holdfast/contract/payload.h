// SPDX-License-Identifier: Apache-2.0
// Payload: the data of an event as a protobuf message, and back.
//
//   data         datacontenttype                                        is
//   PROTO        any                                                    binary; its type URL names the message
//   BINARY       none, application/protobuf, application/x-protobuf,    binary
//                application/vnd.google.protobuf, .../octet-stream
//   BINARY       application/json, text/json, ...+json                  JSON
//   TEXT         none, or one of those                                  JSON
//
// All else is neither. What a payload holds never appears in an error.
#ifndef HOLDFAST_CONTRACT_PAYLOAD_H_
#define HOLDFAST_CONTRACT_PAYLOAD_H_

#include <absl/status/status.h>
#include <google/protobuf/message.h>
#include <holdfast/envelope.h>
#include <holdfast/envelope_view.h>

#include <cstddef>
#include <cstdint>

namespace holdfast::inline v0_5::contract {

enum class Encoding { kBinary, kJson };

struct PayloadLimits {
  std::size_t max_size = std::size_t{16} << 20;  // bytes: 1..2^31-1
  int max_depth =
      100;  // messages within messages, of the binary encoding: 1..1000; of JSON it is 100
};

// Errors: kInvalidArgument HF_R_CONTRACT_PAYLOAD: neither, or there is no data.
absl::StatusOr<Encoding> EncodingOf(const EnvelopeView& event);

// Reads the payload into *message. `unknown_fields` (nullable) gets how many fields, at any depth, the message does
// not know; of JSON, where they are passed over, 1 if there is any. Thread-safe.
// Errors: kInvalidArgument: HF_R_CONTRACT_MESSAGE: the type URL names another message; HF_R_CONTRACT_PAYLOAD: it does not
// parse, a required field is missing (by its path), it is over a limit, or as EncodingOf.
absl::Status ReadPayload(const EnvelopeView& event, google::protobuf::Message* message,
                         const PayloadLimits& limits = {}, std::uint64_t* unknown_fields = nullptr);

// Gives *event this payload, in the encoding and the kind that its data has now (without data: binary). The same
// message gives the same bytes. Errors: kInvalidArgument HF_R_CONTRACT_PAYLOAD: a required field is missing, it has no JSON
// form, it is above 2^31-1 bytes; or as EncodingOf. *event is as it was then.
absl::Status WritePayload(const google::protobuf::Message& message, Envelope* event);

// How many fields of `message`, at any depth, its schema does not know.
std::uint64_t CountUnknownFields(const google::protobuf::Message& message);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_PAYLOAD_H_
