// SPDX-License-Identifier: Apache-2.0
// The forms that an event is read in and written in.
//
//   form                        what is in the file
//   protobuf, protobuf-batch    a message io.cloudevents.v1.CloudEvent, or CloudEventBatch
//   json, json-batch            an object, or an array of them
//   http, kafka, amqp, grpc     lines `name: value`, an empty line, the body: binary, structured or batched mode, as its
//                               Content-Type says. Before HTTP's headers a request or status line may stand. Without the
//                               empty line there is no body, which in Kafka is a null value
#ifndef HOLDFAST_CLI_ENVELOPE_FORMS_H_
#define HOLDFAST_CLI_ENVELOPE_FORMS_H_

#include <holdfast/envelope_headers.h>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli::envelope {

enum class Form {
  kAuto,  // whichever it looks like
  kProtobuf,
  kProtobufBatch,
  kJson,
  kJsonBatch,
  kHttp,
  kKafka,
  kAmqp,
  kGrpc,
  kHttpJson,      // written only: structured mode
  kHttpProtobuf,  // likewise
  kText,          // written only: for people
  kData,          // written only: the payload alone
};

std::string_view Name(Form form);
// The binding of a form with headers.
std::optional<Binding> BindingOf(Form form);
// What bytes look like. Protobuf if like nothing else.
Form FormOf(std::string_view bytes);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_FORMS_H_
