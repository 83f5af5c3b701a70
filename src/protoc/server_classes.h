// SPDX-License-Identifier: Apache-2.0
// The decorators of a service: <Service>Decorated and <Service>CallbackDecorated.
#ifndef HOLDFAST_PROTOC_SERVER_CLASSES_H_
#define HOLDFAST_PROTOC_SERVER_CLASSES_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

namespace holdfast::protoc {

void PrintServerClasses(const google::protobuf::ServiceDescriptor& service,
                        google::protobuf::io::Printer& out);

}  // namespace holdfast::protoc

#endif  // HOLDFAST_PROTOC_SERVER_CLASSES_H_
